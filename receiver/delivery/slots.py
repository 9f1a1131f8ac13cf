"""When the messages of a channel can be sent: the slots of its windows, the last of which is kept for what comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from receiver.delivery.levels import bound
from receiver.delivery.owed import Owed
from receiver.delivery.pool import Member
from receiver.delivery.standing import Standing


class Slots:
    """The slots of one channel, as its bound `limits.tell_within` allows them to be used."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._bound = standing.channel.settings.limits.tell_within
        self._within = bound(self._bound)

    def free_at(self, told: Iterable[Owed], now: float, by: Member | None = None) -> tuple[float, Member]:
        """When the next message, which tells of `told`, may be sent, `now` or later, and by whom.

        The last slot of a window is kept until the next is near enough: whatever comes in is then told in time.
        """
        at, member = self._standing.pool.next(now, by)
        if not self._within or all(rate.count < 2 for rate in member.channel.windows):
            return at, member
        first, second = self._standing.pool.upcoming(at, 2)
        if second - first <= self._within:
            return at, member
        oldest = min((owed.delivery.released_at for owed in told), default=now)
        return max(at, min(second, oldest + 2 * self._within) - self._within), member

    def upcoming(self, now: float, number: int) -> Sequence[float]:
        """When the next so many messages, each to all targets of the channel, can be sent."""
        targets = len(self._standing.channel.targets)
        return self._standing.pool.upcoming(now, number * targets)[targets - 1 :: targets]

    def mind_lateness(self, due: Iterable[Owed], now: float) -> None:
        """Keep in mind since when what is due is later than it should be."""
        oldest = min((owed.delivery.released_at for owed in due), default=now)
        late = bool(self._within) and now - oldest > self._bound
        self._standing.late_since = (self._standing.late_since or now) if late else None
