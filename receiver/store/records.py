"""The record: pages of deliveries as the user sees them, single ones whole, and the quarantine."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Sequence
from contextlib import closing
from sqlite3 import Connection
from typing import Any

from receiver.model import Attempt
from receiver.store.acceptance import QUARANTINE_AGE
from receiver.store.base import Merged, Quarantined, Query, Record
from receiver.store.owing import messages_of, snapshot
from receiver.store.rows import DELIVERY, EVENT, delivery_of, event_of, places_of
from receiver.store.statements import SQLITE as SQL

LARGEST = 32 * 1024**2
"""Bytes of bodies on one page, unless a single one is larger."""
CARRIED = 10_000
"""How much of what a message carries a record lists, beside what it tells of the record's own delivery."""

_NEWEST = 2**63 - 1


def records(db: Connection, query: Query) -> tuple[list[Record], str | None]:
    """One page, newest first, and where the next one begins. ValueError for a cursor that is none."""
    created_at, seq = _position(query.cursor) if query.cursor else (math.inf, _NEWEST)
    since = -math.inf if query.since is None else query.since
    until = math.inf if query.until is None else query.until
    filters = map(_listed, (query.channel, query.template, query.state, _spellings(query.q)))
    limit = max(1, query.limit)
    page: list[Record] = []
    length = 0
    bounds = (since, until, created_at, seq, limit + 1, query.merged_into or None)
    with closing(db.execute(SQL["records"], (*filters, *bounds))) as rows:
        for row in rows:
            if len(page) == limit or length > LARGEST:
                return page, _cursor(page[-1].delivery.created_at, seq)
            page.append(Record(delivery_of(row[DELIVERY]), event_of(row[EVENT])))
            seq, length = row[0], length + len(page[-1].event.body)
    return page, None


def record(db: Connection, delivery_id: str) -> Record | None:
    """One record with its messages and attempts, in the order they were made."""
    with snapshot(db):
        rows = db.execute(SQL["record"], (delivery_id,)).fetchall()
        if not rows:
            return None
        [row] = rows
        numbers = [message for (message,) in db.execute(SQL["messages_of"], (row[0],)).fetchall()]
        messages = messages_of(db, numbers, CARRIED, row[0]).values()
        attempts = [Attempt(*found) for found in db.execute(SQL["attempts_of"], (row[0],)).fetchall()]
    return Record(delivery_of(row[DELIVERY]), event_of(row[EVENT]), tuple(messages), tuple(attempts))


def merged(db: Connection, delivery_id: str, limit: int, cursor: str | None) -> tuple[list[Merged], str | None]:
    """One page of what is told together with a delivery, and where the next one begins. ValueError for a bad cursor."""
    message, place = _position(cursor) if cursor else (0.0, 0)
    limit = max(1, limit)
    page: list[Merged] = []
    length = 0
    with closing(db.execute(SQL["merged"], (delivery_id, message, place, limit + 1))) as rows:
        for row in rows:
            if len(page) == limit or length > LARGEST:
                return page, _cursor(message, place)
            page.append(_merged(row))
            message, place, length = float(row[0]), row[EVENT.stop], length + len(page[-1].event.body)
    return page, None


def _merged(row: Sequence[Any]) -> Merged:
    message_id, alerts, detail = row[EVENT.stop + 1 :]
    return Merged(message_id, delivery_of(row[DELIVERY]), event_of(row[EVENT]), places_of(alerts), detail)


def quarantined(db: Connection, now: float, limit: int, cursor: str | None) -> tuple[list[Quarantined], str | None]:
    """One page of the quarantine, newest first, and where the next one begins."""
    _, before = _position(cursor) if cursor else (0.0, _NEWEST)
    limit = max(1, limit)
    rows = db.execute(SQL["quarantined"], (before, now - QUARANTINE_AGE, limit + 1)).fetchall()
    page = [Quarantined(*row[1:]) for row in rows[:limit]]
    return page, _cursor(page[-1].at, rows[limit - 1][0]) if len(rows) > limit else None


def _cursor(at: float, seq: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, seq]).encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[float, int]:
    try:
        at, seq = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(at, float) or type(seq) is not int or not 0 <= seq <= _NEWEST:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise ValueError("the cursor is none of ours; leave it out to begin with the newest") from None
    return at, seq


def _listed(values: Sequence[str]) -> str | None:
    """A JSON list; SQLite would end a string at its NUL, and nothing kept holds one."""
    return json.dumps([value for value in values if "\0" not in value]) if values else None


def _spellings(text: str) -> list[str]:
    """What is looked for, as it may stand in JSON: as it is, in Python's escapes, in Go's; in lower case."""
    escaped = json.dumps(text)[1:-1]
    html = escaped
    for sign in "<>&":
        html = html.replace(sign, f"\\u{ord(sign):04x}")
    return list(dict.fromkeys(_lower(spelling) for spelling in (text, escaped, html))) if text else []


def _lower(text: str) -> str:
    """Lower case as SQLite has it: ASCII only."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
