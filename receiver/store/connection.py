"""Connections to SQLite: how they are set up, and which of their errors mean that the disk is at fault."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

from receiver.errors import StoreUnavailable
from receiver.store import packing

FULL = sqlite3.SQLITE_FULL

_DISK = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
    sqlite3.SQLITE_READONLY: "the database cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
    sqlite3.SQLITE_PERM: "the database may not be opened",
    sqlite3.SQLITE_BUSY: "the database is busy",
    sqlite3.SQLITE_LOCKED: "the database is busy",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_PROTOCOL: "the database is busy",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a database",
    sqlite3.SQLITE_INTERRUPT: "it took too long",
}
"""Primary result codes that say nothing against the row: https://sqlite.org/rescode.html"""

PATIENCE = 5.0
"""Seconds to wait for a lock, which only somebody else's program can hold."""

Role = Literal["writer", "reader"]


def connect(path: Path, role: Role) -> sqlite3.Connection:
    """A connection to an existing database, for one thread at a time, without implicit transactions."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=PATIENCE,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        for pragma in _pragmas(connection, role):
            connection.execute(f"pragma {pragma}").fetchall()
        connection.create_function("packed_text", 1, packing.text, deterministic=True)
        if role == "writer" and connection.execute("pragma journal_mode").fetchone() != ("wal",):
            raise StoreUnavailable("the disk under the database does not allow a write-ahead log; use a local one")
    except BaseException:
        connection.close()
        raise
    return connection


# These only count before the first table, and would be written again each time. 16 KiB pages hold a usual body whole;
# auto_vacuum lets a pruned database shrink.
_NEW = ("page_size = 16384", "auto_vacuum = incremental")
_WRITER = (
    "journal_mode = wal",
    "synchronous = full",
    "journal_size_limit = 67108864",
    "foreign_keys = on",
    "secure_delete = off",  # overwriting what is deleted would double the writes
    "temp_store = memory",
    "cache_size = -16384",
)
_READER = ("query_only = on", "temp_store = memory", "cache_size = -4096")


def _pragmas(connection: sqlite3.Connection, role: Role) -> tuple[str, ...]:
    if role == "reader":
        return _READER
    (pages,) = connection.execute("pragma page_count").fetchone()
    return _WRITER if pages else (*_NEW, *_WRITER)


def primary_code(error: BaseException) -> int:
    """SQLite's primary result code; 0 when the error is none of SQLite's."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def unavailable(error: BaseException) -> StoreUnavailable | None:
    """The error to raise when the disk is at fault, None when the statement or its values are."""
    sentence = _DISK.get(primary_code(error))
    return StoreUnavailable(f"{sentence}: {error}") if sentence else None
