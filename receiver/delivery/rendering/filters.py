"""The functions that depend on where the words go (markup, plain text, JSON) and on the reader's clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, Literal

from receiver.delivery.rendering import extras, functions, numbers, times
from receiver.delivery.rendering.environment import TemplateEnvironment
from receiver.delivery.rendering.layouts import DEFAULT_LAYOUT, read
from receiver.delivery.rendering.markup import CUT, Safe, lines_of, standing, text_of, to_json, web_url
from receiver.errors import TemplateError

Form = Literal["markup", "plain", "json"]
_NOT_GLOBAL = frozenset(
    {"title", "format", "append", "stringSlice", "string", "center", "indent", "round", "sum", "replace"}
)


def equip(environment: TemplateEnvironment, form: Form, zone: tzinfo) -> None:
    """Give `environment` all filters and functions; times show on the clock of `zone`."""
    filters: dict[str, Callable[..., Any]] = {
        **functions.FILTERS,
        **functions.bounded(environment.budget),
        **_times(environment, zone),
        **_outputs(environment, form),
    }
    turned = {name: functions.go_order(call) for name, call in filters.items() if name not in _NOT_GLOBAL}
    as_in_go = {name: filters[name] for name in ("append", "link")}
    environment.provide(filters, {**turned, **functions.FUNCTIONS, **as_in_go})
    environment.globals["cut"] = Safe(CUT)


def _times(environment: TemplateEnvironment, zone: tzinfo) -> dict[str, Callable[..., Any]]:
    def date(value: object, layout: str = DEFAULT_LAYOUT) -> str:
        if type(value) is str:
            return times.date_of_text(value, layout, zone)
        return times.date(value, layout, where=zone)

    def until(value: object, start: object) -> str:
        return times.until(text_of(value), text_of(start), zone)

    def tz(value: object, name: str) -> datetime | str:
        return times.local(value, times.zone(name)) or "-"

    def since(value: object) -> times.Span | str:
        start = times.seconds(value)
        return times.Span(environment.facts["now"].timestamp() - start) if start is not None else ""

    def to_time(value: object) -> datetime | None:
        return times.local(numbers.number(value), zone)

    def must_to_date(value: object, layout: str) -> datetime:
        found = read(value, layout)
        if found is None:
            raise TemplateError(f"mustToDate: {text_of(value)[:80]!r} does not fit {layout!r}")
        return found

    return {
        "date": date,
        "until": until,
        "tz": tz,
        "since": since,
        "toTime": to_time,
        "toDate": read,
        "mustToDate": must_to_date,
        "humanizeTimestamp": lambda value: times.date(numbers.number(value), where=zone),
    }


def _outputs(environment: TemplateEnvironment, form: Form) -> dict[str, Callable[..., Any]]:
    escape, known, join = environment.escape, environment.escaped, environment.budget.join

    def link(text: object, url: object) -> Safe:
        target = web_url(url)
        if not target:
            return Safe(escape(text))
        return Safe(f"[{escape(text)}]({target})" if form == "markup" else f"{escape(text)} {target}")

    def pairs(labels: object, separator: str = ", ", equals: str = "=") -> Safe:
        found = labels.items() if isinstance(labels, dict) else functions.sorted_pairs(labels)
        return Safe(join(standing(separator), [known[f"{name}{equals}{text_of(value)}"] for name, value in found]))

    def lines(text: object, separator: str = known["\n"] if form == "json" else "\n") -> Safe:
        return Safe(join(standing(separator), [known[line] for line in lines_of(text_of(text))]))

    def escaped(value: object) -> Safe:
        return Safe(escape(value))

    def json(value: object) -> str:
        return Safe(to_json(value)) if form == "json" else to_json(value)

    return {
        "link": link,
        "pairs": pairs,
        "lines": lines,
        "join": environment.join,
        "e": escaped,
        "escape": escaped,
        "safe": lambda value: Safe(standing(value)),
        **extras.filters(environment, link),
        "toJson": json,
        "tojson": json,
    }
