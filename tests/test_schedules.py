"""Schedules: their times in several zones, over changes of the clocks and midnights, and what is no schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from math import nextafter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from receiver.schedules import ScheduleSettings, next_at

SHANGHAI, BERLIN, NEW_YORK, HAVANA, LORD_HOWE, APIA, ST_JOHNS = map(
    ZoneInfo,
    (
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/St_Johns",
    ),
)
ZONES = (SHANGHAI, BERLIN, NEW_YORK, HAVANA, LORD_HOWE, APIA, ST_JOHNS, UTC, timezone(timedelta(hours=5, minutes=30)))


def schedule(**keys):
    return ScheduleSettings.model_validate(keys)


def unix(text):
    return datetime.fromisoformat(text).timestamp()


def times(keys, start, zone, number):
    """The next so many times of a schedule, as the clocks of the zone show them."""
    found, now = [], unix(start)
    for _ in range(number):
        now = next_at(schedule(**keys), now, zone)
        found.append(datetime.fromtimestamp(now, zone).strftime("%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("keys", "start", "zone", "expected"),
    [
        # an ordinary day
        ({"at": ["18:00", "09:00"]}, "2026-12-01T08:59:59+08:00", SHANGHAI,
         ["01 09:00+0800", "01 18:00+0800", "02 09:00+0800"]),
        ({"at": ["09:00"]}, "2026-12-01T09:00:00+08:00", SHANGHAI, ["02 09:00+0800"]),
        ({"at": ["00:00"]}, "2026-12-31T23:59:59.5+08:00", SHANGHAI, ["01 00:00+0800", "02 00:00+0800"]),
        ({"every": "1h"}, "2026-12-01T09:00:00+05:30", ZONES[-1], ["01 10:00+0530", "01 11:00+0530"]),
        ({"every": "15m"}, "2026-12-01T23:31:00+08:00", SHANGHAI,
         ["01 23:45+0800", "02 00:00+0800", "02 00:15+0800"]),
        ({"every": "7h"}, "2026-12-01T13:00:00+08:00", SHANGHAI,
         ["01 14:00+0800", "01 21:00+0800", "02 00:00+0800", "02 07:00+0800"]),
        ({"every": "1d"}, "2026-12-01T13:00:00+08:00", SHANGHAI, ["02 00:00+0800", "03 00:00+0800"]),
        ({"every": "7d"}, "2026-12-01T13:00:00+08:00", SHANGHAI, ["07 00:00+0800", "14 00:00+0800"]),
        # clocks go forward: what they skip is told after the gap
        ({"at": ["02:30"]}, "2026-03-28T12:00:00+01:00", BERLIN, ["29 03:00+0200", "30 02:30+0200"]),
        ({"at": ["02:10", "02:50", "03:00"]}, "2026-03-28T12:00:00+01:00", BERLIN, ["29 03:00+0200", "30 02:10+0200"]),
        ({"at": ["02:30"]}, "2026-03-07T12:00:00-05:00", NEW_YORK, ["08 03:00-0400", "09 02:30-0400"]),
        ({"at": ["00:00"]}, "2026-03-07T12:00:00-05:00", HAVANA, ["08 01:00-0400", "09 00:00-0400"]),
        ({"at": ["02:15"]}, "2026-10-03T12:00:00+10:30", LORD_HOWE, ["04 02:30+1100", "05 02:15+1100"]),
        ({"every": "1h"}, "2026-03-29T01:30:00+01:00", BERLIN, ["29 03:00+0200", "29 04:00+0200"]),
        ({"every": "1d"}, "2026-03-07T12:00:00-05:00", HAVANA, ["08 01:00-0400", "09 00:00-0400"]),
        # clocks go back: what they show twice is told once
        ({"at": ["02:30"]}, "2026-10-24T12:00:00+02:00", BERLIN, ["25 02:30+0200", "26 02:30+0100"]),
        ({"at": ["01:30"]}, "2026-10-31T12:00:00-04:00", NEW_YORK, ["01 01:30-0400", "02 01:30-0500"]),
        ({"at": ["01:30"]}, "2026-11-01T01:45:00-04:00", NEW_YORK, ["02 01:30-0500"]),
        ({"at": ["01:45"]}, "2026-04-04T12:00:00+11:00", LORD_HOWE, ["05 01:45+1100", "06 01:45+1030"]),
        ({"at": ["00:30"]}, "2026-10-31T12:00:00-04:00", HAVANA, ["01 00:30-0400", "02 00:30-0500"]),
        ({"every": "1h"}, "2026-10-25T01:30:00+02:00", BERLIN, ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]),
        ({"every": "12h"}, "2026-10-25T06:00:00+01:00", BERLIN,
         ["25 11:00+0100", "25 23:00+0100", "26 00:00+0100", "26 12:00+0100"]),
        # midnight comes twice, and a day that never was
        ({"every": "30m"}, "2007-11-03T23:50:00-02:30", ST_JOHNS,
         ["04 00:00-0230", "03 23:30-0330", "04 00:00-0330"]),
        ({"at": ["12:00"]}, "2011-12-29T13:00:00-10:00", APIA, ["31 00:00+1400", "31 12:00+1400"]),
        ({"every": "1d"}, "2011-12-29T13:00:00-10:00", APIA, ["31 00:00+1400", "01 00:00+1400"]),
        # starts_at
        ({"at": ["09:00", "18:00"], "starts_at": "2026-12-03T18:00"}, "2026-12-01T10:00:00+08:00", SHANGHAI,
         ["03 18:00+0800", "04 09:00+0800"]),
        ({"at": ["09:00"], "starts_at": "2026-12-03"}, "2026-12-01T10:00:00+08:00", SHANGHAI, ["03 09:00+0800"]),
        ({"at": ["09:00"], "starts_at": "2020-01-01"}, "2026-12-01T10:00:00+08:00", SHANGHAI, ["02 09:00+0800"]),
        ({"every": "1h", "starts_at": "2026-12-01T09:20"}, "2026-11-20T00:00:00+08:00", SHANGHAI,
         ["01 09:20+0800", "01 10:20+0800"]),
        ({"every": "7h", "starts_at": "2026-12-01T20:00:00+08:00"}, "2026-12-01T21:00:00+08:00", SHANGHAI,
         ["02 03:00+0800", "02 10:00+0800"]),
        ({"every": "2d", "starts_at": "2026-03-27T02:30"}, "2026-03-01T00:00:00+01:00", BERLIN,
         ["27 02:30+0100", "29 03:00+0200", "31 02:30+0200"]),
        ({"every": "1d", "starts_at": "2026-10-25T01:30:00Z"}, "2026-10-20T00:00:00+02:00", BERLIN,
         ["25 02:30+0100", "26 02:30+0100"]),
        ({"every": "1h", "starts_at": "2026-03-29T02:30"}, "2026-03-01T00:00:00+01:00", BERLIN,
         ["29 03:00+0200", "29 04:00+0200"]),
    ],
)  # fmt: skip
def test_the_times_of_a_schedule(keys, start, zone, expected):
    assert times(keys, start, zone, len(expected)) == expected


SHIFTS = (  # changes of the clocks, midnights, the day that Apia left out
    "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T05:00:00Z",
    "2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z", "2011-12-30T10:00:00Z", "2007-11-04T02:31:00Z",
    "2026-12-31T16:00:00Z", "2026-11-29T00:00:00Z",
)  # fmt: skip
zones = st.sampled_from(ZONES)
instants = st.builds(
    lambda shift, seconds: unix(shift) + seconds,
    st.sampled_from(SHIFTS),
    st.one_of(st.integers(-100, 100).map(lambda number: number * 1800), st.floats(-90_000, 90_000)),
)
starts = st.builds(
    lambda instant, zone: datetime.fromtimestamp(int(instant), UTC).replace(tzinfo=zone),
    instants,
    st.sampled_from((None, UTC)),
)
clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
at = st.lists(clock_times, min_size=1, max_size=4, unique=True).map(lambda times: {"at": times})
hours = st.integers(1, 1439).map(lambda number: {"every": f"{number}m"})
days = st.integers(1, 31).map(lambda number: {"every": f"{number}d"})
begins = st.one_of(st.just({}), starts.map(lambda start: {"starts_at": start}))
schedules = st.builds(lambda keys, begin: schedule(**keys, **begin), st.one_of(at, hours, days), begins)


@given(schedules, instants, zones, st.floats(0, 1))
@example(schedule(every="1m"), unix("2011-12-30T09:59:59+00:00"), APIA, 1.0)  # not yet midnight, but nearly
def test_a_time_is_later_and_the_next_one_until_then(one, now, zone, part):
    then = next_at(one, now, zone)
    between = min(now + (then - now) * part, nextafter(then, 0))
    assert next_at(one, between, zone) == then
    assert now < then < next_at(one, then, zone)


@given(schedules, instants, zones)
def test_the_gap_to_the_time_thereafter_is_a_period_at_most(one, now, zone):
    first = next_at(one, now, zone)
    second = next_at(one, first, zone)
    whole_days = one.at is not None or one.every % 86400 == 0
    assert second - first <= one.longest + (3600 if whole_days else 0)


@given(st.one_of(at, hours, days), starts, instants, zones)
def test_nothing_is_told_before_it_starts(keys, start, now, zone):
    local = start if start.tzinfo else start.replace(tzinfo=zone, fold=0)
    early = 86400 if zone is APIA and start.tzinfo is None else 3600 if start.tzinfo is None else 0
    assert next_at(schedule(**keys, starts_at=start), now, zone) >= local.timestamp() - early


def slowly(one, now, zone):
    """The first minute after `now` in which the clocks pass one of the times, unless they had passed it before."""
    minutes = (now + 60 * number for number in count(-2000))
    high = datetime(1, 1, 1)  # noqa: DTZ001 - what clocks show
    for minute in minutes:
        shown = datetime.fromtimestamp(minute, zone).replace(tzinfo=None)
        days = (shown.date() - timedelta(number) for number in range(2))
        passed = any(high < datetime.combine(day, each) <= shown for day in days for each in one.at)
        if passed and minute > now:
            return minute
        high = max(high, shown)
    raise AssertionError


@settings(max_examples=50, deadline=None)
@given(at, instants.map(lambda instant: instant // 60 * 60), zones)
def test_a_time_of_the_day_is_when_the_clocks_first_reach_it(keys, now, zone):
    one = schedule(**keys)
    assert next_at(one, now, zone) == slowly(one, now, zone)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_times_of_a_year_are_those_of_each_of_its_days(zone):
    one, now, found = schedule(at=["02:30"]), unix("2026-01-01T00:00:00+00:00"), []
    while now < unix("2027-01-01T00:00:00+00:00"):
        found.append(now := next_at(one, now, zone))
    dates = [datetime.fromtimestamp(each, zone).date() for each in found]
    assert dates == [dates[0] + timedelta(number) for number in range(len(dates))]
