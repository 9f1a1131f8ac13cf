"""Every engine: messages to one of several receivers, what of them was reached, and what is never to be posted."""

from __future__ import annotations

import pytest
from store.facts import NOW, begin, give, message, only, owes, state_of

from receiver.model import Attempt, Delivery, Message, MessageState, State
from receiver.store.base import Move, Settlement, Store

SENT, FAILED, DISCARDED = MessageState.SENT, MessageState.FAILED, MessageState.DISCARDED
A, B, C = '{"touser":"a"}', '{"touser":"张三|b"}', '{"receive_id_type":"chat_id","receive_id":"oc_1"}'


async def planned(store: Store, *targets: str, **fields: object) -> tuple[Delivery, list[Message]]:
    """A delivery with a message for each target, the first of which is on its way."""
    delivery = await give(store)
    messages = [message(delivery, target=target, **fields) for target in targets]
    await store.begin(messages, messages[0].id, "key", NOW)
    return delivery, messages


def tried(of: Message, state: MessageState, error: str = "", note: str = "", **more: object) -> Settlement:
    """The settlement of one of several messages."""
    attempt = Attempt(of.id, NOW, 0.5, 200, "0", error, note)
    return Settlement(of.id, state, attempt, **more)  # type: ignore[arg-type]


async def test_whom_a_message_is_for_and_what_it_replaces_survive(engine, store: Store) -> None:
    delivery, messages = await planned(store, A, B, C, updates="om_1")
    store = await engine.reopen()
    kept = (await only(store)).messages
    assert [(one.target, one.updates, one.provider_id) for one in kept] == [(each, "om_1", "") for each in (A, B, C)]
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.target for one in record.messages] == [one.target for one in messages]


async def test_a_note_survives(engine, store: Store) -> None:
    delivery, [sent] = await planned(store, A)
    await store.settle(tried(sent, SENT, note="u7 ist nicht sichtbar 看不到"))
    record = await (await engine.reopen()).record(delivery.id)
    assert record is not None
    assert record.attempts == (Attempt(sent.id, NOW, 0.5, 200, "0", "", "u7 ist nicht sichtbar 看不到"),)


async def test_replacements_keep_whom_they_are_for(store: Store) -> None:
    delivery, [busy] = await planned(store, B)
    left = message(delivery, target=A, updates="om_2")
    await store.settle(tried(busy, SENT, replacements=(left,)))
    assert [(one.id, one.target, one.updates) for one in (await only(store)).messages] == [(left.id, A, "om_2")]


async def test_parts_come_in_order_and_each_to_all_targets(store: Store) -> None:
    delivery = await give(store)
    parts = [message(delivery, number=number, total=2, target=target) for number in (1, 2) for target in (A, B)]
    await store.begin(parts, parts[0].id, "key", NOW)
    instead = message(delivery, number=1, total=2, target=A, plain=True)
    await store.settle(tried(parts[0], FAILED, replacements=(instead,)))
    assert [one.id for one in (await only(store)).messages] == [parts[1].id, instead.id, parts[2].id, parts[3].id]


async def test_nothing_is_known_of_what_was_not_tried(store: Store) -> None:
    await planned(store, A)
    found = await only(store)
    assert (found.refused, found.reached, found.notes, found.told) == ("", False, (), frozenset())


async def test_one_that_was_sent_has_reached_somebody(store: Store) -> None:
    _, [first, _] = await planned(store, A, B)
    assert not (await only(store)).reached
    await store.settle(tried(first, SENT))
    assert (await only(store)).reached


async def test_one_that_only_replaces_what_does_not_count_any_more_has_reached_nobody(store: Store) -> None:
    delivery = await give(store)
    muted, news = message(delivery, updates="om_1"), message(delivery, updates="om_2", alerts=(0,))
    last = message(delivery)
    await store.begin([muted, news, last], muted.id, "key", NOW)
    await store.settle(tried(muted, SENT))
    assert not (await only(store)).reached
    await store.settle(tried(news, SENT))
    assert (await only(store)).reached


async def test_what_goes_beside_the_messages_is_nothing_to_the_delivery(store: Store) -> None:
    delivery = await give(store)
    beside = message(delivery, number=0)
    await store.begin([beside], beside.id, "key", NOW)
    found = await only(store)
    assert (found.delivery.state, found.messages) == (State.QUEUED, ())
    await store.settle(tried(beside, SENT))
    assert not (await only(store)).reached
    assert (await store.slots("key", 0.0))[0] == [NOW]


async def test_why_a_message_was_refused_for_good_is_known(store: Store) -> None:
    _, [first, _] = await planned(store, A, B, plain=True)
    await store.settle(tried(first, MessageState.PLANNED, "HTTP 502"))
    await store.settle(tried(first, FAILED, "40058: too long"))
    assert (await only(store)).refused == "40058: too long"


async def test_who_cannot_be_reached_is_noted_and_refuses_nothing(store: Store) -> None:
    _, [first, second, _] = await planned(store, A, B, C, plain=True)
    await store.settle(tried(first, MessageState.PLANNED, "HTTP 502"))
    await store.settle(tried(first, FAILED, "a: no such user", "a: no such user"))
    await store.settle(tried(second, SENT, note="b: not visible"))
    found = await only(store)
    assert (found.refused, found.notes) == ("", ("a: no such user", "b: not visible"))


async def test_a_note_is_known_once_and_for_its_delivery_only(store: Store) -> None:
    _, messages = await planned(store, A, B, C)
    for one in messages[:2]:
        await store.settle(tried(one, SENT, note="u7 is not visible"))
    other = await begin(store, await give(store, group="h"))
    mine, theirs = await store.owed("infra")
    assert (mine.notes, theirs.notes) == (("u7 is not visible",), ())
    assert [one.id for one in theirs.messages] == [other.id]


async def test_what_is_discarded_is_never_offered_and_stays_on_record(engine, store: Store) -> None:
    delivery, [first, second, third] = await planned(store, A, B, C)
    await store.settle(tried(first, SENT, discarded=(second.id, "nobody")))
    store = await engine.reopen()
    assert [one.id for one in (await only(store)).messages] == [third.id]
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.state for one in record.messages] == [SENT, DISCARDED, MessageState.PLANNED]
    assert record.messages[1].content == second.content


async def test_what_was_sent_or_refused_cannot_be_discarded(store: Store) -> None:
    delivery, [first, second, third] = await planned(store, A, B, C)
    await store.settle(tried(first, SENT))
    await store.settle(tried(second, FAILED, "no"))
    await store.settle(Settlement("", FAILED, None, discarded=(first.id, second.id, third.id)))
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.state for one in record.messages] == [SENT, FAILED, DISCARDED]


async def test_a_delivery_that_is_planned_anew_has_no_past(store: Store) -> None:
    delivery, [first, second, third] = await planned(store, A, B, C, plain=True)
    await store.settle(tried(first, FAILED, "no such user", "no such user"))
    await store.settle(tried(second, FAILED, "bad text"))
    held = Move(delivery.id, State.HELD, "stopped")
    await store.settle(tried(third, MessageState.PLANNED, "wrong key", moves=(held,), anew=(delivery.id,)))
    await store.release("infra", NOW, ["stopped"])
    found = await only(store)
    assert (found.messages, found.refused, found.reached, found.notes) == ((), "", False, ())
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.state for one in record.messages] == [DISCARDED] * 3
    assert [attempt.error for attempt in record.attempts] == ["no such user", "bad text", "wrong key"]


async def test_planning_anew_spares_what_was_sent_and_other_deliveries(store: Store) -> None:
    delivery, [first, second] = await planned(store, A, B)
    other = await begin(store, await give(store, group="h"))
    await store.settle(tried(first, SENT))
    await store.settle(tried(second, MessageState.PLANNED, "wrong key", anew=(delivery.id,)))
    mine, theirs = await store.owed("infra")
    assert (mine.messages, [one.id for one in theirs.messages]) == ((), [other.id])
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.state for one in record.messages] == [SENT, DISCARDED]


@pytest.mark.parametrize("state", [State.SENT, State.FAILED])
async def test_the_end_of_a_delivery_ends_its_messages_that_are_left(store: Store, state: State) -> None:
    delivery, [first, second] = await planned(store, A, B)
    await store.settle(tried(first, SENT, moves=(Move(delivery.id, state, sent_at=NOW),), discarded=(second.id,)))
    assert (await owes(store), await state_of(store, delivery)) == ([], state)


async def test_several_are_planned_anew_together(store: Store) -> None:
    one, two, other = await give(store), await give(store, group="h"), await give(store, group="i")
    digest, part, theirs = message(one, two, alerts=(0,)), message(two, alerts=(1,)), message(other)
    await store.begin([digest, part, theirs], digest.id, "key", NOW)
    await store.settle(tried(digest, MessageState.PLANNED, "wrong key", anew=(one.id, two.id)))
    works = await store.owed("infra")
    assert [[each.id for each in work.messages] for work in works] == [[], [], [theirs.id]]
    assert [work.told for work in works] == [frozenset()] * 3
