"""The `contacts` section of the configuration, and what may stand under `mentions`."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from receiver.contacts.ids import PLATFORMS, Email, FeishuId, MemberName, MentionName, Mobile, Name, UserId
from receiver.schedules import Moment
from receiver.settings import Duration, Misfit, Section

_DAY = 86400


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("must be more than 0")
    return value


class RotationSettings(Section):
    """Who is on duty in turn: each member for `every` seconds, from `start` on.

    A `start` without an offset is on the clock of the display's time zone. Members may be duties themselves.
    """

    start: Moment
    every: Annotated[Duration, AfterValidator(_positive)]
    members: tuple[MemberName, ...] = Field(min_length=1, max_length=1000)

    def on_duty(self, now: float, zone: tzinfo) -> str:
        """The member whose turn it is at `now` (Unix seconds); before `start` the first.

        A turn begins at its exact instant. When `every` is a whole number of days, turns change at the same wall-clock
        time in `zone`, whatever daylight saving does; a time the clocks skip is then taken as that long after the jump,
        one they show twice as the first.
        """
        start = self.start.replace(tzinfo=zone) if self.start.tzinfo is None else self.start.astimezone(zone)
        if self.every % _DAY:
            turns = _microseconds(now - start.timestamp()) // _microseconds(self.every)
        else:
            turns = _days_passed(start, now, zone) // int(self.every // _DAY)
        return self.members[max(0, turns) % len(self.members)]


def _microseconds(seconds: float) -> int:
    """Whole microseconds: floats of today's times are no finer, and 0.1 s must divide exactly."""
    return round(seconds * 1_000_000)


def _days_passed(start: datetime, now: float, zone: tzinfo) -> int:
    """How often the wall-clock time of `start` has come around since; negative before `start`."""
    today = datetime.fromtimestamp(now, zone).date()
    days = (today - start.date()).days + 1
    while days >= 0 and datetime.combine(start.date() + timedelta(days), start.time(), zone).timestamp() > now:
        days -= 1
    return days


class ContactSettings(Section):
    """A person with an id per platform, or a duty whose `rotation` names the person. `@name` and `name` are the same.

    `mobile` is kept as 11 digits for the mainland, else in E.164; `feishu` is an open_id or a user_id.
    """

    name: Name
    wecom: UserId | None = None
    mobile: Mobile | None = None
    feishu: FeishuId | None = None
    dingtalk: UserId | None = None
    email: Email | None = None
    rotation: RotationSettings | None = None

    @model_validator(mode="after")
    def _person_or_duty(self) -> Self:
        ids = [field for field in PLATFORMS if getattr(self, field) is not None]
        if self.rotation is None and not ids:
            raise ValueError(f"needs at least one of {', '.join(PLATFORMS)}, or a rotation")
        if self.rotation is not None and ids:
            raise Misfit(*(((field,), "does not go with a rotation; its members have the ids") for field in ids))
        return self


_Names = Annotated[tuple[MentionName, ...], Field(max_length=50)]


class MentionSettings(Section):
    """Whom to mention; a plain list stands for its `names`.

    `by_severity` adds names by the `severity` label of an alert (upper or lower case). `label` names a label whose
    value holds names of contacts, separated by commas, semicolons or spaces; it can never mention everyone. Resolved
    alerts mention nobody unless `resolved` is true.
    """

    names: _Names = ()
    by_severity: dict[Annotated[str, Field(min_length=1, max_length=64)], _Names] = Field(default_factory=dict)
    label: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    resolved: bool = False

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, data: Any) -> Any:
        if isinstance(data, str | int | float):
            raise ValueError("must be a list of names, or a mapping of keys to values")
        return {"names": data} if isinstance(data, list | tuple) else data
