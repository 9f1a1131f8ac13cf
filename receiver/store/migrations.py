"""Numbered changes of the schema, each applied once, in its own transaction, and never edited afterwards."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from receiver.errors import ConfigError, Fault
from receiver.store.statements import FOLDER

_TABLE = """create table migration (
  number integer primary key, name text not null, checksum text not null, applied_at real not null)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    script: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the script, to tell that it was not edited after it was applied."""
        return hashlib.sha256(self.script.encode()).hexdigest()


def known(dialect: str) -> list[Migration]:
    """The dialect's migrations in order."""
    files = sorted((FOLDER / dialect).glob("[0-9]*.sql"))
    return [Migration(int(file.stem.split("_")[0]), file.stem, file.read_text(encoding="utf-8")) for file in files]


def migrate(connection: sqlite3.Connection, now: float, steps: list[Migration]) -> None:
    """Bring the database to the newest of `steps`; each step happens whole or not at all.

    ConfigError if it is not ours, was written by a newer version, or by one whose migrations differ.
    """
    if _is_new(connection):
        connection.execute(_TABLE)
    applied = dict(connection.execute("select number, checksum from migration").fetchall())
    if applied and max(applied) > steps[-1].number:
        raise _fault(
            f"the database has schema {max(applied)}, this version knows {steps[-1].number}: "
            "it was written by a newer alert-receiver; use that version or an older copy of the database"
        )
    for step in steps:
        if step.number not in applied:
            _apply(connection, step, now)
        elif applied[step.number] != step.checksum:
            raise _fault(f"migration {step.name} of the database is not the one this version knows")


def _is_new(connection: sqlite3.Connection) -> bool:
    tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall()}
    if tables and "migration" not in tables:
        raise _fault("the database belongs to another program")
    return not tables


def _apply(connection: sqlite3.Connection, step: Migration, now: float) -> None:
    with transaction(connection):
        for statement in split(step.script):
            connection.execute(statement)
        connection.execute(
            "insert into migration (number, name, checksum, applied_at) values (?, ?, ?, ?)",
            (step.number, step.name, step.checksum, now),
        )


def split(script: str) -> Iterator[str]:
    """The statements of a script: `executescript` would commit before it begins."""
    waiting = ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE and COMMIT around the block, ROLLBACK if it raises."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _fault(rule: str) -> ConfigError:
    return ConfigError([Fault("storage.url", rule)])
