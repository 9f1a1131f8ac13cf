"""What the digests of one channel only counted, kept in mind until a file can list it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from receiver.channels.base import Channel
from receiver.delivery.owed import Owed
from receiver.delivery.rendering import Renderer
from receiver.model import Alert, Carried, Event, Message, new_id

MOST = 10_000
"""How many alerts a list names; of more it says how many they are."""
NEWS = 900.0
"""Seconds after a digest in which a list of it is of use."""
REST = 900.0
"""Seconds without a list after one that did not arrive: whatever was the matter, it cost a slot."""


@dataclass(slots=True)
class Noted:
    """What is to be listed: since when, of which events the alerts at which positions, in the records of which
    deliveries; `more` alerts are beyond what a list names."""

    since: float = 0.0
    told: list[tuple[Event, Sequence[int]]] = field(default_factory=list)
    records: dict[str, None] = field(default_factory=dict)
    number: int = 0
    more: int = 0

    def add(self, event: Event, places: Sequence[int]) -> None:
        """These alerts of the event, as far as there is room."""
        listed = places[: MOST - self.number]
        self.number += len(listed)
        self.more += len(places) - len(listed)
        if listed:
            self.told.append((event, listed))

    def latest(self) -> list[Alert]:
        """Each alert once, in its latest state."""
        found: dict[object, Alert] = {}
        for event, places in self.told:
            for place in places:
                alert = event["alerts"][place]
                found[alert["fingerprint"], frozenset(alert["labels"].items())] = alert
        return list(found.values())


class Lists:
    """The lists of a channel that takes files and has one destination; any other has none.

    From the first digest that counts on, all that is told belongs to the list, so that it shows what is so in the end.
    """

    def __init__(self, channel: Channel, renderer: Renderer) -> None:
        self._channel = channel
        self._renderer = renderer
        self._wanted = channel.attach("", "") is not None and len(channel.targets) == 1
        self._noted = Noted()
        self._rest_until = 0.0

    def note(self, message: Message, owed: Iterable[Owed], now: float) -> None:
        """Keep in mind what `message` told, at the Unix time `now`, of the deliveries, the oldest first."""
        counts = any(carried.detail == "count" for carried in message.carries)
        if not self._wanted or now < self._rest_until <= now + REST or not (counts or self.waits(now)):
            return
        places: dict[str, list[int]] = {}
        for carried in message.carries:
            places.setdefault(carried.delivery, []).extend(carried.alerts)
        noted, told = self._noted, list(owed)
        noted.since = noted.since or now
        if counts:
            noted.records[told[0].id] = None
        for one in told:
            noted.add(one.event, places[one.id])

    def waits(self, now: float) -> bool:
        """Whether there is something to list that is news still."""
        if self._noted.told and now >= self._noted.since + NEWS:
            self._noted = Noted()
        return bool(self._noted.told)

    def take(self) -> Noted:
        """All that is to be listed, which is then to be no more."""
        noted, self._noted = self._noted, Noted()
        return noted

    def rest(self, now: float) -> None:
        """Make none for a while: one did not arrive."""
        self._rest_until = now + REST
        self._noted = Noted()

    def made(self, noted: Noted, now: float) -> Message:
        """The list as a message beside all others; in any thread."""
        name, text = self._renderer.sheet(self._channel, noted.latest(), now, noted.more)
        content = self._channel.attach(name, text)
        assert content is not None  # noqa: S101 - there are no lists where it is
        carries = tuple(map(Carried, noted.records))
        target = self._channel.targets[0]
        return Message(new_id(now), self._channel.name, content, carries, number=0, total=0, target=target)
