"""How long a message waits for more: a lone delivery never, a burst no longer than it may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owed_samples import NOW, cpu, owed

from receiver.delivery.gathering import Gathering


class Quiet:
    """A channel whose sender looks as soon as something comes, and again when it may; `told` is what went when."""

    def __init__(self, seconds=1.0, room=10):
        self.gathering, self.room = Gathering(seconds), room
        self.due, self.told, self.now = [], [], NOW

    def wait(self):
        return self.gathering.wait(self.due, lambda due: len(list(due)) / self.room, self.now)

    def look(self):
        if self.due and not self.wait():
            self.told += [(one, self.now) for one in self.due]
            self.due = []

    def come(self, after, number=1):
        """So many deliveries come `after` seconds; until then what waits goes when its time has come."""
        end = self.now + after
        while self.due and self.now + self.wait() < end:
            self.now += self.wait()
            self.look()
        self.now = end
        self.due += [owed(len(self.told), cpu(1), released_at=self.now) for _ in range(number)]
        self.look()

    @property
    def waits(self):
        return [now - one.delivery.released_at for one, now in self.told]


ARRIVALS = st.lists(st.tuples(st.sampled_from([0.01, 0.3, 0.9, 1.1, 5.0]), st.integers(1, 12)), max_size=30)


@given(ARRIVALS, st.sampled_from([0.0, 1.0, 3.0]))
def test_nothing_waits_longer_than_it_may(arrivals, seconds):
    channel = Quiet(seconds)
    for after, number in arrivals:
        channel.come(after, number)
    channel.come(60.0, 0)
    assert len(channel.told) == sum(number for _, number in arrivals)
    assert all(wait <= seconds + 1e-6 for wait in channel.waits)


def test_a_lone_delivery_never_waits():
    channel = Quiet()
    for _ in range(5):
        channel.come(5.0)
    assert channel.waits == [0.0] * 5


def test_of_a_burst_the_first_goes_at_once_and_the_others_together():
    channel = Quiet()
    for after in (0.0, 0.1, 0.2, 0.3):
        channel.come(after)
    assert channel.waits == [0.0]
    channel.come(5.0, 0)
    assert {round(now - NOW, 3) for _, now in channel.told} == {0.0, 1.1}


def test_what_fills_a_message_goes_at_once():
    channel = Quiet(room=10)
    channel.come(0.0)
    channel.come(0.1, 9)
    assert len(channel.told) == 1
    channel.come(0.1, 1)
    assert len(channel.told) == 11


def test_what_came_at_one_moment_does_not_wait_for_more():
    channel = Quiet()
    channel.come(9.0, 5)
    assert channel.waits == [0.0] * 5


def test_without_gathering_nothing_waits():
    channel = Quiet(seconds=0.0)
    for _ in range(5):
        channel.come(0.01)
    assert channel.waits == [0.0] * 5


def test_what_was_put_off_does_not_wait_again():
    gathering = Gathering(1.0)
    due = [owed(1, cpu(1), released_at=NOW - 60), owed(2, cpu(2), released_at=NOW)]
    assert gathering.wait(due, lambda _: 0.1, NOW) == 0.0


@pytest.mark.parametrize("back", [0.5, 30.0, 7200.0])
def test_a_clock_set_back_makes_nothing_wait(back):
    channel = Quiet()
    channel.come(9.0)
    channel.now -= back
    channel.due = [owed(7, cpu(1), released_at=channel.now + back)]
    assert channel.wait() == 0.0
    channel.due = []
    for _ in range(3):
        channel.come(5.0)
    assert channel.waits == [0.0] * 4


def test_after_the_clock_was_set_back_a_burst_is_gathered_still():
    channel = Quiet()
    channel.come(9.0)
    channel.now -= 7200.0
    for after in (5.0, 0.1, 0.2):
        channel.come(after)
    assert len(channel.told) == 2
