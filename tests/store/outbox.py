"""The outbox as dicts and lists would keep it: what every engine is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from receiver.model import Attempt, Card, Delivery, Message, MessageState, State
from receiver.store.base import Move, Settlement

OWED = (State.QUEUED, State.SENDING)
OPEN = (*OWED, State.HELD)
UNSETTLED = (MessageState.PLANNED, MessageState.SENDING)


@dataclass
class Outbox:
    """`places` numbers each delivery by its event and its position there; all else stands in its order."""

    deliveries: dict[str, Delivery] = field(default_factory=dict)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    cards: dict[tuple[str, str, int, str], Card] = field(default_factory=dict)
    slots: list[float] = field(default_factory=list)
    posts: Counter[str] = field(default_factory=Counter)
    events: int = 0
    began: dict[str, float] = field(default_factory=dict)

    def accept(self, deliveries: Sequence[Delivery]) -> None:
        self.events += 1
        for position, delivery in enumerate(deliveries):
            self._add(delivery, (self.events, position))

    def _add(self, delivery: Delivery, place: tuple[int, int]) -> None:
        self.deliveries[delivery.id], self.places[delivery.id] = delivery, place

    def _change(self, delivery: Delivery, **fields: Any) -> None:
        self.deliveries[delivery.id] = replace(delivery, **fields)

    def some(self, **fields: Any) -> list[Delivery]:
        """The deliveries with these fields, in the order of acceptance; where there is a tuple, one of it."""
        found = sorted(self.deliveries.values(), key=lambda one: self.places[one.id])
        return [one for one in found if all(_is(getattr(one, name), value) for name, value in fields.items())]

    def begin(self, planned: Iterable[Message], message_id: str, at: float, month: str) -> None:
        self.messages |= {message.id: message for message in planned}
        begun = self.messages[message_id] = replace(self.messages[message_id], state=MessageState.SENDING)
        for delivery_id in begun.deliveries:
            if (delivery := self.deliveries[delivery_id]).state is State.QUEUED:
                self._change(delivery, state=State.SENDING)
        self.slots.append(at)
        self.posts[month] += 1
        self.began[message_id] = at

    def settle(self, end: Settlement) -> None:
        if end.message_id:
            self._end(end.message_id, end.message_state)
        if end.attempt:
            self.attempts.append(end.attempt)
        self.messages |= {message.id: message for message in end.replacements}
        for move in end.moves:
            self._move(self.deliveries[move.delivery_id], move)
            self._withdraw(move)
        self._discard(one for one in end.discarded if self.messages[one].state in UNSETTLED)
        self._discard_unsent(end.anew)
        if end.card:
            self.cards[end.card.channel, end.card.group, end.card.number, end.card.target] = end.card
        if end.retired:
            self._retire(*end.retired)

    def _withdraw(self, move: Move) -> None:
        """What a stand-in could not tell is told by nobody."""
        given_up, place = move.state in (State.FAILED, State.EXPIRED), self.deliveries[move.delivery_id].stands_in
        if given_up and place in self.deliveries:
            self._change(self.deliveries[place], told_by="")

    def _end(self, message_id: str, state: MessageState) -> None:
        self.messages[message_id] = replace(self.messages[message_id], state=state)

    def _move(self, delivery: Delivery, move: Move) -> None:
        if delivery.state not in OPEN:
            return
        stays = delivery.state is State.HELD and move.state in OWED
        self._change(
            delivery,
            state=delivery.state if stays else move.state,
            reason=delivery.reason if stays else move.reason,
            due_at=move.due_at if move.state is State.QUEUED else delivery.due_at,
            attempts=move.attempts,
            sent_at=delivery.sent_at if move.sent_at is None else move.sent_at,
            detail=move.detail or delivery.detail,
            merged_into=move.merged_into or delivery.merged_into,
        )

    def _discard(self, messages: Iterable[str]) -> None:
        for message_id in messages:
            self._end(message_id, MessageState.DISCARDED)

    def _discard_unsent(self, deliveries: Iterable[str]) -> None:
        for delivery_id in deliveries:
            self._discard(one.id for one in self.carrying(delivery_id) if one.state is not MessageState.SENT)

    def _retire(self, channel: str, group: str, provider_id: str) -> None:
        for place, card in self.cards.items():
            if (card.channel, card.group, card.provider_id) == (channel, group, provider_id):
                self.cards[place] = replace(card, live=False)

    def hold(self, channel: str, reason: str) -> int:
        return self._all(self.some(channel=channel, state=OWED), state=State.HELD, reason=reason)

    def release(self, channel: str, now: float, reason: str) -> int:
        return self._owe(self.some(channel=channel, state=State.HELD, reason=reason), now)

    def release_due(self, channel: str, now: float, groups: Sequence[str] = ()) -> int:
        held = self.some(channel=channel, state=State.HELD, reason="schedule")
        return self._owe([one for one in held if one.due_at <= now or one.group in groups], now)

    def resend(self, deliveries: Iterable[str], now: float) -> int:
        again = self.some(id=tuple(deliveries), state=(State.HELD, State.FAILED, State.EXPIRED))
        self._discard_unsent(one.id for one in again)
        return self._owe(again, now, manual=True, attempts=0, merged_into=None)

    def hand_over(self, stand_ins: Sequence[Delivery]) -> list[Delivery]:
        owed = []
        for instead in stand_ins:
            for delivery in self.unrelieved(id=instead.stands_in):
                event = self.places[delivery.id][0]
                last = max(position for number, position in self.places.values() if number == event)
                if not self._gives(event, instead.channel):
                    self._add(instead, (event, last + 1))
                self._change(delivery, told_by=instead.channel)
                owed.append(instead)
        return owed

    def unrelieved(self, **fields: Any) -> list[Delivery]:
        """What has not ended, and was never told in the place of its channel."""
        had = {one.stands_in for one in self.deliveries.values()}
        return [one for one in self.some(state=OPEN, told_by="", **fields) if one.id not in had]

    def _gives(self, event: int, channel: str) -> bool:
        """Whether the channel was given the event by itself."""
        mine = (self.deliveries[one] for one, (number, _) in self.places.items() if number == event)
        return any(one.channel == channel and not one.stands_in for one in mine)

    def _owe(self, deliveries: Sequence[Delivery], now: float, **fields: Any) -> int:
        return self._all(deliveries, state=State.QUEUED, reason="", released_at=now, due_at=now, **fields)

    def _all(self, deliveries: Sequence[Delivery], **fields: Any) -> int:
        for delivery in deliveries:
            self._change(delivery, **fields)
        return len(deliveries)

    def carrying(self, delivery_id: str) -> list[Message]:
        return [message for message in self.messages.values() if delivery_id in message.deliveries]

    def unsettled(self, delivery_id: str) -> list[Message]:
        """In the order in which they are to be posted."""
        found = [message for message in self.carrying(delivery_id) if message.state in UNSETTLED]
        return sorted(found, key=lambda message: message.number)

    def tried(self, message: Message) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.message_id == message.id]

    def is_refused(self, message: Message) -> bool:
        """Whether it was refused for good, not for somebody whom it does not reach."""
        failed = message.plain and message.state is MessageState.FAILED
        return failed and not any(attempt.note for attempt in self.tried(message))

    def told(self, delivery_id: str) -> set[int]:
        done = [one for one in self.carrying(delivery_id) if one.state is MessageState.SENT or self.is_refused(one)]
        again = self.deliveries[delivery_id]
        if again.manual:
            done = [one for one in done if not one.target or self.began.get(one.id, 0.0) >= again.released_at]
        return {place for one in done for part in one.carries if part.delivery == delivery_id for place in part.alerts}

    def refused(self, delivery_id: str) -> str:
        refused = [message for message in self.carrying(delivery_id) if self.is_refused(message)]
        return self.tried(refused[0])[-1].error if refused else ""

    def notes(self, delivery_id: str) -> list[str]:
        ended = (MessageState.SENT, MessageState.FAILED)
        counting = {message.id for message in self.carrying(delivery_id) if message.state in ended}
        return list(dict.fromkeys(one.note for one in self.attempts if one.message_id in counting and one.note))


def _is(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, tuple) else value == wanted
