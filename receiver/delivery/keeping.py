"""One message, kept true: which of a group's messages are replaced in place, and which are posted anew; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from receiver import severity
from receiver.channels.base import Updating
from receiver.delivery.retry import Decision, Retry, Stop
from receiver.model import Alert, Card, Delivery, Event, Message

_REPEAT = "repeat interval elapsed"
_NONE_FIRES = 9
_TRIES = 3
_SPARE = 300.0
"""Seconds before a message's last update that it is taken for too old."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a notification tells, as far as a message for it is compared with the one before.

    `digest` names its alerts with their statuses, `rank` its highest severity that fires, `repeat` says that the
    sender calls it a repetition.
    """

    digest: str
    rank: int
    repeat: bool

    @property
    def firing(self) -> bool:
        """Whether any of it fires."""
        return self.rank != _NONE_FIRES


def told(event: Event, alerts: Sequence[Alert]) -> Told:
    """What `event` tells with those of its `alerts` that are owed."""
    lines = sorted(f"{alert['fingerprint']}\1{alert['status']}\1{alert['startsAt']}" for alert in alerts)
    ranks = (severity.rank(a["labels"].get("severity", "")) for a in alerts if a["status"] == "firing")
    digest = blake2b("\0".join(lines).encode("utf-8", "replace"), digest_size=16).hexdigest()
    return Told(digest, min(ranks, default=_NONE_FIRES), event["notification_reason"] == _REPEAT)


def in_place(cards: Iterable[Card], new: Told, updating: Updating, now: float) -> dict[tuple[str, int], Card]:
    """The cards, by target and number, that are to show `new` themselves.

    A change is shown in place. What must ring a phone is posted anew: a repetition, and what is more severe than all
    before it, for an update in place makes no sound. A message that can be updated so many times only has its updates
    kept for the end.
    """
    return {
        (card.target, card.number): card
        for card in cards
        if _open(card, updating, now) and not _rings(card, new) and (updating.times is None or not new.firing)
    }


def outdated(
    cards: Iterable[Card], shown: Collection[Card], targets: Collection[str], updating: Updating, now: float
) -> list[Card]:
    """The cards not among `shown` that would go on telling what is no longer so, though they could be changed."""
    if updating.times is not None:
        return []
    return [card for card in cards if card not in shown and card.target in targets and _open(card, updating, now)]


def says_no_more(message: Message) -> bool:
    """Whether `message` only replaces one that does not count any more."""
    return bool(message.updates) and not message.tells


def worth_waiting(decision: Decision, delivery: Delivery) -> bool:
    """Whether the next alerts of the group wait, as `decision` has it, for a message that only says that it is old."""
    if isinstance(decision, Retry):
        return not decision.counted or delivery.attempts < _TRIES
    return isinstance(decision, Stop)


def retired(message: Message, group: str) -> tuple[str, str, str] | None:
    """What does not count any more once `message` was posted, or never can be: (channel, group, provider's id)."""
    return (message.channel, group, message.updates) if says_no_more(message) else None


def card(message: Message, group: str, named: str, cards: Iterable[Card], new: Told, now: float) -> Card | None:
    """What stands for the group once `message`, which the provider calls `named`, has told `new`.

    None if nothing does: a plain text is never changed.
    """
    if says_no_more(message) or message.plain:
        return None
    before = next((one for one in cards if message.updates and one.provider_id == message.updates), None)
    return Card(
        channel=message.channel,
        group=group,
        target=message.target,
        number=message.number,
        provider_id=named,
        posted_at=before.posted_at if before else now,
        updates=before.updates + 1 if before else 0,
        told=new.digest,
        rank=min(new.rank, before.rank) if before else new.rank,
        live=new.firing,
    )


def _open(card: Card, updating: Updating, now: float) -> bool:
    young = now - card.posted_at < updating.seconds - _SPARE
    return card.live and young and (updating.times is None or card.updates < updating.times)


def _rings(card: Card, new: Told) -> bool:
    return new.firing and (new.repeat or new.digest == card.told or new.rank < card.rank)
