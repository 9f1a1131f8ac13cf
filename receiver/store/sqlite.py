"""The embedded store: SQLite, one writer thread with group commit, small reads on the loop, long ones in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from receiver.model import Card, Delivery, Message, StoredEvent
from receiver.store import acceptance, holding, owing, pruning, records, sending
from receiver.store.base import (
    Backlog,
    ChannelState,
    Mark,
    Merged,
    Quarantined,
    Query,
    Receipt,
    Record,
    Settlement,
    Work,
)
from receiver.store.database import Database
from receiver.store.operations import Operation

_SLICE = 50

_QUARANTINE = Operation(acceptance.quarantine, growing=True)
_BEAT = Operation(acceptance.beat, growing=True)
_BEGIN = Operation(sending.begin, together=True)
_SETTLE = Operation(sending.settle, together=True)
_SET_CHANNEL = Operation(sending.set_channel)
_HOLD = Operation(holding.hold)
_RELEASE = Operation(holding.release)
_RELEASE_DUE = Operation(holding.release_due)
_HAND_OVER = Operation(holding.hand_over)
_RESEND = Operation(holding.resend)
_FORGET = Operation(pruning.forget)
_EXPIRE_HELD = Operation(pruning.expire_held)
_OUTDATED = Operation(pruning.forget_outdated)
_SHRINK = Operation(pruning.shrink)


async def open_sqlite(
    path: Path,
    *,
    on_commit: Callable[[float], None] | None = None,
    ballast: int | None = None,
    clock: Callable[[], float] = time.time,
) -> SqliteStore:
    """Open the database at `path`, creating and migrating it.

    `on_commit` is called with the seconds each commit took, in the writer's thread; `ballast` is the size in bytes of
    the room kept back for a full disk (see Ballast). Raises StoreLocked if another process has it open, ConfigError
    if it is not a database of this version or an older one, StoreUnavailable if the disk does not let us.
    """
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(SqliteStore, path, loop, on_commit=on_commit, ballast=ballast, clock=clock)


class SqliteStore:
    """Keeps the promises of Store for one process. Made by `open_sqlite`, used on its loop only."""

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        on_commit: Callable[[float], None] | None,
        ballast: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._database = Database(path, loop, on_commit=on_commit, ballast=ballast, now=clock())
        taken = self._database.acceptance
        self._accept = Operation(taken.accept, growing=True, together=True)
        self._sweep = Operation(taken.marks.sweep)

    def now(self) -> float:
        """This process's clock."""
        return self._clock()

    async def accept(self, event: StoredEvent, deliveries: Sequence[Delivery], marks: Sequence[Mark]) -> Receipt:
        """See Store."""
        receipt: Receipt = await self._database.write(self._accept, event, deliveries, marks)
        return receipt

    async def quarantine(self, body: Quarantined) -> None:
        """See Store."""
        await self._database.write(_QUARANTINE, body)

    async def quarantined(self, limit: int = 50, cursor: str | None = None) -> tuple[list[Quarantined], str | None]:
        """See Store."""
        return await self._database.search(records.quarantined, self.now(), limit, cursor)

    async def owed(self, channel: str, after: int = 0, limit: int = 256) -> list[Work]:
        """See Store."""
        return self._database.read(owing.owed, channel, after, limit)

    async def begin(
        self, planned: Sequence[Message], message_id: str, credential: str, at: float, month: str = ""
    ) -> None:
        """See Store. LookupError for a message that is neither known nor planned."""
        await self._database.write(_BEGIN, planned, message_id, credential, at, month)

    async def used(self, credential: str, month: str) -> int:
        """See Store."""
        return self._database.read(sending.used, credential, month)

    async def settle(self, settlement: Settlement) -> None:
        """See Store."""
        await self._database.write(_SETTLE, settlement)

    async def slots(self, credential: str, since: float) -> tuple[list[float], float]:
        """See Store."""
        return self._database.read(sending.slots, credential, since)

    async def cards(self, channel: str, group: str) -> list[Card]:
        """See Store."""
        return self._database.read(sending.cards, channel, group)

    async def channels(self) -> dict[str, ChannelState]:
        """See Store."""
        return self._database.read(sending.channels)

    async def set_channel(self, channel: str, state: ChannelState) -> None:
        """See Store."""
        await self._database.write(_SET_CHANNEL, channel, state)

    async def hold(self, channel: str, reason: str) -> int:
        """See Store."""
        held: int = await self._database.write(_HOLD, channel, reason)
        return held

    async def release(self, channel: str, now: float, reasons: Sequence[str]) -> int:
        """See Store."""
        released: int = await self._database.write(_RELEASE, channel, now, reasons)
        return released

    async def release_due(self, channel: str, now: float, groups: Sequence[str] = ()) -> int:
        """See Store."""
        released: int = await self._database.write(_RELEASE_DUE, channel, now, groups)
        return released

    async def next_release(self, channel: str) -> float | None:
        """See Store."""
        return self._database.read(holding.next_release, channel)

    async def relievable(self, channel: str, before: float, stopped: bool, limit: int = 500) -> list[Delivery]:
        """See Store."""
        return self._database.read(holding.relievable, channel, before, stopped, limit)

    async def hand_over(self, stand_ins: Sequence[Delivery]) -> list[Delivery]:
        """See Store. ValueError for an event that can have no more deliveries."""
        owed: list[Delivery] = await self._database.write(_HAND_OVER, stand_ins)
        return owed

    async def resend(self, deliveries: Sequence[str], now: float) -> list[Delivery]:
        """See Store."""
        again: list[Delivery] = await self._database.write(_RESEND, deliveries, now)
        return again

    async def backlog(self) -> dict[str, Backlog]:
        """See Store."""
        return self._database.read(sending.backlog)

    async def last_success(self) -> dict[str, float]:
        """See Store."""
        return await self._database.search(sending.last_success)

    async def records(self, query: Query) -> tuple[list[Record], str | None]:
        """See Store."""
        return await self._database.search(records.records, query)

    async def record(self, delivery_id: str) -> Record | None:
        """See Store."""
        return await self._database.search(records.record, delivery_id)

    async def merged(
        self, delivery_id: str, limit: int = 50, cursor: str | None = None
    ) -> tuple[list[Merged], str | None]:
        """See Store."""
        return await self._database.search(records.merged, delivery_id, limit, cursor)

    async def prune(self, before: float, limit: int = 500) -> int:
        """See Store. What is expired here is forgotten by the next call, so that it can be seen."""
        write, forgotten, after = self._database.write, 0, 0
        while after is not None and forgotten < limit:
            number, after = await write(_FORGET, before, after, min(_SLICE, limit - forgotten))
            forgotten += number
        while await write(_EXPIRE_HELD, before, _SLICE) == _SLICE:
            pass
        while await write(self._sweep, self.now()):
            pass
        await write(_OUTDATED, self.now())
        while self._database.writer.full and await write(_SHRINK):
            pass
        return forgotten

    async def check(self) -> None:
        """See Store."""
        await self._database.write(_BEAT)

    async def close(self) -> None:
        """See Store. Closing it again does nothing."""
        await self._database.close()
