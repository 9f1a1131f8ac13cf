"""When the messages of a channel can be sent: the slots of its windows, the last of which are spread over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

from receiver.delivery.levels import bound
from receiver.delivery.owed import Owed
from receiver.delivery.pool import Member
from receiver.delivery.standing import Standing

Need = Callable[[Iterable[Owed]], float]
"""How many messages deliveries take, about."""

_FEW = 2
_PART = 5
"""The last fifth of a window's slots is spread."""
_CALM = 2.0
"""Seconds without anything new after which a storm seems to be over."""


class Slots:
    """The slots of one channel, as its bound `limits.tell_within` allows them to be used."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._bound = standing.channel.settings.limits.tell_within
        self._within = bound(self._bound)

    def free_at(
        self, told: Sequence[Owed], now: float, by: Member | None = None, need: Need = lambda _: 1.0
    ) -> tuple[float, Member]:
        """When the next message, which tells of `told`, may be sent, `now` or later, and by whom.

        The last slots of a window are not used at once: they are spread over the time until there are more, so that in
        a storm nobody hears nothing for a minute, and whatever comes in later finds a slot in time. Once it seems to be
        over, what is left to tell may have all but the last, if `need` (how many messages it takes) allows.
        """
        pool = self._standing.pool
        at, member = pool.next(now, by)
        counts = [rate.count for rate in member.channel.windows]
        if not self._within or max(counts, default=0) < _FEW:
            return at, member
        spare = max(1, sum(min(counts) for _ in pool.left) // _PART)
        times = pool.upcoming(at, spare + 1)
        free = bisect_right(times, at)
        if free > spare or times[-1] <= at:
            return at, member
        renewed = times[free]
        if free > 1 and _over(told, now) and need(told) <= free - 1:
            return at, member
        spread = pool.last(now) + (renewed - pool.last(now)) / (free + 1) if spare > 1 else renewed - self._within
        oldest = min((owed.delivery.released_at for owed in told), default=now)
        return max(at, min(spread, oldest + self._within)), member

    def upcoming(self, now: float, number: int) -> Sequence[float]:
        """When the next so many messages, each to all targets of the channel, can be sent."""
        targets = len(self._standing.channel.targets)
        return self._standing.pool.upcoming(now, number * targets)[targets - 1 :: targets]

    def mind_lateness(self, due: Iterable[Owed], now: float) -> None:
        """Keep in mind since when what is due is later than it should be."""
        oldest = min((owed.delivery.released_at for owed in due), default=now)
        late = bool(self._within) and now - oldest > self._bound
        self._standing.late_since = (self._standing.late_since or now) if late else None


def _over(told: Iterable[Owed], now: float) -> bool:
    return now - max((owed.delivery.released_at for owed in told), default=now) >= _CALM
