"""The next message out of all that is due: what goes together, how fully it is told, filled to the limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from receiver.delivery import levels
from receiver.delivery.aside import LARGE
from receiver.delivery.bundle import Bundle
from receiver.delivery.coalescing import URGENCIES, Line, coalesce, owing, sharing
from receiver.delivery.levels import FULL, Levels, Load
from receiver.delivery.owed import Owed
from receiver.delivery.planning import Planner, Telling, counts_of
from receiver.delivery.rendering import Rendering
from receiver.delivery.rendering.counts import Count
from receiver.delivery.rendering.texts import was_cut
from receiver.text import Text

Slots = Callable[[int], Sequence[float]]
"""When the next so many messages can be sent, Unix seconds."""
Made = tuple[Telling, Rendering]
"""What is told, and its words."""

_AHEAD = 128
"""How many slots are looked at."""
_MANY = 20
_TRIES = 8
_ROWS = 40
_ROW = 100.0
"""Bytes of a row of numbers, about."""
_SHARE_OF_JSON = 0.3
"""What an alert takes in full of what it takes as it came, about; it is measured with the first messages."""
_SAMPLE = 12
_SURELY = 0.5
"""What is estimated to take less of one message fits into it."""


class Composer:
    """Makes a bundle out of what is due on a channel. It remembers what alerts take in its messages."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._channel = planner.channel
        self._within = levels.bound(self._channel.settings.limits.tell_within)
        self._full = 0.0
        self._line = 0.0

    def next(self, due: Sequence[Owed], now: float, slots: Slots) -> Bundle:
        """What is sent next of `due`, which is not empty; without messages if it is to be told whole.

        BadPayload if an event cannot be read any more.
        """
        limited, held = bool(self._channel.windows), any(one.was_held for one in due)
        if alone := [one for one in _heads(due) if self._is_alone(one)]:
            return _whole([min(alone, key=_urgency)])
        if not limited and not held:
            return _whole(_most_urgent_group(due))
        lines = coalesce(due)
        if not lines:
            return _whole([due[0]])
        if held and self._within:
            return self._some_held(due, lines, now, slots)
        group = _most_urgent_group(due)
        apart = len(group) == len(due) or bool(self._channel.updating)
        chosen = self._levels(due, lines, slots)
        if chosen == FULL and apart:
            return _whole(group)
        return self._one(sharing(lines), chosen, now, slots)

    def _some_held(self, due: Sequence[Owed], lines: Sequence[Line], now: float, slots: Slots) -> Bundle:
        """What was held, as one message, if that is the oldest; else what was not.

        By lines, not by deliveries: what is told of one must not be older than what was told of another.
        """
        back, fresh = [line for line in lines if line.held], [line for line in lines if not line.held]
        if fresh and min(line.since for line in fresh) < min(line.since for line in back):
            return self._one(sharing(fresh), self._levels(owing(fresh), fresh, slots), now, slots)
        if len({one.group for one in due}) == 1 and self.estimate(due) <= 1:
            return _whole(due)
        return self._digest_of_all(sharing(back), now)

    def estimate(self, due: Iterable[Owed]) -> float:
        """How many messages what is due takes in full, about; many are only said to be _MANY or more."""
        taken, room = 0.0, self._channel.room(False)
        for one in due:
            taken += self._size(one)
            if taken > _MANY * room:
                break
        return taken / room

    def _size(self, owed: Owed) -> float:
        if owed.size > LARGE or (not self._full and owed.delivery.alerts is None):
            return owed.size * _SHARE_OF_JSON
        return len(owed.positions) * (self._full or owed.size / len(owed.event["alerts"]) * _SHARE_OF_JSON)

    def _is_alone(self, owed: Owed) -> bool:
        return not self._channel.merges or owed.delivery.test or owed.most == 1 or not owed.left

    def _measured(self, lines: Sequence[Line]) -> float:
        """What one of several alerts takes in full, as the first of them show."""
        sample = lines[:_SAMPLE]
        _, rendering = self._long(sample, len(lines), sample[0].since, len(sample))
        return sum(map(self._weight, rendering.texts)) / len(sample)

    def _measure_line(self, lines: Sequence[Line]) -> None:
        """What a line takes in a digest, as what the first of them add to one shows."""
        if not self._line:
            now, of, number = lines[0].since, len(lines), min(_SAMPLE, len(lines))
            few, one = (self._short(lines, (), (), of, now, told)[1].texts[0] for told in (number, 1))
            self._line = max(1.0, (self._weight(few) - self._weight(one)) / max(1, number - 1)) if number > 1 else _ROW

    def _levels(self, due: Sequence[Owed], lines: Sequence[Line], slots: Slots) -> Levels:
        """The levels of detail at which all the lines are told in time."""
        if not self._within or self.estimate(due) < _SURELY:
            return FULL
        full = self._full or self._measured(lines)
        self._measure_line(lines)
        loads = [
            Load([line.since for line in lines if line.urgency == urgency], full, self._line)
            for urgency in range(len(URGENCIES))
        ]
        names = {(line.alert["labels"].get("alertname"), line.alert["labels"].get("severity")) for line in lines}
        room = self._channel.room(False)
        return levels.choose(loads, room, slots(_AHEAD), self._within, min(len(names) * _ROW, room / 2))

    def _one(self, lines: Sequence[Line], chosen: Levels, now: float, slots: Slots) -> Bundle:
        """One message: of those lines that are told in full if there are any, else of short lines and numbers."""
        full, short, counted = (
            [line for line in lines if chosen[line.urgency] == level] for level in ("full", "line", "count")
        )
        if full:
            return self._in_full(full, len(lines), now)
        short.sort(key=lambda line: (line.urgency > 0, line.since))
        made = self._digest(short, counted, len(lines), now)
        if len(made[0].lines) < len(short) and counted:
            later = slots(2)[-1]
            if later <= min(line.since for line in counted) + self._within:  # the numbers can wait for a message
                made = self._digest(short, (), len(lines), now)
        return self._bundle(made, now)

    def _digest_of_all(self, lines: Sequence[Line], now: float) -> Bundle:
        """One message of all the lines, as fully as it holds them; in full by as many as need be if they are few."""
        self._measure_line(lines)
        high = [line for line in lines if not line.urgency]
        others = lines[len(high) :]
        if len(lines) * self._full <= self._channel.room(False):
            made = self._filled(lines, len(lines), now)
            if len(made[0].lines) == len(lines):
                return self._bundle(made, now)
        for short, counted in ((lines, ()), (high, others)):
            if short and len(short) * self._line <= self._channel.room(False):
                made = self._digest(short, counted, len(lines), now)
                if len(made[0].lines) == len(short):
                    return self._bundle(made, now)
        return self._bundle(self._digest((), lines, len(lines), now), now)

    def _in_full(self, lines: Sequence[Line], of: int, now: float) -> Bundle:
        """As many of the lines, in full, as one message holds; several messages for one that needs them."""
        made = telling, rendering = self._filled(lines, of, now)
        if len(telling.lines) > 2 and (weight := self._weight(rendering.texts[0])) > self._channel.room(False) / 2:
            self._full = _learned(self._full, weight / len(telling.lines))
        return self._bundle(made, now)

    def _filled(self, lines: Sequence[Line], of: int, now: float) -> Made:
        return self._fullest(partial(self._long, lines, of, now), 1, len(lines), self._full or 300.0)

    def _digest(self, short: Sequence[Line], counted: Sequence[Line], of: int, now: float) -> Made:
        """As many of the short lines as one message holds beside the numbers of all that is counted."""
        rows = max(1, min(_ROWS, int(self._channel.room(False) / 2 / _ROW)))
        while True:
            make = partial(self._short, short, counted, counts_of(counted, rows), of, now)
            made = self._fullest(make, 0 if counted else 1, len(short), self._line)
            if len(made[1].texts) == 1 or rows == 1 or not counted:
                break
            rows //= 2
        if len(made[0].lines) > 2 and not counted:
            self._line = _learned(self._line, self._weight(made[1].texts[0]) / len(made[0].lines))
        return made

    def _short(
        self, short: Sequence[Line], counted: Sequence[Line], counts: Sequence[Count], of: int, now: float, number: int
    ) -> Made:
        """A digest of the first of the short lines, and of the numbers of what is counted."""
        told = short[:number]
        waiting = of - number - len(counted)
        telling = Telling(owing([*told, *counted]), told, digest=True, counted=counted, counts=counts, waiting=waiting)
        return telling, self._planner.rendered(telling, now)

    def _long(self, lines: Sequence[Line], of: int, now: float, number: int) -> Made:
        """The first of the lines in full."""
        telling = Telling(owing(lines[:number]), lines[:number], waiting=of - number)
        return telling, self._planner.rendered(telling, now)

    def _fullest(self, make: Callable[[int], Made], least: int, most: int, average: float) -> Made:
        """The largest number of lines, from `least` to `most`, that make one message; `least` if none does."""
        room = self._channel.room(False)
        low, high, best = least - 1, most + 1, None
        number = min(most, max(least, int(room / average)))
        for _ in range(_TRIES):
            made = make(number)
            texts = made[1].texts
            if len(texts) == 1 and not was_cut(texts[0]):
                best, low = made, number
                guess = number * room // max(1, self._weight(texts[0]))
            else:
                high = number
                guess = len(texts[0].alerts) if 0 < len(texts[0].alerts) < number else number // 2
            if high - low <= 1:
                break
            number = min(high - 1, max(low + 1, guess))
        return best or make(least)

    def _weight(self, text: Text) -> int:
        channel = self._channel
        return channel.weigh(text.title) + channel.weigh(text.body) + channel.weigh_extras(text.extras)

    def _bundle(self, made: Made, now: float) -> Bundle:
        telling, rendering = made
        messages = self._planner.messages(telling, rendering, now)
        detail = "count" if telling.counted else "line" if telling.digest else "full"
        return Bundle(list(telling.owed), deque(messages), list(messages), detail)  # type: ignore[arg-type]


def _whole(owed: Sequence[Owed]) -> Bundle:
    return Bundle(list(owed), deque())


def _most_urgent_group(due: Sequence[Owed]) -> list[Owed]:
    """What is due of the group of the most urgent delivery, the oldest of those: as much as may be told together."""
    first = min(due, key=_urgency)
    group = [one for one in due if one.group == first.group]
    return group[: min(one.most for one in group)]


def _heads(due: Iterable[Owed]) -> Iterable[Owed]:
    """The first of each group: what comes later in it may not go ahead."""
    heads: dict[str, Owed] = {}
    for owed in due:
        heads.setdefault(owed.group, owed)
    return heads.values()


def _urgency(owed: Owed) -> int:
    return URGENCIES.index(owed.delivery.priority)


def _learned(known: float, seen: float) -> float:
    return seen if not known else known * 0.7 + seen * 0.3
