"""What a channel owes in memory, held against what its store owes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owed_samples import NOW, cpu, delivery

from receiver.delivery import queue as queues
from receiver.delivery.queue import Queue
from receiver.errors import StoreUnavailable
from receiver.model import Carried, Message, State, StoredEvent
from receiver.store.base import MAX_WAIT, Move, Work

EVENT = {"alerts": [cpu(1), cpu(2)]}


class Outbox:
    """In the place of a store: what it owes, a page of so many at a time; `then` is done in the midst of a read."""

    def __init__(self, *works, page=3):
        self.works, self.page = list(works), page
        self.reads, self.then = 0, lambda: None

    async def owed(self, channel, after=0):
        found = [work for work in self.works if work.seq > after][: self.page]
        self.reads += 1
        await asyncio.sleep(0)
        self.then()
        return found


def work(number, group="g", body=b"x" * 10, messages=(), **changes):
    event = StoredEvent(f"e{number}", "am", NOW, body)
    known = {key: changes.pop(key) for key in ("told", "refused", "reached") if key in changes}
    return Work(delivery(number, group, **changes), event, tuple(messages), seq=number, **known)


def message(number, *deliveries, part=1, detail="full", **changes):
    carries = tuple(Carried(f"d{one}", (0, 1), detail) for one in deliveries)
    return Message(f"m{number}", "infra", b"x", carries, part, 9, **changes)


def queue(*works, page=3):
    return Queue("infra", Outbox(*works, page=page), lambda _: EVENT)


async def read(*works, page=3):
    made = queue(*works, page=page)
    await made.refresh()
    return made


def ids(found):
    return [one.id for one in found]


@st.composite
def backlogs(draw):
    """What is owed: of a few groups, put off or not, told or not, some of it begun."""
    owes = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        due_at = draw(st.sampled_from([0.0, 0.0, NOW - 5, NOW + 30, NOW + MAX_WAIT + 1]))
        told = draw(st.sampled_from([(), (), (0,), (0, 1)]))
        begun = draw(st.sampled_from([None, None, None, 1, 2]))
        messages = [] if begun is None else [message(begun, number)]
        group = draw(st.sampled_from("abc"))
        owes.append(work(number, group, due_at=due_at, told=frozenset(told), messages=messages))
    return owes


def waits(one, now):
    return now < one.delivery.due_at <= now + MAX_WAIT


def due_by_rule(works, now):
    """What may be told at `now`, as the rule is written: by looking at all that is owed for each of them."""
    busy = {one.delivery.group for one in works if one.messages}
    return [
        one.delivery.id
        for one in works
        if one.delivery.group not in busy
        and len(one.told) < 2
        and not any(
            waits(other, now) for other in works if other.delivery.group == one.delivery.group and other.seq <= one.seq
        )
    ]


@given(backlogs())
def test_what_is_due_is_what_nothing_of_its_group_is_ahead_of(owes):
    found = asyncio.run(read(*owes))
    for now in (NOW, NOW + 30):
        assert ids(found.due(now)) == due_by_rule(owes, now)


@given(backlogs())
def test_what_was_begun_waits_until_all_of_it_is_due(owes):
    found = asyncio.run(read(*owes))
    begun = [[one for one in owes if {message.id for message in one.messages} & {name}] for name in ("m1", "m2")]
    ready = [part for part in begun if part and not any(waits(one, NOW) for one in part)]
    bundle = found.begun(NOW)
    assert (ids(bundle.owed) if bundle else None) in ([[one.delivery.id for one in part] for part in ready] or [None])


@given(backlogs())
def test_nothing_is_due_before_the_next_is_and_something_is_then(owes):
    owes = [one for one in owes if len(one.told) < 2 and one.delivery.due_at <= NOW + MAX_WAIT]
    found = asyncio.run(read(*owes))
    then = found.next_due()
    assert (then is None) == (not owes)
    if then is not None:
        assert bool(found.due(NOW) or found.begun(NOW)) == (then <= NOW)
        assert found.due(max(then, NOW)) or found.begun(max(then, NOW))


@given(
    backlogs(), st.lists(st.tuples(st.integers(1, 12), st.sampled_from(list(State)), st.integers(-9, 99)), max_size=9)
)
def test_what_became_of_deliveries_is_kept_in_mind(owes, moves):
    found = asyncio.run(read(*owes))
    left = {one.delivery.id: one.delivery.due_at for one in owes}
    for number, state, wait in moves:
        found.follow([Move(f"d{number}", state, due_at=NOW + wait, attempts=number)])
        if f"d{number}" in left and state is State.QUEUED:
            left[f"d{number}"] = NOW + wait
        elif state is not State.SENDING:
            left.pop(f"d{number}", None)
    assert {one.id: one.delivery.due_at for one in found} == left
    for one in found:
        group = [other for other in found if other.group == one.group]
        assert [*found.ahead(one), one, *found.behind(one)] == group


@given(backlogs())
def test_told_whole_is_what_nobody_waits_for(owes):
    found = asyncio.run(read(*owes))
    for one in found.told():
        assert len(one.told) == 2
        assert next(other for other in found if other.group == one.group) is one
        assert not any(message.state != "sent" for message in one.messages)


async def test_what_came_to_several_groups_is_due_in_the_order_it_came():
    found = await read(work(1, "a"), work(2, "b"), work(3, "a"), work(4, "b"))
    assert ids(found.due(NOW)) == ["d1", "d2", "d3", "d4"]


async def test_a_clock_that_was_set_back_delays_nothing():
    found = await read(work(1, due_at=NOW + 7200))
    assert ids(found.due(NOW)) == ["d1"]


async def test_what_is_new_is_read_and_nothing_twice():
    found = await read(work(1))
    found._store.works.append(work(2))
    await found.refresh()
    assert ids(found) == ["d1"]
    found.news = True
    await found.refresh()
    assert (ids(found), found.news) == (["d1", "d2"], False)


async def test_what_is_stale_is_read_anew_and_who_is_to_be_apart_stays_so():
    found = await read(work(1), work(2))
    found.get("d2").most = 1
    found._store.works = [work(2, due_at=NOW + 5), work(3)]
    found.stale = True
    await found.refresh()
    assert [(one.id, one.most == 1, one.delivery.due_at) for one in found] == [
        ("d2", True, NOW + 5),
        ("d3", False, 0.0),
    ]


async def test_what_is_changed_while_it_is_read_is_stale_until_it_is_read_again():
    found = queue(work(2), work(3), page=1)

    def resent():
        if found._store.reads == 2:
            found._store.works.insert(0, work(1))
            found.stale = True

    found._store.then = resent
    await found.refresh()
    assert found.stale  # an outcome may still be on its way to the store
    await found.refresh()
    assert (ids(found), found.stale) == (["d1", "d2", "d3"], False)


async def test_what_comes_while_it_is_read_is_news_for_the_next_time():
    found = queue(work(1))

    def accepted():
        if found._store.reads == 2:
            found._store.works.append(work(2))
            found.news = True

    found._store.then = accepted
    await found.refresh()
    assert found.news
    await found.refresh()
    assert ids(found) == ["d1", "d2"]


async def test_a_read_that_fails_is_made_anew():
    found = await read(work(1))
    found.news, read_on = True, found._store.owed
    found._store.owed = lambda *_: (_ for _ in ()).throw(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        await found.refresh()
    found._store.owed = read_on
    await found.refresh()
    assert ids(found) == ["d1"]


async def test_memory_is_bounded_and_all_has_its_turn(monkeypatch):
    monkeypatch.setattr(queues, "MOST", 100)
    found, seen = queue(*(work(number, f"g{number}") for number in range(1, 41))), []
    while not seen or len(found):
        await found.refresh()
        assert sum(one.size for one in found) < 100 + 3 * 10
        seen += ids(found.due(NOW))
        found.follow([Move(one.id, State.SENT) for one in found])
        await found.refresh()
    assert seen == [f"d{number}" for number in range(1, 41)]


async def test_what_is_stale_is_read_anew_though_memory_is_full(monkeypatch):
    monkeypatch.setattr(queues, "MOST", 20)
    found = await read(*(work(number) for number in range(1, 9)))
    found._store.works = [work(9)]
    found.stale = True
    await found.refresh()
    assert ids(found) == ["d9"]
