"""Layouts of times: Go's reference time (`2006-01-02 15:04:05`) and strftime."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

DEFAULT_LAYOUT: Final = "2006-01-02 15:04:05"
_NAMES = (
    "January February March April May June July August September October November December "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
)
_MONTHS, _DAYS = _NAMES.split()[:12], _NAMES.split()[12:]
_STRFTIME = re.compile(r"%(.|$)", re.DOTALL)
_STRFTIME_DIRECTIVES = frozenset("aAbBdHIjmMpSUwWyYZzcxXfFTDR%")
_LAYOUT = re.compile(
    r"2006|January|Jan|Monday|Mon|MST|Z07:00|-07:00|Z0700|-0700|-07|[.,](?:0+|9+)(?!\d)"
    r"|01|02|_2|03|04|05|06|15|PM|pm|1|2|3|4|5"
)


def written(at: datetime, layout: str) -> str:
    """`at` by a Go layout (`2006-01-02 15:04`) or strftime (`%H:%M`). ValueError for a directive not known."""
    if layout == DEFAULT_LAYOUT:
        return f"{at.year:04}-{at.month:02}-{at.day:02} {at.hour:02}:{at.minute:02}:{at.second:02}"
    if "%" in layout:
        return _strftime(at, layout)
    return "".join(part if isinstance(part, str) else part(at) for part in _parts(layout))


def _strftime(at: datetime, layout: str) -> str:
    for directive in _STRFTIME.findall(layout):
        if directive not in _STRFTIME_DIRECTIVES:
            raise ValueError(f"date: %{directive} is no directive of strftime")
    return at.strftime(layout)


@lru_cache(maxsize=256)
def _parts(layout: str) -> tuple[str | Callable[[datetime], str], ...]:
    parts: list[str | Callable[[datetime], str]] = []
    end = 0
    for found in _LAYOUT.finditer(layout):
        parts += [layout[end : found.start()], _GO.get(found[0]) or _fraction(found[0])]
        end = found.end()
    return (*parts, layout[end:])


def _fraction(token: str) -> Callable[[datetime], str]:
    mark, digits, keep_zeros = token[0], len(token) - 1, token[1] == "0"

    def fraction(at: datetime) -> str:
        shown = f"{at.microsecond:06}".ljust(digits, "0")[:digits]
        shown = shown if keep_zeros else shown.rstrip("0")
        return mark + shown if shown else ""

    return fraction


def _offset(at: datetime, colon: str, zulu: bool = False, hours_only: bool = False) -> str:
    offset = at.utcoffset() or timedelta()
    if zulu and not offset:
        return "Z"
    minutes = int(offset.total_seconds() // 60)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{minutes // 60:02}" + ("" if hours_only else f"{colon}{minutes % 60:02}")


_GO: dict[str, Callable[[datetime], str]] = {
    "2006": lambda at: f"{at.year:04}",
    "06": lambda at: f"{at.year % 100:02}",
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "01": lambda at: f"{at.month:02}",
    "1": lambda at: str(at.month),
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "02": lambda at: f"{at.day:02}",
    "_2": lambda at: f"{at.day:2}",
    "2": lambda at: str(at.day),
    "15": lambda at: f"{at.hour:02}",
    "03": lambda at: f"{at.hour % 12 or 12:02}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
    "MST": lambda at: at.tzname() or "",
    "-07:00": lambda at: _offset(at, ":"),
    "-0700": lambda at: _offset(at, ""),
    "-07": lambda at: _offset(at, "", hours_only=True),
    "Z07:00": lambda at: _offset(at, ":", zulu=True),
    "Z0700": lambda at: _offset(at, "", zulu=True),
}
_STRPTIME = {
    "2006": "%Y",
    "06": "%y",
    "January": "%B",
    "Jan": "%b",
    "01": "%m",
    "1": "%m",
    "Monday": "%A",
    "Mon": "%a",
    "02": "%d",
    "_2": "%d",
    "2": "%d",
    "15": "%H",
    "03": "%I",
    "3": "%I",
    "04": "%M",
    "4": "%M",
    "05": "%S",
    "5": "%S",
    "PM": "%p",
    "pm": "%p",
    "MST": "%Z",
    "-07:00": "%z",
    "-0700": "%z",
    "Z07:00": "%z",
    "Z0700": "%z",
}


def read(value: object, layout: str) -> datetime | None:
    """`value` read by a Go layout or strptime format (UTC unless it says otherwise); None when it does not fit."""
    if "%" not in layout:
        layout = _LAYOUT.sub(lambda found: _STRPTIME.get(found[0]) or found[0][0] + "%f", layout)
    try:
        parsed = datetime.strptime(str(value), layout)  # noqa: DTZ007 - the zone is added below
    except (ValueError, re.error):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
