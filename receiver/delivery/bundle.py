"""Deliveries that are told together, and the messages that tell them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from receiver.delivery.keeping import Told
from receiver.delivery.owed import Owed
from receiver.delivery.pool import Member
from receiver.delivery.retry import deadline
from receiver.model import Card, Delivery, Detail, Message, MessageState

_LEVELS = ("full", "line", "count")
_NONE: frozenset[int] = frozenset()


@dataclass(slots=True, eq=False)
class Bundle:
    """What is sent next: `owed` are the deliveries, the oldest first, `messages` those that are not settled, in order.

    `planned` are those of the messages that the store does not know yet. `detail` is how fully the least told alert is
    told. Of one group on a channel whose messages can be updated, `cards` are what stands, and `told` is what is told.
    `later` are messages for those whom the provider was too busy to reach, `by` is who may have posted the first
    message already: a provider knows only by one and the same robot that it is the same.
    """

    owed: list[Owed]
    messages: deque[Message]
    planned: list[Message] = field(default_factory=list)
    detail: Detail = "full"
    cards: Sequence[Card] = ()
    told: Told | None = None
    later: list[Message] = field(default_factory=list)
    by: Member | None = None

    @property
    def head(self) -> Delivery:
        """The delivery whose record says most: the oldest."""
        return self.owed[0].delivery

    @property
    def urgent(self) -> Delivery:
        """What decides on retries: as young as the youngest, tried as often as the one that was tried most."""
        if len(self.owed) == 1:
            return self.head
        youngest = max((one.delivery for one in self.owed), key=deadline)
        return replace(youngest, attempts=max(one.delivery.attempts for one in self.owed))

    @property
    def group(self) -> str:
        """The group that all of it belongs to; empty if there are several."""
        return self.head.group if all(one.group == self.head.group for one in self.owed) else ""

    def is_due(self, now: float) -> bool:
        """Whether the turn of all its deliveries has come."""
        return all(one.is_due(now) for one in self.owed)

    @property
    def rebuildable(self) -> bool:
        """Whether its messages can be forgotten: none may have been posted, none stands for one that was refused."""
        return all(
            message.state is MessageState.PLANNED and not (message.target or message.updates or message.plain)
            for message in self.messages
        ) and not any(map(self.goes_on, self.messages))

    def goes_on(self, message: Message) -> bool:
        """Whether `message` is the rest of what was told in part: of alerts that no part tells by itself."""
        told = {one.id: one.told for one in self.owed if one.told}
        return any(not told.get(one.delivery, _NONE).isdisjoint(one.alerts) for one in message.carries)

    def of(self, message: Message) -> Iterable[Owed]:
        """The deliveries that `message` carries."""
        carried = frozenset(message.deliveries)
        return (one for one in self.owed if one.id in carried)


def joined(bundles: Iterable[Bundle], fresh: Iterable[Owed]) -> list[Bundle]:
    """`bundles`, and those of the deliveries whose messages were not settled: those that share one are together."""
    found = list(bundles)
    homes = {message.id: one for one in found for message in one.messages}
    changed: dict[Bundle, None] = {}
    for owed in fresh:
        if not owed.messages:
            continue
        mine = list(dict.fromkeys(homes[message.id] for message in owed.messages if message.id in homes))
        home, *others = mine or [Bundle([], deque())]
        if not mine:
            found.append(home)
        unknown = deque(message for message in owed.messages if message.id not in homes)
        for one in (*others, Bundle([owed], unknown)):
            home.owed += one.owed
            home.messages += one.messages
            homes.update((message.id, home) for message in one.messages)
        found = [one for one in found if one not in others] if others else found
        changed[home] = None
    for home in changed:
        _sort(home)
    return found


def _sort(bundle: Bundle) -> None:
    """The deliveries by their places, the messages by their numbers; how fully the least told alert is told."""
    bundle.owed.sort(key=lambda owed: owed.seq)
    bundle.messages = deque(sorted(bundle.messages, key=lambda message: message.number))
    for message in bundle.messages:
        for carried in message.carries:
            bundle.detail = max(bundle.detail, carried.detail, key=_LEVELS.index)
