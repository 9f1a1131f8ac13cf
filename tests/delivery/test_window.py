from hypothesis import given
from hypothesis import strategies as st

from receiver.delivery.window import Window
from receiver.settings import Rate

ROBOT = (Rate(20, 62.0),)
BOT = (Rate(5, 1.1), Rate(100, 62.0))


def run(window, rates, waits):
    """Take slots as a sender does, after the given pauses; when each was taken."""
    now, taken = 0.0, []
    for wait in waits:
        now = window.free_at(rates, now + wait)
        window.take(now)
        taken.append(now)
    return taken


def worst(taken, per):
    return max(sum(start <= at < start + per for at in taken) for start in taken)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_never_more_than_the_limit_in_any_window(waits):
    assert worst(run(Window(keep=62.0), ROBOT, waits), 62.0) <= 20


@given(st.lists(st.floats(0, 2), min_size=1, max_size=300))
def test_every_one_of_several_limits_is_kept(waits):
    taken = run(Window(keep=62.0), BOT, waits)
    assert worst(taken, 1.1) <= 5
    assert worst(taken, 62.0) <= 100


def test_a_free_window_does_not_wait():
    assert Window().free_at(ROBOT, 5.0) == 5.0


def test_a_full_window_waits_for_its_oldest_slot():
    window = Window([float(second) for second in range(20)])
    assert window.free_at(ROBOT, 30.0) == 62.0
    assert window.free_at(ROBOT, 62.0) == 62.0


def test_what_was_taken_before_a_restart_counts():
    assert Window([1.0] * 20).free_at(ROBOT, 2.0) == 63.0


def test_a_hold_outlasts_the_window():
    window = Window()
    window.hold(600.0)
    assert window.free_at(ROBOT, 10.0) == 600.0
    assert window.free_at((), 10.0) == 600.0


def test_a_clock_set_back_waits_one_window_at_most():
    window = Window([7200.0] * 20, hold=90_000.0)
    assert window.free_at(ROBOT, 3600.0) == 3600.0 + 900.0
    assert Window([7200.0] * 20).free_at(ROBOT, 3600.0) == 3662.0


def test_how_full_the_fullest_window_is():
    window = Window([10.0, 10.5, 11.0], keep=62.0)
    assert window.used(BOT, 11.05) == (3, 5)
    assert window.used(BOT, 20.0) == (3, 100)
    assert window.used((), 20.0) == (0, 0)


def test_a_slot_given_back_is_free_again():
    window = Window([1.0] * 20)
    assert window.give_back(1.0)
    assert window.free_at(ROBOT, 2.0) == 2.0
    assert not window.give_back(5.0)


def test_a_moved_slot_counts_from_where_it_is():
    window = Window([1.0, *[9.0] * 19])
    window.move(1.0, 10.0)
    assert window.free_at(ROBOT, 63.5) == 71.0
    window.move(1.0, 20.0)
    assert window.used(ROBOT, 11.0) == (20, 20)


@given(st.lists(st.floats(0, 30), max_size=60), st.floats(0, 700), st.integers(1, 60), st.sampled_from([ROBOT, BOT]))
def test_what_is_foretold_is_what_comes_if_every_slot_is_taken(waits, hold, number, rates):
    window = Window(keep=62.0)
    window.hold(hold)
    now = max(run(window, rates, waits), default=0.0)
    foretold = window.upcoming(rates, now, number)
    assert foretold == window.upcoming(rates, now, number)
    assert foretold == run_at_once(window, rates, now, number)


def run_at_once(window, rates, now, number):
    taken = []
    for _ in range(number):
        now = window.free_at(rates, now)
        window.take(now)
        taken.append(now)
    return taken


def test_all_is_free_now_without_a_limit():
    assert Window().upcoming((), 5.0, 3) == [5.0, 5.0, 5.0]


def test_a_hold_lasts_a_quarter_of_an_hour_at_most_and_is_over_when_it_is():
    window = Window(hold=99_999.0)
    assert window.hold_until(100.0) == 1000.0
    assert window.hold_until(99_999.5) == 99_999.5
    assert Window().hold_until(7.0) == 7.0
