"""How the record is forgotten, in slices that hold nobody up. Each function is part of a transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from sqlite3 import Cursor

from receiver.store.rows import listed
from receiver.store.statements import SQLITE as SQL

SLOT_AGE = 86400.0
"""For how long a taken slot is remembered, in seconds: longer than any rate window."""

CARD_AGE = 30 * 86400.0
"""For how long it is remembered what stands for a group, in seconds: longer than any message can be updated."""

USAGE_AGE = 400 * 86400.0
"""For how long it is remembered how much was posted in a month, in seconds: for a year and the month that ends it."""

_LOOKED_AT = 200


def forget(db: Cursor, before: float, after: int, limit: int) -> tuple[int, int | None]:
    """Forget up to `limit` of the oldest events that owe nothing, looking on after the event numbered `after`.

    How many, and where to look on; None when all that is left came in since `before`.
    """
    forgotten: list[int] = []
    seen = db.execute(SQL["oldest_events"], (after, _LOOKED_AT)).fetchall()
    more = len(seen) == _LOOKED_AT
    for seq, received_at, owes in seen:
        if received_at >= before:
            more = False
            break
        if len(forgotten) == limit:
            more = True
            break
        after = seq
        if not owes:
            forgotten.append(seq)
    if forgotten:
        _forget(db, listed(forgotten))
    return len(forgotten), after if more else None


def _forget(db: Cursor, events: str) -> None:
    deliveries = listed([seq for (seq,) in db.execute(SQL["deliveries_of"], (events,)).fetchall()])
    messages = listed([seq for (seq,) in db.execute(SQL["messages_carrying"], (deliveries,)).fetchall()])
    db.execute(SQL["forget_carries"], (deliveries,))
    db.execute(SQL["forget_attempts"], (messages,))
    db.execute(SQL["forget_messages"], (messages,))
    db.execute(SQL["forget_deliveries"], (deliveries,))
    db.execute(SQL["forget_events"], (events,))


def expire_held(db: Cursor, before: float, limit: int) -> int:
    """Expire up to `limit` held deliveries of events that came in before `before`; how many."""
    return db.execute(SQL["expire_held"], (before, limit)).rowcount


def forget_outdated(db: Cursor, now: float) -> None:
    """Forget the slots that no window counts any more, the messages that no provider lets us update any more, and how
    much was posted in months that nobody asks for any more."""
    db.execute(SQL["forget_slots"], (now - SLOT_AGE,))
    db.execute(SQL["forget_cards"], (now - CARD_AGE,))
    month = datetime.fromtimestamp(now - USAGE_AGE, UTC).strftime("%Y-%m")
    db.execute(SQL["forget_usage"], (month,))


def shrink(db: Cursor) -> int:
    """Give some free pages back to the file system; how many are left."""
    db.execute(SQL["shrink"]).fetchall()
    left: int = db.execute(SQL["free_pages"]).fetchall()[0][0]
    return left
