"""The embedded store: SQLite, one writer thread with group commit, small reads on the loop, long ones in a thread."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from receiver.errors import StoreUnavailable
from receiver.model import Card, Delivery, Message, StoredEvent
from receiver.store import acceptance, migrations, pruning, records, sending
from receiver.store.base import Backlog, ChannelState, Mark, Quarantined, Query, Receipt, Record, Settlement, Work
from receiver.store.connection import connect, unavailable
from receiver.store.disk import Ballast, Lock, create_private
from receiver.store.operations import Operation
from receiver.store.writer import Writer

T = TypeVar("T")

LONGEST_READ = 20.0
"""Seconds after which a search is given up: a reader that never ends keeps the log from being emptied."""

_SLICE = 50

_QUARANTINE = Operation(acceptance.quarantine, growing=True)
_BEAT = Operation(acceptance.beat, growing=True)
_BEGIN = Operation(sending.begin, together=True)
_SETTLE = Operation(sending.settle, together=True)
_SET_CHANNEL = Operation(sending.set_channel)
_HOLD = Operation(sending.hold)
_RELEASE = Operation(sending.release)
_FORGET = Operation(pruning.forget)
_EXPIRE_HELD = Operation(pruning.expire_held)
_FORGET_SLOTS = Operation(pruning.forget_slots)
_FORGET_CARDS = Operation(pruning.forget_cards)
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
        self._loop = loop
        self._closed = False
        self._lock = _lock(path)
        try:
            _prepare(path, clock())
            self._small, self._long = connect(path, "reader"), connect(path, "reader")
            taken = acceptance.Acceptance(self._small)
            self._accept = Operation(taken.accept, growing=True, together=True)
            self._sweep = Operation(taken.marks.sweep)
            self._writer = Writer(path, loop, Ballast(path, ballast), taken.marks, on_commit)
        except sqlite3.Error as error:
            self._lock.release()
            raise unavailable(error) or error from None
        except BaseException:
            self._lock.release()
            raise
        self._reader = ThreadPoolExecutor(1, "store-reader")

    def now(self) -> float:
        """This process's clock."""
        return self._clock()

    async def accept(self, event: StoredEvent, deliveries: Sequence[Delivery], marks: Sequence[Mark]) -> Receipt:
        """See Store."""
        receipt: Receipt = await self._writer.submit(self._accept, event, deliveries, marks)
        return receipt

    async def quarantine(self, body: Quarantined) -> None:
        """See Store."""
        await self._writer.submit(_QUARANTINE, body)

    async def quarantined(self, limit: int = 50, cursor: str | None = None) -> tuple[list[Quarantined], str | None]:
        """See Store."""
        return await self._search(records.quarantined, self.now(), limit, cursor)

    async def due(self, channel: str, now: float, limit: int = 32) -> list[Work]:
        """See Store."""
        return self._read(sending.due, channel, now, limit)

    async def next_due(self, channel: str) -> float | None:
        """See Store."""
        return self._read(sending.next_due, channel, self.now())

    async def begin(self, planned: Sequence[Message], message_id: str, credential: str, at: float) -> None:
        """See Store. LookupError for a message that is neither known nor planned."""
        await self._writer.submit(_BEGIN, planned, message_id, credential, at)

    async def settle(self, settlement: Settlement) -> None:
        """See Store."""
        await self._writer.submit(_SETTLE, settlement)

    async def slots(self, credential: str, since: float) -> tuple[list[float], float]:
        """See Store."""
        return self._read(sending.slots, credential, since)

    async def cards(self, channel: str, group: str) -> list[Card]:
        """See Store."""
        return self._read(sending.cards, channel, group)

    async def channels(self) -> dict[str, ChannelState]:
        """See Store."""
        return self._read(sending.channels)

    async def set_channel(self, channel: str, state: ChannelState) -> None:
        """See Store."""
        await self._writer.submit(_SET_CHANNEL, channel, state)

    async def hold(self, channel: str, reason: str) -> int:
        """See Store."""
        held: int = await self._writer.submit(_HOLD, channel, reason)
        return held

    async def release(self, channel: str, now: float, reasons: Sequence[str]) -> int:
        """See Store."""
        released: int = await self._writer.submit(_RELEASE, channel, now, reasons)
        return released

    async def backlog(self) -> dict[str, Backlog]:
        """See Store."""
        return self._read(sending.backlog)

    async def last_success(self) -> dict[str, float]:
        """See Store."""
        return await self._search(sending.last_success)

    async def records(self, query: Query) -> tuple[list[Record], str | None]:
        """See Store."""
        return await self._search(records.records, query)

    async def record(self, delivery_id: str) -> Record | None:
        """See Store."""
        return await self._search(records.record, delivery_id)

    async def prune(self, before: float, limit: int = 500) -> int:
        """See Store. What is expired here is forgotten by the next call, so that it can be seen."""
        forgotten, after = 0, 0
        while after is not None and forgotten < limit:
            number, after = await self._writer.submit(_FORGET, before, after, min(_SLICE, limit - forgotten))
            forgotten += number
        while await self._writer.submit(_EXPIRE_HELD, before, _SLICE) == _SLICE:
            pass
        while await self._writer.submit(self._sweep, self.now()):
            pass
        await self._writer.submit(_FORGET_SLOTS, self.now())
        await self._writer.submit(_FORGET_CARDS, self.now())
        while self._writer.full and await self._writer.submit(_SHRINK):
            pass
        return forgotten

    async def check(self) -> None:
        """See Store."""
        await self._writer.submit(_BEAT)

    async def close(self) -> None:
        """See Store. Closing it again does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._reader.shutdown)
        self._small.close()
        self._long.close()
        await self._writer.close()
        self._lock.release()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _read(self, question: Callable[..., T], *arguments: Any) -> T:
        """Ask something small, here and now."""
        self._refuse_if_closed()
        try:
            return question(self._small, *arguments)
        except sqlite3.Error as error:
            raise unavailable(error) or error from None

    async def _search(self, question: Callable[..., T], *arguments: Any) -> T:
        """Ask something that may take long, in the reader's thread."""
        self._refuse_if_closed()
        return await self._loop.run_in_executor(self._reader, self._search_there, question, *arguments)

    def _search_there(self, question: Callable[..., T], *arguments: Any) -> T:
        end = time.monotonic() + LONGEST_READ
        self._long.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        try:
            return question(self._long, *arguments)
        except sqlite3.Error as error:
            raise unavailable(error) or error from None


def _lock(path: Path) -> Lock:
    try:
        return Lock(path)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be opened: {error.strerror}") from None


def _prepare(path: Path, now: float) -> None:
    """Create the file for its owner alone, and bring its schema up to date."""
    create_private(path)
    connection = connect(path, "writer")
    try:
        migrations.migrate(connection, now, migrations.known("sqlite"))
    finally:
        connection.close()
