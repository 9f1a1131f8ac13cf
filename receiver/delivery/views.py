"""One alert as a template sees it, and what is worked out of it when asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from receiver.delivery import times
from receiver.delivery.markup import text_of, web_url
from receiver.model import Alert, Event

if TYPE_CHECKING:
    from receiver.delivery.facts import Facts

SEVERITIES: dict[str, int] = {
    **dict.fromkeys(("critical", "fatal", "emergency", "disaster", "page", "p0", "紧急", "致命", "灾难"), 0),
    **dict.fromkeys(("error", "high", "major", "p1", "严重", "高"), 1),
    **dict.fromkeys(("warning", "warn", "average", "medium", "minor", "p2", "警告", "中"), 2),
    **dict.fromkeys(("info", "information", "low", "notice", "p3", "p4", "通知", "信息", "低"), 4),
    **dict.fromkeys(("none", "debug"), 5),
}
"""The rank of a severity; what is not known stands between warning and info."""

_UNKNOWN = 3
_SEVERITY_LABELS = ("severity", "level", "priority")
NAMES = frozenset({"alertname", *_SEVERITY_LABELS})
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
_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CAPTURE = re.compile(r"\b(?:var|metric)='([^']*)'[^\[\]]*?\bvalue=([^\s\]]+)")
_MATCHER_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


class View(dict[str, Any]):
    """One alert as a template sees it: the keys it came with, and others made when first asked for."""

    __slots__ = ("_facts", "_position")

    def __init__(self, alert: Alert, facts: Facts, position: int) -> None:
        super().__init__(alert)
        self._facts = facts
        self._position = position
        for key in ("labels", "annotations"):
            if not isinstance(self.get(key), dict):
                self[key] = {}
        if self.get("status") != "resolved":
            self["status"] = "firing"

    @property
    def position(self) -> int:
        """Where the alert stands in the batch."""
        return self._position

    def __missing__(self, key: str) -> Any:
        make = _OF_ALERT.get(key)
        if make is None:
            raise KeyError(key)
        made = self[key] = make(self, self._facts)
        return made


class Views(list[View]):
    """The alerts: firing ones first, the most severe first."""

    firing: list[View]
    resolved: list[View]


def rank(severity: str) -> int:
    """How severe, 0 the most."""
    return SEVERITIES.get(severity.lower(), _UNKNOWN)


def _severity(view: View, facts: Facts) -> str:  # noqa: ARG001
    labels = view["labels"]
    for name in _SEVERITY_LABELS:
        if value := labels.get(name):
            return text_of(value)
    return ""


def _name(view: View, facts: Facts) -> str:
    event = facts.event
    for labels in (view["labels"], event["commonLabels"], event["groupLabels"]):
        if value := labels.get("alertname"):
            return text_of(value)
    return event["title"]


def _first(annotations: dict[str, Any], names: Iterable[str], but: str = "") -> str:
    for name in names:
        value = annotations.get(name)
        if value and (text := text_of(value).strip()) and text != but:
            return text
    return ""


def _summary(view: View, facts: Facts) -> str:
    return _first(view["annotations"], _SUMMARIES[facts.language])


def _description(view: View, facts: Facts) -> str:
    return _first(view["annotations"], _DESCRIPTIONS[facts.language], but=view["summary"])


def _seconds(view: View, facts: Facts) -> float | None:
    start = times.seconds(view.get("startsAt"))
    end = facts.at if view["status"] == "firing" else times.seconds(view.get("endsAt"))
    return max(0.0, end - start) if start is not None and end is not None else None


def _duration(view: View, facts: Facts) -> str:
    length = _seconds(view, facts)
    return times.spoken(length, facts.language) if length is not None else ""


def _distinct(view: View, facts: Facts) -> dict[str, Any]:
    common = facts["commonLabels"]
    return {name: value for name, value in view["labels"].items() if name not in NAMES and common.get(name) != value}


def _silence(view: View, facts: Facts) -> str:
    if view.get("silenceURL"):
        return web_url(text_of(view["silenceURL"]))
    return new_silence(facts.event, view["labels"])


def new_silence(event: Event, labels: dict[str, Any]) -> str:
    """Alertmanager's page for a new silence, its matchers filled in; Grafana gives its own links."""
    base = event["externalURL"]
    if not base or event["format"] != "alertmanager" or not labels:
        return ""
    matchers = ", ".join(f'{_matcher_name(name)}="{_matcher_text(value)}"' for name, value in labels.items())
    return web_url(f"{base.rstrip('/')}/#/silences/new?filter={quote('{' + matchers + '}', safe='', errors='replace')}")


def _matcher_name(name: str) -> str:
    return name if _CLASSIC_NAME.fullmatch(name) else f'"{_matcher_text(name)}"'


def _matcher_text(value: object) -> str:
    return text_of(value).translate(_MATCHER_ESCAPES)


def _value(view: View, facts: Facts) -> str:  # noqa: ARG001
    """Grafana's values as `B=95, C=1`; those of a firing alert only, for a resolved one they are not current."""
    if view["status"] == "resolved":
        return ""
    values = view.get("values")
    if isinstance(values, dict) and values:
        return ", ".join(f"{name}={_short(value)}" for name, value in values.items())
    captures = _CAPTURE.findall(text_of(view.get("valueString")))
    return ", ".join(f"{name}={value}" for name, value in captures)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else text_of(value)


def _url(key: str) -> Callable[[View, Facts], str]:
    return lambda view, _: web_url(text_of(view.get(key))) if view.get(key) else ""


def _runbook(view: View, facts: Facts) -> str:  # noqa: ARG001
    return web_url(_first(view["annotations"], ("runbook_url", "runbook", "runbookURL")))


_OF_ALERT: dict[str, Callable[[View, Facts], Any]] = {
    "severity": _severity,
    "name": _name,
    "summary": _summary,
    "description": _description,
    "seconds": _seconds,
    "duration": _duration,
    "distinct": _distinct,
    "silence_url": _silence,
    "source_url": _url("generatorURL"),
    "dashboard_url": _url("dashboardURL"),
    "panel_url": _url("panelURL"),
    "image_url": _url("imageURL"),
    "runbook_url": _runbook,
    "value": _value,
    "reason": lambda view, _: text_of(view["annotations"].get("grafana_state_reason")),
    **dict.fromkeys(_OFTEN_LEFT_OUT, lambda *_: ""),
    "values": lambda *_: None,
}
"""What is worked out of an alert. The keys of Alertmanager and Grafana that it came without are empty."""
