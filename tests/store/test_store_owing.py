"""Every engine: what a channel owes, in which order, and what is known of the messages that carry it."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, deliver, ended, event, give, message, only, owed, owes

from receiver.model import Attempt, Carried, MessageState, State
from receiver.store.base import Move, Settlement, Store, Work

SENT, FAILED, PLANNED = MessageState.SENT, MessageState.FAILED, MessageState.PLANNED


async def test_all_that_is_owed_comes_in_the_order_of_acceptance_whatever_the_clock_says(store: Store) -> None:
    given = [await give(store, now=now, due_at=due) for now, due in ((NOW, NOW + 9), (NOW - 60, NOW), (NOW + 60, 0.0))]
    assert await owes(store) == [delivery.id for delivery in given]


@pytest.mark.parametrize("state", [state for state in State if state not in (State.QUEUED, State.SENDING)])
async def test_what_is_held_or_has_ended_is_not_owed(store: Store, state: State) -> None:
    await give(store, state=state)
    sending = await give(store)
    await begin(store, sending)
    assert await owes(store) == [sending.id]


async def test_channels_do_not_wait_for_each_other(store: Store) -> None:
    taken = event()
    mine, yours = owed(taken, "mine"), owed(taken, "yours")
    await store.accept(taken, [mine, yours], [])
    assert (await owes(store, "mine"), await owes(store, "yours"), await owes(store)) == ([mine.id], [yours.id], [])


async def test_reading_goes_on_after_the_last_that_was_read(engine, store: Store) -> None:
    given = [(await give(store)).id for _ in range(5)]
    first = await store.owed("infra", limit=3)
    assert [work.delivery.id for work in first] == given[:3]
    assert await owes(store, after=first[-1].seq) == given[3:]
    newer = await give(store)
    last = (await store.owed("infra", first[-1].seq))[-1]
    assert (last.delivery.id, await owes(await engine.reopen(), after=last.seq)) == (newer.id, [])


async def test_places_grow_with_acceptance_also_within_an_event_and_after_a_restart(engine, store: Store) -> None:
    taken = event()
    await store.accept(taken, [owed(taken), owed(taken, group="h")], [])
    await store.close()
    await give(await engine.open(), now=NOW - 1e6)
    places = [work.seq for work in await engine.store.owed("infra")]
    assert len(set(places)) == 3
    assert places == sorted(places)


async def test_what_is_owed_comes_with_its_event(store: Store) -> None:
    taken = event(body=b"the body")
    delivery = owed(taken)
    await store.accept(taken, [delivery], [])
    work = await only(store)
    assert work == Work(delivery, taken, seq=work.seq)


@pytest.mark.parametrize(("size", "shown"), [(3_000_000, 2), (9_000_000, 1), (100_000, 4)])
async def test_large_events_are_offered_a_few_at_a_time(store: Store, size: int, shown: int) -> None:
    given = [(await give(store, body=b"x" * size)).id for _ in range(4)]
    works = await store.owed("infra")
    assert [work.delivery.id for work in works] == given[:shown]
    assert (await owes(store, after=works[-1].seq, limit=1)) == given[shown : shown + 1]


async def test_a_message_comes_with_each_delivery_that_it_carries(engine, store: Store) -> None:
    one, two, fresh = await give(store), await give(store, group="h"), await give(store)
    carries = (Carried(two.id, (3, 1), "line"), Carried(one.id, (0,)), Carried(two.id, (2,), "count"))
    digest = message(carries=carries)
    await store.begin([digest], digest.id, "key", NOW)
    works = await (await engine.reopen()).owed("infra")
    assert [[(m.id, m.carries) for m in work.messages] for work in works] == [[(digest.id, carries)]] * 2 + [[]]
    assert [work.delivery.id for work in works] == [one.id, two.id, fresh.id]
    assert [work.delivery.state for work in works] == [State.SENDING, State.SENDING, State.QUEUED]


async def test_messages_come_in_the_order_in_which_they_are_posted(store: Store) -> None:
    delivery = await give(store)
    parts = [message(delivery, number=number, total=3) for number in (3, 1, 2)]
    await store.begin(parts, parts[1].id, "key", NOW)
    found = (await only(store)).messages
    assert [one.number for one in found] == [1, 2, 3]
    assert [one.retried for one in found] == [True, False, False]


async def test_what_was_sent_need_not_be_told_again(engine, store: Store) -> None:
    one, two = await give(store), await give(store, group="h")
    first = message(carries=(Carried(one.id, (0, 2)), Carried(two.id, (1,), "line"), Carried(one.id, (5,), "count")))
    second = message(one, alerts=(1,))
    await store.begin([first, second], first.id, "key", NOW)
    assert [work.told for work in await store.owed("infra")] == [frozenset(), frozenset()]
    await store.settle(Settlement(first.id, SENT, Attempt(first.id, NOW, 0.1, 200)))
    works = await (await engine.reopen()).owed("infra")
    assert [(work.told, work.reached) for work in works] == [({0, 2, 5}, True), ({1}, True)]
    assert [[each.id for each in work.messages] for work in works] == [[second.id], []]


@pytest.mark.parametrize(
    ("state", "fields", "attempt", "told"),
    [
        (FAILED, {"plain": True}, {"error": "40058"}, {7}),
        (FAILED, {"plain": False}, {"error": "40058"}, set()),
        (FAILED, {"plain": True}, {"error": "no such user", "note": "no such user"}, set()),
        (PLANNED, {"plain": True}, {"error": "HTTP 502"}, set()),
        (MessageState.DISCARDED, {"plain": True}, {}, set()),
    ],
    ids=["refused for good", "refused in this form", "reaches nobody", "tried again", "discarded"],
)
async def test_what_else_need_not_be_told_again(store: Store, state, fields, attempt, told) -> None:
    delivery = await give(store)
    tried = message(delivery, alerts=(7,), **fields)
    await store.begin([tried], tried.id, "key", NOW)
    await store.settle(Settlement(tried.id, state, Attempt(tried.id, NOW, 0.1, **attempt)))
    assert (await only(store)).told == told


async def test_what_was_refused_for_good_is_so_for_all_that_the_message_carried(store: Store) -> None:
    both = await give(store), await give(store, group="h")
    refused = message(*both, alerts=(0,), plain=True)
    await store.begin([refused], refused.id, "key", NOW)
    await store.settle(Settlement(refused.id, FAILED, Attempt(refused.id, NOW, 0.1, 200, "1", "bad text")))
    works = await store.owed("infra")
    assert [(work.refused, work.told, work.reached) for work in works] == [("bad text", {0}, False)] * 2


async def test_nothing_is_known_of_one_that_shares_no_message(store: Store) -> None:
    one, other = await give(store), await give(store, group="h")
    sent, waiting = message(one, alerts=(0,)), message(one, alerts=(1,))
    await store.begin([sent, waiting], sent.id, "key", NOW)
    await store.settle(Settlement(sent.id, SENT, Attempt(sent.id, NOW, 0.1, 200, note="u7 is not visible")))
    mine, theirs = await store.owed("infra")
    assert (mine.told, mine.notes) == ({0}, ("u7 is not visible",))
    assert (theirs.delivery.id, theirs.told, theirs.notes, theirs.messages) == (other.id, frozenset(), (), ())


async def test_ten_thousand_deliveries_share_a_message(engine, store: Store) -> None:
    taken = [event() for _ in range(500)]
    for each in taken:
        await store.accept(each, [owed(each, group=str(number)) for number in range(20)], [])
    given = [work.delivery for work in await store.owed("infra", limit=20_000)]
    digest = message(*given, alerts=(0,), detail="count")
    await store.begin([digest], digest.id, "key", NOW)
    works = await (await engine.reopen()).owed("infra", limit=20_000)
    assert {work.delivery.state for work in works} == {State.SENDING}
    assert works[-1].messages[0].carries == digest.carries
    await engine.store.settle(ended(digest))
    assert (await owes(engine.store), (await engine.store.record(given[-1].id)).delivery.state) == ([], State.SENT)


async def test_what_is_owed_again_has_its_old_place(store: Store) -> None:
    older = await give(store)
    await store.hold("infra", "paused")
    newer = await give(store)
    await store.release("infra", NOW, ["paused"])
    assert await owes(store) == [older.id, newer.id]


async def test_what_was_sent_is_not_offered_again(store: Store) -> None:
    delivery = await give(store)
    sent = await deliver(store, delivery, at=NOW + 3)
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery.state, record.delivery.sent_at) == (State.SENT, NOW + 3)
    assert (record.messages[0].state, record.messages[0].sent_at) == (SENT, NOW + 3.5)
    assert record.attempts == (Attempt(sent.id, NOW + 3, 0.5, 200, "0", ""),)
    assert await owes(store) == []


async def test_a_part_that_was_refused_for_good_is_remembered_through_a_hold(store: Store) -> None:
    one = await give(store)
    first, second = message(one, number=1, total=2, plain=True), message(one, number=2, total=2)
    await store.begin([first, second], first.id, "", NOW)
    await store.settle(Settlement(first.id, FAILED, None, (Move(one.id, State.SENDING, "no"),)))
    await store.hold("infra", "disabled")
    await store.release("infra", NOW, ["disabled"])
    work = await only(store)
    assert work.refused
    assert [left.id for left in work.messages] == [second.id]


async def test_a_form_that_was_refused_is_no_refusal_for_good(store: Store) -> None:
    one = await give(store)
    rich, plain = message(one), message(one, plain=True)
    await store.begin([rich], rich.id, "", NOW)
    await store.settle(Settlement(rich.id, FAILED, None, replacements=(plain,)))
    assert not (await only(store)).refused
