"""A service with scripted providers, over a real store, on a loop whose clock is set by hand: whatever happens in it
happens in the same order each time.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from standstill import Standstill

from receiver import severity
from receiver.channels.base import Channel, ChannelSettings, Confirmation
from receiver.contacts import Contacts
from receiver.delivery import dispatch
from receiver.delivery.coalescing import URGENCIES
from receiver.delivery.notices import is_notice
from receiver.delivery.rendering import Rendering
from receiver.delivery.rendering.samples import alert, event
from receiver.errors import (
    Misconfigured,
    Rejected,
    StoreUnavailable,
    Throttled,
    Unavailable,
    Unreachable,
)
from receiver.intake.formats import Facts
from receiver.metrics import Metrics
from receiver.model import Delivery, Event, Message, StoredEvent, new_id
from receiver.store.sqlite import open_sqlite
from receiver.text import Text

NOW = 1_790_000_000.0
ROOM, FULL, LINE = 240, 100, 40
"""Bytes: of a message, of an alert in full, of one in a line or of a number."""
FOREVER = 1e9
METRICS = Metrics()
SEVERITIES = dict(zip("ABCDEFGHI", ["critical", "warning", "info"] * 3, strict=True))
"""The alerts there are."""


class Given(NamedTuple):
    """One notification: to which channels it goes, its group, its alerts, whether each fires, what its route says."""

    channels: Sequence[str]
    group: str
    alerts: Sequence[tuple[str, bool]]
    route: str = ""


class Outcome(NamedTuple):
    """What comes of a post after so many seconds: whether it arrives (halfway), and the error, if any."""

    arrives: bool
    seconds: float = 0.0
    error: Exception | None = None

    @property
    def is_sure(self) -> bool:
        """Whether the sender knows what came of it."""
        return not isinstance(self.error, Unavailable) or not self.error.ambiguous


OUTCOMES = {
    "ok": Outcome(True),
    "slow": Outcome(True, 4.0),
    "refused": Outcome(False, 0.0, Rejected("refused")),
    "down": Outcome(False, 0.0, Unavailable("down")),
    "lost": Outcome(True, 10.0, Unavailable("no answer", ambiguous=True)),
    "blackhole": Outcome(False, 10.0, Unavailable("no answer", ambiguous=True)),
    "broken": Outcome(True, 0.0, KeyError("nobody thought of this")),
    "throttled": Outcome(False, 0.0, Throttled("slow down", retry_after=30.0)),
    "banned": Outcome(False, 0.0, Throttled("ten minutes", retry_after=600.0)),
    "revoked": Outcome(False, 0.0, Misconfigured("no such robot")),
    "unreachable": Outcome(False, 0.0, Unreachable("no such user")),
}


@dataclass(eq=False)
class Posted:
    """One post: when it began, with which credential, what came of it, and when it arrived, if it did.

    `known` says that the sender was told so and did not die before it was written down.
    """

    at: float
    channel: str
    credential: str
    message: Message
    outcome: str
    arrived_at: float | None = None
    ended: bool = False
    known: bool = False

    def __repr__(self) -> str:
        told = " ".join(f"{one.delivery[-4:]}{list(one.alerts)}{one.detail}" for one in self.message.carries)
        at = round(self.at - NOW, 3)
        arrived = "" if self.arrived_at is None else f" arrived {round(self.arrived_at - NOW, 3)}"
        about = f"{self.message.id[-4:]} {self.message.number}/{self.message.total} {self.message.target}{told}"
        plain = " plain" if self.message.plain else ""
        return f"<{at} {self.channel} {self.credential} {self.outcome}{arrived} known={self.known}{plain} {about}>"

    @property
    def people(self) -> list[str]:
        """Whom it is for."""
        return json.loads(self.message.target)["to"].split("|") if self.message.target else [""]

    @property
    def shown(self) -> dict[str, int]:
        """Alerts, and in which version they are shown."""
        rows = [row.split(":")[:2] for row in self.message.content.decode().splitlines() if ":" in row]
        return {name: int(version) for name, version in rows}


@dataclass
class Provider:
    """Takes what all channels post, and answers as its script says; `poison` is what it never takes."""

    loop: Standstill
    posts: list[Posted] = field(default_factory=list)
    script: dict[str, deque[str]] = field(default_factory=dict)
    poison: str = ""
    on_post: Callable[[Posted], None] = lambda _: None
    wrong: list[AssertionError] = field(default_factory=list)
    """What was found to be wrong with posts: a sender would take what is raised here for the provider's."""

    async def take(self, channel: str, credential: str, message: Message) -> Confirmation:
        """What comes of one post."""
        posted = Posted(self.loop.now, channel, credential, message, "")
        script = self.script.get(channel)
        posted.outcome = script.popleft() if script else "ok"
        if self.poison and self.poison in posted.shown:
            posted.outcome = "refused"
        self.posts.append(posted)
        try:
            self.on_post(posted)
        except AssertionError as error:
            self.wrong.append(error)
            await asyncio.sleep(FOREVER)
        outcome = OUTCOMES[posted.outcome]
        await asyncio.sleep(outcome.seconds / 2)
        if outcome.arrives:
            posted.arrived_at = self.loop.now
        await asyncio.sleep(outcome.seconds / 2)
        posted.ended, posted.known = True, outcome.is_sure and not isinstance(outcome.error, KeyError)
        if outcome.error is not None:
            raise again(outcome.error)
        return Confirmation(200, "0")


def again(error: Exception) -> Exception:
    """The same error, raised by nobody yet."""
    made = type(error).__new__(type(error))
    made.args, made.__dict__ = error.args, dict(error.__dict__)
    return made


class Line(Channel):
    """A channel to the provider. `robots` are the credentials of its pool, `people` those it reaches by a call each;
    what is not urgent goes out only `every` so many seconds.
    """

    kind = "line"
    Settings = ChannelSettings
    identity = ("line", None)
    credential = ""
    targets = ("",)

    def __init__(
        self,
        name: str,
        provider: Provider,
        *robots: str,
        people: Sequence[str] = (),
        merges: bool = True,
        every: float = 0.0,
        **more: Any,
    ) -> None:
        self.settings = ChannelSettings.model_validate({"name": name, "kind": "line", **more})
        self.taken_by, self.credential, self.merges, self.every = provider, robots[0], merges, every
        if people:
            self.targets = tuple(json.dumps({"to": one}, separators=(",", ":")) for one in people)
        self._members = tuple(Line(name, provider, robot, **more) for robot in robots) if len(robots) > 1 else (self,)

    @property
    def members(self) -> tuple[Channel, ...]:
        return self._members

    @property
    def provider(self) -> str:
        return "line"

    def room(self, plain: bool) -> int:
        return ROOM

    def weigh(self, text: str) -> int:
        return len(text)

    def fill(self, content: bytes) -> tuple[int, int]:
        return len(content), ROOM

    def compose(self, text: Text, message_id: str) -> bytes:
        return text.body.encode()

    def build(self, message: Message, now: float) -> Any:
        raise NotImplementedError

    def check(self, response: Any) -> Any:
        raise NotImplementedError

    async def send(self, message: Message, now: float) -> Confirmation:
        return await self.taken_by.take(self.name, self.credential, message)


class Words:
    """In the place of a renderer: each alert with its version, as long as it should be, and numbers."""

    def language(self, channel: Channel) -> str:
        return "en"

    def render(self, channel: Channel, batch: Any, now: float, *, plain: bool = False, mentions: Any = None) -> Any:
        width = LINE if batch.digest else FULL
        rows = [(_row(one).ljust(width - 1, "."), number) for number, one in enumerate(batch.alerts)]
        rows += [(f"{count.name} {count.firing} {count.resolved}".ljust(LINE - 1, "."), None) for count in batch.counts]
        per = ROOM // width
        pages = [rows[first : first + per] for first in range(0, len(rows), per)] or [[]]
        return Rendering(tuple(_page(page, plain) for page in pages))


def _row(one: Any) -> str:
    version = one["annotations"].get("version")
    return f"{one['fingerprint']}:{version}:{one['status']}" if version else "a notice"


def _page(rows: Sequence[tuple[str, int | None]], plain: bool) -> Text:
    told = tuple(number for _, number in rows if number is not None)
    return Text("", "".join(f"{row}\n" for row, _ in rows), "firing", plain=plain, alerts=told)


class Gate:
    """In the place of the writer's queue: what passes it is written; it can refuse, and die.

    With `doom` it dies at that commit, which is written if `keeps`: whatever comes of it, nobody is told.
    """

    def __init__(self, queue: Any, loop: Standstill) -> None:
        self._queue, self._loop = queue, loop
        self.away = self.dead = self.keeps = False
        self.doom = 0

    def get(self) -> Any:
        return self._queue.get()

    def qsize(self) -> int:
        return self._queue.qsize()

    def put(self, group: Any) -> None:
        if not group:
            self._queue.put(group)
        elif self.dead:
            return
        elif self.away:
            for *_, future in group:
                future.set_exception(StoreUnavailable("away"))
        else:
            self.doom -= 1
            self.dead = self.doom == 0
            self._pass(group)

    def _pass(self, group: Any) -> None:
        if self.dead:
            group = [(*item[:-1], self._loop.create_future()) for item in group] if self.keeps else []
        for *_, future in group:
            self._loop.stay(future)
        if group:
            self._queue.put(group)


class Office:
    """The service; `crash` and `open` are what a restart is made of."""

    def __init__(self, folder: Path, loop: Standstill, provider: Provider, channels: Sequence[Line]) -> None:
        self.path, self.loop, self.provider = folder / "office.db", loop, provider
        self.channels = {channel.name: channel for channel in channels}
        self.versions, self._facts = 0, Facts()
        self.events: dict[str, list[tuple[str, int]]] = {}
        """The alerts of each event that was taken in, and their versions."""

    def open(self) -> None:
        self.loop.run(self._open())

    async def _open(self) -> None:
        self.store = await open_sqlite(self.path, ballast=0, clock=self.loop.time)
        writer = self.store._database.writer
        writer._queue = self.gate = Gate(writer._queue, self.loop)
        self.dispatcher = await dispatch.build(
            list(self.channels.values()),
            self.store,
            Words(),
            Contacts((), ZoneInfo("UTC")),
            METRICS,
            routed=lambda *_: (),
            read=self._read,
            record_url=lambda _: "",
        )
        self.dispatcher.start()

    def _read(self, stored: StoredEvent) -> Event:
        if is_notice(stored):
            return self._facts.read(stored)
        return event(*(alert(**one) for one in json.loads(stored.body)))

    def crash(self) -> None:
        """End in the middle of whatever is under way: nobody finishes anything, nothing more is written."""
        self.gate.dead = True
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.rest()
        self.loop.run(self.store.close())

    def restart(self) -> None:
        """Crash, and start anew."""
        self.crash()
        self.open()

    def give(self, *notifications: Given) -> None:
        """Take notifications in at the same time, as the intake does; what the store does not take is forgotten."""
        self.loop.run(self._give_all(notifications))

    def begin_to_give(self, given: Given) -> None:
        """The same, and if the service dies meanwhile, nobody hears of it."""
        self._giving = self.loop.create_task(self._give_all([given]))
        self.loop.rest()

    async def _give_all(self, notifications: Sequence[Given]) -> None:
        given = [self._give(one) for one in notifications]
        for one in await asyncio.gather(*given, return_exceptions=True):
            assert one is None or isinstance(one, StoreUnavailable), one

    async def _give(self, given: Given) -> None:
        now, body = self.loop.now, []
        for name, fires in given.alerts:
            self.versions += 1
            body.append(_alert(name, fires, self.versions))
        stored = StoredEvent(new_id(now), "am", now, json.dumps(body).encode())
        owed = [self._owed(self.channels[name], stored, given, body) for name in given.channels]
        self.events[stored.id] = [(one["fingerprint"], int(one["annotations"]["version"])) for one in body]
        await self.store.accept(stored, owed, [])
        self.dispatcher.wake(given.channels)

    def _owed(self, channel: Line, stored: StoredEvent, given: Given, body: Sequence[Any]) -> Delivery:
        own = min((severity.priority(one["labels"]) for one in body), key=URGENCIES.index)
        priority, held, due_at = given.route or own, self.dispatcher.held(channel.name), 0.0
        if channel.every and not held and priority != "high":
            held, due_at = "schedule", stored.received_at // channel.every * channel.every + channel.every
        firing = any(one["status"] == "firing" for one in body)
        return channel.owed(stored, group=given.group, priority=priority, held=held, due_at=due_at, firing=firing)

    def turn(self, channel: str, state: str) -> None:
        """Enable or disable a channel."""
        with suppress(StoreUnavailable):
            self.loop.run(self.dispatcher.senders[channel].change(state, "disabled by an operator"))

    def resend(self, deliveries: Sequence[str]) -> None:
        """Owe deliveries again."""
        with suppress(StoreUnavailable):
            self.loop.run(self.dispatcher.resend(deliveries))


def _alert(name: str, fires: bool, version: int) -> dict[str, Any]:
    status = "firing" if fires else "resolved"
    labels = {"alertname": SEVERITIES[name], "severity": SEVERITIES[name], "instance": name}
    return {"fingerprint": name, "status": status, "labels": labels, "annotations": {"version": str(version)}}
