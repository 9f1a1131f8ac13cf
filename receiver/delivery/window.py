"""The exact sliding rate window: never more than `count` messages in any `per` seconds; time is handed in; pure."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence

from receiver.settings import Rate

LONGEST_HOLD = 900.0
"""No hold is honoured for longer than this, in seconds (`Retry-After` up to 15 minutes)."""


class Window:
    """The slots one credential has taken, when the next is free, and how many posts were counted in a month (`posted`).

    Several channels may share a credential, each with limits of its own; the slots are common, and kept for `keep`
    seconds. A slot or hold in the future, which a clock that was set back leaves behind, counts as taken now.
    """

    def __init__(self, slots: Iterable[float] = (), hold: float = 0.0, *, keep: float = 120.0) -> None:
        self._slots = sorted(slots)
        self._hold = hold
        self.keep = keep
        self.posted: Counter[str] = Counter()

    def free_at(self, rates: Sequence[Rate], now: float) -> float:
        """The earliest time, `now` or later, at which one more message keeps every limit and the hold."""
        self._rewind(now)
        at = max(now, self._hold)
        for rate in rates:
            if len(self._slots) >= rate.count:
                at = max(at, self._slots[-rate.count] + rate.per)
        return at

    def upcoming(self, rates: Sequence[Rate], now: float, number: int) -> list[float]:
        """When the next `number` slots are free, each taken as soon as it is; all `now` without a limit."""
        ahead = Window(self._slots, self._hold, keep=math.inf)
        times: list[float] = []
        for _ in range(number):
            times.append(ahead.free_at(rates, now))
            now = times[-1]
            ahead.take(now)
        return times

    def last(self, now: float) -> float:
        """When the latest slot was taken, `now` at most; as long ago as slots are kept if none was."""
        return min(self._slots[-1], now) if self._slots else now - self.keep

    def hold_until(self, now: float) -> float:
        """Until when no slot is taken because somebody asked for it; `now` if nobody did."""
        return max(now, min(self._hold, now + LONGEST_HOLD))

    def take(self, at: float) -> None:
        """Take the slot at `at`."""
        insort(self._slots, at)
        del self._slots[: bisect_right(self._slots, at - self.keep)]

    def give_back(self, at: float) -> bool:
        """Free the slot taken at `at`, because nothing was posted; False if it is gone."""
        place = bisect_right(self._slots, at) - 1
        found = place >= 0 and self._slots[place] == at
        if found:
            del self._slots[place]
        return found

    def move(self, at: float, to: float) -> None:
        """Count the slot taken at `at` from `to` on: so late its message may have arrived."""
        if self.give_back(at):
            insort(self._slots, to)

    def hold(self, until: float) -> None:
        """Take no slot before `until`, whatever the limits say."""
        self._hold = max(self._hold, until)

    def used(self, rates: Sequence[Rate], now: float) -> tuple[int, int]:
        """(messages in the fullest window, its limit); (0, 0) without a limit."""
        counted = [(self._within(rate, now), rate.count) for rate in rates]
        return max(counted, key=lambda pair: pair[0] / pair[1], default=(0, 0))

    def _within(self, rate: Rate, now: float) -> int:
        return len(self._slots) - bisect_right(self._slots, now - rate.per)

    def _rewind(self, now: float) -> None:
        self._hold = min(self._hold, now + LONGEST_HOLD)
        if self._slots and self._slots[-1] > now:
            first = bisect_right(self._slots, now)
            self._slots[first:] = [now] * (len(self._slots) - first)
