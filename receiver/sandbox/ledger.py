"""What the sandbox saw: messages as people would, requests as they came, and what a good client never does."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.sandbox.dialects import Dialect, links_of, plain_of
from receiver.sandbox.robots import Robot

_KEPT = 100_000
_RAW_KEPT = 5_000
_RAW_BYTES = 64 * 1024**2
"""Bytes of the raw bodies of requests: a file takes as much as a thousand messages."""
_VIOLATIONS_KEPT = 10_000
_REVISIONS_KEPT = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message: its text in `dialect`, and where it leads if it is a button or a card link.

    `name` is what stands before the text in a card's row. `aside` says that it shares its line with its neighbours.
    """

    text: str
    dialect: Dialect = Dialect.PLAIN
    url: str = ""
    name: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """A message as its provider understood it. `accent` is the colour of a card's header, `tags` its labels."""

    msgtype: str
    title: str = ""
    parts: tuple[Part, ...] = ()
    mentions: tuple[str, ...] = ()
    accent: str = ""
    tags: tuple[str, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """One message that arrived: one bubble, as it looks now.

    `name` is the robot's registered name. `text` is the raw markup, `plain` what a person reads. `mentions` are the
    ids really pinged (`all` for everybody), in the order of their appearance; `links` the targets that can be clicked.
    `to` is whom an app's message reached (users, departments, tags, chats); empty for robots. `updates` counts how
    often it was replaced in place, last `updated_at`; `earlier` is what it looked like before, oldest first.
    """

    id: int
    at: float
    kind: str
    name: str
    msgtype: str
    title: str
    text: str
    plain: str
    mentions: tuple[str, ...]
    links: tuple[str, ...]
    raw: bytes = field(repr=False)
    response: bytes
    content: Content = field(repr=False)
    to: tuple[str, ...] = ()
    updates: int = 0
    updated_at: float | None = None
    recalled_at: float | None = None
    earlier: tuple[Posted, ...] = field(default=(), repr=False)

    @property
    def revisions(self) -> tuple[Posted, ...]:
        """Everything the bubble has shown, oldest first (the latest 100), the present one last."""
        return (*self.earlier, self)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a provider answered well to and never showed to `who`."""

    at: float
    kind: str
    name: str
    who: str
    why: str
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class Seen:
    """One request, raw. `status` is what was answered, None while or because nothing was."""

    id: int
    at: float
    method: str
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    kind: str = ""
    name: str = ""
    status: int | None = None


class Ledger:
    """Messages, requests and violations, bounded in memory; raw bodies are kept for the latest few thousand."""

    def __init__(self) -> None:
        self.messages: deque[Posted] = deque(maxlen=_KEPT)
        self.requests: deque[Seen] = deque(maxlen=_KEPT)
        self.violations: list[str] = []
        self.dropped: deque[Dropped] = deque(maxlen=_RAW_KEPT)
        self.changed: deque[tuple[int, int]] = deque(maxlen=_RAW_KEPT)
        """Which messages were updated or recalled: the number of the change, and the message's id."""
        self.changes = 0
        self._posted = 0
        self._seen = 0
        self._raw: deque[Seen] = deque()
        self._raw_bytes = 0

    def post(
        self, robot: Robot, at: float, content: Content, raw: bytes, response: bytes, to: tuple[str, ...] = ()
    ) -> Posted:
        """Show `content` in the robot's group, or an app's message to those in `to`."""
        self._posted += 1
        posted = Posted(
            id=self._posted,
            at=at,
            kind=robot.kind,
            name=robot.name,
            raw=raw,
            response=response,
            to=to,
            **_shown(content),
        )
        self.messages.append(posted)
        self._thin_messages()
        return posted

    def update(self, number: int, at: float, content: Content, raw: bytes) -> bool:
        """Replace what the message with the id `number` shows, in place; False if it was forgotten."""
        old = self.message(number)
        if old is not None:
            earlier = (*old.earlier, replace(old, earlier=()))[-_REVISIONS_KEPT:]
            new = replace(old, raw=raw, updates=old.updates + 1, updated_at=at, earlier=earlier, **_shown(content))
            self._change(new)
        return old is not None

    def recall(self, number: int, at: float) -> None:
        """Take the message with the id `number` back; its bubble stays, marked."""
        old = self.message(number)
        if old is not None and old.recalled_at is None:
            self._change(replace(old, recalled_at=at))

    def drop(self, robot: Robot, at: float, who: str, why: str, raw: bytes) -> None:
        """Keep what the provider answered well to and did not show."""
        self.dropped.append(Dropped(at, robot.kind, robot.name, who, why, raw))

    def message(self, number: int) -> Posted | None:
        """The message with the id `number`, None once it was forgotten."""
        place = number - self.messages[0].id if self.messages else -1
        return self.messages[place] if 0 <= place < len(self.messages) else None

    def changed_since(self, last: int) -> list[Posted]:
        """The messages updated or recalled after the change `last`."""
        numbers = dict.fromkeys(number for change, number in self.changed if change > last)
        return [posted for posted in map(self.message, numbers) if posted is not None]

    def _change(self, posted: Posted) -> None:
        self.changes += 1
        self.messages[posted.id - self.messages[0].id] = posted
        self.changed.append((self.changes, posted.id))

    def see(self, at: float, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Seen:
        """Keep a request as it came."""
        self._seen += 1
        seen = Seen(self._seen, at, method, target, headers, body)
        self.requests.append(seen)
        self._raw.append(seen)
        self._raw_bytes += len(body)
        while len(self._raw) > _RAW_KEPT or (self._raw_bytes > _RAW_BYTES and len(self._raw) > 1):
            old = self._raw.popleft()
            self._raw_bytes -= len(old.body)
            old.body = b""
        return seen

    def violate(self, name: str, what: str) -> None:
        """Note something the real provider tolerates and our clients must not do."""
        if len(self.violations) < _VIOLATIONS_KEPT:
            self.violations.append(f"{name}: {what}")

    def since(self, last: int) -> list[Posted]:
        """The messages after the one with the id `last`, oldest first."""
        newer: list[Posted] = []
        for posted in reversed(self.messages):
            if posted.id <= last:
                break
            newer.append(posted)
        return newer[::-1]

    def worst_window(self, kind: str, name: str, seconds: float) -> int:
        """The most messages this robot got through in any `seconds`; an empty name means the whole kind."""
        times = sorted(p.at for p in self.messages if p.kind == kind and name in ("", p.name))
        worst = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= seconds:
                first += 1
            worst = max(worst, last - first + 1)
        return worst

    def _thin_messages(self) -> None:
        if len(self.messages) > _RAW_KEPT:
            old = self.messages[-_RAW_KEPT - 1]
            self.messages[-_RAW_KEPT - 1] = replace(old, raw=b"", content=Content(old.msgtype, old.title), earlier=())


def _shown(content: Content) -> dict[str, Any]:
    return {
        "msgtype": content.msgtype,
        "title": content.title,
        "text": "\n".join(part.text for part in content.parts),
        "plain": "\n".join(_plain(part) for part in content.parts),
        "mentions": tuple(dict.fromkeys(content.mentions)),
        "links": _links(content),
        "content": content,
    }


def _plain(part: Part) -> str:
    text = plain_of(part.text, part.dialect)
    return f"{part.name}  {text}" if part.name else text


def _links(content: Content) -> tuple[str, ...]:
    found: list[str] = []
    for part in content.parts:
        found += links_of(part.text, part.dialect)
        found += [part.url] if part.url else []
    return tuple(dict.fromkeys(found))
