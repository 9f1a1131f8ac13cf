"""How long a message waits for more to tell: not at all, unless more is clearly coming."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from receiver.delivery.owed import Owed

Estimate = Callable[[Iterable[Owed]], float]
"""How many messages deliveries take, about."""


_GAPS = 2.5
_LEAST = 0.3
"""Seconds that what comes in a burst may be apart: each takes a commit, and senders have pauses."""


class Gathering:
    """Lets deliveries that follow each other within a short time share a message; the first of them never waits.

    `seconds` is how long one waits at most; 0 is never.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._latest = -math.inf

    def wait(self, due: Sequence[Owed], estimate: Estimate, now: float) -> float:
        """How many seconds more what is `due` waits for others at the Unix time `now`; 0.0 once it is to be sent."""
        if self._latest > now:  # the clock was set back
            self._latest = -math.inf
        arrivals = [owed.delivery.released_at for owed in due]
        first, last = min(arrivals), max(arrivals)
        left = first + self._seconds - now
        coming = last > first or first - self._latest < 2 * self._seconds
        if 0 < left <= self._seconds and coming and estimate(due) < 1.0:
            left = min(left, last + self._patience(first, last, len(due)) - now)
            if left > 0:
                return left
        self._latest = max(last, self._latest)
        return 0.0

    def _patience(self, first: float, last: float, number: int) -> float:
        """For how long after the last one another is awaited: a few times as long as it took from one to the next."""
        gap = (last - first) / (number - 1) if last > first else first - self._latest
        return max(_GAPS * gap, _LEAST)
