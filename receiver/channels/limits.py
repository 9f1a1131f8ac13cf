"""How fast and how long: the limits that a configuration sets, and the months by which some providers count."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from pydantic import Field

from receiver.settings import Duration, RateLimit, Section

_CHINA = timezone(timedelta(hours=8))


class LimitSettings(Section):
    """How fast and how long: `0` switches off what it limits; what is left out has the kind's default.

    `rate` is kept for each credential. A message waits up to `gather` seconds for more that is clearly coming; what
    cannot be told in full within `tell_within` seconds is told shorter; what is urgent and undelivered for
    `fallback_after` seconds is told by the fallback; `monthly` posts are made in a calendar month, the rest waits.
    """

    rate: RateLimit | None = None
    gather: Duration = 1.0
    tell_within: Duration = 60.0
    fallback_after: Duration = 120.0
    monthly: int | None = Field(default=None, ge=0)


def month_of(now: float) -> str:
    """The calendar month of the Unix time `now` on a clock in China, by which DingTalk counts: `2026-11`."""
    return datetime.fromtimestamp(now, _CHINA).strftime("%Y-%m")
