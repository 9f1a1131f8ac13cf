"""Deliveries that are told together, as they are found again after a restart."""

from collections import deque
from itertools import pairwise

import pytest
from owed_samples import NOW, cpu, delivery

from receiver.delivery.bundle import Bundle, joined
from receiver.delivery.owed import Owed
from receiver.errors import BadPayload
from receiver.model import Carried, Message, StoredEvent
from receiver.store.base import Work

EVENT = {"alerts": [cpu(1), cpu(2)]}


def work(number, group="g", *, told=(), messages=()):
    event = StoredEvent(f"e{number}", "am", NOW, b"")
    return Work(delivery(number, group), event, tuple(messages), told=frozenset(told), seq=number)


def message(number, *deliveries, part=1, detail="full", **changes):
    carries = tuple(Carried(f"d{one}", (0, 1), detail) for one in deliveries)
    return Message(f"m{number}", "infra", b"x", carries, part, 9, **changes)


def ids(found):
    return [one.id for one in found]


def loaded(*works):
    return [Owed(one, lambda _: EVENT) for one in works]


def parts(*numbers):
    return [message(number, 1, 2, 3, part=number) for number in numbers]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_what_shares_a_message_is_one_bundle_in_the_order_of_its_parts(order):
    one, two, three = parts(1, 2, 3)
    works = [work(1, messages=[one, three]), work(2, messages=[two]), work(3, messages=[one, two])]
    [bundle] = joined([], loaded(*(works[number - 1] for number in order)))
    assert ids(bundle.owed) == ["d1", "d2", "d3"]
    assert ids(bundle.messages) == ["m1", "m2", "m3"]


def test_what_is_read_in_two_pages_is_one_bundle_still():
    (one, two), (first, second, third) = parts(1, 2), (1, 2, 3)
    bundles = joined([], loaded(work(first, messages=[one]), work(second, messages=[two])))
    [bundle] = joined(bundles, loaded(work(third, messages=[one, two])))
    assert (ids(bundle.owed), ids(bundle.messages)) == (["d1", "d2", "d3"], ["m1", "m2"])


@pytest.mark.parametrize("details", [("count", "line"), ("line", "count")])
def test_a_bundle_is_as_full_as_the_least_that_it_tells(details):
    messages = [message(number, 1, part=number, detail=detail) for number, detail in enumerate(details)]
    [bundle] = joined([], loaded(work(1, messages=messages[:1]), work(2, messages=messages)))
    assert bundle.detail == "count"


def test_bundles_of_different_messages_stay_apart():
    works = [work(number, messages=[message(number, number)] if number < 3 else ()) for number in (1, 2, 3)]
    assert [ids(bundle.owed) for bundle in joined([], loaded(*works))] == [["d1"], ["d2"]]


@pytest.mark.parametrize(
    "changes",
    [{"state": "sending"}, {"target": "t"}, {"updates": "om_1"}, {"plain": True}],
    ids=["maybe posted", "for some", "in place", "in the place of a refused one"],
)
def test_what_stands_for_more_than_its_words_is_not_forgotten(changes):
    assert Bundle(loaded(work(1)), deque([message(1, 1)])).rebuildable
    assert not Bundle(loaded(work(1)), deque([message(1, 1), message(2, 1, **changes)])).rebuildable


def test_the_rest_of_what_was_told_in_part_is_not_forgotten():
    [one] = loaded(work(1, told=(0, 1)))
    assert not Bundle([one], deque([message(2, 1, part=2)])).rebuildable


def test_what_cannot_be_read_is_never_taken_for_told():
    def read(_):
        raise BadPayload("not JSON")

    assert not Owed(work(1, told=(0,)), read).finished


def test_storms_are_joined_in_no_time():
    shared = Message("m", "infra", b"x", tuple(Carried(f"d{number}", (0,)) for number in range(5000)))
    [bundle] = joined([], loaded(*(work(number, f"g{number}", messages=[shared]) for number in range(5000))))
    assert all(one.seq < other.seq for one, other in pairwise(bundle.owed))
