"""The port of the store: the outbox and the record. Every engine keeps these promises; one suite tests them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from receiver.model import Card, Delivery, Message, StoredEvent
from receiver.settings import Duration, Section
from receiver.store.facts import (
    Backlog,
    ChannelState,
    Mark,
    Merged,
    Move,
    Quarantined,
    Query,
    Receipt,
    Record,
    Settlement,
    Work,
)

__all__ = [
    "MAX_WAIT",
    "Backlog",
    "ChannelState",
    "Mark",
    "Merged",
    "Move",
    "Quarantined",
    "Query",
    "Receipt",
    "Record",
    "Settlement",
    "StorageSettings",
    "Store",
    "Work",
]


class StorageSettings(Section):
    """Where events and records are kept and for how long."""

    url: str = "sqlite:///data/receiver.db"
    retention: Duration = 30 * 86400.0


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

    async def owed(self, channel: str, after: int = 0, limit: int = 256) -> list[Work]:
        """What the channel owes (queued or sending, due or not), after the place `after`, in the order of acceptance.

        Fewer than `limit`, but at least one if there is any, where their events are large. What is owed to a channel
        for the first time comes last, but for stand-ins (`hand_over`), and what was held or had ended: that has its
        old place.
        """

    async def begin(
        self, planned: Sequence[Message], message_id: str, credential: str, at: float, month: str = ""
    ) -> None:
        """Before a post: keep newly planned messages, take the slot at `at` of the credential, mark what is sent.

        An empty `credential` takes no slot and counts nowhere: the channel has no rate limit. With a `month` (2026-11)
        the post counts towards what the credential used in it.
        """

    async def used(self, credential: str, month: str) -> int:
        """How many posts of the credential were counted in the month; remembered for a year."""

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

    async def release_due(self, channel: str, now: float, groups: Sequence[str] = ()) -> int:
        """Move what is held by a schedule and has fallen due (`due_at`) back to queued, its age counting from `now`.

        So is what it holds of `groups`, due or not: something newer of them does not wait, and must not overtake it.
        """

    async def next_release(self, channel: str) -> float | None:
        """When the first delivery held by a schedule falls due; None when none is."""

    async def relievable(self, channel: str, before: float, stopped: bool, limit: int = 500) -> list[Delivery]:
        """What another channel may tell in the place of this one, oldest first: nobody does yet, and it is neither a
        stand-in itself nor a test.

        What is of high priority and was queued (last released) before `before` and not sent since, with what else is
        owed of its groups; with `stopped` also all that is held because the channel stopped.
        """

    async def hand_over(self, stand_ins: Sequence[Delivery]) -> list[Delivery]:
        """Owe each of `stand_ins` in the place of the delivery that it names (`stands_in`), which says so (`told_by`).

        One transaction. Those whose delivery has ended, or has a stand-in, are left out; the others are returned. A
        stand-in comes right after the deliveries of its event; a channel that was given the event by itself gets none.
        Once a stand-in has failed or expired, its delivery is told by nobody again.
        """

    async def resend(self, deliveries: Sequence[str], now: float) -> list[Delivery]:
        """Owe the held, failed and expired of the deliveries again, as manual, their age counting from `now`: those.

        What was refused of them is told again; what was sent is not, unless it was for one of several receivers.
        """

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

    async def merged(
        self, delivery_id: str, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Merged], str | None]:
        """One page of all that is told together with the delivery, itself among it, and the next page's cursor.

        That is what the messages carry that told of it or are to, in their order; a page is shorter where events are
        large. ValueError for a cursor that is none.
        """

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
