"""The robots of one channel, each with a window of its own: whose turn it is, and who was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice

from receiver.channels.base import Channel
from receiver.delivery.window import Window

_SPENT = 60.0
"""Seconds after which it is looked again whether a month has ended."""


@dataclass(slots=True, eq=False)
class Member:
    """One robot, the window of its credential, and why it was lost."""

    channel: Channel
    window: Window
    lost: str = ""

    @property
    def credential(self) -> str:
        """What the slots are taken from; empty without a rate limit."""
        return self.channel.credential if self.channel.windows else ""

    def free_at(self, now: float) -> float:
        """The earliest time, `now` or later, at which it may post."""
        return self.window.free_at(self.channel.windows, now)

    @property
    def month(self) -> str:
        """The latest month in which a post was counted."""
        return max(self.window.posted, default="")

    def take(self, now: float) -> None:
        """Take the slot at `now`, and count the post."""
        if self.credential:
            self.window.take(now)
        self.window.posted[self.channel.month(now)] += 1

    def give_back(self, at: float) -> None:
        """Nothing was posted in the slot taken at `at`."""
        if self.window.give_back(at) or not self.credential:
            self.window.posted[self.channel.month(at)] -= 1


class Pool:
    """The members of a channel; most have one. Whoever has the most room posts next."""

    def __init__(self, members: Sequence[Member], monthly: int | None = None) -> None:
        self.members = tuple(members)
        self._monthly = monthly or 0

    @property
    def left(self) -> list[Member]:
        """Those that were not lost."""
        return [member for member in self.members if not member.lost]

    def next(self, now: float, by: Member | None = None) -> tuple[float, Member]:
        """When the next post may be made, `now` or later, and by whom: `by` that one unless it was lost.

        LookupError once all were lost.
        """
        among = self.left if by is None or by.lost else [by]
        if not among:
            raise LookupError("every robot of the pool was lost")
        free = [(member.free_at(now), member) for member in among]
        at, _, member = min(((at, self._fullness(one, now), one) for at, one in free), key=lambda found: found[:2])
        return (now + _SPENT if self.spent(now) else at), member

    def spent(self, now: float) -> bool:
        """Whether the month's posts are used up."""
        return bool(self._monthly) and self.posts(now) >= self._monthly

    def posts(self, now: float) -> int:
        """How many posts were counted in this month."""
        return self.posted(self.members[0].channel.month(now))

    def posted(self, month: str) -> int:
        """How many posts were counted in the month."""
        return sum(member.window.posted[month] for member in self.members)

    def hold_until(self, now: float) -> float:
        """Until when no member may post because the provider asked for it; `now` if one may."""
        return min((member.window.hold_until(now) for member in self.left), default=now)

    def upcoming(self, now: float, number: int) -> list[float]:
        """When the next `number` posts may be made."""
        times = [one.window.upcoming(one.channel.windows, now, number) for one in self.left]
        return list(islice(merge(*times), number))

    def last(self, now: float) -> float:
        """When the latest slot was taken, `now` at most; long ago if none was."""
        return max((one.window.last(now) for one in self.members), default=now)

    def used(self, now: float) -> tuple[int, int]:
        """(messages in the fullest windows, their limits), of all members together."""
        counted = [one.window.used(one.channel.windows, now) for one in self.left]
        return sum(used for used, _ in counted), sum(limit for _, limit in counted)

    def lose(self, member: Member, why: str) -> bool:
        """Do without `member` from now on, because of `why`; False if it is the last one."""
        if len(self.left) < 2:
            return False
        member.lost = why
        return True

    def revive(self) -> None:
        """Try all members again."""
        for member in self.members:
            member.lost = ""

    def _fullness(self, member: Member, now: float) -> float:
        used, limit = member.window.used(member.channel.windows, now)
        return used / limit if limit else 0.0
