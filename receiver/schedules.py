"""Schedules: when people are told of what can wait. Pure; a time that clocks skip or show twice counts once."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import count
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from receiver.settings import Duration, Misfit, Section

_DAY = 86400
_MONDAY = date(1970, 1, 5)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    raise ValueError("must be a date or a time like 2026-01-05, 2026-01-05T09:00 or 2026-01-05T09:00:00+08:00")


def _in_range(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9000:
        raise ValueError("must lie between the years 1970 and 9000")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_range)]
"""A date (its midnight) or a time as RFC 3339 writes it; naive when it has no offset."""


def _time(value: object) -> time:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and _TIME.fullmatch(value):
        return time.fromisoformat(value)
    raise ValueError('must be a time of the day from "00:00" to "23:59", in quotes')


TimeOfDay = Annotated[time, BeforeValidator(_time)]


def _in_order(times: tuple[time, ...]) -> tuple[time, ...]:
    faults = [
        ((number,), f"is given twice, first as at[{first}]")
        for number, each in enumerate(times)
        if (first := times.index(each)) < number
    ]
    if faults:
        raise Misfit(*faults)
    return tuple(sorted(times))


def _period(every: float) -> float:
    unit = 60 if every <= _DAY else _DAY
    if every > 31 * _DAY or every % unit:
        raise ValueError("must be whole minutes up to 1d, whole days up to 31d, or 0 to gather nothing")
    return every


class ScheduleSettings(Section):
    """When people are told of what is not urgent: `at` times of the day, or `every` so many seconds (0: at once).

    The times, and a `starts_at` without an offset, are on the clock of the display's time zone. Nothing is told before
    `starts_at` of what was gathered.
    """

    at: Annotated[tuple[TimeOfDay, ...], Field(min_length=1), AfterValidator(_in_order)] | None = None
    every: Annotated[Duration, AfterValidator(_period)] | None = None
    starts_at: Moment | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.at is None) == (self.every is None):
            raise ValueError("give exactly one of at and every")
        if not self.gathers and self.starts_at is not None:
            raise Misfit((("starts_at",), "does not go with every: 0, which gathers nothing"))
        return self

    @property
    def gathers(self) -> bool:
        """Whether anything waits for it at all."""
        return self.every != 0

    @property
    def longest(self) -> float:
        """For how many seconds an alert may have to wait, once `starts_at` has passed, but for the change of clocks."""
        return _DAY if self.every is None else self.every


def next_at(schedule: ScheduleSettings, now: float, zone: tzinfo) -> float:
    """The first of a gathering schedule's times that is after `now` and not before its `starts_at`; Unix seconds.

    `every` counts from `starts_at`; else hours and minutes from each midnight in `zone`, days from that of a Monday.
    Whole days, as the times `at`, keep to the clock of `zone`: a time that it skips is taken as the first instant
    thereafter, one that it shows twice as the first of the two. Hours and minutes pass as they are.
    """
    starts = schedule.starts_at
    begins, start = (None, -math.inf) if starts is None else (_local(starts, zone), _start(starts, zone))
    if now < start:
        if schedule.at is None:
            return start
        now = math.nextafter(start, -math.inf)
    if schedule.at is not None:
        return _first(_days(now, zone), schedule.at, now, zone)
    every = schedule.every or 0.0
    if every % _DAY == 0:
        first = begins or datetime.combine(_MONDAY, time())
        return _first(_days(now, zone, first.date(), int(every // _DAY)), (first.time(),), now, zone)
    return _since_midnight(every, now, zone) if begins is None else _step(start, every, now)


def _local(moment: datetime, zone: tzinfo) -> datetime:
    """What the clocks of `zone` show at a moment, to the second."""
    local = moment if moment.tzinfo is None else moment.astimezone(zone)
    return local.replace(tzinfo=None, microsecond=0)


def _start(moment: datetime, zone: tzinfo) -> float:
    return _instant(_local(moment, zone), zone) if moment.tzinfo is None else float(int(moment.timestamp()))


def _step(start: float, every: float, now: float) -> float:
    """The first multiple of `every` seconds from `start` on that is after `now`; exact, for all is whole seconds."""
    return start + ((math.floor(now) - start) // every + 1) * every


def _days(now: float, zone: tzinfo, first: date = _MONDAY, step: int = 1) -> Iterator[date]:
    """Each day that is a multiple of `step` days from `first`, from today or the last one before it on."""
    passed = (_today(now, zone) - first).days // step
    return (first + timedelta(step * number) for number in count(passed))


def _first(days: Iterator[date], times: tuple[time, ...], now: float, zone: tzinfo) -> float:
    """The first instant after `now` at which the clocks of `zone` reach one of the `times` on one of the `days`."""
    instants = (_instant(datetime.combine(day, each), zone) for day in days for each in times)
    return next(instant for instant in instants if instant > now)


def _since_midnight(every: float, now: float, zone: tzinfo) -> float:
    """The next multiple of `every` seconds since midnight, or midnight."""
    today = _today(now, zone)
    midnights = [_instant(datetime.combine(today + timedelta(number), time()), zone) for number in range(3)]
    last = max(midnight for midnight in midnights if midnight <= now)
    return min(_step(last, every, now), *(midnight for midnight in midnights if midnight > now))


def _today(now: float, zone: tzinfo) -> date:
    """The date in `zone`; a fraction of a second is never rounded up into the next day."""
    return datetime.fromtimestamp(math.floor(now), zone).date()


def _instant(local: datetime, zone: tzinfo) -> float:
    """When the clocks of `zone` first show `local` or a later time."""
    found = int(local.replace(tzinfo=zone, fold=0).timestamp())
    if datetime.fromtimestamp(found, zone).replace(tzinfo=None, fold=0) == local:
        return float(found)
    seconds = range(int(local.replace(tzinfo=zone, fold=1).timestamp()), found)  # the clocks jump between these two
    offset = _offset(found, zone)
    return float(seconds.start + bisect_left(seconds, True, key=lambda second: _offset(second, zone) == offset))


def _offset(second: int, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()
