"""Every engine: whose turn it is, what is begun and settled, and what a crash in between leaves."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, ended, event, give, message, offered, owed, state_of

from receiver.model import Attempt, MessageState, State
from receiver.store.base import MAX_WAIT, Backlog, ChannelState, Move, Settlement, Store


async def test_only_the_oldest_of_a_group_has_its_turn(store: Store) -> None:
    first, second, other = await give(store), await give(store), await give(store, group="h")
    assert await offered(store) == [first.id, other.id]
    await deliver(store, first)
    assert await offered(store) == [second.id, other.id]


async def test_a_groups_order_is_that_of_acceptance_whatever_the_clock_says(store: Store) -> None:
    first, second = await give(store, now=NOW), await give(store, now=NOW - 3600)
    assert await offered(store) == [first.id]
    await deliver(store, first)
    assert await offered(store) == [second.id]


async def test_channels_do_not_wait_for_each_other(store: Store) -> None:
    taken = event()
    mine, yours = owed(taken, "mine"), owed(taken, "yours")
    await store.accept(taken, [mine, yours], [])
    assert (await offered(store, "mine"), await offered(store, "yours")) == ([mine.id], [yours.id])


@pytest.mark.parametrize(
    ("ahead", "due"), [(-1e9, True), (0.0, True), (0.001, False), (MAX_WAIT, False), (MAX_WAIT + 0.001, True)]
)
async def test_when_a_delivery_is_due(store: Store, ahead: float, due: bool) -> None:
    await give(store, due_at=NOW + ahead)
    assert bool(await offered(store)) is due


@pytest.mark.parametrize(("ahead", "wait"), [(-5.0, -5.0), (7.0, 7.0), (MAX_WAIT, MAX_WAIT), (MAX_WAIT + 1, 0.0)])
async def test_when_the_next_one_falls_due(store: Store, ahead: float, wait: float) -> None:
    await give(store, due_at=NOW + ahead)
    assert await store.next_due("infra") == NOW + wait


async def test_who_waits_behind_another_does_not_fall_due(store: Store) -> None:
    await give(store, due_at=NOW + 60)
    await give(store, due_at=NOW)
    await give(store, group="h", due_at=NOW + 90)
    assert await offered(store) == []
    assert await store.next_due("infra") == NOW + 60


async def test_nothing_falls_due_where_nothing_is_owed(store: Store) -> None:
    await deliver(store, await give(store))
    await give(store, state=State.HELD, group="h")
    assert await store.next_due("infra") is None
    assert await offered(store) == []


async def test_the_turn_is_limited_to_the_oldest(store: Store) -> None:
    given = [await give(store, group=str(number)) for number in range(5)]
    assert await offered(store, limit=3) == [delivery.id for delivery in given[:3]]


async def test_a_long_group_hides_no_other(store: Store) -> None:
    long = [await give(store, group="long") for _ in range(300)]
    short = [await give(store, group=str(number), due_at=NOW + number) for number in range(3)]
    assert await offered(store) == [long[0].id, short[0].id]
    assert await offered(store, now=NOW + 2) == [long[0].id, *(delivery.id for delivery in short)]


async def test_what_is_due_comes_with_its_event(store: Store) -> None:
    taken = event(body=b"the body")
    await store.accept(taken, [owed(taken)], [])
    (work,) = await store.due("infra", NOW)
    assert (work.event, work.messages) == (taken, ())


async def test_a_begun_message_is_on_its_way(store: Store) -> None:
    delivery = await give(store)
    first = message(delivery, number=1, total=2, alerts=(0, 1))
    second = message(delivery, number=2, total=2, plain=True)
    await store.begin([second, first], first.id, "key", NOW)
    (work,) = await store.due("infra", NOW)
    assert work.delivery.state is State.SENDING
    assert [(one.number, one.state, one.retried) for one in work.messages] == [
        (1, MessageState.SENDING, True),
        (2, MessageState.PLANNED, False),
    ]
    assert (work.messages[0].alerts, work.messages[1].plain) == ((0, 1), True)


async def test_after_a_crash_the_same_bytes_are_offered_again(engine, store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery, content=b"\x00 the very bytes")
    store = await engine.reopen()
    (work,) = await store.due("infra", NOW)
    (again,) = work.messages
    assert (again.id, again.content, again.deliveries) == (begun.id, begun.content, begun.deliveries)
    assert again.retried


async def test_beginning_the_unknown_is_refused_and_takes_no_slot(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.begin([], "nobody", "key", NOW)
    assert await store.slots("key", 0.0) == ([], 0.0)


async def test_what_was_sent_is_not_offered_again(store: Store) -> None:
    delivery = await give(store)
    sent = await deliver(store, delivery, at=NOW + 3)
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery.state, record.delivery.sent_at) == (State.SENT, NOW + 3)
    assert record.messages[0].state is MessageState.SENT
    assert record.messages[0].sent_at == NOW + 3.5
    assert record.attempts == (Attempt(sent.id, NOW + 3, 0.5, 200, "0", ""),)
    assert await offered(store) == []


async def test_a_retry_waits_for_its_time_and_tries_the_same_message(store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    move = Move(delivery.id, State.QUEUED, "HTTP 502", NOW + 15, 1)
    await store.settle(Settlement(begun.id, MessageState.PLANNED, Attempt(begun.id, NOW, 0.1, 502), (move,)))
    assert await offered(store, now=NOW + 14) == []
    (work,) = await store.due("infra", NOW + 15)
    assert (work.delivery.state, work.delivery.attempts, work.delivery.reason) == (State.QUEUED, 1, "HTTP 502")
    assert [(one.id, one.state, one.retried) for one in work.messages] == [(begun.id, MessageState.PLANNED, True)]


async def test_the_parts_that_are_left_go_on(store: Store) -> None:
    delivery = await give(store)
    first, second = message(delivery, total=2), message(delivery, number=2, total=2)
    await store.begin([first, second], first.id, "key", NOW)
    await store.settle(Settlement(first.id, MessageState.SENT, Attempt(first.id, NOW, 0.1, 200)))
    (work,) = await store.due("infra", NOW)
    assert work.delivery.state is State.SENDING
    assert [one.id for one in work.messages] == [second.id]


async def test_replacements_take_the_place_of_a_refused_message(store: Store) -> None:
    delivery = await give(store)
    refused, plain = await begin(store, delivery), message(delivery, content=b"plain", plain=True)
    attempt = Attempt(refused.id, NOW, 0.1, 200, "40058", "refused")
    await store.settle(Settlement(refused.id, MessageState.FAILED, attempt, replacements=(plain,)))
    (work,) = await store.due("infra", NOW)
    assert [(one.id, one.content, one.plain, one.retried) for one in work.messages] == [
        (plain.id, b"plain", True, False)
    ]


async def test_one_message_may_carry_many(store: Store) -> None:
    one, two = await give(store, group="one"), await give(store, group="two")
    digest = message(two, one)
    await store.begin([digest], digest.id, "key", NOW)
    offers = await store.due("infra", NOW)
    assert {work.messages[0].deliveries for work in offers} == {(two.id, one.id)}
    await store.settle(ended(digest))
    assert [await state_of(store, delivery) for delivery in (one, two)] == [State.SENT, State.SENT]


async def test_a_delivery_ends_without_a_message(store: Store) -> None:
    delivery = await give(store)
    await store.settle(Settlement("", MessageState.FAILED, None, (Move(delivery.id, State.EXPIRED, "too old"),)))
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery.state, record.delivery.reason) == (State.EXPIRED, "too old")


async def test_an_end_is_an_end(store: Store) -> None:
    delivery = await give(store)
    sent = await deliver(store, delivery)
    await store.settle(ended(sent, State.FAILED))
    assert await state_of(store, delivery) is State.SENT


async def test_slots_are_kept_in_order_and_by_credential(engine, store: Store) -> None:
    for at in (NOW + 500, NOW, NOW - 62, NOW):
        await begin(store, await give(store, group=str(at)), at=at)
    await begin(store, await give(store), credential="other", at=NOW)
    store = await engine.reopen()
    assert await store.slots("key", NOW - 62) == ([NOW, NOW, NOW + 500], 0.0)
    assert await store.slots("nobody", 0.0) == ([], 0.0)


async def test_without_a_credential_no_slot_is_taken(store: Store) -> None:
    await begin(store, await give(store), credential="")
    assert await store.slots("", 0.0) == ([], 0.0)


async def test_a_retry_takes_another_slot(store: Store) -> None:
    begun = await begin(store, await give(store), at=NOW)
    await store.begin([], begun.id, "key", NOW + 5)
    assert await store.slots("key", NOW - 1) == ([NOW, NOW + 5], 0.0)


async def test_slots_older_than_a_day_are_forgotten(engine, store: Store) -> None:
    for at in (NOW - 90_000, NOW - 3600):
        await begin(store, await give(store, group=str(at)), at=at)
    await store.prune(0.0)
    assert await store.slots("key", 0.0) == ([NOW - 3600], 0.0)


async def rest(store: Store, until: float) -> None:
    begun = await begin(store, await give(store, group=str(until)), at=NOW)
    await store.settle(ended(begun, hold=("key", until)))


async def test_a_hold_survives_a_restart(engine, store: Store) -> None:
    await rest(store, NOW + 60)
    store = await engine.reopen()
    assert (await store.slots("key", NOW))[1] == NOW + 60


@pytest.mark.parametrize(("until", "then", "kept"), [(60, 90, 90), (60, 5, 60), (MAX_WAIT + 10, 5, 5)])
async def test_the_longer_hold_wins_unless_the_clock_was_set_back(
    store: Store, until: float, then: float, kept: float
) -> None:
    await rest(store, NOW + until)
    await rest(store, NOW + then)
    assert (await store.slots("key", NOW))[1] == NOW + kept


async def test_the_channels_state_is_settled_with_the_delivery(engine, store: Store) -> None:
    stopped = ChannelState("stopped", "robot removed", 3, NOW, "abc")
    begun = await begin(store, await give(store))
    await store.settle(ended(begun, State.FAILED, channel=("infra", stopped)))
    store = await engine.reopen()
    assert await store.channels() == {"infra": stopped}


async def test_a_channels_state_is_replaced(store: Store) -> None:
    assert await store.channels() == {}
    await store.set_channel("infra", ChannelState("stopped", failures=3))
    await store.set_channel("infra", ChannelState())
    assert await store.channels() == {"infra": ChannelState()}


async def test_the_backlog_counts_what_is_owed(store: Store) -> None:
    assert await store.backlog() == {}
    await give(store, released_at=NOW - 10)
    await begin(store, await give(store, group="h", released_at=NOW - 20))
    await give(store, state=State.HELD)
    await deliver(store, await give(store, group="i"))
    await give(store, "other")
    assert await store.backlog() == {"infra": Backlog(2, NOW - 20), "other": Backlog(1, NOW)}


async def test_a_part_that_was_refused_for_good_is_remembered_through_a_hold(store: Store) -> None:
    one = await give(store)
    first, second = message(one, number=1, total=2, plain=True), message(one, number=2, total=2)
    await store.begin([first, second], first.id, "", NOW)
    await store.settle(Settlement(first.id, MessageState.FAILED, None, (Move(one.id, State.SENDING, "no"),)))
    await store.hold("infra", "disabled")
    await store.release("infra", NOW, ["disabled"])
    (work,) = await store.due("infra", NOW)
    assert work.refused
    assert [left.id for left in work.messages] == [second.id]


async def test_a_form_that_was_refused_is_no_refusal_for_good(store: Store) -> None:
    one = await give(store)
    rich, plain = message(one), message(one, plain=True)
    await store.begin([rich], rich.id, "", NOW)
    await store.settle(Settlement(rich.id, MessageState.FAILED, None, replacements=(plain,)))
    (work,) = await store.due("infra", NOW)
    assert not work.refused


async def test_when_each_channel_was_last_confirmed_a_message(store: Store) -> None:
    assert await store.last_success() == {}
    await deliver(store, await give(store))
    assert list(await store.last_success()) == ["infra"]


async def test_large_events_are_offered_a_few_at_a_time(store: Store) -> None:
    given = [await give(store, group=str(number), body=b"x" * 3_000_000) for number in range(4)]
    assert await offered(store) == [delivery.id for delivery in given[:2]]
    larger = await give(store, "other", body=b"x" * 9_000_000)
    assert await offered(store, "other") == [larger.id]
