from dataclasses import replace

import pytest

from receiver.delivery.retry import SCHEDULE, Anew, GiveUp, PlainText, Retry, Skip, Stop, backoff, deadline, decide
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable
from receiver.model import Delivery, State

DELIVERY = Delivery(
    id="d",
    event_id="e",
    channel="c",
    kind="webhook",
    template="default",
    route="route",
    group="g",
    priority="normal",
    state=State.QUEUED,
    created_at=1000.0,
    released_at=1000.0,
)
HOUR = 3600.0


def after(error, delivery=DELIVERY, now=1001.0, plain=False, replaces=False, jitter=0.0):
    return decide(error, delivery, now, plain=plain, replaces=replaces, jitter=jitter)


@pytest.mark.parametrize(("tries", "wait"), [(0, 2), (1, 5), (2, 15), (3, 30), (4, 60), (5, 120), (50, 120)])
def test_the_schedule(tries, wait):
    assert after(Unavailable("x"), replace(DELIVERY, attempts=tries)) == Retry(1001.0 + wait)


def test_the_spread_is_a_fifth():
    assert [backoff(5, jitter) for jitter in (-1, 0, 1)] == pytest.approx([96.0, 120.0, 144.0])
    assert SCHEDULE[0] == 2.0


def test_being_throttled_uses_no_try_up_and_is_honoured_up_to_a_quarter_of_an_hour():
    assert after(Throttled("x", retry_after=60)) == Retry(1061.0, counted=False)
    assert after(Throttled("x", retry_after=99_999)) == Retry(1901.0, counted=False)


def test_being_throttled_for_no_time_at_all_is_no_reason_to_come_back_at_once():
    assert after(Throttled("x", retry_after=0)) == Retry(1002.0, counted=False)


def test_a_refused_form_goes_out_once_more_as_plain_text():
    assert after(Rejected("bad card")) == PlainText()
    assert after(Rejected("bad text"), plain=True) == GiveUp("bad text")


def test_a_channel_that_can_never_work_is_stopped():
    assert after(Misconfigured("wrong key")) == Stop()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("age", [1.0, 5 * HOUR])
@pytest.mark.parametrize(("error", "decision"), [(Unreachable("b: gone"), Skip()), (Unchangeable("too old"), Anew())])
def test_what_time_does_not_change_is_decided_at_once(error, decision, age, plain):
    assert after(error, replace(DELIVERY, attempts=9), now=1000.0 + age, plain=plain, replaces=True) == decision


def test_what_replaced_nothing_is_not_posted_anew_for_ever():
    assert after(Unchangeable("too old")) == PlainText()
    assert after(Unchangeable("too old"), plain=True) == GiveUp("too old")


def test_being_throttled_until_it_is_too_old_is_the_end():
    assert after(Throttled("slow down", retry_after=60), now=1000.0 + 4 * HOUR) == GiveUp("slow down")


def test_firing_ages_in_four_hours_and_resolved_in_a_day():
    assert deadline(DELIVERY) == 1000.0 + 4 * HOUR
    assert deadline(replace(DELIVERY, firing=False)) == 1000.0 + 24 * HOUR
    assert after(Unavailable("down"), now=1000.0 + 4 * HOUR) == GiveUp("down")
    assert isinstance(after(Unavailable("down"), replace(DELIVERY, firing=False), now=1000.0 + 4 * HOUR), Retry)


def test_the_last_retry_comes_no_later_than_the_age_allows():
    assert after(Unavailable("x"), replace(DELIVERY, attempts=9), now=1000.0 + 4 * HOUR - 1) == Retry(1000.0 + 4 * HOUR)


def test_age_counts_from_the_last_release():
    released = replace(DELIVERY, released_at=1000.0 + 3 * HOUR)
    assert isinstance(after(Unavailable("x"), released, now=1000.0 + 5 * HOUR), Retry)
