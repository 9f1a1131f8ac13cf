"""What is held and comes back, and what another channel tells in its place. Each writer is part of a transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from sqlite3 import Connection, Cursor
from typing import Any

from receiver.model import Delivery
from receiver.store.acceptance import DELIVERIES
from receiver.store.rows import DELIVERY, delivery_of, listed, values_of
from receiver.store.sending import discard_unsent
from receiver.store.statements import SQLITE as SQL
from receiver.store.statements import insert_all


def hold(db: Cursor, channel: str, reason: str) -> int:
    """Hold what the channel owes; how many."""
    return db.execute(SQL["hold"], (channel, reason)).rowcount


def release(db: Cursor, channel: str, now: float, reasons: Sequence[str]) -> int:
    """Owe again what is held for one of `reasons`; how many."""
    return db.execute(SQL["release"], (channel, now, json.dumps(list(reasons)))).rowcount


def release_due(db: Cursor, channel: str, now: float, groups: Sequence[str]) -> int:
    """Owe what a schedule held until now, and what it holds of `groups`; how many."""
    return db.execute(SQL["release_due"], (channel, now, json.dumps(list(groups)))).rowcount


def next_release(db: Connection, channel: str) -> float | None:
    """When the first delivery that a schedule holds falls due."""
    at: float | None = db.execute(SQL["next_release"], (channel,)).fetchall()[0][0]
    return at


def resend(db: Cursor, deliveries: Sequence[str], now: float) -> list[Delivery]:
    """Owe what was given up or is held again, without its past; what of `deliveries` that is."""
    rows = db.execute(SQL["resendable"], (json.dumps(list(deliveries)),)).fetchall()
    numbers = listed([seq for (seq,) in rows])
    db.execute(SQL["owe_again"], (numbers, now))
    again = [delivery_of(row) for row in db.execute(SQL["deliveries"], (numbers,)).fetchall()]
    discard_unsent(db, [delivery.id for delivery in again])
    return again


def relievable(db: Connection, channel: str, before: float, stopped: bool, limit: int) -> list[Delivery]:
    """What another channel may tell, oldest first; see Store.relievable."""
    rows = db.execute(SQL["relievable_owed"], (channel, before, limit)).fetchall()
    if rows:  # with what came later of their groups: it must not seem that the first state still holds
        groups = json.dumps(sorted({delivery_of(row[DELIVERY]).group for row in rows}))
        rows = db.execute(SQL["relievable_beside"], (channel, groups, limit)).fetchall()
    if stopped:
        rows += db.execute(SQL["relievable_held"], (channel, limit)).fetchall()
    return [delivery_of(row[DELIVERY]) for row in sorted(rows, key=lambda row: row[0])[:limit]]


def hand_over(db: Cursor, stand_ins: Sequence[Delivery]) -> list[Delivery]:
    """Owe each in the place of its delivery, unless that has ended or is told elsewhere; those that are told now.

    What the channel was given of the same event by itself it tells already.
    """
    places = json.dumps([each.stands_in for each in stand_ins])
    last: dict[str, int] = dict(db.execute(SQL["without_stand_in"], (places,)).fetchall())
    taken: dict[str, Delivery] = {}
    for each in stand_ins:
        if each.stands_in in last:
            taken.setdefault(each.stands_in, each)
    there = {
        place
        for channel in {each.channel for each in taken.values()}
        for (place,) in db.execute(
            SQL["told_there"], (json.dumps([at for at, one in taken.items() if one.channel == channel]), channel)
        ).fetchall()
    }
    insert_all(db, SQL["insert_delivery"], _numbered([one for at, one in taken.items() if at not in there], last))
    insert_all(db, SQL["set_told_by"], [(place, each.channel) for place, each in taken.items()])
    return list(taken.values())


def _numbered(stand_ins: Sequence[Delivery], last: Mapping[str, int]) -> list[tuple[Any, ...]]:
    """The rows of `stand_ins`, each after the last delivery of its event."""
    given: dict[int, int] = {}
    rows = []
    for each in stand_ins:
        event = last[each.stands_in] // DELIVERIES
        given[event] = number = given.get(event, last[each.stands_in]) + 1
        if number // DELIVERIES != event:
            raise ValueError(f"an event cannot have more than {DELIVERIES} deliveries")
        rows.append(values_of(each, number))
    return rows
