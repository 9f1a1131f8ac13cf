"""Every engine: what is held back, and how it comes back."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, ended, give, offered, state_of

from receiver.model import Attempt, MessageState, State
from receiver.store.base import Move, Settlement, Store


async def test_a_held_channel_owes_nothing_now(store: Store) -> None:
    queued, sending = await give(store), await give(store, group="h")
    await begin(store, sending)
    sent, elsewhere = await give(store, group="i"), await give(store, "other")
    await deliver(store, sent)
    assert await store.hold("infra", "disabled") == 2
    assert await offered(store) == []
    states = [await state_of(store, delivery) for delivery in (queued, sending, sent, elsewhere)]
    assert states == [State.HELD, State.HELD, State.SENT, State.QUEUED]


async def test_what_is_released_counts_its_age_anew(store: Store) -> None:
    delivery = await give(store, attempts=2, due_at=NOW + 100)
    await store.hold("infra", "stopped")
    assert await store.release("infra", NOW + 50, ["disabled", "stopped"]) == 1
    (work,) = await store.due("infra", NOW + 50)
    assert (work.delivery.id, work.delivery.state, work.delivery.reason) == (delivery.id, State.QUEUED, "")
    assert (work.delivery.released_at, work.delivery.created_at, work.delivery.attempts) == (NOW + 50, NOW, 2)
    assert await store.next_due("infra") == NOW + 50


async def test_only_what_is_held_for_the_reason_is_released(store: Store) -> None:
    paused = await give(store, state=State.HELD, reason="paused")
    stopped = await give(store, state=State.HELD, reason="stopped", group="h")
    await give(store, "other", state=State.HELD, reason="stopped")
    assert await store.release("infra", NOW, ["stopped"]) == 1
    assert await offered(store) == [stopped.id]
    assert await state_of(store, paused) is State.HELD
    assert await store.release("infra", NOW, []) == 0


async def test_what_is_released_goes_before_what_came_after_it(store: Store) -> None:
    older = await give(store)
    await store.hold("infra", "paused")
    newer = await give(store)
    assert await offered(store) == [newer.id]
    await store.release("infra", NOW, ["paused"])
    assert await offered(store) == [older.id]


async def test_a_message_in_flight_may_still_arrive(store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    await store.hold("infra", "disabled")
    await store.settle(ended(begun))
    assert await state_of(store, delivery) is State.SENT


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
async def test_a_retry_does_not_undo_the_hold(store: Store, state: State) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    await store.hold("infra", "disabled")
    move = Move(delivery.id, state, "HTTP 502", NOW, 1)
    await store.settle(Settlement(begun.id, MessageState.PLANNED, Attempt(begun.id, NOW, 0.1, 502), (move,)))
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery.state, record.delivery.reason, record.delivery.attempts) == (State.HELD, "disabled", 1)


async def test_a_settlement_may_hold(store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    held = Move(delivery.id, State.HELD, "stopped")
    await store.settle(Settlement(begun.id, MessageState.PLANNED, Attempt(begun.id, NOW, 0.1), (held,)))
    await store.release("infra", NOW + 9, ["stopped"])
    (work,) = await store.due("infra", NOW + 9)
    assert [one.id for one in work.messages] == [begun.id]


async def test_what_is_held_survives_a_restart(engine, store: Store) -> None:
    delivery = await give(store)
    await store.hold("infra", "stopped")
    store = await engine.reopen()
    assert await offered(store) == []
    assert await store.release("infra", NOW, ["stopped"]) == 1
    assert await offered(store) == [delivery.id]
