"""Every engine: what is held back, and how it comes back."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, ended, give, message, only, owes, state_of

from receiver.model import Attempt, Delivery, MessageState, State
from receiver.store.base import Move, Settlement, Store


async def test_a_held_channel_owes_nothing_now(store: Store) -> None:
    queued, sending = await give(store), await give(store, group="h")
    await begin(store, sending)
    sent, elsewhere = await give(store, group="i"), await give(store, "other")
    await deliver(store, sent)
    assert await store.hold("infra", "disabled") == 2
    assert await owes(store) == []
    states = [await state_of(store, delivery) for delivery in (queued, sending, sent, elsewhere)]
    assert states == [State.HELD, State.HELD, State.SENT, State.QUEUED]


async def test_what_is_released_counts_its_age_anew(store: Store) -> None:
    delivery = await give(store, attempts=2, due_at=NOW + 100)
    await store.hold("infra", "stopped")
    assert await store.release("infra", NOW + 50, ["disabled", "stopped"]) == 1
    work = await only(store)
    assert (work.delivery.id, work.delivery.state, work.delivery.reason) == (delivery.id, State.QUEUED, "")
    released = work.delivery
    assert (released.released_at, released.due_at, released.created_at) == (NOW + 50, NOW + 50, NOW)
    assert released.attempts == 2


async def test_only_what_is_held_for_the_reason_is_released(store: Store) -> None:
    paused = await give(store, state=State.HELD, reason="paused")
    stopped = await give(store, state=State.HELD, reason="stopped", group="h")
    await give(store, "other", state=State.HELD, reason="stopped")
    assert await store.release("infra", NOW, ["stopped"]) == 1
    assert await owes(store) == [stopped.id]
    assert await state_of(store, paused) is State.HELD
    assert await store.release("infra", NOW, []) == 0


async def test_a_message_in_flight_may_still_arrive(store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    await store.hold("infra", "disabled")
    await store.settle(ended(begun))
    assert await state_of(store, delivery) is State.SENT


async def test_beginning_a_message_does_not_undo_the_hold(store: Store) -> None:
    held, queued = await give(store), await give(store, "other")
    await store.hold("infra", "disabled")
    shared = message(held, queued)
    await store.begin([shared], shared.id, "key", NOW)
    assert [await state_of(store, one) for one in (held, queued)] == [State.HELD, State.SENDING]


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
    work = await only(store)
    assert [one.id for one in work.messages] == [begun.id]


async def test_what_is_held_survives_a_restart(engine, store: Store) -> None:
    delivery = await give(store)
    await store.hold("infra", "stopped")
    store = await engine.reopen()
    assert await owes(store) == []
    assert await store.release("infra", NOW, ["stopped"]) == 1
    assert await owes(store) == [delivery.id]


async def schedule(store: Store, *due: float, channel: str = "infra", reason: str = "schedule") -> list[Delivery]:
    """Deliveries that are held until they fall due."""
    return [await give(store, channel, state=State.HELD, reason=reason, due_at=at) for at in due]


async def test_what_a_schedule_holds_is_released_when_it_falls_due(store: Store) -> None:
    late, early, last = await schedule(store, NOW + 10, NOW + 5, NOW + 10.001)
    assert await store.release_due("infra", NOW + 4.9) == 0
    assert await store.release_due("infra", NOW + 10) == 2
    assert await owes(store) == [late.id, early.id]
    released = (await store.owed("infra"))[0].delivery
    assert (released.state, released.reason, released.due_at, released.released_at) == (
        State.QUEUED, "", NOW + 10, NOW + 10,
    )  # fmt: skip
    assert await state_of(store, last) is State.HELD


async def test_what_a_schedule_holds_of_a_group_does_not_wait_for_longer_than_something_newer_of_it(
    store: Store,
) -> None:
    later = {"state": State.HELD, "reason": "schedule", "due_at": NOW + 10}
    mine, _ = await give(store, group="g", **later), await give(store, group="other", **later)
    assert await store.release_due("infra", NOW, ["g", "unknown"]) == 1
    assert await owes(store) == [mine.id]


async def test_only_what_the_channels_schedule_holds_falls_due(store: Store) -> None:
    await schedule(store, NOW, reason="stopped")
    await schedule(store, NOW, channel="other")
    assert await store.release_due("infra", NOW + 1) == 0
    assert await store.next_release("infra") is None


async def test_when_the_next_one_is_released(engine, store: Store) -> None:
    assert await store.next_release("infra") is None
    await schedule(store, NOW + 90, NOW + 30, NOW + 60)
    assert await store.next_release("infra") == NOW + 30
    await store.release_due("infra", NOW + 60)
    assert await (await engine.reopen()).next_release("infra") == NOW + 90


async def test_what_a_schedule_holds_can_be_sent_before(store: Store) -> None:
    early, late = await schedule(store, NOW + 60, NOW + 90)
    await store.resend([early.id], NOW)
    assert (await owes(store), await store.next_release("infra")) == ([early.id], NOW + 90)
    assert await store.release("infra", NOW, ["schedule"]) == 1
    assert await owes(store) == [early.id, late.id]
