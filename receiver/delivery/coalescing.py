"""Many owed deliveries become the lines of what is told next: each alert once, in its latest state; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from receiver import severity
from receiver.delivery.owed import NO_LIMIT, Owed
from receiver.model import Alert, Carried, Detail, Event

URGENCIES = ("high", "normal", "low")
"""From the most to the least urgent."""

Source = tuple[Owed, int]
"""A delivery that owes an alert, and the alert's position in its event."""


@dataclass(slots=True, eq=False)
class Line:
    """One alert to be told, in its latest state, which is of `event`.

    `sources` are the deliveries that owe it, the oldest first. `urgency` is its place in URGENCIES, `since` the Unix
    time from which on it waits; `held` says that it was held back for a time.
    """

    alert: Alert
    event: Event
    urgency: int
    since: float
    held: bool
    sources: list[Source]

    @property
    def most(self) -> int:
        """How many deliveries may share a message with it."""
        return min(owed.most for owed, _ in self.sources)


def coalesce(due: Iterable[Owed], only: Mapping[str, Iterable[int]] | None = None) -> list[Line]:
    """The lines of all that is due, the most urgent first, then the oldest; or of `only` these positions of each.

    Of an alert that is owed several times the latest state is told, and how often it changed while it waited.
    BadPayload if an event cannot be read any more.
    """
    lines: dict[object, Line] = {}
    for owed in due:
        event, since, held = owed.event, owed.delivery.released_at, owed.was_held
        alerts, urgency = event["alerts"], urgencies(owed)
        for position in owed.left if only is None else only.get(owed.id, ()):
            alert = alerts[position]
            key = (alert["fingerprint"], frozenset(alert["labels"].items()))
            line = lines.get(key)
            if line is None:
                lines[key] = Line(alert, event, urgency(alert), since, held, [(owed, position)])
                continue
            line.alert, line.event = alert, event
            line.urgency = min(line.urgency, urgency(alert))
            line.since, line.held = min(line.since, since), line.held or held
            line.sources.append((owed, position))
    found = list(lines.values())
    for line in found:
        _mark(line)
    found.sort(key=lambda line: (line.urgency, line.since))
    return found


def lines_of(owed: Owed, positions: Iterable[int]) -> list[Line]:
    """The lines of some alerts of one delivery, in their order."""
    event, since, held = owed.event, owed.delivery.released_at, owed.was_held
    alerts = event["alerts"]
    lines = [Line(alerts[position], event, 0, since, held, [(owed, position)]) for position in positions]
    if owed.delivery.told_by or owed.in_place_of:
        for line in lines:
            _mark(line)
    return lines


def urgencies(owed: Owed) -> Callable[[Alert], int]:
    """How urgent each alert of a delivery is: as its route says, else by its own severity."""
    said = URGENCIES.index(owed.delivery.priority)
    alerts = owed.event["alerts"]
    own = {position: _own(alerts[position]) for position in owed.positions}
    if said != min(own.values(), default=said):  # no severity of its alerts makes it so: the route does
        return lambda _: said
    return _own


def _own(alert: Alert) -> int:
    return URGENCIES.index(severity.priority(alert["labels"]))


def _mark(line: Line) -> None:
    """Write into a copy of the alert what is to be said of how it came here."""
    sources = line.sources
    if len(sources) == 1 and not sources[0][0].delivery.told_by and not sources[0][0].in_place_of:
        return
    alert = line.alert.copy()
    if changes := _changes([owed.event["alerts"][position]["status"] for owed, position in sources]):
        alert["changes"] = changes
    if told_by := next((owed.delivery.told_by for owed, _ in sources if owed.delivery.told_by), ""):
        alert["told_by"] = told_by
    if all(owed.in_place_of for owed, _ in sources):
        alert["in_place_of"] = sources[-1][0].in_place_of
    line.alert = alert


def _changes(statuses: Sequence[str]) -> int:
    return sum(one != other for one, other in pairwise(statuses))


def merged(lines: Sequence[Line]) -> Event:
    """The event that the lines are of; if they are of several, one that says what those share."""
    events = list({id(line.event): line.event for line in lines}.values())
    latest = events[-1]
    if len(events) == 1:
        return latest

    def shared(key: str) -> str:
        values = {event[key] for event in events}  # type: ignore[literal-required]
        return values.pop() if len(values) == 1 else ""

    alerts = [line.alert for line in lines]
    return {
        "source": shared("source"),
        "format": latest["format"] if shared("format") else "alertmanager",
        "receiver": shared("receiver"),
        "status": "firing" if any(alert["status"] == "firing" for alert in alerts) else "resolved",
        "groupKey": shared("groupKey"),
        "groupLabels": latest["groupLabels"] if shared("groupKey") else {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": shared("externalURL") if shared("groupKey") else "",  # there is no group to be silenced
        "notification_reason": shared("notification_reason"),
        "truncatedAlerts": sum(event["truncatedAlerts"] for event in events),
        "title": shared("title"),
        "message": shared("message"),
        "alerts": alerts,
    }


def carried(lines: Iterable[Line], detail: Detail) -> list[Carried]:
    """What a message that tells the lines so fully carries, by delivery."""
    found: dict[str, list[int]] = {}
    for line in lines:
        for owed, position in line.sources:
            found.setdefault(owed.id, []).append(position)
    return [Carried(delivery, tuple(sorted(positions)), detail) for delivery, positions in found.items()]


def sharing(lines: Sequence[Line]) -> Sequence[Line]:
    """The first of the lines that may be told together: none shares a message with more deliveries than it may."""
    if all(line.most == NO_LIMIT for line in lines):
        return lines
    found: list[Line] = []
    deliveries: set[str] = set()
    most = NO_LIMIT
    for line in lines:
        more = deliveries | {owed.id for owed, _ in line.sources}
        if not found or len(more) <= min(most, line.most):
            found.append(line)
            deliveries, most = more, min(most, line.most)
    return found


def owing(lines: Iterable[Line]) -> list[Owed]:
    """The deliveries of the lines, the oldest first."""
    found = {owed.id: owed for line in lines for owed, _ in line.sources}
    return sorted(found.values(), key=lambda owed: owed.seq)
