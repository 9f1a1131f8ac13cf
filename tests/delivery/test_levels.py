"""How fully what is due is told: held against messages that are filled alert by alert."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.delivery.levels import FULL, LEAST, MARGIN, Load, bound, choose

NOW = 1_790_000_000.0
ROOM, WITHIN, COUNTS = 3900.0, 57.0, 800.0
FULLNESS = {"count": 0, "line": 1, "full": 2}


@dataclass
class Posts:
    """Messages filled with one alert after the other, none of them broken; `told` are (since, number of the slot)."""

    room: float
    at: int = 0
    used: float = 0.0
    told: list = field(default_factory=list)

    def put(self, since, size):
        if self.used + size > self.room * (1 + 1e-9) and self.used:
            self.turn()
        while size > self.room:
            size -= self.room
            self.at += 1
        self.used += size
        self.told.append((since, self.at))

    def turn(self):
        if self.used:
            self.at, self.used = self.at + 1, 0.0


def posted(levels, loads, room, counts):
    """When each alert is told if the messages go out so: in full first, then the numbers, then lines."""
    posts, at = Posts(room), list(zip(levels, loads, strict=True))
    for since, size in [(since, load.full) for level, load in at if level == "full" for since in load.since]:
        posts.put(since, size)
    posts.turn()
    if numbers := [since for level, load in at if level == "count" for since in load.since]:
        posts.put(min(numbers), counts)
    urgent, *others = ([(since, load.line) for since in load.since] if level == "line" else [] for level, load in at)
    for since, size in [*urgent, *sorted([*others[0], *others[1]])]:
        posts.put(since, size)
    return posts.told


def in_time(levels, loads, room, slots, within, counts):
    return all(
        place < len(slots) and slots[place] <= max(since + within, slots[0] + MARGIN) + 1e-6
        for since, place in posted(levels, loads, room, counts)
    )


ages = st.lists(st.integers(0, 90), max_size=400).map(lambda found: [NOW - age for age in sorted(found, reverse=True)])
sizes = st.tuples(st.floats(60, 9000), st.floats(40, 400))
gaps = st.lists(st.sampled_from([0.0, 0.1, 3.1, 50.0]), min_size=1, max_size=128)


@st.composite
def storms(draw):
    """Alerts of every urgency, and the slots that are left for them."""
    full, line = draw(sizes)
    slots, at = [], NOW
    for gap in draw(gaps):
        at += gap
        slots.append(at)
    return [Load(draw(ages), full, line) for _ in range(3)], slots, draw(st.sampled_from([57.0, 9.0, 300.0]))


def chosen_for(loads, slots, within=WITHIN):
    return choose(loads, ROOM, slots, within, COUNTS)


@given(storms())
def test_what_is_chosen_is_told_in_time(storm):
    loads, slots, within = storm
    levels = chosen_for(loads, slots, within)
    assert levels == LEAST or in_time(levels, loads, ROOM, slots, within, COUNTS)


@given(storms())
def test_nothing_is_told_shorter_while_there_is_time_for_all(storm):
    loads, slots, within = storm
    if any(load.since for load in loads) and in_time(FULL, loads, ROOM, slots, within, COUNTS):
        assert chosen_for(loads, slots, within) == FULL


@given(storms())
def test_the_more_urgent_is_told_no_shorter_than_the_less(storm):
    loads, slots, within = storm
    levels = chosen_for(loads, slots, within)
    assert sorted(map(FULLNESS.get, levels), reverse=True) == list(map(FULLNESS.get, levels))


@given(storms(), st.integers(1, 300))
def test_more_alerts_are_never_told_more_fully(storm, number):
    loads, slots, within = storm
    more = [Load([*load.since, *[NOW] * number], load.full, load.line) for load in loads if load.since]
    if len(more) == 3:
        before, after = (map(FULLNESS.get, chosen_for(one, slots, within)) for one in (loads, more))
        assert list(after) <= list(before)


def loads(high=0, normal=0, low=0, age=0.0):
    return [Load([NOW - age] * number, 156.0, 75.0) for number in (high, normal, low)]


def robot(free=20):
    """The slots of a robot that has so many left in this minute."""
    return [NOW] * free + [NOW + 61.0] * 20


@pytest.mark.parametrize(
    ("due", "free", "levels"),
    [
        (loads(high=500), 20, FULL),
        (loads(high=100, normal=300, low=100), 20, FULL),
        (loads(high=100, normal=300, low=101), 20, ("full", "full", "line")),
        (loads(high=100, normal=400, low=100), 20, ("full", "line", "line")),
        (loads(high=100, normal=700, low=700), 20, ("full", "line", "count")),
        (loads(high=100, normal=1000, low=700), 20, ("full", "count", "count")),
        (loads(high=600, normal=400), 20, ("line", "line", "line")),
        (loads(high=600, normal=400, low=100), 20, ("line", "line", "count")),
        (loads(high=900, normal=400, low=100), 20, ("line", "count", "count")),
        (loads(high=10_000), 20, LEAST),
        (loads(low=26), 1, ("full", "full", "line")),
        (loads(low=53), 1, LEAST),
    ],
)
def test_the_critical_keep_the_fullest_level_then_all_are_told_by_themselves(due, free, levels):
    seen = [place for place, load in enumerate(due) if load.since]
    found = chosen_for(due, robot(free))
    assert [found[place] for place in seen] == [levels[place] for place in seen]


@pytest.mark.parametrize("age", [0.0, 100.0, 10_000.0])
def test_what_one_message_holds_is_told_in_full_however_late_it_is(age):
    assert chosen_for(loads(high=10, low=15, age=age), [NOW + 3600.0]) == FULL


def test_what_is_late_is_told_with_the_next_messages_and_no_later():
    assert chosen_for(loads(normal=100, age=100.0), robot()) == FULL
    assert chosen_for(loads(normal=100, age=100.0), [NOW, NOW + MARGIN + 1]) == LEAST


@pytest.mark.parametrize("slots", [[NOW], [NOW, NOW + 3600.0], [NOW + 600.0] * 3 + [NOW + 9000.0]])
def test_with_slots_far_away_the_next_message_tells_all(slots):
    assert chosen_for(loads(high=5, normal=500), slots) in {
        LEAST,
        ("line", "count", "count"),
        ("full", "count", "count"),
    }
    assert chosen_for(loads(high=5000), slots) == LEAST


def test_an_urgency_that_nothing_has_changes_nothing():
    with_others = chosen_for([*loads(normal=400)[:2], Load([], 9e9, 9e9)], robot(8))
    assert with_others == chosen_for(loads(normal=400), robot(8))


@pytest.mark.parametrize(("within", "seconds"), [(60.0, 57.0), (10.0, 9.0), (300.0, 297.0), (0.0, 0.0)])
def test_a_message_begins_a_little_before_what_it_tells_is_due(within, seconds):
    assert bound(within) == seconds
