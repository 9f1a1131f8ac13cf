"""What is owed and how it is settled. The writing functions are each part of a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection, Cursor

from receiver.model import Message
from receiver.store.base import MAX_WAIT, Backlog, ChannelState, Move, Settlement, Work
from receiver.store.rows import DELIVERY, EVENT, delivery_of, event_of, listed, message_of
from receiver.store.statements import SQLITE as SQL

FIRST = 256
"""How many of a channel's oldest deliveries are looked at before its groups are counted through."""


def due(db: Connection, channel: str, now: float, limit: int) -> list[Work]:
    """The channel's deliveries whose turn it is; see Store.due."""
    db.execute("begin")
    try:
        rows = db.execute(SQL["due_first"], (channel, now, now + MAX_WAIT, limit, FIRST)).fetchall()
        if len(rows) < limit and db.execute(SQL["owes_more"], (channel, FIRST)).fetchall():
            rows = db.execute(SQL["due_all"], (channel, now, now + MAX_WAIT, limit)).fetchall()
        messages = messages_by_delivery(db, "unsettled_messages", [row[0] for row in rows]) if rows else {}
    finally:
        db.execute("commit")
    return [Work(delivery_of(row[DELIVERY]), event_of(row[EVENT]), tuple(messages.get(row[0], ()))) for row in rows]


def messages_by_delivery(db: Connection, statement: str, deliveries: Sequence[int]) -> dict[int, list[Message]]:
    """The messages that `statement` finds for the numbered deliveries."""
    rows = db.execute(SQL[statement], (listed(deliveries),)).fetchall()
    carried: dict[int, list[str]] = {}
    if rows:
        for message, delivery_id in db.execute(SQL["carried"], (listed([row[1] for row in rows]),)).fetchall():
            carried.setdefault(message, []).append(delivery_id)
    found: dict[int, list[Message]] = {}
    for delivery, message, *columns in rows:
        found.setdefault(delivery, []).append(message_of(columns, tuple(carried[message])))
    return found


def next_due(db: Connection, channel: str, now: float) -> float | None:
    """When the first delivery that would be offered falls due."""
    due_at: float | None = db.execute(SQL["next_due"], (channel, now, now + MAX_WAIT)).fetchall()[0][0]
    return due_at


def slots(db: Connection, credential: str, since: float) -> tuple[list[float], float]:
    """The credential's slots and its hold."""
    taken = [at for (at,) in db.execute(SQL["slots"], (credential, since)).fetchall()]
    hold = db.execute(SQL["credential_hold"], (credential,)).fetchall()
    return taken, hold[0][0] if hold else 0.0


def channels(db: Connection) -> dict[str, ChannelState]:
    """The states that were ever kept."""
    return {name: ChannelState(*state) for name, *state in db.execute(SQL["channels"]).fetchall()}


def backlog(db: Connection) -> dict[str, Backlog]:
    """What is owed, by channel."""
    rows = db.execute(SQL["backlog"]).fetchall()
    return {channel: Backlog(length, oldest) for channel, length, oldest in rows}


def begin(db: Cursor, planned: Sequence[Message], message_id: str, credential: str, at: float) -> None:
    """Keep what is planned, mark what is about to be posted, take the slot. LookupError for an unknown message."""
    _plan(db, planned)
    if not db.execute(SQL["begin_message"], (message_id, at)).rowcount:
        raise LookupError(f"no message has the id {message_id}")
    db.execute(SQL["begin_deliveries"], (message_id,))
    if credential:  # without a rate limit there is no slot to take
        db.execute(SQL["insert_slot"], (credential, at))


def _plan(db: Cursor, planned: Iterable[Message]) -> None:
    for message in planned:
        plain, alerts = int(message.plain), listed(message.alerts)
        first = (message.id, message.channel, message.content, message.number, message.total)
        db.execute(SQL["insert_message"], (*first, plain, message.state.value, alerts))
        db.execute(SQL["insert_carries"], (db.lastrowid, json.dumps(message.deliveries)))


def settle(db: Cursor, settlement: Settlement) -> None:
    """Write the end of one try."""
    attempt = settlement.attempt
    arrived = attempt.at + attempt.duration if attempt and settlement.message_state == "sent" else None
    db.execute(SQL["settle_message"], (settlement.message_id, settlement.message_state.value, arrived))
    if attempt:
        outcome = (attempt.http_status, attempt.provider_code, attempt.error)
        db.execute(SQL["insert_attempt"], (attempt.message_id, attempt.at, attempt.duration, *outcome))
    _plan(db, settlement.replacements)
    for move in settlement.moves:
        _move(db, move)
    if settlement.hold:
        db.execute(SQL["hold_credential"], (*settlement.hold, MAX_WAIT))
    if settlement.channel:
        set_channel(db, *settlement.channel)


def _move(db: Cursor, move: Move) -> None:
    values = (move.delivery_id, move.state.value, move.reason, move.due_at, move.attempts, move.sent_at)
    db.execute(SQL["move_delivery"], values)


def set_channel(db: Cursor, channel: str, state: ChannelState) -> None:
    """Remember a channel's state."""
    kept = (state.state, state.reason, state.failures, state.changed_at, state.settings)
    db.execute(SQL["set_channel"], (channel, *kept))


def hold(db: Cursor, channel: str, reason: str) -> int:
    """Hold what the channel owes; how many."""
    return db.execute(SQL["hold"], (channel, reason)).rowcount


def release(db: Cursor, channel: str, now: float, reasons: Sequence[str]) -> int:
    """Owe again what is held for one of `reasons`; how many."""
    return db.execute(SQL["release"], (channel, now, json.dumps(list(reasons)))).rowcount
