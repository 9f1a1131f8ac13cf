"""What is owed and how it is settled. The writing functions are each part of a transaction."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from sqlite3 import Connection, Cursor
from typing import Any

from receiver.model import Attempt, Card, Delivery, Message, MessageState, StoredEvent
from receiver.store.base import MAX_WAIT, Backlog, ChannelState, Move, Settlement, Work
from receiver.store.packing import pack
from receiver.store.rows import DELIVERY, EVENT, delivery_of, event_of, listed, message_of
from receiver.store.statements import SQLITE as SQL
from receiver.store.statements import insert_all

LARGEST = 8 * 1024**2
"""Bytes of bodies that are offered at once: more would fill the memory before they are sent."""
LOOKED_AT = 4096
"""How many of a channel's oldest deliveries are looked at: those behind them wait until some of them have ended."""


def due(db: Connection, channel: str, now: float, limit: int) -> list[Work]:
    """The channel's deliveries whose turn it is; see Store.due."""
    db.execute("begin")
    try:
        with closing(_heads(db, channel)) as heads:
            ready = (seq for seq, due_at in heads if due_at <= now or due_at > now + MAX_WAIT)
            chosen = list(islice(ready, limit))
        found = _offered(db, chosen) if chosen else []
        messages = messages_by_delivery(db, "unsettled_messages", [seq for seq, *_ in found]) if found else {}
        known = _known(db, list(messages))
    finally:
        db.execute("commit")
    return [Work(delivery, event, tuple(messages.get(seq, ())), **known.get(seq, {})) for seq, delivery, event in found]


def _known(db: Connection, deliveries: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What Work says of the messages of the numbered deliveries that are settled."""
    if not deliveries:
        return {}
    refused, reached, notes = (
        db.execute(SQL[name], (listed(deliveries),)).fetchall() for name in ("refused", "reached", "notes")
    )
    return {
        seq: {
            "refused": next((why for one, why in refused if one == seq), ""),
            "reached": (seq,) in reached,
            "notes": tuple(dict.fromkeys(note for one, note in notes if one == seq)),
        }
        for seq in deliveries
    }


def _offered(db: Connection, chosen: Sequence[int]) -> list[tuple[int, Delivery, StoredEvent]]:
    """The first of the numbered deliveries with their events, at least one, until their bodies are `LARGEST`."""
    found: list[tuple[int, Delivery, StoredEvent]] = []
    length = 0
    with closing(db.execute(SQL["owed_deliveries"], (listed(chosen),))) as rows:
        for row in rows:
            event = event_of(row[EVENT])
            length += len(event.body)
            if found and length > LARGEST:
                break
            found.append((row[0], delivery_of(row[DELIVERY]), event))
    return found


def _heads(db: Connection, channel: str) -> Generator[tuple[int, float], None, None]:
    """The oldest owed delivery of each group, oldest first: its number and when it falls due."""
    seen: set[str] = set()
    for seq, group, due_at in db.execute(SQL["owed_of"], (channel, LOOKED_AT)):
        if group not in seen:
            seen.add(group)
            yield seq, due_at


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
    """When the first delivery that would be offered falls due; what is too far ahead is due now."""
    waits = (now if due_at > now + MAX_WAIT else due_at for _, due_at in _heads(db, channel))
    return min(waits, default=None)


def slots(db: Connection, credential: str, since: float) -> tuple[list[float], float]:
    """The credential's slots and its hold."""
    taken = [at for (at,) in db.execute(SQL["slots"], (credential, since)).fetchall()]
    hold = db.execute(SQL["credential_hold"], (credential,)).fetchall()
    return taken, hold[0][0] if hold else 0.0


def cards(db: Connection, channel: str, group: str) -> list[Card]:
    """What stands for the group on the channel."""
    rows = db.execute(SQL["cards"], (channel, group)).fetchall()
    return [Card(*[*row[:-1], bool(row[-1])]) for row in rows]


def channels(db: Connection) -> dict[str, ChannelState]:
    """The states that were ever kept."""
    return {name: ChannelState(*state) for name, *state in db.execute(SQL["channels"]).fetchall()}


def last_success(db: Connection) -> dict[str, float]:
    """When each channel was last confirmed a message."""
    return dict(db.execute(SQL["last_success"]).fetchall())


def backlog(db: Connection) -> dict[str, Backlog]:
    """What is owed, by channel."""
    rows = db.execute(SQL["backlog"]).fetchall()
    return {channel: Backlog(length, oldest) for channel, length, oldest in rows}


Begin = tuple[Sequence[Message], str, str, float]
"""What is planned, the message that is about to be posted, the credential, when."""


def begin(db: Cursor, calls: Sequence[Begin]) -> list[None]:
    """Keep what is planned, mark what is about to be posted, take the slots; all calls with few statements.

    LookupError for an unknown message.
    """
    planned = [
        (message, at if message.id == message_id else None) for fresh, message_id, _, at in calls for message in fresh
    ]
    _keep(db, planned)
    begun = [(delivery,) for message, at in planned if at is not None for delivery in message.deliveries]
    insert_all(db, SQL["begin_fresh"], begun)
    for fresh, message_id, _, at in calls:
        if all(message.id != message_id for message in fresh):
            _begin_again(db, message_id, at)
    insert_all(db, SQL["insert_slot"], [(name, at) for _, _, name, at in calls if name])  # no limit, no slot
    return [None] * len(calls)


def _begin_again(db: Cursor, message_id: str, at: float) -> None:
    if not db.execute(SQL["begin_message"], (message_id, at)).rowcount:
        raise LookupError(f"no message has the id {message_id}")
    db.execute(SQL["begin_deliveries"], (message_id,))


def _keep(db: Cursor, messages: Sequence[tuple[Message, float | None]]) -> None:
    """Keep messages, and since when they are being sent if they are."""
    insert_all(db, SQL["insert_message"], [_values(message, began_at) for message, began_at in messages])
    carried = [(message.id, place, one) for message, _ in messages for place, one in enumerate(message.deliveries)]
    insert_all(db, SQL["insert_carries"], carried)


def _values(message: Message, began_at: float | None) -> tuple[Any, ...]:
    state = message.state if began_at is None else MessageState.SENDING
    first = (message.id, message.channel, pack(message.content), message.number, message.total)
    whom = (message.target, message.updates)
    return (*first, int(message.plain), state.value, listed(message.alerts), began_at, *whom)


def settle(db: Cursor, calls: Sequence[tuple[Settlement]]) -> list[None]:
    """Write the ends of tries; all calls with few statements."""
    settlements = [settlement for (settlement,) in calls]
    insert_all(db, SQL["settle_message"], [_end(each) for each in settlements if each.message_id])
    attempts = [each.attempt for each in settlements if each.attempt]
    insert_all(db, SQL["insert_attempt"], [_tried(attempt) for attempt in attempts])
    _keep(db, [(message, None) for each in settlements for message in each.replacements])
    insert_all(db, SQL["move_delivery"], [_moved(move) for each in settlements for move in each.moves])
    for each in settlements:
        if each.hold:
            db.execute(SQL["hold_credential"], (*each.hold, MAX_WAIT))
        if each.channel:
            set_channel(db, *each.channel)
        if each.discarded:
            db.execute(SQL["discard_messages"], (json.dumps(each.discarded),))
        if each.anew:
            db.execute(SQL["discard_delivery"], (each.anew,))
        if each.card:
            _keep_card(db, each.message_id, each.card)
        if each.retired:
            db.execute(SQL["retire_card"], each.retired)
    return [None] * len(calls)


def _keep_card(db: Cursor, message_id: str, card: Card) -> None:
    db.execute(SQL["name_message"], (message_id, card.provider_id))
    named = (card.channel, card.group, card.target, card.number, card.provider_id)
    db.execute(SQL["keep_card"], (*named, card.posted_at, card.updates, card.told, card.rank, int(card.live)))


def _end(settlement: Settlement) -> tuple[Any, ...]:
    attempt, state = settlement.attempt, settlement.message_state
    arrived = attempt.at + attempt.duration if attempt and state is MessageState.SENT else None
    return settlement.message_id, state.value, arrived


def _tried(attempt: Attempt) -> tuple[Any, ...]:
    outcome = (attempt.http_status, attempt.provider_code, attempt.error, attempt.note)
    return (attempt.message_id, attempt.at, attempt.duration, *outcome)


def _moved(move: Move) -> tuple[Any, ...]:
    return move.delivery_id, move.state.value, move.reason, move.due_at, move.attempts, move.sent_at


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
