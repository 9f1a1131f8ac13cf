"""A body as a real Alertmanager writes it: decoded, checked and reduced to what is kept in one pass.

Most bodies are like that; whatever is not goes through the tolerant reading in formats.py, which costs three times as
much and must come to the same event.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

import msgspec

from receiver.intake.alertmanager import FIRST_TIME, overall, unescaped
from receiver.intake.decoding import DEPTH
from receiver.model import Alert, Event, Status


class _Body(TypedDict):
    receiver: str
    status: Status
    groupKey: str
    groupLabels: dict[str, str]
    commonLabels: dict[str, str]
    commonAnnotations: dict[str, str]
    externalURL: str
    alerts: list[Alert]
    truncatedAlerts: NotRequired[int]
    notification_reason: NotRequired[str]
    title: NotRequired[str]
    message: NotRequired[str]
    orgId: NotRequired[int]
    appVersion: NotRequired[str]


_DECODE = msgspec.json.Decoder(_Body).decode


def parse(body: bytes, source: str) -> Event | None:
    """The event of a raw body; None if it has to be read with more tolerance."""
    if b"\\u0000" in body:
        return None
    try:
        read = _DECODE(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    alerts = read["alerts"]
    from_grafana = "orgId" in read or "appVersion" in read or (bool(alerts) and "valueString" in alerts[0])
    if from_grafana or _may_be_deep(body, len(alerts)) or not _complete(alerts):
        return None
    return {
        "source": source,
        "format": "alertmanager",
        "receiver": unescaped(read["receiver"]),
        "status": overall(alerts) if alerts else read["status"],
        "groupKey": read["groupKey"],
        "groupLabels": read["groupLabels"],
        "commonLabels": read["commonLabels"],
        "commonAnnotations": read["commonAnnotations"],
        "externalURL": read["externalURL"],
        "notification_reason": read.get("notification_reason", ""),
        "truncatedAlerts": max(0, read.get("truncatedAlerts", 0)),
        "title": read.get("title", ""),
        "message": read.get("message", ""),
        "alerts": alerts,
    }


def _may_be_deep(body: bytes, alerts: int) -> bool:
    """Whether more is nested than the alerts account for: the rest could be deeper than is allowed."""
    return body.count(b"{") + body.count(b"[") > DEPTH + 3 * alerts


def _complete(alerts: list[Alert]) -> bool:
    """Clear the times that mean "none"; False if something is missing that has to be found elsewhere."""
    for alert in alerts:
        if not alert["fingerprint"] or "alertname" not in alert["labels"]:
            return False
        if alert["status"] == "firing" or alert["endsAt"] < FIRST_TIME:
            alert["endsAt"] = ""
        if alert["startsAt"] < FIRST_TIME:
            alert["startsAt"] = ""
    return True
