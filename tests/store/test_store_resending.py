"""Every engine: what was given up or is held is owed once more."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, give, message, only, owes, state_of

from receiver.model import Attempt, Delivery, Message, MessageState, State
from receiver.store.base import Move, Settlement, Store


async def settle(store: Store, of: Message, outcome: MessageState, error: str = "", note: str = "", **more) -> None:
    await store.settle(Settlement(of.id, outcome, Attempt(of.id, NOW, 0.5, 200, "0", error, note), **more))


async def refused(store: Store) -> Delivery:
    """A delivery of which one part was sent, one refused for good, one does not reach somebody; it failed."""
    delivery = await give(store, attempts=7)
    parts = [message(delivery, alerts=(place,), number=place, total=3, plain=True) for place in (1, 2, 3)]
    await store.begin(parts, parts[0].id, "key", NOW)
    await settle(store, parts[0], MessageState.SENT)
    await settle(store, parts[1], MessageState.FAILED, "bad text")
    failed = Move(delivery.id, State.FAILED, "bad text", attempts=8, merged_into="another")
    await settle(store, parts[2], MessageState.FAILED, "no such user", "no such user", moves=(failed,))
    return delivery


@pytest.mark.parametrize("state", [State.HELD, State.FAILED, State.EXPIRED])
async def test_what_did_not_arrive_is_owed_again(engine, store: Store, state: State) -> None:
    delivery = await give(store, state=state, reason="why", attempts=3, due_at=NOW - 9)
    [again] = await store.resend([delivery.id], NOW + 50)
    assert (again.id, again.state, again.reason, again.manual) == (delivery.id, State.QUEUED, "", True)
    assert (again.attempts, again.released_at, again.due_at, again.created_at) == (0, NOW + 50, NOW + 50, NOW)
    assert (await only(await engine.reopen())).delivery == again


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.SENT, State.DROPPED])
async def test_nothing_else_is(store: Store, state: State) -> None:
    delivery = await give(store, state=state, reason="why")
    assert await store.resend([delivery.id, "nobody"], NOW + 50) == []
    record = await store.record(delivery.id)
    assert record is not None
    assert record.delivery == delivery


async def test_those_that_are_owed_again_are_said_in_their_order(store: Store) -> None:
    given = [(await give(store, state=state)).id for state in (State.FAILED, State.SENT, State.HELD, State.EXPIRED)]
    again = await store.resend([*reversed(given), given[0]], NOW)
    assert [delivery.id for delivery in again] == [given[0], given[2], given[3]] == await owes(store)
    assert await store.resend(given, NOW) == []


async def test_what_was_refused_is_told_again_and_what_was_sent_is_not(store: Store) -> None:
    delivery = await refused(store)
    assert len(await store.resend([delivery.id], NOW)) == 1
    work = await only(store)
    assert (work.told, work.reached, work.refused, work.notes, work.messages) == ({1}, True, "", (), ())
    assert (work.delivery.merged_into, work.delivery.attempts) == (None, 0)
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.state for one in record.messages] == [
        MessageState.SENT, MessageState.DISCARDED, MessageState.DISCARDED,
    ]  # fmt: skip
    assert [attempt.error for attempt in record.attempts] == ["", "bad text", "no such user"]


async def test_what_was_planned_of_one_that_is_held_is_planned_anew(store: Store) -> None:
    delivery, other = await give(store), await give(store, group="h")
    planned, theirs = await begin(store, delivery), await begin(store, other)
    await store.hold("infra", "stopped")
    await store.resend([delivery.id], NOW)
    assert (await only(store)).messages == ()
    await store.release("infra", NOW, ["stopped"])
    assert [[one.id for one in work.messages] for work in await store.owed("infra")] == [[], [theirs.id]]
    await settle(store, planned, MessageState.SENT, moves=(Move(delivery.id, State.SENT, sent_at=NOW),))
    assert await state_of(store, delivery) is State.SENT


async def test_who_shared_a_message_with_it_keeps_what_was_sent(store: Store) -> None:
    one, two = await give(store), await give(store, group="h")
    digest, rest = message(one, two, alerts=(0,)), message(one, two, alerts=(1,), plain=True)
    await store.begin([digest, rest], digest.id, "key", NOW)
    await settle(store, digest, MessageState.SENT)
    await settle(store, rest, MessageState.FAILED, "no", moves=(Move(one.id, State.FAILED, "no"),))
    await store.resend([one.id], NOW)
    assert [(work.told, work.refused) for work in await store.owed("infra")] == [({0}, ""), ({0}, "")]


async def test_what_is_sent_again_ends_again(store: Store) -> None:
    delivery = await refused(store)
    await store.resend([delivery.id], NOW)
    await deliver(store, delivery, alerts=(2, 3))
    assert (await owes(store), await state_of(store, delivery)) == ([], State.SENT)
    assert await store.resend([delivery.id], NOW) == []
