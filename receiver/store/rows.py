"""Rows of the database as the models, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from receiver.model import Carried, Delivery, Detail, Message, MessageState, State, StoredEvent
from receiver.store.packing import unpack

T = TypeVar("T")

DELIVERY = slice(1, 24)
"""Where `delivery_columns` stand when they come after a number."""
EVENT = slice(24, 30)
"""Where `event_columns` stand after them."""

_STATES = {state.value: state for state in State}
_MESSAGE_STATES = {state.value: state for state in MessageState}


def delivery_of(row: Sequence[Any]) -> Delivery:
    """A Delivery from `delivery_columns`."""
    (
        delivery_id, event_id, channel, kind, template, route, group, priority, state, created_at, released_at,
        due_at, alerts, reason, attempts, firing, sent_at, merged_into, manual, test, detail, told_by, stands_in,
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
        detail=detail,
        told_by=told_by,
        stands_in=stands_in,
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
        1 if delivery.manual else 0,
        1 if delivery.test else 0,
        delivery.stands_in,
    )


def event_of(row: Sequence[Any]) -> StoredEvent:
    """A StoredEvent from `event_columns`."""
    event_id, source, received_at, body, path, channels = row
    return StoredEvent(event_id, source, received_at, unpack(body), path, tuple(json.loads(channels)))


def message_of(row: Sequence[Any], carries: tuple[Carried, ...]) -> Message:
    """A Message from `message_columns` and what it carries."""
    message_id, channel, content, number, total, plain, state, sent_at, begun, target, updates, named = row
    return Message(
        message_id,
        channel,
        unpack(content),
        carries,
        number,
        total,
        bool(plain),
        _MESSAGE_STATES[state],
        sent_at,
        bool(begun),
        target,
        updates,
        named,
    )


def carried_of(delivery_id: str, alerts: str, detail: Detail) -> Carried:
    """What a message tells of a delivery."""
    return Carried(delivery_id, places_of(alerts), detail)


@lru_cache(64)
def places_of(alerts: str) -> tuple[int, ...]:
    """The positions in a JSON list. Most lists are alike: the only alert of an event, or its first few."""
    return tuple(json.loads(alerts))


def grouped(pairs: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    """The second ones by the first, in their order."""
    groups: dict[int, list[T]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def listed(numbers: Sequence[int]) -> str:
    """Whole numbers as a JSON list."""
    return f"[{','.join(map(str, numbers))}]"
