"""How fully what is due can be told in time: in full, in lines, or in numbers; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import count
from typing import Final

from receiver.model import Detail

Levels = tuple[Detail, Detail, Detail]
"""The level of detail for each urgency: high, normal, low."""

FULL: Final[Levels] = ("full", "full", "full")
_PREFERRED: tuple[Levels, ...] = (
    FULL,
    ("full", "full", "line"),
    ("full", "line", "line"),
    ("full", "line", "count"),
    ("full", "count", "count"),
    ("line", "line", "line"),
    ("line", "line", "count"),
    ("line", "count", "count"),
)
"""The critical keep the fullest level that fits, then each alert is told by itself rather than any in full."""
LEAST: Final[Levels] = ("count", "count", "count")
MARGIN = 3.0
"""Seconds by which everything is to be told before the bound: what a message takes to be made and to be posted."""

_SPARE = 1e-6
"""Bytes, less than what the sums of parts are off."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is due of one urgency: since when each alert waits (Unix seconds, the oldest first), and what an alert takes
    in full and in a line, in bytes."""

    since: Sequence[float]
    full: float
    line: float


def bound(within: float) -> float:
    """The seconds within which a message has to begin, so that what it tells is told within `within`."""
    return within - min(MARGIN, within / 10)


def choose(loads: Sequence[Load], room: float, slots: Sequence[float], within: float, counts: float) -> Levels:
    """The fullest levels at which all loads (high, normal, low) are told within `within` seconds of their alerts.

    `room` is what a message holds and `counts` what the numbers take, in bytes; `slots` are the Unix times at which the
    next messages can be sent. If nothing would do, all is told in numbers, at once.
    """
    for levels in _PREFERRED:
        if all(one == other for one, other in zip(_seen(levels, loads), _seen(LEAST, loads), strict=True)):
            break
        if _in_time(levels, loads, room, slots, within, counts):
            return levels
    return LEAST


def _seen(levels: Levels, loads: Sequence[Load]) -> Iterator[Detail]:
    return (level for level, load in zip(levels, loads, strict=True) if load.since)


def _in_time(
    levels: Levels, loads: Sequence[Load], room: float, slots: Sequence[float], within: float, counts: float
) -> bool:
    """Whether the messages that `levels` need are sent in time.

    Those in full come first. Then the numbers; then the lines of what is most urgent, and all others by their age.
    """
    sent = 0.0
    for load in _at(levels, loads, "full"):
        size = _share(load.full, room)
        if not _fits(load.since, size, sent, room, slots, within):
            return False
        sent += len(load.since) * size
    sent = room * -(-(sent - _SPARE) // room)  # a message is in full, or it is not
    if counted := _at(levels, loads, "count"):
        if not _fits([min(load.since[0] for load in counted)], counts, sent, room, slots, within):
            return False
        sent += counts
    urgent, *others = (load.since if level == "line" else () for level, load in zip(levels, loads, strict=True))
    size = _share(loads[0].line, room)
    for since in (urgent, list(merge(*others))):
        if not _fits(since, size, sent, room, slots, within):
            return False
        sent += len(since) * size
    return True


def _share(size: float, room: float) -> float:
    """What an alert of `size` takes of messages that hold whole alerts only."""
    return room / (room // size) if 0 < size <= room else room * -(-size // room)


def _at(levels: Levels, loads: Sequence[Load], level: Detail) -> list[Load]:
    return [load for one, load in zip(levels, loads, strict=True) if one == level and load.since]


def _fits(since: Sequence[float], size: float, sent: float, room: float, slots: Sequence[float], within: float) -> bool:
    """Whether alerts of `size` bytes each, after `sent` bytes of others, go out in time.

    The first of each message is the oldest. What is late already is in time if it goes out with the next slots.
    """
    last = int((sent + size * len(since) - _SPARE) // room) if since else -1
    for number in count(int(sent // room)):
        if number > last:
            return True
        if number >= len(slots):
            return False
        first = max(0, int((number * room - sent + _SPARE) / size)) if size else 0
        if slots[number] > max(since[min(first, len(since) - 1)] + within, slots[0] + MARGIN):
            return False
    raise AssertionError
