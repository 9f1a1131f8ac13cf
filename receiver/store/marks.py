"""How a repeated event is told: marks are written one after the other, found through a small index in memory."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Cursor

from receiver.store.base import Mark
from receiver.store.rows import listed
from receiver.store.statements import SQLITE as SQL
from receiver.store.statements import insert_all

_FIND = SQL["find_mark"]
_INSERT = SQL["insert_mark"]

_SWEEP_EVERY = 64
_SWEEP = 256
_BRIEF = 900.0
"""What lasts no longer than this, in seconds, ends in the order in which it came; a longer mark is passed by."""


class Marks:
    """The marks of one database; used by its writer only.

    A table ordered by their random scopes would dirty a page of the log for every event. So the table is ordered by
    time, and the index from scope to row is kept here (about 110 bytes a mark), read back when the store is opened.
    What the index says is checked against the row: two scopes may share a place in it.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._fresh: dict[int, tuple[Mark, int, float]] = {}
        self._undo: list[tuple[int, int | None]] = []
        self._last = 0
        self._since_sweep = 0
        self._swept = 0

    def load(self, db: Connection) -> None:
        """Read the index back from the table."""
        self._rows = {hash(scope): seq for seq, scope in db.execute(SQL["all_marks"])}
        self._last = max(self._rows.values(), default=0)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, db: Cursor, mark: Mark, at: float) -> int | None:
        """The number of the event that was first taken in with this mark, less than its window away from `at`."""
        row = self._rows.get(hash(mark.scope))
        if row is None:
            return None
        if row not in self._fresh:
            found = db.execute(_FIND, (row, mark.scope, mark.digest, at, mark.window)).fetchall()
            return found[0][0] if found else None
        first, event, first_at = self._fresh[row]
        same = (first.scope, first.digest) == (mark.scope, mark.digest)
        return event if same and abs(at - first_at) < mark.window else None

    def set(self, marks: Sequence[Mark], event: int, at: float) -> None:
        """Remember, with the next `write`, that `event` came in with `marks` at `at`.

        A former event with one of the scopes is no longer found.
        """
        for mark in marks:
            self._last += 1
            self._fresh[self._last] = mark, event, at
            self._point(hash(mark.scope), self._last)
        self._since_sweep += 1

    def write(self, db: Cursor, now: float) -> None:
        """Write what was set since the last time; now and then forget what is past its window."""
        rows = [
            (seq, mark.scope, mark.digest, event, at, at + mark.window)
            for seq, (mark, event, at) in self._fresh.items()
        ]
        insert_all(db, _INSERT, rows)
        self._fresh.clear()
        if self._since_sweep >= _SWEEP_EVERY:
            self.sweep(db, now)

    def sweep(self, db: Cursor, now: float) -> int:
        """Forget some of the oldest marks if their windows have ended; how many.

        Those of a long window stand in the way of none behind them: the next sweep goes on where there were too many.
        """
        self._since_sweep = 0
        seen = db.execute(SQL["oldest_marks"], (self._swept, _SWEEP)).fetchall()
        self._swept = seen[-1][0] if len(seen) == _SWEEP else 0
        outlived = []
        for seq, scope, at, until in seen:
            if until - at <= _BRIEF and now <= until < now + _BRIEF:  # whatever is as brief and follows is younger
                self._swept = 0
                break
            if until < now:
                outlived.append(seq)
                if self._rows.get(hash(scope)) == seq:
                    self._point(hash(scope), None)
        if outlived:
            db.execute(SQL["forget_marks"], (listed(outlived),))
        return len(outlived)

    def committed(self) -> None:
        """What was done since the last commit stays."""
        self._undo.clear()

    def rolled_back(self) -> None:
        """What was done since the last commit never was."""
        self._fresh.clear()
        while self._undo:
            self._place(*self._undo.pop())

    def _point(self, key: int, row: int | None) -> None:
        self._undo.append((key, self._rows.get(key)))
        self._place(key, row)

    def _place(self, key: int, row: int | None) -> None:
        if row is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = row
