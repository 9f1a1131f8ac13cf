"""How a try begins and how it is settled. The writing functions are each part of a transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from sqlite3 import Connection, Cursor
from typing import Any

from receiver.model import Attempt, Card, Message, MessageState, State
from receiver.store.base import MAX_WAIT, Backlog, ChannelState, Move, Settlement
from receiver.store.packing import pack
from receiver.store.rows import listed
from receiver.store.statements import SQLITE as SQL
from receiver.store.statements import insert_all


def slots(db: Connection, credential: str, since: float) -> tuple[list[float], float]:
    """The credential's slots and its hold."""
    taken = [at for (at,) in db.execute(SQL["slots"], (credential, since)).fetchall()]
    hold = db.execute(SQL["credential_hold"], (credential,)).fetchall()
    return taken, hold[0][0] if hold else 0.0


def used(db: Connection, credential: str, month: str) -> int:
    """How many posts were counted."""
    found = db.execute(SQL["used"], (credential, month)).fetchall()
    return found[0][0] if found else 0


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


Begin = tuple[Sequence[Message], str, str, float, str]
"""What is planned, the message that is about to be posted, the credential, when, the month that it counts in."""


def begin(db: Cursor, calls: Sequence[Begin]) -> list[None]:
    """Keep what is planned, mark what is about to be posted, take the slots; all calls with few statements.

    LookupError for an unknown message.
    """
    planned = [
        (message, at if message.id == message_id else None)
        for fresh, message_id, _, at, _ in calls
        for message in fresh
    ]
    _keep(db, planned)
    for fresh, message_id, _, at, _ in calls:
        if all(message.id != message_id for message in fresh):
            _begin_again(db, message_id, at)
    db.execute(SQL["begin_deliveries"], (json.dumps([message_id for _, message_id, *_ in calls]),))
    limited = [call for call in calls if call[2]]
    insert_all(db, SQL["insert_slot"], [(name, at) for _, _, name, at, _ in limited])
    posts = Counter((name, month) for _, _, name, _, month in limited if month)
    insert_all(db, SQL["count_posts"], [(*key, number) for key, number in posts.items()])
    return [None] * len(calls)


def _begin_again(db: Cursor, message_id: str, at: float) -> None:
    if not db.execute(SQL["begin_message"], (message_id, at)).rowcount:
        raise LookupError(f"no message has the id {message_id}")


def _keep(db: Cursor, messages: Sequence[tuple[Message, float | None]]) -> None:
    """Keep messages, and since when they are being sent if they are."""
    insert_all(db, SQL["insert_message"], [_values(message, began_at) for message, began_at in messages])
    carried = [
        (message.id, place, one.delivery, listed(one.alerts), one.detail)
        for message, _ in messages
        for place, one in enumerate(message.carries)
    ]
    insert_all(db, SQL["insert_carries"], carried)


def _values(message: Message, began_at: float | None) -> tuple[Any, ...]:
    state = message.state if began_at is None else MessageState.SENDING
    first = (message.id, message.channel, pack(message.content), message.number, message.total)
    return (*first, int(message.plain), state.value, began_at, message.target, message.updates)


def settle(db: Cursor, calls: Sequence[tuple[Settlement]]) -> list[None]:
    """Write the ends of tries; all calls with few statements."""
    settlements = [settlement for (settlement,) in calls]
    insert_all(db, SQL["settle_message"], [_end(each) for each in settlements if each.message_id])
    attempts = [each.attempt for each in settlements if each.attempt]
    insert_all(db, SQL["insert_attempt"], [_tried(attempt) for attempt in attempts])
    _keep(db, [(message, None) for each in settlements for message in each.replacements])
    _move(db, [move for each in settlements for move in each.moves])
    for each in settlements:
        if each.hold:
            db.execute(SQL["hold_credential"], (*each.hold, MAX_WAIT))
        if each.channel:
            set_channel(db, *each.channel)
        if each.discarded:
            db.execute(SQL["discard_messages"], (json.dumps(each.discarded),))
        if each.anew:
            discard_unsent(db, each.anew)
        if each.card:
            _keep_card(db, each.message_id, each.card)
        if each.retired:
            db.execute(SQL["retire_card"], each.retired)
    return [None] * len(calls)


def _move(db: Cursor, moves: Sequence[Move]) -> None:
    """Move deliveries in order. One statement that names a delivery twice would follow any one of its moves."""
    each_once = len({move.delivery_id for move in moves}) == len(moves)
    insert_all(db, SQL["move_delivery"], [_moved(move) for move in moves], at_most=64 if each_once else 1)
    if given_up := [move.delivery_id for move in moves if move.state in (State.FAILED, State.EXPIRED)]:
        db.execute(SQL["withdraw"], (json.dumps(given_up),))


def discard_unsent(db: Cursor, deliveries: Sequence[str]) -> None:
    """Let none of the messages of these deliveries count any more, but those that were sent."""
    db.execute(SQL["discard_unsent"], (json.dumps(deliveries),))


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
    told = (move.sent_at, move.detail, move.merged_into)
    return (move.delivery_id, move.state.value, move.reason, move.due_at, move.attempts, *told)


def set_channel(db: Cursor, channel: str, state: ChannelState) -> None:
    """Remember a channel's state."""
    kept = (state.state, state.reason, state.failures, state.changed_at, state.settings)
    db.execute(SQL["set_channel"], (channel, *kept))
