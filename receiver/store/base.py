"""The port of the store: the outbox and the record. Every engine keeps these promises; one suite tests them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from receiver.model import Attempt, Card, Delivery, Message, MessageState, State, StoredEvent
from receiver.settings import Duration, Section


class StorageSettings(Section):
    """Where events and records are kept and for how long."""

    url: str = "sqlite:///data/receiver.db"
    retention: Duration = 30 * 86400.0


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
    """A delivery that is due, its event, and the messages planned for it that are not settled yet, in order.

    `refused` says why another message of it was refused for good, so that it can only end as failed; empty if none was.
    `reached` says that one was sent, `notes` whom it is known not to reach.
    """

    delivery: Delivery
    event: StoredEvent
    messages: tuple[Message, ...] = ()
    refused: str = ""
    reached: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one delivery when a message is settled."""

    delivery_id: str
    state: State
    reason: str = ""
    due_at: float = 0.0
    attempts: int = 0
    sent_at: float | None = None


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
    `anew` the id of a delivery none of whose messages counts any more, but those that were sent. `hold` is
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
    anew: str = ""
    retired: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which records: filters are joined by AND, newest first; `cursor` is the last page's `next_cursor`."""

    channel: tuple[str, ...] = ()
    template: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    q: str = ""
    since: float | None = None
    until: float | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery as the user sees it; `messages` and `attempts` are filled for a single record only."""

    delivery: Delivery
    event: StoredEvent
    messages: tuple[Message, ...] = ()
    attempts: tuple[Attempt, ...] = ()


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


class Store(Protocol):
    """The outbox and the record.

    Every write is durable when its call returns, and either happens whole or raises StoreUnavailable and did not
    happen. Nothing given to it holds a secret.
    """

    def now(self) -> float:
        """The store's clock, in Unix seconds; read once a decision."""

    async def accept(self, event: StoredEvent, deliveries: Sequence[Delivery], marks: Sequence[Mark]) -> Receipt:
        """Keep the event and its deliveries, or find by its marks that it was taken before. One transaction."""

    async def quarantine(self, body: Quarantined) -> None:
        """Keep a body that could not be taken: the last 1,000, each for 7 days."""

    async def quarantined(self, limit: int = 50, cursor: str | None = None) -> tuple[list[Quarantined], str | None]:
        """The quarantined bodies, newest first, and the next page's cursor."""

    async def due(self, channel: str, now: float, limit: int = 32) -> list[Work]:
        """The channel's deliveries whose turn it is, oldest first; fewer than `limit` if their events are large.

        Within a (channel, group) only the oldest unfinished delivery is ever offered. A due time further ahead than
        any wait can be (`MAX_WAIT`) comes from a clock that was set back, and is taken as due.
        """

    async def next_due(self, channel: str) -> float | None:
        """When the next queued delivery of the channel falls due; None when nothing is queued."""

    async def begin(self, planned: Sequence[Message], message_id: str, credential: str, at: float) -> None:
        """Before a post: keep newly planned messages, take the slot at `at` of the credential, mark what is sent.

        An empty `credential` takes no slot: the channel has no rate limit.
        """

    async def settle(self, settlement: Settlement) -> None:
        """After a post: its outcome in one transaction."""

    async def slots(self, credential: str, since: float) -> tuple[list[float], float]:
        """The credential's slots after `since`, in order, and until when it is on hold (0 if it is not)."""

    async def cards(self, channel: str, group: str) -> list[Card]:
        """What stands for the group on the channel and can be updated in place, by target and number."""

    async def channels(self) -> dict[str, ChannelState]:
        """What is remembered of each channel that was ever changed."""

    async def set_channel(self, channel: str, state: ChannelState) -> None:
        """Remember a channel's state."""

    async def hold(self, channel: str, reason: str) -> int:
        """Move the channel's queued and sending deliveries to held; how many."""

    async def release(self, channel: str, now: float, reasons: Sequence[str]) -> int:
        """Move the channel's deliveries held for one of `reasons` back to queued, their age counting from `now`."""

    async def backlog(self) -> dict[str, Backlog]:
        """What each channel owes now."""

    async def last_success(self) -> dict[str, float]:
        """When each channel's provider last confirmed a message, as far as the latest 20,000 messages tell."""

    async def records(self, query: Query) -> tuple[list[Record], str | None]:
        """One page of records, a shorter one where events are large, and the next page's cursor.

        ValueError for a cursor that is none.
        """

    async def record(self, delivery_id: str) -> Record | None:
        """One record with its messages and attempts."""

    async def prune(self, before: float, limit: int = 500) -> int:
        """Forget up to `limit` events received before `before` that owe nothing, with their records; how many.

        What is still held from before then is moved to expired first.
        """

    async def check(self) -> None:
        """Raise StoreUnavailable unless a write would succeed now."""

    async def close(self) -> None:
        """Finish what is waiting and let go of the store."""


MAX_WAIT = 1200.0
"""The longest any delivery is ever put off, in seconds; a due time beyond it is a clock that jumped."""
