"""Every engine: what is begun and settled, and what a crash in between leaves."""

from __future__ import annotations

import asyncio

import pytest
from store.facts import NOW, begin, deliver, ended, give, message, only, state_of

from receiver.model import Attempt, Carried, MessageState, State
from receiver.store.base import MAX_WAIT, Backlog, ChannelState, Move, Settlement, Store


async def test_a_begun_message_is_on_its_way(store: Store) -> None:
    delivery = await give(store)
    first = message(delivery, number=1, total=2, alerts=(0, 1))
    second = message(delivery, number=2, total=2, plain=True)
    await store.begin([second, first], first.id, "key", NOW)
    work = await only(store)
    assert work.delivery.state is State.SENDING
    assert [(one.number, one.state, one.retried) for one in work.messages] == [
        (1, MessageState.SENDING, True),
        (2, MessageState.PLANNED, False),
    ]
    assert (work.messages[0].carries, work.messages[1].plain) == ((Carried(delivery.id, (0, 1)),), True)


async def test_after_a_crash_the_same_bytes_are_offered_again(engine, store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery, content=b"\x00 the very bytes")
    store = await engine.reopen()
    work = await only(store)
    (again,) = work.messages
    assert (again.id, again.content, again.deliveries) == (begun.id, begun.content, begun.deliveries)
    assert again.retried


async def test_beginning_the_unknown_is_refused_and_takes_no_slot(store: Store) -> None:
    with pytest.raises(LookupError):
        await store.begin([], "nobody", "key", NOW)
    assert await store.slots("key", 0.0) == ([], 0.0)


async def test_a_retry_says_when_and_tries_the_same_message(store: Store) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    move = Move(delivery.id, State.QUEUED, "HTTP 502", NOW + 15, 1)
    await store.settle(Settlement(begun.id, MessageState.PLANNED, Attempt(begun.id, NOW, 0.1, 502), (move,)))
    work = await only(store)
    put_off = work.delivery
    assert (put_off.state, put_off.attempts, put_off.reason, put_off.due_at) == (State.QUEUED, 1, "HTTP 502", NOW + 15)
    assert [(one.id, one.state, one.retried) for one in work.messages] == [(begun.id, MessageState.PLANNED, True)]


async def test_the_parts_that_are_left_go_on(store: Store) -> None:
    delivery = await give(store)
    first, second = message(delivery, total=2), message(delivery, number=2, total=2)
    await store.begin([first, second], first.id, "key", NOW)
    await store.settle(Settlement(first.id, MessageState.SENT, Attempt(first.id, NOW, 0.1, 200)))
    work = await only(store)
    assert work.delivery.state is State.SENDING
    assert [one.id for one in work.messages] == [second.id]


async def test_replacements_take_the_place_of_a_refused_message(store: Store) -> None:
    delivery = await give(store)
    refused, plain = await begin(store, delivery), message(delivery, content=b"plain", plain=True)
    attempt = Attempt(refused.id, NOW, 0.1, 200, "40058", "refused")
    await store.settle(Settlement(refused.id, MessageState.FAILED, attempt, replacements=(plain,)))
    work = await only(store)
    assert [(one.id, one.content, one.plain, one.retried) for one in work.messages] == [
        (plain.id, b"plain", True, False)
    ]


async def test_one_message_may_carry_many(store: Store) -> None:
    one, two = await give(store, group="one"), await give(store, group="two")
    digest = message(two, one)
    await store.begin([digest], digest.id, "key", NOW)
    assert {work.messages[0].deliveries for work in await store.owed("infra")} == {(two.id, one.id)}
    await store.settle(ended(digest))
    assert [await state_of(store, delivery) for delivery in (one, two)] == [State.SENT, State.SENT]


@pytest.mark.parametrize("state", [State.SENDING, State.QUEUED, State.HELD])
async def test_how_fully_it_was_told_and_where_is_kept_once_it_is_known(engine, store: Store, state: State) -> None:
    delivery = await give(store)
    for known in ({"detail": "line", "merged_into": "m1"}, {}, {"detail": "count"}, {"merged_into": "m2"}):
        await store.settle(Settlement("", MessageState.FAILED, None, (Move(delivery.id, state, **known),)))
    record = await (await engine.reopen()).record(delivery.id)
    assert record is not None
    assert (record.delivery.detail, record.delivery.merged_into) == ("count", "m2")


async def test_moves_of_one_delivery_that_are_settled_together_are_made_in_order(store: Store) -> None:
    delivery = await give(store)
    settlements = [
        Settlement("", MessageState.FAILED, None, (Move(delivery.id, State.QUEUED, str(number), attempts=number),))
        for number in range(40)
    ]
    await asyncio.gather(*(store.settle(each) for each in settlements))
    assert (await only(store)).delivery.reason == "39"


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


async def test_posts_are_counted_by_credential_and_month(engine, store: Store) -> None:
    begun = await begin(store, await give(store), month="2026-11")
    for credential, month in (
        ("key", "2026-11"),
        ("key", "2026-12"),
        ("other", "2026-11"),
        ("key", ""),
        ("", "2026-11"),
    ):
        await store.begin([], begun.id, credential, NOW, month)
    store = await engine.reopen()
    months = [("key", "2026-11"), ("key", "2026-12"), ("other", "2026-11"), ("key", ""), ("", "2026-11")]
    assert [await store.used(*month) for month in months] == [2, 1, 1, 0, 0]


async def test_posts_that_begin_together_are_all_counted(store: Store) -> None:
    given = [await give(store) for _ in range(30)]
    await asyncio.gather(*(begin(store, delivery, month="2026-11") for delivery in given))
    assert await store.used("key", "2026-11") == 30
    assert {work.delivery.state for work in await store.owed("infra")} == {State.SENDING}


async def test_a_month_is_remembered_for_a_year(engine, store: Store) -> None:
    months = ("2022-09", "2022-11", "2023-11")
    for month in months:
        await begin(store, await give(store), month=month)
    assert engine.now == NOW  # in November 2023
    await store.prune(0.0)
    assert [await store.used("key", month) for month in months] == [0, 1, 1]


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


async def test_when_each_channel_was_last_confirmed_a_message(store: Store) -> None:
    assert await store.last_success() == {}
    await deliver(store, await give(store))
    assert list(await store.last_success()) == ["infra"]
