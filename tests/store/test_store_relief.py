"""Every engine: what another channel may tell in the place of its own, and who told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from store.facts import NOW, begin, deliver, ended, event, give, only, owed, owes, state_of

from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.store.base import Store


def stand_in(of: Delivery, channel: str = "duty", **fields: Any) -> Delivery:
    """A delivery that is told in the place of another."""
    return replace(of, id=new_id(NOW), channel=channel, state=State.QUEUED, reason="", stands_in=of.id, **fields)


async def urgent(store: Store, **fields: Any) -> Delivery:
    return await give(store, **{"priority": "high", **fields})


async def found(store: Store, before: float = NOW + 1, stopped: bool = False, limit: int = 500) -> list[str]:
    return [delivery.id for delivery in await store.relievable("infra", before, stopped, limit)]


async def kept(store: Store, delivery: Delivery) -> Delivery:
    record = await store.record(delivery.id)
    assert record is not None
    return record.delivery


@pytest.mark.parametrize(
    ("fields", "relievable"),
    [
        ({}, True),
        ({"due_at": NOW + 600}, True),
        ({"priority": "normal"}, False),
        ({"released_at": NOW + 1}, False),
        ({"channel": "other"}, False),
        ({"stands_in": "another"}, False),
        ({"test": True}, False),
        ({"state": State.HELD, "reason": "stopped"}, False),
        ({"state": State.DROPPED}, False),
    ],
)
async def test_what_of_high_priority_waits_too_long_can_be_told_elsewhere(store: Store, fields, relievable) -> None:
    delivery = await urgent(store, **fields)
    assert await found(store) == [delivery.id] * relievable


async def test_what_is_tried_in_vain_can_be_told_elsewhere_and_what_was_sent_cannot(store: Store) -> None:
    sent, sending = await urgent(store), await urgent(store, group="h")
    await deliver(store, sent)
    await begin(store, sending)
    assert await found(store) == [sending.id]


@pytest.mark.parametrize(
    ("fields", "relievable"),
    [
        ({}, True),
        ({"priority": "low", "released_at": NOW + 60}, True),
        ({"reason": "disabled"}, False),
        ({"reason": "schedule"}, False),
        ({"state": State.FAILED}, False),
        ({"channel": "other"}, False),
        ({"stands_in": "another"}, False),
        ({"test": True}, False),
    ],
)
async def test_what_a_stopped_channel_holds_can_be_told_elsewhere(store: Store, fields, relievable) -> None:
    delivery = await give(store, **{"state": State.HELD, "reason": "stopped", **fields})
    assert await found(store, stopped=True) == [delivery.id] * relievable
    assert await found(store) == []


async def test_the_oldest_can_be_told_elsewhere_first(store: Store) -> None:
    held = [(await give(store, state=State.HELD, reason="stopped")).id for _ in range(3)]
    queued = [(await urgent(store)).id for _ in range(3)]
    held.append((await give(store, state=State.HELD, reason="stopped")).id)
    assert await found(store, stopped=True) == [*held[:3], *queued, held[3]]
    assert await found(store, stopped=True, limit=4) == [*held[:3], queued[0]]


async def test_what_is_handed_over_is_owed_by_both(engine, store: Store) -> None:
    delivery = await urgent(store, alerts=(0, 2), body=b"whole")
    instead = stand_in(delivery, released_at=NOW + 120)
    assert await store.hand_over([instead]) == [instead]
    store = await engine.reopen()
    work = await only(store, "duty")
    assert (work.delivery, work.event.body, work.in_place_of) == (instead, b"whole", "infra")
    mine = await only(store)
    assert (mine.delivery, mine.in_place_of) == (replace(delivery, told_by="duty"), "")
    assert await found(store) == []


@pytest.mark.parametrize("state", [State.SENT, State.FAILED, State.EXPIRED, State.DROPPED])
async def test_what_has_ended_is_not_handed_over(store: Store, state: State) -> None:
    ended_before, waiting = await give(store, state=state), await give(store)
    stand_ins = [stand_in(each) for each in (ended_before, waiting)]
    assert await store.hand_over(stand_ins) == stand_ins[1:]
    assert (await owes(store, "duty"), (await kept(store, ended_before)).told_by) == ([stand_ins[1].id], "")


async def test_what_is_unknown_is_not_handed_over(store: Store) -> None:
    delivery = await give(store)
    assert await store.hand_over([replace(stand_in(delivery), stands_in="nobody")]) == []
    assert await store.hand_over([]) == []
    assert await owes(store, "duty") == []


async def test_only_one_stands_in_for_a_delivery(engine, store: Store) -> None:
    delivery = await give(store)
    first = stand_in(delivery)
    assert await store.hand_over([first, stand_in(delivery, "audit")]) == [first]
    store = await engine.reopen()
    for again in (first, stand_in(delivery), stand_in(delivery, "audit")):
        assert await store.hand_over([again]) == []
    assert (await owes(store, "duty"), await owes(store, "audit")) == ([first.id], [])


async def test_handing_over_at_once_from_two_sides_happens_once(store: Store) -> None:
    delivery = await give(store)
    taken = await asyncio.gather(*(store.hand_over([stand_in(delivery, name)]) for name in ("duty", "audit")))
    assert sorted(map(len, taken)) == [0, 1]
    assert len(await owes(store, "duty")) + len(await owes(store, "audit")) == 1


async def several(store: Store, number: int) -> tuple[StoredEvent, list[Delivery]]:
    """One event with so many deliveries."""
    taken = event()
    given = [owed(taken, "infra", str(place)) for place in range(number)]
    await store.accept(taken, given, [])
    return taken, given


async def test_stand_ins_come_after_the_deliveries_of_their_event(store: Store) -> None:
    _, given = await several(store, 3)
    await give(store, "duty")
    stand_ins = [stand_in(each) for each in given]
    assert await store.hand_over(stand_ins[1:]) == stand_ins[1:]
    assert await store.hand_over(stand_ins[:1]) == stand_ins[:1]
    works = await store.owed("duty")
    assert [work.delivery.id for work in works[:3]] == [stand_ins[1].id, stand_ins[2].id, stand_ins[0].id]
    assert [work.event for work in works[:3]] == [(await only_event(store, given[0]))] * 3
    last = (await store.owed("infra"))[-1].seq
    assert [work.seq for work in works[:3]] == [last + 1, last + 2, last + 3]


async def only_event(store: Store, delivery: Delivery) -> StoredEvent:
    record = await store.record(delivery.id)
    assert record is not None
    return record.event


async def test_an_event_has_no_room_for_more_stand_ins_than_it_can_number(store: Store) -> None:
    _, given = await several(store, 65_535)
    later = await give(store)
    last = stand_in(given[0])
    assert await store.hand_over([last]) == [last]
    with pytest.raises(ValueError, match="65536"):
        await store.hand_over([stand_in(later), stand_in(given[1])])
    assert await owes(store, "duty") == [last.id]
    assert ((await kept(store, given[1])).told_by, (await kept(store, later)).told_by) == ("", "")


async def test_what_is_told_elsewhere_stays_owed_and_says_so_to_its_end(store: Store) -> None:
    delivery = await give(store, state=State.HELD, reason="stopped")
    await store.hand_over([stand_in(delivery)])
    assert await found(store, stopped=True) == []
    assert (await kept(store, delivery)).state is State.HELD
    await store.release("infra", NOW, ["stopped"])
    await store.hold("infra", "stopped")
    await store.release("infra", NOW + 9, ["stopped"])
    assert (await only(store)).delivery.told_by == "duty"
    await deliver(store, delivery)
    assert ((await kept(store, delivery)).told_by, await state_of(store, delivery)) == ("duty", State.SENT)


async def test_a_stand_in_is_sent_and_forgotten_like_any_other(store: Store) -> None:
    delivery = await give(store)
    instead = stand_in(delivery)
    await store.hand_over([instead])
    begun = await begin(store, instead)
    await store.settle(ended(begun))
    assert [await state_of(store, one) for one in (instead, delivery)] == [State.SENT, State.QUEUED]
    await deliver(store, delivery)
    assert await store.prune(NOW + 1) == 1
    assert [await state_of(store, one) for one in (instead, delivery)] == [None, None]
