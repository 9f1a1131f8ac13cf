"""One SQLite file, open: a thread that writes, a connection for small questions on the loop, a thread for long ones."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from receiver.errors import StoreUnavailable
from receiver.store import migrations
from receiver.store.acceptance import Acceptance
from receiver.store.connection import connect, unavailable
from receiver.store.disk import Ballast, Lock, create_private
from receiver.store.operations import Operation
from receiver.store.writer import Writer

T = TypeVar("T")

LONGEST_READ = 20.0
"""Seconds after which a search is given up: a reader that never ends keeps the log from being emptied."""


class Database:
    """The file, locked for this process and brought up to date. Used on its loop only.

    Raises what `open_sqlite` raises.
    """

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        on_commit: Callable[[float], None] | None,
        ballast: int | None,
        now: float,
    ) -> None:
        self._loop = loop
        self._closed = False
        self._lock = _lock(path)
        try:
            _prepare(path, now)
            self._small, self._long = connect(path, "reader"), connect(path, "reader")
            self.acceptance = Acceptance(self._small)
            self.writer = Writer(path, loop, Ballast(path, ballast), self.acceptance.marks, on_commit)
        except sqlite3.Error as error:
            self._lock.release()
            raise unavailable(error) or error from None
        except BaseException:
            self._lock.release()
            raise
        self._reader = ThreadPoolExecutor(1, "store-reader")

    async def write(self, operation: Operation, *arguments: Any) -> Any:
        """Have `operation` done by the writer; its result, once it is durable."""
        return await self.writer.submit(operation, *arguments)

    def read(self, question: Callable[..., T], *arguments: Any) -> T:
        """Ask something small, here and now."""
        self._refuse_if_closed()
        try:
            return question(self._small, *arguments)
        except sqlite3.Error as error:
            raise unavailable(error) or error from None

    async def search(self, question: Callable[..., T], *arguments: Any) -> T:
        """Ask something that may take long, in the reader's thread."""
        self._refuse_if_closed()
        return await self._loop.run_in_executor(self._reader, self._search_there, question, *arguments)

    async def close(self) -> None:
        """Finish what waits and let go of the file. Closing it again does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._reader.shutdown)
        self._small.close()
        self._long.close()
        await self.writer.close()
        self._lock.release()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

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
