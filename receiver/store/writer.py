"""One thread, one connection, one queue: everything that waits is written in one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from receiver.errors import StoreUnavailable
from receiver.store import connection as sqlite
from receiver.store.disk import Ballast
from receiver.store.operations import Item, Operation, perform
from receiver.store.statements import SQLITE as SQL

GROUP = 256
"""The most operations that share a transaction."""


_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]

_SWITCH = 0.0001
"""Seconds between the interpreter's switches. Every statement lets go of the interpreter, and a loop that is busy with
short callbacks takes it back before this thread wakes up: with the default of 5 ms a commit could take seconds."""

_FULL = "the disk is full: nothing new is taken in until there is room again"
_LOOK_AGAIN = 1.0


class Memory(Protocol):
    """What operations keep in memory beside the database, and undo with it."""

    def committed(self) -> None:
        """What was done since the last commit stays."""

    def rolled_back(self) -> None:
        """What was done since the last commit is undone."""


class Writer:
    """Runs operations in the order they were given, in groups, each durable and answered after its group's commit.

    An operation that fails for a reason of its own fails alone. When the disk fails, everybody who waits gets
    StoreUnavailable and nothing was changed. When it is full the ballast is given up, what is growing is turned
    away until there is room again, and all else goes on. `on_commit` gets each commit's seconds, in this thread.
    """

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        ballast: Ballast,
        memory: Memory,
        on_commit: Callable[[float], None] | None = None,
    ) -> None:
        self.full = not ballast.take()
        self._path = path
        self._log = Path(f"{path}-wal")
        self._loop = loop
        self._ballast = ballast
        self._memory = memory
        self._on_commit = on_commit or (lambda _seconds: None)
        self._look_again = 0.0
        self._suspect = False
        self._closed = False
        self._queue: SimpleQueue[list[Item] | None] = SimpleQueue()
        self._gathering: list[Item] = []
        self._connection = self._connect()
        self._cursor = self._connection.cursor()
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH))
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation, *arguments: Any) -> asyncio.Future[Any]:
        """Have `operation` done; called on the loop's thread. StoreUnavailable after `close`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        future = self._loop.create_future()
        if not self._gathering:
            self._loop.call_soon(self._hand_over)
        self._gathering.append((operation, arguments, future))
        return future

    def _hand_over(self) -> None:
        """Wake the thread once for all that came up in one turn of the loop: one commit, not one for the first."""
        gathered, self._gathering = self._gathering, []
        for first in range(0, len(gathered), GROUP // 2):
            self._queue.put(gathered[first : first + GROUP // 2])

    async def close(self) -> None:
        """Finish what waits, bring the log into the database, let go of the connection."""
        self._closed = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._gather()
            try:
                self._serve(group)
            except Exception as error:  # without this thread everybody would wait for ever
                self._suspect = True
                refusal = f"the store stumbled: {type(error).__name__}"
                self._answer([(item[2], None, StoreUnavailable(refusal)) for item in group])
        try:
            self._checkpoint()
        finally:
            self._connection.close()

    def _gather(self) -> tuple[list[Item], bool]:
        """All that waits, at least one; False once there will be no more."""
        group: list[Item] = []
        while (gathered := self._queue.get()) is not None:
            group += gathered
            if len(group) > GROUP // 2 or not self._queue.qsize():
                return group, True
        return group, False

    def _serve(self, group: list[Item]) -> None:
        """Do the group, as a whole if possible, and answer each of its items exactly once."""
        if self.full and not self._regain():
            group = self._turn_away(group)
        first = True
        while group:
            try:
                results = self._transact(group)
            except Exception as error:
                group, first = self._recover(group, error, first), False
            else:
                self._answer([(item[2], result, None) for item, result in zip(group, results, strict=True)])
                return

    def _transact(self, group: list[Item]) -> list[Any]:
        if self._suspect:
            self._reopen()
        cursor = self._cursor
        cursor.execute("begin immediate")
        results = perform(cursor, group)
        begun = time.perf_counter()
        try:
            cursor.execute("commit")
        except sqlite3.Error:
            self._wipe()
            raise
        self._memory.committed()
        with suppress(Exception):  # what is committed must not fail for the sake of a figure
            self._on_commit(time.perf_counter() - begun)
        return results

    def _recover(self, group: list[Item], error: Exception, first: bool) -> list[Item]:
        """Undo what the group did; what of it is to be done again at once. The others have been answered."""
        self._rollback()
        self._memory.rolled_back()
        refusal, full = sqlite.unavailable(error), sqlite.primary_code(error) == sqlite.FULL
        if refusal is None and len(group) > 1:
            for item in group:
                self._serve([item])
            return []
        if full and first and self._make_room():
            return self._turn_away(group) if self.full else group
        self._suspect = refusal is not None and not full
        self._answer([(item[2], None, _copy(refusal) or error) for item in group])
        return []

    def _make_room(self) -> bool:
        """Give up the ballast, and empty the log, which needs room in the database; False if nothing was gained."""
        given = self._ballast.release()
        if given:
            self.full, self._look_again = True, time.monotonic() + _LOOK_AGAIN
        before = self._log.stat().st_size
        self._checkpoint()
        return given or self._log.stat().st_size < before

    def _turn_away(self, group: list[Item]) -> list[Item]:
        refused = [item for item in group if item[0].growing]
        self._answer([(item[2], None, StoreUnavailable(_FULL)) for item in refused])
        return [item for item in group if not item[0].growing]

    def _regain(self) -> bool:
        """Look, once a second, whether the disk has room for the ballast again."""
        if time.monotonic() >= self._look_again:
            self._look_again = time.monotonic() + _LOOK_AGAIN
            self._checkpoint()
            self.full = not self._ballast.take()
        return not self.full

    def _answer(self, answers: list[_Answer]) -> None:
        if not answers:
            return
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_resolve, answers)

    def _wipe(self) -> None:
        """After a failed commit, write something harmless in its place.

        When only the fsync failed, the log already holds the whole refused transaction, and would bring it back if
        we died now: https://sqlite.org/walformat.html#recovery. The next frames overwrite it.
        """
        self._rollback()
        try:
            self._cursor.execute("begin immediate")
            self._cursor.execute(SQL["beat"])
            self._cursor.execute("commit")
        except sqlite3.Error:
            self._rollback()

    def _rollback(self) -> None:
        """SQLite has rolled back by itself after some errors; a second ROLLBACK would be another."""
        try:
            if self._connection.in_transaction:
                self._cursor.execute("rollback")
        except sqlite3.Error:
            self._suspect = True

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite.connect(self._path, "writer")
        connection.execute(f"pragma wal_autocheckpoint = {self._ballast.log_pages}").fetchall()
        return connection

    def _reopen(self) -> None:
        fresh = self._connect()
        self._connection.close()
        self._connection, self._cursor, self._suspect = fresh, fresh.cursor(), False

    def _checkpoint(self) -> None:
        with suppress(sqlite3.Error):  # the log stays as it is, nothing is lost
            self._cursor.execute("pragma wal_checkpoint(truncate)").fetchall()


def _copy(refusal: StoreUnavailable | None) -> StoreUnavailable | None:
    return StoreUnavailable(str(refusal)) if refusal else None


def _resolve(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.done():  # its waiter was cancelled
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
