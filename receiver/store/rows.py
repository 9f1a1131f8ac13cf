"""Rows of the database as the models, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from receiver.model import Delivery, Message, MessageState, State, StoredEvent
from receiver.store.packing import unpack

DELIVERY = slice(1, 21)
"""Where `delivery_columns` stand when they come after a number."""
EVENT = slice(21, 27)
"""Where `event_columns` stand after them."""

_STATES = {state.value: state for state in State}
_MESSAGE_STATES = {state.value: state for state in MessageState}


def delivery_of(row: Sequence[Any]) -> Delivery:
    """A Delivery from `delivery_columns`."""
    (
        delivery_id, event_id, channel, kind, template, route, group, priority, state, created_at, released_at,
        due_at, alerts, reason, attempts, firing, sent_at, merged_into, manual, test,
    ) = row  # fmt: skip
    return Delivery(
        id=delivery_id,
        event_id=event_id,
        channel=channel,
        kind=kind,
        template=template,
        route=route,
        group=group,
        priority=priority,
        state=_STATES[state],
        created_at=created_at,
        released_at=released_at,
        due_at=due_at,
        alerts=None if alerts is None else tuple(json.loads(alerts)),
        reason=reason,
        attempts=attempts,
        firing=bool(firing),
        sent_at=sent_at,
        merged_into=merged_into,
        manual=bool(manual),
        test=bool(test),
    )


def values_of(delivery: Delivery, seq: int) -> tuple[Any, ...]:
    """The values of `insert_delivery`. Plain types only: the sqlite3 module is slow to adapt subclasses."""
    return (
        seq,
        delivery.id,
        delivery.channel,
        delivery.kind,
        delivery.template,
        delivery.route,
        delivery.group,
        delivery.priority,
        delivery.state.value,
        delivery.created_at,
        delivery.released_at,
        delivery.due_at,
        None if delivery.alerts is None else listed(delivery.alerts),
        delivery.reason,
        delivery.attempts,
        1 if delivery.firing else 0,
        delivery.sent_at,
        delivery.merged_into,
        1 if delivery.manual else 0,
        1 if delivery.test else 0,
    )


def event_of(row: Sequence[Any]) -> StoredEvent:
    """A StoredEvent from `event_columns`."""
    event_id, source, received_at, body, path, channels = row
    return StoredEvent(event_id, source, received_at, unpack(body), path, tuple(json.loads(channels)))


def message_of(row: Sequence[Any], deliveries: tuple[str, ...]) -> Message:
    """A Message from `message_columns` and what it carries."""
    message_id, channel, content, number, total, plain, state, alerts, sent_at, begun, target, updates, named = row
    return Message(
        message_id,
        channel,
        unpack(content),
        deliveries,
        number,
        total,
        bool(plain),
        _MESSAGE_STATES[state],
        tuple(json.loads(alerts)),
        sent_at,
        bool(begun),
        target,
        updates,
        named,
    )


def listed(numbers: Sequence[int]) -> str:
    """Whole numbers as a JSON list."""
    return f"[{','.join(map(str, numbers))}]"
