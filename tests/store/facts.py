"""Made-up events, deliveries and messages for the tests of the store."""

from __future__ import annotations

from typing import Any

from receiver.model import Attempt, Carried, Delivery, Detail, Message, MessageState, State, StoredEvent, new_id
from receiver.store.base import Move, Receipt, Settlement, Store, Work

NOW = 1_700_000_000.0


def event(now: float = NOW, body: bytes = b"{}", **fields: Any) -> StoredEvent:
    return StoredEvent(**{"id": new_id(now), "source": "am", "received_at": now, "body": body, **fields})


def owed(of: StoredEvent, channel: str = "infra", group: str = "g", **fields: Any) -> Delivery:
    now = of.received_at
    return Delivery(
        **{
            "id": new_id(now),
            "event_id": of.id,
            "channel": channel,
            "kind": "wecom_robot",
            "template": "default",
            "route": "/",
            "group": group,
            "priority": "normal",
            "state": State.QUEUED,
            "created_at": now,
            "released_at": now,
            "due_at": now,
            **fields,
        }
    )


def message(
    *deliveries: Delivery,
    content: bytes = b"hello",
    alerts: tuple[int, ...] = (),
    detail: Detail = "full",
    **fields: Any,
) -> Message:
    """A message that tells the same positions of each of the deliveries, unless `carries` says what it tells."""
    carries = tuple(Carried(delivery.id, alerts, detail) for delivery in deliveries)
    return Message(**{"id": new_id(NOW), "channel": "infra", "content": content, "carries": carries, **fields})


async def give(store: Store, channel: str = "infra", group: str = "g", now: float = NOW, **fields: Any) -> Delivery:
    """Accept an event with one delivery; the delivery."""
    taken = event(now, fields.pop("body", b"{}"))
    delivery = owed(taken, channel, group, **fields)
    receipt: Receipt = await store.accept(taken, [delivery], [])
    assert not receipt.duplicate
    return delivery


async def begin(
    store: Store, delivery: Delivery, credential: str = "key", at: float = NOW, month: str = "", **fields: Any
) -> Message:
    """Plan and begin one message for one delivery; the message."""
    planned = message(delivery, **fields)
    await store.begin([planned], planned.id, credential, at, month)
    return planned


def ended(of: Message, state: State = State.SENT, at: float = NOW, **fields: Any) -> Settlement:
    """The settlement of a message that ended its deliveries."""
    arrived = state is State.SENT
    moves = tuple(Move(one, state, sent_at=at if arrived else None) for one in of.deliveries)
    attempt = Attempt(of.id, at, 0.5, 200, "0", "" if arrived else "refused")
    outcome = MessageState.SENT if arrived else MessageState.FAILED
    return Settlement(**{"message_id": of.id, "message_state": outcome, "attempt": attempt, "moves": moves, **fields})


async def deliver(store: Store, delivery: Delivery, at: float = NOW, **fields: Any) -> Message:
    """Send one delivery whole; its message."""
    sent = await begin(store, delivery, at=at, **fields)
    await store.settle(ended(sent, at=at))
    return sent


async def owes(store: Store, channel: str = "infra", after: int = 0, limit: int = 256) -> list[str]:
    """The ids of the deliveries that the channel owes, in order."""
    return [work.delivery.id for work in await store.owed(channel, after, limit)]


async def state_of(store: Store, delivery: Delivery) -> State | None:
    record = await store.record(delivery.id)
    return record.delivery.state if record else None


async def only(store: Store, channel: str = "infra") -> Work:
    """The one delivery that the channel owes."""
    [work] = await store.owed(channel)
    return work
