"""One alert as a template sees it, and what is worked out of it when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from receiver import severity as severities
from receiver.delivery.rendering import times
from receiver.delivery.rendering.markup import text_of, web_url
from receiver.delivery.rendering.silences import new_silence
from receiver.delivery.rendering.splitting import shortened
from receiver.delivery.rendering.words import LEVELS, WHY
from receiver.model import Alert, Event


class Facts(Protocol):
    """What an alert's words need to know of the whole: the event, the time `at` which it is told, the language."""

    event: Event
    at: float
    language: str

    def __getitem__(self, name: str, /) -> Any: ...


BRIEF = 64
"""How many characters of a summary stand in a title; a phone's preview shows about as many."""

_RESOLVED = 10
_SEVERITY_LABELS = ("severity", "level", "priority")
NAMES = frozenset({"alertname", *_SEVERITY_LABELS})
_INSTANCES = ("alertinstance", "instance", "node", "nodename", "host", "hostname", "ip")
_SUMMARIES = {
    "zh": ("summary_cn", "summary_zh", "summaryCn", "message", "summary", "description_cn", "description"),
    "en": ("message", "summary", "description"),
}
_DESCRIPTIONS = {
    "zh": ("description_cn", "description_zh", "descriptionCn", "description", "summary", "message", "Error"),
    "en": ("description", "summary", "message", "Error"),
}
_OFTEN_LEFT_OUT = (
    *("startsAt", "endsAt", "generatorURL", "fingerprint", "silenceURL", "dashboardURL", "panelURL", "imageURL"),
    "valueString",
)
_BRACKET = re.compile(r"[\[\]]")
_CAPTURED = re.compile(r"\b(?:var|metric)='([^']*)'")
_MEASURED = re.compile(r"\bvalue=(\S+)")


class View(dict[str, Any]):
    """One alert as a template sees it: the keys it came with, and others made when first asked for.

    `position` is where it stands in the batch, `order` where among the others: firing first, the most severe first.
    """

    __slots__ = ("_facts", "order", "position")

    def __init__(self, alert: Alert, facts: Facts, position: int) -> None:
        super().__init__(alert)
        self._facts = facts
        self.position = position
        if not isinstance(labels := self.get("labels"), dict):
            labels = self["labels"] = {}
        if not isinstance(self.get("annotations"), dict):
            self["annotations"] = {}
        self["severity"] = severity = text_of(labels.get("severity") or "") or _severity(labels)
        self["name"] = text_of(labels.get("alertname") or "") or _name(facts.event)
        self.order = severities.rank(severity)
        if self.get("status") == "resolved":
            self.order += _RESOLVED
        else:
            self["status"] = "firing"

    def __missing__(self, key: str) -> Any:
        if key in _WORDS:
            _tell(self, self._facts)
            return self[key]
        make = _OF_ALERT.get(key)
        if make is None:
            raise KeyError(key)
        made = self[key] = make(self, self._facts)
        return made


class Views(list[View]):
    """The alerts: firing ones first, the most severe first."""

    firing: list[View]
    resolved: list[View]


def _severity(labels: dict[str, Any]) -> str:
    for name in _SEVERITY_LABELS:
        if value := labels.get(name):
            return text_of(value)
    return ""


def _name(event: Event) -> str:
    for labels in (event["commonLabels"], event["groupLabels"]):
        if value := labels.get("alertname"):
            return text_of(value)
    return event["title"]


def _first(annotations: dict[str, Any], names: Iterable[str], but: str = "") -> str:
    for name in names:
        if name in annotations and (value := annotations[name]) and (text := text_of(value).strip()) and text != but:
            return text
    return ""


def _tell(view: View, facts: Facts) -> None:
    """Make all `_WORDS`: a message asks for nearly all of them, and at once they take a third of the time."""
    annotations, language, common = view["annotations"], facts.language, facts["commonLabels"]
    view["summary"] = summary = _first(annotations, _SUMMARIES[language])
    view["description"] = _first(annotations, _DESCRIPTIONS[language], summary)
    view["runbook_url"] = web_url(_first(annotations, _RUNBOOKS))
    view["reason"] = text_of(annotations["grafana_state_reason"]) if "grafana_state_reason" in annotations else ""
    view["value"] = _value(view) if "values" in view or "valueString" in view else ""
    view["colour"] = severities.colour(view["severity"]) if view["status"] == "firing" else "green"
    view["distinct"] = {
        name: value for name, value in view["labels"].items() if common.get(name) != value and name not in NAMES
    }
    length = _seconds(view, facts)
    view["duration"] = times.spoken(int(length), language) if length is not None else ""
    for key, given in _LINKS:
        view[key] = web_url(view[given]) if given in view else ""


def _seconds(view: View, facts: Facts) -> float | None:
    start = times.seconds(view.get("startsAt"))
    end = facts.at if view["status"] == "firing" else times.seconds(view.get("endsAt"))
    return max(0.0, end - start) if start is not None and end is not None else None


def _instance(view: View, _: Facts) -> str:
    labels = view["labels"]
    for name in _INSTANCES:
        if value := labels.get(name):
            return text_of(value)
    return ""


def _others(view: View, _: Facts) -> dict[str, Any]:
    others = {name: value for name, value in view["labels"].items() if name not in NAMES}
    for name in _INSTANCES:
        if others.get(name):
            del others[name]
            break
    return others


def _why(view: View, facts: Facts) -> str:
    """`reason` in words; what is not known as it is."""
    words = WHY[facts.language]
    between = "，" if facts.language == "zh" else ", "
    return between.join([words.get(word, word) for word in view["reason"].split(", ") if word])


def _silence(view: View, facts: Facts) -> str:
    if view.get("silenceURL"):
        return web_url(view["silenceURL"])
    return new_silence(facts.event, view["labels"])


def _brief(view: View, _: Facts) -> str:
    first: str = view["summary"].partition("\n")[0]
    return shortened(first.rstrip(), BRIEF, len)


def _level(view: View, facts: Facts) -> str:
    severity: str = view["severity"]
    return LEVELS[facts.language].get(severity.lower(), severity)


def _value(view: View) -> str:
    """Grafana's values as `B=95, C=1`; none where there is a `reason`: then they are old, or -1 for want of any."""
    if view["reason"]:
        return ""
    values = view.get("values")
    if isinstance(values, dict) and values:
        return ", ".join([_named(name, value) for name, value in values.items()])
    text = text_of(view.get("valueString"))
    return ", ".join([_named(name, value) for name, value in _captures(text)]) if text else ""


def _captures(text: str) -> Iterator[tuple[str, str]]:
    """The names and values in Grafana's `[ var='B' labels={…} value=95 ], …`: in one pass, however long it is."""
    for capture in _BRACKET.split(text):
        end = 0
        while (name := _CAPTURED.search(capture, end)) and (value := _MEASURED.search(capture, name.end())):
            yield name[1], value[1]
            end = value.end()


def _named(name: str, value: object) -> str:
    return f"{name}={_short(value)}" if name else _short(value)


def _short(value: object) -> str:
    """A fraction to six digits, all else as it is."""
    text = text_of(value)
    if "." not in text:
        return text
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


_RUNBOOKS = ("runbook_url", "runbook", "runbookURL")
_LINKS = (
    ("source_url", "generatorURL"),
    ("dashboard_url", "dashboardURL"),
    ("panel_url", "panelURL"),
    ("image_url", "imageURL"),
)
_WORDS = frozenset(
    {"summary", "description", "reason", "runbook_url", "distinct", "value", "duration", "colour", *dict(_LINKS)}
)
_OF_ALERT: dict[str, Callable[[View, Facts], Any]] = {
    "seconds": _seconds,
    "brief": _brief,
    "level": _level,
    "why": _why,
    "instance": _instance,
    "others": _others,
    "silence_url": _silence,
    **dict.fromkeys(_OFTEN_LEFT_OUT, lambda *_: ""),
    "values": lambda *_: None,
}
"""What else is worked out of an alert. The keys of Alertmanager and Grafana that it came without are empty."""

KEYS = frozenset({"labels", "annotations", "status", "severity", "name", *_WORDS, *_OF_ALERT})
"""What every View has, at once or when asked for."""
