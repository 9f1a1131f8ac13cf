"""A digest as a whole: the sum of what it tells in lines and in numbers, and what tells one line from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from receiver import severity as severities
from receiver.delivery.rendering import notes
from receiver.delivery.rendering.counts import Count, differing
from receiver.delivery.rendering.facts import Facts, named
from receiver.delivery.rendering.markup import text_of
from receiver.delivery.rendering.splitting import shortened
from receiver.delivery.rendering.views import NAMES, View
from receiver.delivery.rendering.words import level

_LONGEST = 48
"""Characters of a label's name, or of one of its values, among those of others."""
_FEW = 3
"""How many values stand for more."""
_MOST = 2
"""How many labels stand in a line beside the instance."""


def complete(facts: Facts) -> None:
    """Give the facts of a digest their counts, and what is said of lines and counts together."""
    views, language = facts.views, facts.language
    counts = [_shown(count, language) for count in facts.batch.counts]
    facts["notes"] = said = notes.alike([*views, *counts], language)
    for count in counts:
        count["notes"] = notes.notes_of(count, language, said)
    locate(views)
    _sum_up(facts, counts)


def _sum_up(facts: Facts, counts: Sequence[Mapping[str, Any]]) -> None:
    """How many there are in all, and what is most severe among them."""
    views, every = facts.views, facts.batch.counts
    firing = len(views.firing) + sum(count.firing for count in every)
    resolved = len(views.resolved) + sum(count.resolved for count in every)
    told: list[tuple[int, Mapping[str, Any]]] = [(view.order, view) for view in views]
    told += [(count.order, shown) for count, shown in zip(every, counts, strict=True)]
    told.sort(key=itemgetter(0))
    names = [name for _, one in told for name in ([one["name"]] if one["name"] else one.get("listed", ()))]
    facts.update(counts=counts, firing_count=firing, resolved_count=resolved)
    facts["subject"] = named(names) or facts.event["title"]
    if told:
        facts["status"] = "firing" if firing else "resolved"
        facts.update({key: told[0][1][key] for key in ("severity", "level", "colour")})


def _shown(count: Count, language: str) -> dict[str, Any]:
    """A count as a template sees it: `listed` are its values if they are few, else the first of them, with `more`."""
    more = (count.rest or count.distinct) > len(count.values)
    listed = count.values[:_FEW] if more else count.values
    return {
        "name": count.name,
        "severity": count.severity,
        "level": level(count.severity, language),
        "colour": severities.colour(count.severity) if count.firing else "green",
        "firing": count.firing,
        "resolved": count.resolved,
        "label": shortened(count.label, _LONGEST, len),
        "distinct": count.distinct,
        "listed": [shortened(value, _LONGEST, len) for value in listed],
        "more": more,
        "rest": count.rest,
        "told_by": count.told_by,
        "in_place_of": count.in_place_of,
    }


def locate(views: Iterable[View]) -> None:
    """Write into each view `where` it is: its instance, and the labels that tell it from the others of its name."""
    by_name: dict[str, list[View]] = {}
    for view in views:
        by_name.setdefault(view["name"], []).append(view)
    for namesakes in by_name.values():
        labels = _telling(namesakes) if len(namesakes) > 1 else []
        for view in namesakes if labels else ():
            beside = [f"{name}={value}" for name in labels if (value := _value(view, name))]
            view["where"] = " ".join([*filter(None, [view["instance"]]), *beside])


def _telling(views: Sequence[View]) -> list[str]:
    """The labels, beside the instance, by which to tell the views apart; no more than are needed."""
    names = {name for view in views for name in view["labels"]} - NAMES
    found: list[str] = []
    keys: list[tuple[str, ...]] = [(view["instance"],) for view in views]
    while len(found) < _MOST and (known := len(set(keys))) < len(keys):
        refined = {name: [(*key, _value(view, name)) for key, view in zip(keys, views, strict=True)] for name in names}
        label = differing({name: frozenset(values) for name, values in refined.items()})
        if not label or len(frozenset(refined[label])) == known:
            break
        found.append(label)
        keys = refined[label]
    return found


def _value(view: View, label: str) -> str:
    return text_of(view["labels"].get(label))
