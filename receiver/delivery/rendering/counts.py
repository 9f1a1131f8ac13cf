"""Alerts as numbers: how many of each name and severity, and what tells those of one name from each other; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from receiver import severity as severities
from receiver.delivery.rendering.markup import text_of
from receiver.delivery.rendering.views import INSTANCES, NAMES, RESOLVED, severity_of
from receiver.model import Alert

SAID = 5
"""How many of the values are named."""

_UNREADABLE = "…"


@dataclass(frozen=True, slots=True)
class Count:
    """How many alerts of one `name` and `severity` are `firing` and `resolved`.

    `label` is the label that tells them apart best, `distinct` how many values it has, `values` the first of them; all
    are empty where there is none. A count with a `rest` stands for so many names that are not listed by themselves: it
    has no name, the first of them are its `values`, its severity is the highest. `told_by` and `in_place_of` are what
    all of the alerts have alike.
    """

    name: str
    severity: str
    firing: int
    resolved: int
    label: str = ""
    distinct: int = 0
    values: tuple[str, ...] = ()
    rest: int = 0
    told_by: str = ""
    in_place_of: str = ""

    @property
    def order(self) -> int:
        """Its place among others, as alerts have it: what fires first, the most severe first."""
        return severities.rank(self.severity) + (0 if self.firing else RESOLVED)


def counted(alerts: Iterable[Alert], most: int) -> tuple[Count, ...]:
    """The alerts by name and severity, in at most `most` counts; one at least, if there are any. Never raises.

    What fires comes first, the most severe first, then the greatest number; of more the last count is the rest.
    """
    groups: dict[tuple[str, str], _Group] = {}
    for alert in alerts:
        labels = alert.get("labels")
        if not isinstance(labels, dict):
            labels = {}
        key = _text(labels.get("alertname")), _severity(labels)
        if (group := groups.get(key)) is None:
            group = groups[key] = _Group()
        group.add(alert, labels)
    counts = [group.count(*key) for key, group in groups.items()]
    counts.sort(key=lambda count: (count.order, -count.firing - count.resolved, count.name))
    shown = counts if len(counts) <= most else counts[: max(most - 1, 0)]
    return (*shown, *_rest(counts[len(shown) :]))


def differing(values: Mapping[str, Collection[object]]) -> str:
    """Of labels with their values the one with the most of them; of several the one that names an instance, else the
    first by its name. Empty if there are no labels."""
    return min(
        values, key=lambda name: (-len(values[name]), _INSTANCES.get(name, len(_INSTANCES)), str(name)), default=""
    )


_INSTANCES = {name: place for place, name in enumerate(INSTANCES)}


@dataclass(slots=True)
class _Group:
    firing: int = 0
    resolved: int = 0
    values: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    told_by: set[str] = field(default_factory=set)
    in_place_of: set[str] = field(default_factory=set)

    def add(self, alert: Alert, labels: dict[str, Any]) -> None:
        if alert.get("status") == "resolved":
            self.resolved += 1
        else:
            self.firing += 1
        values = self.values
        for name, value in labels.items():
            values[name][value if type(value) is str else _text(value)] = None
        self.told_by.add(_text(alert["told_by"]) if "told_by" in alert else "")
        self.in_place_of.add(_text(alert["in_place_of"]) if "in_place_of" in alert else "")

    def count(self, name: str, severity: str) -> Count:
        label = differing({label: values for label, values in self.values.items() if label not in NAMES})
        values = self.values[label] if label else {}
        return Count(
            name,
            severity,
            self.firing,
            self.resolved,
            _text(label),
            len(values),
            tuple(values)[:SAID],
            told_by=_alike(self.told_by),
            in_place_of=_alike(self.in_place_of),
        )


def _rest(others: Sequence[Count]) -> tuple[Count, ...]:
    """One count in the place of the others."""
    if not others:
        return ()
    names = dict.fromkeys(map(attrgetter("name"), others))
    return (
        Count(
            "",
            others[0].severity,
            sum(map(attrgetter("firing"), others)),
            sum(map(attrgetter("resolved"), others)),
            values=tuple(filter(None, names))[:SAID],
            rest=len(names),
            told_by=_alike({count.told_by for count in others}),
            in_place_of=_alike({count.in_place_of for count in others}),
        ),
    )


def _alike(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def _severity(labels: dict[str, Any]) -> str:
    try:
        return severity_of(labels)
    except Exception:  # a value such as no sender writes
        return _UNREADABLE


def _text(value: object) -> str:
    if type(value) is str:
        return value
    try:
        return text_of(value)
    except Exception:  # likewise
        return _UNREADABLE
