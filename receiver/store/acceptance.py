"""What is taken in: events by their marks, and the bodies that could not be. All of it is part of a transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from sqlite3 import Connection, Cursor
from typing import Any

from receiver.model import Delivery, StoredEvent
from receiver.store.base import Mark, Quarantined, Receipt
from receiver.store.marks import Marks
from receiver.store.packing import pack
from receiver.store.rows import delivery_of, values_of
from receiver.store.statements import SQLITE as SQL
from receiver.store.statements import insert_all

DELIVERIES = 65536
"""The deliveries of an event are numbered from its own number times this."""
QUARANTINE_LENGTH = 1000
QUARANTINE_BYTES = 64 * 1024
QUARANTINE_AGE = 7 * 86400.0

_INSERT_EVENT = SQL["insert_event"]
_INSERT_DELIVERY = SQL["insert_delivery"]

Call = tuple[StoredEvent, Sequence[Delivery], Sequence[Mark]]


class Acceptance:
    """Takes events in, many with few statements: each statement lets go of the interpreter, and a busy loop is slow
    to give it back. Used by the writer only."""

    def __init__(self, db: Connection) -> None:
        self.marks = Marks()
        self.marks.load(db)
        self._last: int = db.execute(SQL["last_event"]).fetchall()[0][0]

    def accept(self, db: Cursor, calls: Sequence[Call]) -> list[Receipt]:
        """Keep each event, or find the one it repeats, which may be among those before it."""
        taken: dict[int, tuple[StoredEvent, Receipt]] = {}
        receipts = [self._take(db, taken, *call) for call in calls]
        events = [_values(seq, event) for seq, (event, _) in taken.items()]
        insert_all(db, _INSERT_EVENT, events, at_most=16)  # bodies are copied when they are bound
        owed = [
            values_of(delivery, number)
            for seq, (_, receipt) in taken.items()
            for number, delivery in enumerate(receipt.deliveries, seq * DELIVERIES)
        ]
        insert_all(db, _INSERT_DELIVERY, owed)
        self.marks.write(db, calls[-1][0].received_at)
        return receipts

    def _take(
        self,
        db: Cursor,
        taken: dict[int, tuple[StoredEvent, Receipt]],
        event: StoredEvent,
        deliveries: Sequence[Delivery],
        marks: Sequence[Mark],
    ) -> Receipt:
        for mark in marks:
            first = self.marks.find(db, mark, event.received_at)
            if first is not None:
                return replace(taken[first][1], duplicate=True) if first in taken else _repeated(db, first)
        if len(deliveries) > DELIVERIES:
            raise ValueError(f"an event cannot have more than {DELIVERIES} deliveries")
        self._last += 1
        receipt = Receipt(event.id, False, tuple(deliveries))
        taken[self._last] = event, receipt
        self.marks.set(marks, self._last, event.received_at)
        return receipt


def _values(seq: int, event: StoredEvent) -> tuple[Any, ...]:
    channels = json.dumps(event.channels) if event.channels else "[]"
    return seq, event.id, event.source, event.path, channels, event.received_at, pack(event.body)


def _repeated(db: Cursor, seq: int) -> Receipt:
    event_id = db.execute(SQL["event_id"], (seq,)).fetchall()[0][0]
    rows = db.execute(SQL["deliveries_of_event"], (seq,)).fetchall()
    return Receipt(event_id, True, tuple(map(delivery_of, rows)))


def quarantine(db: Cursor, body: Quarantined) -> None:
    """Keep a body, and only so many of them."""
    kept = body.body[:QUARANTINE_BYTES]
    db.execute(SQL["insert_quarantine"], (body.id, body.at, body.source, body.path, body.reason, kept))
    db.execute(SQL["trim_quarantine"], (QUARANTINE_LENGTH, body.at - QUARANTINE_AGE))


def beat(db: Cursor) -> None:
    """Write one small thing, to see whether it can be written."""
    db.execute(SQL["beat"])
