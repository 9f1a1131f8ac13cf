"""The apps the sandbox knows: whom each may reach, the tokens it was given, what it sent and has used up."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from receiver.sandbox.robots import Robot

Limits = tuple[tuple[int, float], ...]
"""Exact sliding windows: so many in so many seconds."""

_TOKENS_KEPT = 20
_KEPT = 20_000

SORTS: dict[str, tuple[str, ...]] = {
    "wecom_app": ("users", "departments", "tags", "chats", "unlicensed"),
    "dingtalk_app": ("users", "conversations", "departments", "flow_controlled"),
    "feishu_app": ("open_ids", "user_ids", "union_ids", "emails", "chat_ids", "mobiles"),
}
"""The sorts of members each kind may list."""


class Memory(OrderedDict[str, Any]):
    """A mapping that forgets its oldest entries."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _KEPT:
            self.popitem(last=False)


class Windows:
    """Sliding windows by name, bounded."""

    def __init__(self) -> None:
        self._times = Memory()

    def take(self, name: str, now: float, limits: Limits) -> tuple[int, float] | None:
        """Count one at `now` and return None; or return the limit that is used up, counting nothing."""
        times: deque[float] = self._times.setdefault(name, deque(maxlen=max(count for count, _ in limits)))
        for count, per in limits:
            if len(times) >= count and now - times[-count] < per:
                return count, per
        times.append(now)
        return None


@dataclass(slots=True)
class Token:
    """One token that was given out; `ends_at` is Unix seconds."""

    value: str = field(repr=False)
    ends_at: float


@dataclass(slots=True)
class Sent:
    """What an app may still change or take back: `number` is the id in the ledger, 0 if nobody got to see it."""

    number: int
    at: float
    recalled: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class App(Robot):
    """One app. A sort of `members` that is not listed means that every id of that sort is known.

    `secret`, `agent_id` and `robot_code` are not checked while they are None; the first secret that is shown is kept.
    `callback` says whether a WeCom app has a callback URL.
    """

    agent_id: int | None = None
    robot_code: str | None = None
    callback: bool = False
    members: dict[str, Collection[str]] = field(default_factory=dict, repr=False)
    tokens: deque[Token] = field(default_factory=lambda: deque(maxlen=_TOKENS_KEPT), repr=False)
    fetches: int = 0
    numbers: int = 0
    windows: Windows = field(default_factory=Windows, repr=False)
    said: Memory = field(default_factory=Memory, repr=False)
    sent: Memory = field(default_factory=Memory, repr=False)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.members) - set(SORTS[self.kind]))
        if unknown:
            raise ValueError(f"members of {self.kind} are {', '.join(SORTS[self.kind])}; not {unknown[0]}")

    @property
    def account(self) -> str:
        """A WeCom corp has many apps, told apart by their secrets."""
        return f"{self.credential}\n{self.secret or ''}" if self.kind == "wecom_app" else self.credential

    def hidden(self) -> set[str]:
        return super().hidden() | {token.value for token in self.tokens}

    def takes(self, secret: str) -> bool:
        """Whether `secret` is the app's."""
        if self.secret is None and secret:
            self.secret = secret
        return bool(secret) and self.secret == secret

    def knows(self, sort: str, who: str) -> bool:
        """Whether the app may reach `who`."""
        return sort not in self.members or who in self.members[sort]

    def lists(self, sort: str, who: str) -> bool:
        """Whether `who` was named in the `sort`."""
        return who in self.members.get(sort, ())

    def newest(self, now: float) -> Token | None:
        """The latest token that still lives."""
        return next((token for token in reversed(self.tokens) if token.ends_at > now), None)

    def give(self, value: str, ends_at: float) -> Token:
        """A new token; the old ones live until their end."""
        self.tokens.append(Token(value, ends_at))
        return self.tokens[-1]


def app_of(robots: Iterable[Robot], kind: str, value: str) -> tuple[App, Token] | None:
    """Whose token this is; None for one nobody was given, or that was revoked."""
    for robot in robots:
        if isinstance(robot, App) and robot.kind == kind:
            for token in robot.tokens:
                if value and token.value == value:
                    return robot, token
    return None


def members_of(given: Mapping[str, Collection[str]] | None) -> dict[str, Collection[str]]:
    """`given`, ready to be asked. ValueError if a sort is no collection of ids."""
    for sort, ids in (given or {}).items():
        if isinstance(ids, str) or not isinstance(ids, Collection):
            raise ValueError(f"members.{sort} must be a list of ids")
    return {sort: ids if isinstance(ids, Mapping) else frozenset(map(str, ids)) for sort, ids in (given or {}).items()}
