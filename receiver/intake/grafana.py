"""A Grafana body as an Event, unified alerting (8 and later) or legacy (dashboard alerts up to 10); pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.intake import alertmanager
from receiver.intake.alertmanager import strings, text, whole
from receiver.model import Alert, Event, Status

_LINKS = ("silenceURL", "dashboardURL", "panelURL", "imageURL")
_QUIET = ("ok", "paused")


def is_unified(body: Mapping[str, Any]) -> bool:
    """Whether a body with alerts is Grafana's: it names an organisation or version, or an alert has Grafana's keys."""
    if "orgId" in body or "appVersion" in body:
        return True
    return any(
        isinstance(item, dict) and ("valueString" in item or "silenceURL" in item or "values" in item)
        for item in body["alerts"][:16]
    )


def is_legacy(body: Mapping[str, Any]) -> bool:
    """Whether a body without alerts is a legacy Grafana notification."""
    return "evalMatches" in body or (("ruleId" in body or "ruleName" in body) and "state" in body)


def parse(body: Mapping[str, Any], source: str) -> Event:
    """The event of a unified alerting body: Alertmanager's, and what Grafana adds to each alert."""
    event = alertmanager.parse(body, source)
    event["format"] = "grafana"
    items = (item for item in body["alerts"] if isinstance(item, dict))
    for alert, item in zip(event["alerts"], items, strict=True):
        _add(alert, item)
    return event


def _add(alert: Alert, item: dict[str, Any]) -> None:
    for key in _LINKS:
        if item.get(key):
            alert[key] = text(item[key])  # type: ignore[literal-required]
    alert["valueString"] = text(item.get("valueString"))
    if "values" in item:
        values = item["values"]
        alert["values"] = values if isinstance(values, dict) else None


def parse_legacy(body: Mapping[str, Any], source: str) -> Event:
    """The event of a legacy body: one alert named after its rule, its matches as labels and values."""
    state = text(body.get("state"))
    status: Status = "resolved" if state in _QUIET else "firing"
    name = text(body.get("ruleName")) or text(body.get("title"))
    labels = {"alertname": name, **strings(body.get("tags"))}
    url = text(body.get("ruleUrl") or body.get("rule_url"))
    identity = {**labels, "__rule_id__": text(body.get("ruleId")), "__rule_url__": url}
    alert: Alert = {
        "status": status,
        "labels": labels,
        "annotations": _annotations(body, state),
        "startsAt": "",
        "endsAt": "",
        "generatorURL": url,
        "fingerprint": alertmanager.fingerprint(identity),
        "valueString": ", ".join(f"{metric}={value}" for metric, value in _matches(body).items()),
    }
    if image := text(body.get("imageUrl") or body.get("image_url")):
        alert["imageURL"] = image
    return {
        "source": source,
        "format": "grafana",
        "receiver": "",
        "status": status,
        "groupKey": f"legacy:{whole(body.get('orgId'))}:{text(body.get('ruleId'))}:{name}",
        "groupLabels": {"alertname": name},
        "commonLabels": labels,
        "commonAnnotations": alert["annotations"],
        "externalURL": "",
        "notification_reason": "",
        "truncatedAlerts": 0,
        "title": text(body.get("title")),
        "message": text(body.get("message")),
        "alerts": [alert],
    }


def _annotations(body: Mapping[str, Any], state: str) -> dict[str, str]:
    said = {"summary": text(body.get("title")), "description": text(body.get("message"))}
    if state == "no_data":
        said["grafana_state_reason"] = "NoData"
    return {key: value for key, value in said.items() if value}


def _matches(body: Mapping[str, Any]) -> dict[str, str]:
    matches = body.get("evalMatches")
    items = [item for item in matches if isinstance(item, dict)] if isinstance(matches, list) else []
    return {
        text(item.get("metric")): "null" if item.get("value") is None else text(item.get("value")) for item in items
    }
