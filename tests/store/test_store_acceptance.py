"""Every engine: what is taken in, how a repetition is told, what is kept of what was refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from store.facts import NOW, deliver, event, give, owed, owes, state_of

from receiver.errors import StoreUnavailable
from receiver.model import Delivery, State
from receiver.store.base import Mark, Quarantined, Receipt, Store

MARK = Mark("scope", "digest", 120.0)


async def take(store: Store, at: float, *marks: Mark) -> Receipt:
    taken = event(at)
    return await store.accept(taken, [owed(taken)], marks)


async def test_what_is_accepted_is_kept_as_it_was(store: Store) -> None:
    taken = event(body=b'\x00\xff{"a": "\xe4\xbd\xa0"}', path="/webhook/grafana", channels=("infra", "dürer"))
    delivery = owed(
        taken, priority="high", alerts=(0, 7), reason="why", attempts=3, firing=False, manual=True, test=True,
        stands_in="another",
    )  # fmt: skip
    receipt = await store.accept(taken, [delivery], [])
    assert receipt == Receipt(taken.id, False, (delivery,))
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery, record.event) == (delivery, taken)


async def test_an_event_may_owe_nothing(store: Store) -> None:
    assert (await store.accept(event(), [], [MARK])).deliveries == ()
    assert (await take(store, NOW, MARK)).duplicate


async def test_all_alerts_are_not_the_same_as_none(store: Store) -> None:
    whole, none = await give(store, alerts=None), await give(store, group="other", alerts=())
    told = {work.delivery.id: work.delivery.alerts for work in await store.owed("infra")}
    assert told == {whole.id: None, none.id: ()}


async def test_a_repetition_gets_the_first_ones_id_and_deliveries(store: Store) -> None:
    first = await take(store, NOW, MARK)
    again = await take(store, NOW + 1, MARK)
    assert again == Receipt(first.event_id, True, first.deliveries)
    assert await owes(store) == [first.deliveries[0].id]


async def test_a_repetition_tells_what_became_of_the_first(store: Store) -> None:
    first = await take(store, NOW, MARK)
    await deliver(store, first.deliveries[0])
    assert (await take(store, NOW + 1, MARK)).deliveries[0].state is State.SENT


@pytest.mark.parametrize(("later", "duplicate"), [(0.0, True), (119.999, True), (120.0, False), (500.0, False)])
async def test_the_window_ends(store: Store, later: float, duplicate: bool) -> None:
    await take(store, NOW, MARK)
    assert (await take(store, NOW + later, MARK)).duplicate is duplicate


async def test_the_window_does_not_slide(store: Store) -> None:
    await take(store, NOW, MARK)
    assert (await take(store, NOW + 100, MARK)).duplicate
    assert not (await take(store, NOW + 130, MARK)).duplicate
    assert (await take(store, NOW + 240, MARK)).duplicate


@pytest.mark.parametrize(("earlier", "duplicate"), [(119.0, True), (121.0, False)])
async def test_a_clock_that_was_set_back_swallows_nothing(store: Store, earlier: float, duplicate: bool) -> None:
    await take(store, NOW, MARK)
    assert (await take(store, NOW - earlier, MARK)).duplicate is duplicate


async def test_another_digest_takes_the_mark_over(store: Store) -> None:
    other = replace(MARK, digest="other")
    await take(store, NOW, MARK)
    second = await take(store, NOW + 1, other)
    assert not second.duplicate
    assert (await take(store, NOW + 2, other)).event_id == second.event_id
    assert not (await take(store, NOW + 3, MARK)).duplicate


@pytest.mark.parametrize("again", [[MARK], [Mark("id", "", 600)], [Mark("new", "", 9), Mark("id", "", 600)]])
async def test_any_mark_is_enough(store: Store, again: list[Mark]) -> None:
    first = await take(store, NOW, MARK, Mark("id", "", 600))
    assert (await take(store, NOW + 1, *again)).event_id == first.event_id


async def test_a_repetition_leaves_no_marks(store: Store) -> None:
    await take(store, NOW, MARK)
    await take(store, NOW + 1, Mark("new", "", 600), MARK)
    assert not (await take(store, NOW + 2, Mark("new", "", 600))).duplicate


async def test_without_marks_nothing_is_a_repetition(store: Store) -> None:
    assert not (await take(store, NOW)).duplicate
    assert not (await take(store, NOW)).duplicate


async def test_of_equal_events_at_once_one_is_the_first(store: Store) -> None:
    receipts = await asyncio.gather(*(take(store, NOW, MARK) for _ in range(20)))
    first = next(receipt for receipt in receipts if not receipt.duplicate)
    assert sum(receipt.duplicate for receipt in receipts) == 19
    assert {(receipt.event_id, receipt.deliveries) for receipt in receipts} == {(first.event_id, first.deliveries)}
    assert len(await owes(store)) == 1


async def test_marks_survive_a_restart(engine, store: Store) -> None:
    first = await take(store, NOW, MARK)
    await take(store, NOW, Mark("other", "", 600))
    store = await engine.reopen()
    assert (await take(store, NOW + 60, MARK)).event_id == first.event_id
    assert not (await take(store, NOW + 121, MARK)).duplicate


async def test_old_marks_are_forgotten_and_young_ones_are_not(engine, store: Store) -> None:
    for number in range(300):
        await take(store, NOW, Mark(f"old {number}", "", 120))
    young = await take(store, NOW + 300, Mark("young", "", 120))
    engine.now = NOW + 301
    await store.prune(0.0)
    assert (await take(store, NOW + 301, Mark("young", "", 120))).event_id == young.event_id
    assert not (await take(store, NOW + 301, Mark("old 0", "", 120))).duplicate


async def test_a_poisoned_event_harms_nobody_else(store: Store) -> None:
    good = [event(body=b"good") for _ in range(5)]
    bad = event(source="\ud800")
    outcomes = await asyncio.gather(
        *(store.accept(one, [owed(one, group=one.id)], []) for one in [*good[:2], bad, *good[2:]]),
        return_exceptions=True,
    )
    assert isinstance(outcomes[2], ValueError)
    assert sum(isinstance(outcome, Receipt) for outcome in outcomes) == 5
    assert len(await owes(store)) == 5


async def test_an_id_that_is_taken_is_refused_whole(store: Store) -> None:
    first = await give(store)
    taken = event(body=b"second")
    twin: Delivery = owed(taken, id=first.id)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.accept(taken, [owed(taken, group="other"), twin], [MARK])
    assert await owes(store) == [first.id]
    assert not (await take(store, NOW, MARK)).duplicate


async def test_a_closed_store_takes_nothing(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await take(store, NOW)
    with pytest.raises(StoreUnavailable):
        await store.owed("infra")


async def test_closing_finishes_what_waits(engine, store: Store) -> None:
    waiting = [asyncio.ensure_future(give(store, group=str(number))) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    given = await asyncio.gather(*waiting)
    assert [await state_of(await engine.open(), delivery) for delivery in given[-1:]] == [State.QUEUED]


def refused(number: int, at: float = NOW, body: bytes = b"?") -> Quarantined:
    return Quarantined(f"{number:028d}", at, "am", "/webhook", "not JSON", body)


async def test_what_was_refused_can_be_read(store: Store) -> None:
    body = refused(1, body=b"\x00\xff")
    await store.quarantine(body)
    assert await store.quarantined() == ([body], None)


async def test_the_quarantine_cuts_bodies(store: Store) -> None:
    await store.quarantine(refused(1, body=b"x" * 100_000))
    (kept,), _ = await store.quarantined()
    assert kept.body == b"x" * 65536


async def test_the_quarantine_keeps_the_last_thousand(store: Store) -> None:
    await asyncio.gather(*(store.quarantine(refused(number)) for number in range(1005)))
    kept, more = await store.quarantined(limit=2000)
    assert (len(kept), more) == (1000, None)
    assert [kept[0].id, kept[-1].id] == [refused(1004).id, refused(5).id]


async def test_the_quarantine_forgets_after_seven_days(engine, store: Store) -> None:
    await store.quarantine(refused(1))
    engine.now = NOW + 7 * 86400 + 1
    assert await store.quarantined() == ([], None)
    await store.quarantine(refused(2, engine.now))
    engine.now = NOW
    assert [kept.id for kept in (await store.quarantined())[0]] == [refused(2).id]


async def test_the_quarantine_is_paged(store: Store) -> None:
    for number in range(5):
        await store.quarantine(refused(number))
    pages, cursor = [], None
    while not pages or cursor:
        page, cursor = await store.quarantined(2, cursor)
        pages.append([int(kept.id) for kept in page])
    assert pages == [[4, 3], [2, 1], [0]]


async def test_check_is_quiet_when_all_is_well(store: Store) -> None:
    await store.check()
