"""One alert as a template sees it, and what is worked out of it when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from receiver import severity as severities
from receiver.delivery.rendering import times
from receiver.delivery.rendering.markup import text_of, web_url
from receiver.delivery.rendering.measured import measured
from receiver.delivery.rendering.notes import notes_of
from receiver.delivery.rendering.silences import new_silence
from receiver.delivery.rendering.splitting import shortened
from receiver.delivery.rendering.words import WHY, level
from receiver.model import Alert, Event


class Facts(Protocol):
    """What an alert's words need to know of the whole: the event, the time `at` which it is told, the language."""

    event: Event
    at: float
    language: str

    def __getitem__(self, name: str, /) -> Any: ...


BRIEF = 64
"""How many characters of a summary stand in a title; a phone's preview shows about as many."""

RESOLVED = 10
"""By how much what is resolved comes behind what fires."""
_SEVERITY_LABELS = ("severity", "level", "priority")
NAMES = frozenset({"alertname", *_SEVERITY_LABELS})
INSTANCES = ("alertinstance", "instance", "node", "nodename", "host", "hostname", "ip")
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
    *("valueString", "told_by", "in_place_of"),
)


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
        self["severity"] = severity = text_of(labels.get("severity") or "") or severity_of(labels)
        self["name"] = text_of(labels.get("alertname") or "") or _name(facts.event)
        self.order = severities.rank(severity)
        if self.get("status") == "resolved":
            self.order += RESOLVED
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


def severity_of(labels: dict[str, Any]) -> str:
    """The word of the first label that says how severe an alert is; empty if none does."""
    for name in _SEVERITY_LABELS:
        if value := labels.get(name):
            return text_of(value)
    return ""


def summary_of(annotations: dict[str, Any], language: str) -> str:
    """What annotations say in short; empty if they say nothing."""
    return _first(annotations, _SUMMARIES[language])


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
    view["summary"] = summary = summary_of(annotations, language)
    view["description"] = _first(annotations, _DESCRIPTIONS[language], summary)
    view["runbook_url"] = web_url(_first(annotations, _RUNBOOKS))
    view["reason"] = text_of(annotations["grafana_state_reason"]) if "grafana_state_reason" in annotations else ""
    view["value"] = measured(view) if "values" in view or "valueString" in view else ""
    view["colour"] = severities.colour(view["severity"]) if view["status"] == "firing" else "green"
    view["distinct"] = {
        name: value for name, value in view["labels"].items() if common.get(name) != value and name not in NAMES
    }
    length = _seconds(view, facts)
    view["duration"] = times.spoken(int(length), language) if length is not None else ""
    for key, given in _LINKS:
        view[key] = web_url(view[given]) if given in view else ""
    waited = "changes" in view or "told_by" in view or "in_place_of" in view
    view["notes"] = notes_of(view, language, facts["notes"]) if waited else ()


def _seconds(view: View, facts: Facts) -> float | None:
    start = times.seconds(view.get("startsAt"))
    end = facts.at if view["status"] == "firing" else times.seconds(view.get("endsAt"))
    return max(0.0, end - start) if start is not None and end is not None else None


def _instance(view: View, _: Facts) -> str:
    labels = view["labels"]
    for name in INSTANCES:
        if value := labels.get(name):
            return text_of(value)
    return ""


def _others(view: View, _: Facts) -> dict[str, Any]:
    others = {name: value for name, value in view["labels"].items() if name not in NAMES}
    for name in INSTANCES:
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
    return level(view["severity"], facts.language)


def _where(view: View, _: Facts) -> str:
    instance: str = view["instance"]
    labels = view["distinct"] or view["others"]
    return instance or ", ".join([f"{name}={text_of(value)}" for name, value in labels.items()])


_RUNBOOKS = ("runbook_url", "runbook", "runbookURL")
_LINKS = (
    ("source_url", "generatorURL"),
    ("dashboard_url", "dashboardURL"),
    ("panel_url", "panelURL"),
    ("image_url", "imageURL"),
)
_WORDS = frozenset(
    {
        *("summary", "description", "reason", "runbook_url", "distinct", "value", "duration", "colour", "notes"),
        *dict(_LINKS),
    }
)
_OF_ALERT: dict[str, Callable[[View, Facts], Any]] = {
    "seconds": _seconds,
    "brief": _brief,
    "level": _level,
    "why": _why,
    "instance": _instance,
    "others": _others,
    "where": _where,
    "silence_url": _silence,
    **dict.fromkeys(_OFTEN_LEFT_OUT, lambda *_: ""),
    "values": lambda *_: None,
    "changes": lambda *_: 0,
}
"""What else is worked out of an alert. The keys that it came without are empty."""

KEYS = frozenset({"labels", "annotations", "status", "severity", "name", *_WORDS, *_OF_ALERT})
"""What every View has, at once or when asked for."""
