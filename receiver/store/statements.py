"""The named statements under `sql/`, as a dialect wants them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from sqlite3 import Cursor
from typing import Any

FOLDER = Path(__file__).with_name("sql")

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"^--.*\n", re.MULTILINE)
_QUOTE = re.compile(r"\{(\w+)\}")
_PARAMETER = re.compile(r"\$(\d+)")
_ROW = re.compile(r"\bvalues \(([?\d, ]*)\)")


def read(*files: str) -> dict[str, str]:
    """Every statement of `files` by its name, with the quoted ones filled in. KeyError for a quote of none."""
    statements: dict[str, str] = {}
    for file in files:
        parts = _NAME.split((FOLDER / f"{file}.sql").read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            plain = _COMMENT.sub("", text.strip() + "\n").strip()
            statements[name] = _QUOTE.sub(lambda quote: statements[quote[1]], plain)
    return statements


def _for_sqlite(statement: str) -> str:
    return _PARAMETER.sub(r"?\1", statement)


SQLITE = {name: _for_sqlite(statement) for name, statement in read("columns", "outbox", "holding", "records").items()}
"""The statements with SQLite's numbered parameters, which take a plain sequence."""


def insert_all(db: Cursor, statement: str, rows: Sequence[Sequence[Any]], at_most: int = 64) -> None:
    """Run a statement with one `values (…)`, and no other parameters, for all rows: up to `at_most` (a power of two)
    in one execution. There are few sizes, so that each stays prepared."""
    done = 0
    while done < len(rows):
        left = len(rows) - done
        size = min(at_most, left if left <= 8 else 1 << (left.bit_length() - 1))
        values = [value for row in rows[done : done + size] for value in row]
        db.execute(_wide(statement, size), values)
        done += size


@cache
def _wide(statement: str, rows: int) -> str:
    found = _ROW.search(statement)
    if found is None:
        raise ValueError("the statement has no values")
    row = f"({', '.join('?' * found[1].count('?'))})"
    return f"{statement[: found.start()]}values {', '.join([row] * rows)}{statement[found.end() :]}"
