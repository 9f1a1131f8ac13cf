"""What is given to a store and got from it, beside the facts that every room deals in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from receiver.model import Attempt, Card, Delivery, Detail, Message, MessageState, State, StoredEvent


@dataclass(frozen=True, slots=True)
class Mark:
    """How a duplicate is told: the same `digest` under the same `scope` within `window` seconds of the first one.

    An event with the same scope and another digest takes the mark over.
    """

    scope: str
    digest: str
    window: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an event: its id (the first one's when it is a duplicate) and the deliveries owed."""

    event_id: str
    duplicate: bool
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A delivery that is owed, its event, and the messages that carry it and are not settled yet, in order.

    What goes beside all others is none of these. `seq` is its place in the order of acceptance. `told` are the
    positions, in the event, of the alerts that need not be told any more: a message that told of them was sent, or
    refused for good. `refused` says why one was refused for good, so that it can only end as failed; empty if none was.
    `reached` says that one was sent, `notes` whom it is known not to reach. `in_place_of` is the channel of the
    delivery that this one stands in for.
    """

    delivery: Delivery
    event: StoredEvent
    messages: tuple[Message, ...] = ()
    refused: str = ""
    reached: bool = False
    notes: tuple[str, ...] = ()
    told: frozenset[int] = frozenset()
    seq: int = 0
    in_place_of: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one delivery when a message is settled. `detail` and `merged_into` are kept if they are given."""

    delivery_id: str
    state: State
    reason: str = ""
    due_at: float = 0.0
    attempts: int = 0
    sent_at: float | None = None
    detail: Detail | Literal[""] = ""
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What is remembered of a channel: `enabled`, `disabled` or `stopped`, why, and the given-up deliveries in a row.

    `settings` is a digest of the configuration it was stopped with.
    """

    state: str = "enabled"
    reason: str = ""
    failures: int = 0
    changed_at: float = 0.0
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The end of one try, written in one transaction: the message, the attempt, the deliveries, the channel.

    `replacements` are messages that take the place of others, `discarded` the ids of those that are never to be posted,
    `anew` the ids of deliveries none of whose messages counts any more, but those that were sent. `hold` is
    (credential, until). `card` is what can be updated in place from now on, `retired` (channel, group, provider's id)
    what does not count any more. An empty `message_id` settles deliveries without one.
    """

    message_id: str
    message_state: MessageState
    attempt: Attempt | None
    moves: tuple[Move, ...] = ()
    replacements: tuple[Message, ...] = ()
    hold: tuple[str, float] | None = None
    channel: tuple[str, ChannelState] | None = None
    card: Card | None = None
    discarded: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()
    retired: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which records: filters are joined by AND, newest first; `cursor` is the last page's `next_cursor`.

    `merged_into` is what the deliveries were merged into, empty for all.
    """

    channel: tuple[str, ...] = ()
    template: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    q: str = ""
    since: float | None = None
    until: float | None = None
    limit: int = 50
    cursor: str | None = None
    merged_into: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery as the user sees it; `messages` and `attempts` are filled for a single record only.

    Of what a message carries the first 10,000 are given, and what it tells of this delivery.
    """

    delivery: Delivery
    event: StoredEvent
    messages: tuple[Message, ...] = ()
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """What the message with the id `message` tells of one delivery: the positions of its alerts, and how fully."""

    message: str
    delivery: Delivery
    event: StoredEvent
    alerts: tuple[int, ...]
    detail: Detail


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much a channel owes: deliveries queued or sending, and since when the oldest counts (Unix seconds)."""

    length: int = 0
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A body that could not be taken, cut to 64 KiB, and why."""

    id: str
    at: float
    source: str
    path: str
    reason: str
    body: bytes = field(repr=False)
