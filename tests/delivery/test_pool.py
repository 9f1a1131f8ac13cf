"""The robots of a channel: whose turn it is, when, and that none of them ever posts too much."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.channels.limits import month_of
from receiver.delivery.pool import Member, Pool
from receiver.delivery.window import Window
from receiver.settings import Rate

NOW = 1_790_000_000.0
RATES = ((Rate(3, 62.0),), (Rate(2, 1.1), Rate(5, 62.0)), (Rate(1, 10.0),))
DECEMBER = datetime(2026, 12, 1, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
NOVEMBER = DECEMBER - 90.0


def robot(number, rates, monthly=False):
    windows = tuple(rates)
    channel = SimpleNamespace(windows=windows, credential=f"k{number}", month=month_of if monthly else lambda _: "")
    return Member(channel, Window(keep=max((rate.per for rate in windows), default=0.0)))


def pool(*rates, monthly=None):
    return Pool([robot(number, one, monthly is not None) for number, one in enumerate(rates)], monthly)


class Run:
    """A pool at work; `posted` is when each robot posted, `lasts` how long its posts take."""

    def __init__(self, rates):
        self.pool, self.now = pool(*rates), NOW
        self.posted = [[] for _ in rates]

    def wait(self, seconds):
        self.now += seconds

    def post(self, lasts):
        at, member = self.pool.next(self.now)
        self.now = max(self.now, at)
        member.take(self.now)
        member.window.move(self.now, self.now + lasts)
        self.posted[self.pool.members.index(member)].append(self.now + lasts)
        self.now += lasts

    def give_back(self, _):
        at, member = self.pool.next(self.now)
        self.now = max(self.now, at)
        member.take(self.now)
        member.give_back(self.now)

    def hold(self, seconds):
        self.pool.left[0].window.hold(self.now + seconds)

    def lose(self, number):
        self.pool.lose(self.pool.left[int(number) % len(self.pool.left)], "gone")

    def revive(self, _):
        self.pool.revive()

    def upcoming(self, number):
        """What is foretold, and what then comes of it."""
        foretold = self.pool.upcoming(self.now, int(number))
        ahead, at = deepcopy(self.pool), self.now
        for then in foretold:
            at, member = ahead.next(at)
            assert at == then
            member.take(at)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["post"] * 6 + ["give_back"]), st.sampled_from([0.0, 0.1, 4.0])),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.3, 9.0, 61.0])),
        st.tuples(st.sampled_from(["hold", "lose", "revive", "upcoming"]), st.floats(0, 40)),
    ),
    max_size=60,
)


@given(st.lists(st.sampled_from(RATES), min_size=1, max_size=4), STEPS)
def test_no_robot_ever_posts_more_than_it_may(rates, steps):
    run = Run(rates)
    for name, value in steps:
        getattr(run, name)(value)
    for limits, posted in zip(rates, run.posted, strict=True):
        for rate in limits:
            assert all(later >= first + rate.per for first, later in zip(posted, posted[rate.count :], strict=False))


def test_robots_post_in_turn_and_a_pool_multiplies_the_rate():
    one = pool(*[(Rate(20, 62.0),)] * 3)
    for _ in range(60):
        at, member = one.next(NOW)
        assert at == NOW
        member.take(NOW)
    assert one.used(NOW) == (60, 60)
    assert one.next(NOW)[0] == NOW + 62.0


def test_the_one_with_the_most_room_is_next():
    one = pool((Rate(20, 62.0),), (Rate(20, 62.0),))
    one.members[0].take(NOW - 1)
    assert one.next(NOW)[1] is one.members[1]


def test_who_may_have_posted_before_posts_again_unless_lost():
    one = pool((Rate(1, 62.0),), (Rate(1, 62.0),))
    by, other = one.members
    by.take(NOW)
    assert one.next(NOW, by) == (NOW + 62.0, by)
    one.lose(by, "gone")
    assert one.next(NOW, by) == (NOW, other)


def test_the_last_robot_is_never_lost():
    one = pool(*RATES)
    assert [one.lose(member, "gone") for member in one.members] == [True, True, False]
    assert one.left == [one.members[2]]
    one.revive()
    assert len(one.left) == 3


def test_a_robot_on_hold_leaves_the_others_to_post():
    one = pool((Rate(20, 62.0),), (Rate(20, 62.0),))
    one.members[0].window.hold(NOW + 600)
    assert (one.next(NOW)[1], one.hold_until(NOW)) == (one.members[1], NOW)
    one.members[1].window.hold(NOW + 300)
    assert (one.next(NOW)[0], one.hold_until(NOW)) == (NOW + 300, NOW + 300)
    one.lose(one.members[1], "gone")
    assert one.hold_until(NOW) == NOW + 600


def test_without_a_limit_everything_is_now():
    assert pool(()).upcoming(NOW, 3) == [NOW] * 3
    assert pool(()).used(NOW) == (0, 0)


def spend(one, now, number):
    for _ in range(number):
        one.next(now)[1].take(now)


@pytest.mark.parametrize("by", [None, 0])
def test_a_month_holds_so_many_posts_of_all_robots_and_the_next_begins_anew(by):
    one = pool((), (), monthly=3)
    member = None if by is None else one.members[by]
    spend(one, NOVEMBER, 3)
    assert (one.spent(NOVEMBER), one.posts(NOVEMBER)) == (True, 3)
    assert NOVEMBER < one.next(NOVEMBER, member)[0] <= DECEMBER
    assert (one.next(DECEMBER, member)[0], one.posts(DECEMBER)) == (DECEMBER, 0)
    spend(one, DECEMBER, 1)
    assert (one.posted("2026-11"), one.posted("2026-12")) == (3, 1)


def test_what_was_not_posted_does_not_count_in_the_month():
    one = pool((Rate(20, 62.0),), monthly=1)
    [member] = one.members
    member.take(NOW)
    member.give_back(NOW)
    assert (one.posts(NOW), one.next(NOW)[0]) == (0, NOW)


def test_channels_that_share_a_credential_share_what_it_posted():
    first, second = pool((Rate(20, 62.0),), monthly=5), pool((Rate(20, 62.0),), monthly=2)
    second.members[0].window = first.members[0].window
    spend(first, NOW, 2)
    assert [(one.posts(NOW), one.spent(NOW)) for one in (first, second)] == [(2, False), (2, True)]


def test_without_a_monthly_limit_the_months_posts_are_still_counted():
    one = Pool([robot(1, (), monthly=True)])
    spend(one, NOW, 5)
    assert (one.spent(NOW), one.posts(NOW)) == (False, 5)
