"""What a channel owes, and how far it has come: the messages that carry it, and what of it was told before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from sqlite3 import Connection
from typing import Any

from receiver.model import Delivery, Message, StoredEvent
from receiver.store.base import Work
from receiver.store.rows import (
    DELIVERY,
    EVENT,
    carried_of,
    delivery_of,
    event_of,
    grouped,
    listed,
    message_of,
    places_of,
)
from receiver.store.statements import SQLITE as SQL

LARGEST = 8 * 1024**2
"""Bytes of bodies that are offered at once: more would fill the memory before they are sent."""

ALL = 2**63 - 1
"""More than any message carries."""

_NONE = -1


def owed(db: Connection, channel: str, after: int, limit: int) -> list[Work]:
    """What the channel owes after the number `after`; see Store.owed."""
    with snapshot(db):
        found = _offered(db, channel, after, limit)
        begun = [seq for (seq,) in db.execute(SQL["begun"], (listed(list(found)),))] if found else []
        messages = _unsettled(db, begun) if begun else {}
        known = _known(db, begun) if begun else {}
        relieved = _channels(db, [one.stands_in for one, _ in found.values() if one.stands_in])
    return [
        Work(
            delivery,
            event,
            tuple(messages.get(seq, ())),
            **known.get(seq, {}),
            seq=seq,
            in_place_of=relieved.get(delivery.stands_in, ""),
        )
        for seq, (delivery, event) in found.items()
    ]


@contextmanager
def snapshot(db: Connection) -> Iterator[None]:
    """Let all that is asked within the block be answered by the same state of the database."""
    db.execute("begin")
    try:
        yield
    finally:
        db.execute("commit")


def _offered(db: Connection, channel: str, after: int, limit: int) -> dict[int, tuple[Delivery, StoredEvent]]:
    """Deliveries with their events by number, at least one, until their bodies are `LARGEST`."""
    found: dict[int, tuple[Delivery, StoredEvent]] = {}
    length = 0
    with closing(db.execute(SQL["owed_after"], (channel, after, limit))) as rows:
        for row in rows:
            event = event_of(row[EVENT])
            length += len(event.body)
            if found and length > LARGEST:
                break
            found[row[0]] = delivery_of(row[DELIVERY]), event
    return found


def _unsettled(db: Connection, deliveries: Sequence[int]) -> dict[int, list[Message]]:
    """The messages of the numbered deliveries that are not settled, each made once."""
    pairs = list(dict.fromkeys(db.execute(SQL["unsettled"], (listed(deliveries),)).fetchall()))
    messages = messages_of(db, {message for _, message in pairs})
    return grouped((delivery, messages[message]) for delivery, message in pairs)


def messages_of(db: Connection, numbers: Iterable[int], most: int = ALL, whose: int = _NONE) -> dict[int, Message]:
    """The numbered messages in the order they were made.

    Each with the first `most` that it carries, and what it tells of the delivery numbered `whose`.
    """
    named = listed(sorted(numbers))
    rows = db.execute(SQL["carried"], (named, most, whose)).fetchall()
    carried = grouped((message, carried_of(delivery, *told)) for message, delivery, *told in rows)
    rows = db.execute(SQL["messages"], (named,)).fetchall()
    return {seq: message_of(columns, tuple(carried.get(seq, ()))) for seq, *columns in rows}


def _known(db: Connection, deliveries: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What Work says of the messages of the numbered deliveries that are settled."""
    named = (listed(deliveries),)
    refused, reached, notes, told = (
        grouped(db.execute(SQL[name], named)) for name in ("refused", "reached", "notes", "told")
    )
    return {
        seq: {
            "refused": refused.get(seq, [""])[0],
            "reached": seq in reached,
            "notes": tuple(dict.fromkeys(notes.get(seq, ()))),
            "told": frozenset(place for places in told.get(seq, ()) for place in places_of(places)),
        }
        for seq in deliveries
    }


def _channels(db: Connection, deliveries: Sequence[str]) -> dict[str, str]:
    """The channel of each of these deliveries."""
    return dict(db.execute(SQL["channels_of"], (json.dumps(deliveries),)).fetchall()) if deliveries else {}
