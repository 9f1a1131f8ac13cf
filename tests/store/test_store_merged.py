"""Every engine: what was told together, as the record of any of it shows it."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, ended, event, give, message, owed, owes

from receiver.model import Attempt, Carried, Delivery, Message, MessageState, State
from receiver.store import records
from receiver.store.base import Merged, Move, Query, Settlement, Store


async def digest(store: Store, *carries: tuple[Delivery, tuple[int, ...], str]) -> Message:
    """A message that was sent and carries so much of each delivery."""
    told = tuple(Carried(delivery.id, alerts, detail) for delivery, alerts, detail in carries)  # type: ignore[arg-type]
    sent = message(carries=told)
    await store.begin([sent], sent.id, "key", NOW)
    moves = tuple(Move(one, State.SENT, sent_at=NOW, merged_into=sent.id) for one in sent.deliveries)
    await store.settle(ended(sent, moves=moves))
    return sent


async def pages(store: Store, delivery: Delivery, limit: int) -> list[list[Merged]]:
    found, cursor = [], None
    while not found or cursor:
        page, cursor = await store.merged(delivery.id, limit, cursor)
        found.append(page)
    return found


async def test_a_record_leads_to_all_that_was_told_with_it(engine, store: Store) -> None:
    one, two = await give(store, body=b"one"), await give(store, group="h", body=b"two")
    sent = await digest(store, (two, (1, 4), "line"), (one, (0,), "full"), (two, (7,), "count"))
    store = await engine.reopen()
    for delivery in (one, two):
        [found] = await pages(store, delivery, 9)
        told = [(each.delivery.id, each.event.body, each.alerts, each.detail) for each in found]
        assert told == [
            (two.id, b"two", (1, 4), "line"),
            (one.id, b"one", (0,), "full"),
            (two.id, b"two", (7,), "count"),
        ]
        assert {each.message for each in found} == {sent.id}
    assert found[0].delivery.state is State.SENT


async def test_pages_of_what_was_told_together(store: Store) -> None:
    given = [await give(store, group=str(number)) for number in range(7)]
    await digest(store, *((delivery, (0,), "count") for delivery in given[:5]))
    await digest(store, *((delivery, (1,), "count") for delivery in given[3:]))
    found = await pages(store, given[4], 3)
    assert list(map(len, found)) == [3, 3, 3]
    assert [each.delivery.id for page in found for each in page] == [d.id for d in (*given[:5], *given[3:])]


async def test_what_was_told_alone_leads_to_itself_and_the_unknown_to_nothing(store: Store) -> None:
    alone, waiting = await give(store), await give(store, group="h")
    await deliver(store, alone, alerts=(0,))
    [[found]] = await pages(store, alone, 9)
    assert (found.delivery.id, found.alerts, found.detail) == (alone.id, (0,), "full")
    assert await store.merged(waiting.id) == await store.merged("nobody") == ([], None)


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (MessageState.PLANNED, True),
        (MessageState.SENDING, True),
        (MessageState.SENT, True),
        (MessageState.FAILED, False),
        (MessageState.DISCARDED, False),
    ],
)
async def test_only_messages_that_tell_or_are_to_count(store: Store, state: MessageState, shown: bool) -> None:
    delivery = await give(store)
    begun = await begin(store, delivery)
    await store.settle(Settlement(begun.id, state, Attempt(begun.id, NOW, 0.1)))
    assert bool((await store.merged(delivery.id))[0]) is shown


async def test_a_page_of_large_events_that_were_told_together_is_short(store: Store) -> None:
    given = [await give(store, group=str(number), body=b"x" * 12_000_000) for number in range(5)]
    await digest(store, *((delivery, (0,), "count") for delivery in given))
    found = await pages(store, given[0], 9)
    assert [[each.delivery.id for each in page] for page in found] == [
        [each.id for each in given[:3]],
        [each.id for each in given[3:]],
    ]


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "WzEuMCwgLTFd"])
async def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await store.merged("nobody", 9, cursor)


@pytest.mark.parametrize("cursor", ["W0luZmluaXR5LCAxXQ", "W05hTiwgMV0", "WzFlOTk5LCAwXQ"])
async def test_nothing_comes_after_a_place_that_is_no_number(store: Store, cursor: str) -> None:
    delivery = await give(store)
    await deliver(store, delivery)
    assert await store.merged(delivery.id, 9, cursor) == ([], None)


async def test_records_by_what_they_were_merged_into(store: Store) -> None:
    one, two, other = [await give(store, group=group) for group in "abc"]
    sent = await digest(store, (one, (0,), "line"), (two, (0,), "line"))
    await deliver(store, other)
    found, _ = await store.records(Query(merged_into=sent.id))
    assert [record.delivery.id for record in found] == [two.id, one.id]
    assert (await store.records(Query(merged_into="m")))[0] == []


async def test_a_record_lists_so_much_of_a_message_and_always_its_own_part(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(records, "CARRIED", 3)
    given = [await give(store, group=str(number)) for number in range(6)]
    await digest(store, *((delivery, (number,), "count") for number, delivery in enumerate(given)))
    for delivery, places in ((given[1], (0, 1, 2)), (given[5], (0, 1, 2, 5))):
        record = await store.record(delivery.id)
        assert record is not None
        assert [carried.alerts for carried in record.messages[0].carries] == [(place,) for place in places]


async def test_a_record_shows_a_message_once_that_tells_it_at_two_levels(store: Store) -> None:
    delivery = await give(store)
    sent = await digest(store, (delivery, (0,), "full"), (delivery, (1,), "line"))
    record = await store.record(delivery.id)
    assert record is not None
    assert [(one.id, one.carries) for one in record.messages] == [(sent.id, sent.carries)]
    assert [attempt.message_id for attempt in record.attempts] == [sent.id]


async def test_a_message_is_forgotten_with_the_last_that_it_carried(store: Store) -> None:
    old, young = await give(store), await give(store, group="h", now=NOW + 10)
    await digest(store, (old, (0,), "line"), (young, (0,), "line"), (old, (1,), "count"))
    assert await store.prune(NOW + 5) == 1
    assert [each.delivery.id for each in (await store.merged(young.id))[0]] == [young.id]
    assert await store.prune(NOW + 15) == 1
    assert (await store.last_success(), await owes(store)) == ({}, [])


async def test_deliveries_of_one_event_may_share_a_message(store: Store) -> None:
    taken = event()
    pair = [owed(taken, group="g"), owed(taken, group="h")]
    await store.accept(taken, pair, [])
    await digest(store, (pair[0], (0,), "full"), (pair[1], (1,), "full"))
    assert [each.event.id for each in (await store.merged(pair[0].id))[0]] == [taken.id] * 2
