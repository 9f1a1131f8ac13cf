"""Times and durations as templates need them: senders' stamps in, the reader's clock out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from receiver.delivery.rendering.layouts import DEFAULT_LAYOUT, written

_NONE = "-"
_DAY = len("2006-01-02 ")
_GO_STAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-])(\d\d)(\d\d)(?: .*)?")


class Span(float):
    """A length of time in seconds; prints as Prometheus' `humanizeDuration` does."""

    __slots__ = ()

    def __str__(self) -> str:
        return humanize_duration(self)


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def moment(value: object) -> datetime | None:
    """The instant `value` names, with its zone: RFC 3339 with up to nanoseconds, Go's String(), Unix seconds.

    None for what names none: nothing, year 1 (Go's zero time), 1970 (the zero of others), anything unreadable.
    """
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 253402214400:
        return datetime.fromtimestamp(value, UTC)
    return None


@lru_cache(maxsize=8192)
def _read(text: str) -> datetime | None:
    if (found := _GO_STAMP.fullmatch(text)) is not None:
        text = f"{found[1]}T{found[2]}{found[3]}{found[4]}:{found[5]}"
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return read if read.year > 1 and read.timestamp() >= 86400 else None


def seconds(value: object) -> float | None:
    """`moment` as Unix seconds."""
    if type(value) is str:
        return _seconds(value)
    at = moment(value)
    return at.timestamp() if at is not None else None


@lru_cache(maxsize=8192)
def _seconds(text: str) -> float | None:
    at = _read(text)
    return at.timestamp() if at is not None else None


def local(value: object, where: tzinfo) -> datetime | None:
    """`moment` on the clock of `where`; the zone it came in where that would leave the calendar."""
    at = moment(value)
    try:
        return at.astimezone(where) if at is not None else None
    except (OverflowError, ValueError):
        return at


def date(value: object, layout: str = DEFAULT_LAYOUT, *, where: tzinfo) -> str:
    """`value` by a Go layout (`2006-01-02 15:04`) or strftime (`%H:%M`); `-` when it is no time.

    Strings and numbers show on the clock of `where`, a datetime on its own.
    """
    if type(value) is str:
        return date_of_text(value, layout, where)
    if isinstance(value, datetime):
        return written(value, layout)
    at = local(value, where)
    return written(at, layout) if at is not None else _NONE


@lru_cache(maxsize=8192)
def date_of_text(value: str, layout: str, where: tzinfo) -> str:
    """`date` of a string; group after group of alerts began at the same time."""
    at = local(value, where)
    return written(at, layout) if at is not None else _NONE


def until(end: str, start: str, where: tzinfo) -> str:
    """`date` of the end of what began at `start`: without the day if that is the same."""
    shown, begun = date_of_text(end, DEFAULT_LAYOUT, where), date_of_text(start, DEFAULT_LAYOUT, where)
    return shown[_DAY:] if shown[:_DAY] == begun[:_DAY] and shown != _NONE else shown


def humanize_duration(value: float) -> str:
    """Seconds as Prometheus prints them: `1d 2h 3m 4s`, `2m 5s`, `3.5s`, `12.3ms`."""
    if value != value or value in (float("inf"), float("-inf")):
        return go_float(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return _small(value)
    sign, whole = ("-", -int(value)) if value < 0 else ("", int(value))
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {secs}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {secs}s"
    return f"{sign}{minutes}m {secs}s" if minutes else f"{go_float(value)}s"


def _small(value: float) -> str:
    prefix = ""
    for prefix in "mun":  # noqa: B007 - the last one is used
        value *= 1000
        if abs(value) >= 1:
            break
    return f"{go_float(value)}{prefix}s"


def go_float(value: float) -> str:
    """`value` as Go's `%.4g` prints it."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.4g}"


_UNITS = {"zh": ("天", "小时", "分钟", "秒"), "en": ("d", "h", "m", "s")}


@lru_cache(maxsize=4096)
def spoken(whole: int, language: str) -> str:
    """Seconds as one says them: `2小时5分钟`, `2h 5m`, `45秒`; two units at most, no seconds from ten minutes on."""
    day, hour, minute, second = _UNITS[language]
    if whole < 60:
        return f"{whole}{second}"
    if whole < 3600:
        large, small, names = whole // 60, whole % 60 if whole < 600 else 0, (minute, second)
    elif whole < 86400:
        large, small, names = whole // 3600, whole % 3600 // 60, (hour, minute)
    else:
        large, small, names = whole // 86400, whole % 86400 // 3600, (day, hour)
    gap = "" if language == "zh" else " "
    return f"{large}{names[0]}{gap}{small}{names[1]}" if small else f"{large}{names[0]}"
