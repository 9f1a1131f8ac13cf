"""Which shares of an event are put off to be told as a digest, and until when; pure."""

from __future__ import annotations

from datetime import tzinfo

from receiver.intake.routing import Share
from receiver.schedules import ScheduleSettings, next_at


def until(share: Share, own: ScheduleSettings | None, now: float, zone: tzinfo) -> float:
    """When `share` is to be told by its routes' schedules, else its channel's `own`; Unix seconds, 0 for at once.

    What is of high priority never waits, and takes the rest of its share along. No alert waits for longer than its own
    route says: the soonest of the schedules counts.
    """
    if share.priority == "high":
        return 0.0
    chosen = [own if schedule is None else schedule for schedule in share.schedules]
    waits = [next_at(schedule, now, zone) for schedule in chosen if schedule is not None and schedule.gathers]
    return min(waits) if len(waits) == len(chosen) else 0.0
