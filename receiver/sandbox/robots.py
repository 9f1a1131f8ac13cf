"""The robots the sandbox knows: who may post, how each post is secured, and what each has used up."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

_STRANGERS = 10_000
_REMEMBERED = 10_000

APPS = ("wecom_app", "dingtalk_app", "feishu_app")
KINDS = ("wecom_robot", "dingtalk_robot", "feishu_bot", "webhook", *APPS)
OTHER = "other"
"""The kind of whatever no stand-in was written for."""


@dataclass
class Options:
    """Where the providers' documents leave a choice; the defaults are the strict ones."""

    wecom_text_limit: int = 2048
    """Bytes of a WeCom text; 5120 is what a live answer once named."""
    wecom_block: float = 60.0
    """Seconds a WeCom robot stays blocked once it went over 20 a minute."""
    dingtalk_rate_code: int = 660026
    """660026 (seen live), 410100 (documented) or 130101 (older)."""
    dingtalk_chinese: bool = False
    """Refuse a missing keyword in the Chinese wording seen in 2026."""
    feishu_body_limit: int = 20_000
    """Bytes of a whole Feishu body; the documents say 20 KB."""
    token_calls: int = 100
    """Token fetches of one app in a minute before it is throttled; the providers only say that it happens."""
    wecom_failures: int = 2000
    """Token fetches with a wrong secret in an hour before WeCom blocks their address for an hour."""
    feishu_card_limit: int = 30_000
    """Bytes of a request that carries a Feishu app's card or post; the documents say 30 KB."""
    feishu_text_limit: int = 150_000
    """Bytes of a request that carries a Feishu app's text; the documents say 150 KB."""
    feishu_recall: float = 86400.0
    """Seconds in which a Feishu app may recall its message; the tenant's administrator sets them."""


class Media(NamedTuple):
    """An uploaded file: when it came, what it is called, how many bytes it has."""

    at: float
    name: str
    size: int

    def __str__(self) -> str:
        return f"{self.name}, {self.size} B"


@dataclass(eq=False)
class Robot:
    """One credential: its security settings and what it has used of its limits. Times are Unix seconds."""

    kind: str
    credential: str = field(repr=False)
    name: str = ""
    secret: str | None = field(default=None, repr=False)
    keywords: tuple[str, ...] = ()
    ip_list: tuple[str, ...] = ()
    monthly: int | None = None
    at_all: bool = True
    known: bool = True
    calls: deque[float] = field(default_factory=lambda: deque(maxlen=1000), repr=False)
    blocked_until: float = 0.0
    seen: OrderedDict[str, bytes] = field(default_factory=OrderedDict, repr=False)
    media: dict[str, Media] = field(default_factory=dict, repr=False)
    months: dict[str, int] = field(default_factory=dict, repr=False)

    @property
    def account(self) -> str:
        """What tells it from the others of its kind."""
        return self.credential

    def hidden(self) -> set[str]:
        """What must not be shown of it. A webhook's path is no secret, nor a name."""
        named = () if self.kind in ("webhook", OTHER) else (self.credential,)
        return {text for text in (*named, self.secret) if text}

    def used(self, now: float, per: float) -> int:
        """How many calls were counted in the `per` seconds before `now`."""
        return sum(1 for at in self.calls if now - at < per)

    def remember(self, key: str, content: bytes) -> bytes | None:
        """What this robot sent before under the idempotency `key`, None if nothing; `content` is remembered."""
        before = self.seen.get(key)
        if before is None:
            self.seen[key] = content
            if len(self.seen) > _REMEMBERED:
                self.seen.popitem(last=False)
        return before

    def count_month(self, now: float) -> bool:
        """Count one call of the calendar month in Shanghai; False, counting nothing, once the quota is spent."""
        month = shanghai(now).strftime("%Y-%m")
        used = self.months.get(month, 0)
        if self.monthly is not None and used >= self.monthly:
            return False
        self.months = {month: used + 1}
        return True

    def admits(self, ip: str) -> bool:
        """Whether the address may post: an exact address, a CIDR or a pattern like `123.12.1.*`."""
        return not self.ip_list or any(_matches(ip, rule) for rule in self.ip_list)


def _matches(ip: str, rule: str) -> bool:
    if rule.endswith("*"):
        return ip.startswith(rule[:-1])
    try:
        return ipaddress.ip_address(ip) in ipaddress.ip_network(rule, strict=False)
    except ValueError:
        return False


class Robots:
    """Every registered robot by kind and credential, and a bounded memory of strangers (they are throttled too)."""

    def __init__(self) -> None:
        self.accept_unknown = False
        self._known: dict[tuple[str, str], Robot] = {}
        self._strangers: OrderedDict[tuple[str, str], Robot] = OrderedDict()

    def __iter__(self) -> Iterator[Robot]:
        return iter(self._known.values())

    def add(self, robot: Robot) -> None:
        """Register `robot`, in place of one with the same credential. ValueError for a kind nobody stands in for."""
        if robot.kind not in (*KINDS, OTHER):
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        robot.name = robot.name or short(robot.credential)
        self._known[robot.kind, robot.account] = robot

    def remove(self, kind: str, credential: str) -> None:
        """Forget a robot: from now on its credential is unknown, as after its removal from the group."""
        for robot in self.of(kind, credential):
            self._known.pop((kind, robot.account), None)

    def of(self, kind: str, credential: str) -> list[Robot]:
        """Every registered one with this credential: several apps may share a WeCom corp id."""
        return [robot for robot in self if robot.kind == kind and robot.credential == credential]

    def find(self, kind: str, credential: str) -> Robot:
        """The robot of this credential; one with `known` False if it was never registered."""
        robot = self._known.get((kind, credential))
        if robot is None and self.accept_unknown and credential:
            robot = Robot(kind, credential)
            self.add(robot)
        return robot or self.stranger(kind, credential)

    def stranger(self, kind: str, credential: str) -> Robot:
        """Somebody nobody registered, remembered by credential."""
        robot = self._strangers.setdefault(
            (kind, credential), Robot(kind, credential, name=short(credential), known=False)
        )
        if len(self._strangers) > _STRANGERS:
            self._strangers.popitem(last=False)
        return robot

    def secrets(self) -> Iterable[str]:
        """Every credential, secret and token, longest first: what must not be shown."""
        return sorted({text for robot in self for text in robot.hidden()}, key=len, reverse=True)


def shanghai(at: float) -> datetime:
    """The Unix time `at` on a clock in China, whose days and months the providers count."""
    return datetime.fromtimestamp(at, timezone(timedelta(hours=8)))


def short(credential: str) -> str:
    """A name for a credential that does not give it away (SHA-256, 16 hex digits)."""
    return hashlib.sha256(credential.encode(errors="surrogatepass")).hexdigest()[:16]
