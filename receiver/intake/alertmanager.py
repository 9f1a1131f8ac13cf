"""An Alertmanager body, or one of its many look-alikes, as an Event; pure.

What is tolerated, and who sends it, stands in the tests; the format is Alertmanager's template.Data, version "4".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from receiver.model import Alert, Event, Status

_QUOTED = re.compile(r"\\(.)")
FIRST_TIME = "1971"
"""What is earlier is Go's zero time or the epoch, with which senders say that there is none."""
_STATUSES = ("firing", "resolved")
_TEXT = frozenset({str})


def parse(body: Mapping[str, Any], source: str) -> Event:
    """The event of a decoded body whose `alerts` is a list; what is missing is filled in, nothing is refused."""
    status = _status(body.get("status"), "firing")
    common = strings(body.get("commonLabels"))
    group = strings(body.get("groupLabels"))
    fallback = common.get("alertname") or group.get("alertname") or text(body.get("title"))
    alerts = [alert(item, status, common, fallback) for item in body["alerts"] if isinstance(item, dict)]
    return {
        "source": source,
        "format": "alertmanager",
        "receiver": unescaped(text(body.get("receiver"))),
        "status": status if not alerts else overall(alerts),
        "groupKey": text(body.get("groupKey")),
        "groupLabels": group,
        "commonLabels": common,
        "commonAnnotations": strings(body.get("commonAnnotations")),
        "externalURL": text(body.get("externalURL")),
        "notification_reason": text(body.get("notification_reason")),
        "truncatedAlerts": whole(body.get("truncatedAlerts")),
        "title": text(body.get("title")),
        "message": text(body.get("message")),
        "alerts": alerts,
    }


def parse_array(items: list[Any], source: str, now: float) -> Event:
    """The event of a bare array as Prometheus posts it to `/api/v2/alerts`: firing unless its end has passed."""
    alerts = [_timed(item, now) for item in items if isinstance(item, dict)]
    return parse({"alerts": alerts}, source)


def _timed(item: dict[str, Any], now: float) -> dict[str, Any]:
    end = text(item.get("endsAt"))
    try:
        over = bool(time(end)) and datetime.fromisoformat(end).timestamp() <= now
    except (ValueError, OverflowError):
        over = False
    return {"status": "resolved" if over else "firing", **item}


def alert(item: dict[str, Any], inherited: Status, common: Mapping[str, str], fallback: str) -> Alert:
    """One alert, complete: its status inherited, its fingerprint computed where the sender left it out."""
    labels = strings(item.get("labels")) or dict(common)
    if fallback and "alertname" not in labels:
        labels = {"alertname": fallback, **labels}
    status = _status(item.get("status"), inherited)
    return {
        "status": status,
        "labels": labels,
        "annotations": strings(item.get("annotations")),
        "startsAt": time(item.get("startsAt") or item.get("sendsAt")),
        "endsAt": time(item.get("endsAt")) if status == "resolved" else "",
        "generatorURL": text(item.get("generatorURL")),
        "fingerprint": text(item.get("fingerprint")) or fingerprint(labels),
    }


def overall(alerts: list[Alert]) -> Status:
    """Firing if any alert fires, as Alertmanager has it."""
    return "firing" if any(item["status"] == "firing" for item in alerts) else "resolved"


def fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's fingerprint: FNV-1a over the sorted labels, each name and value ended by 0xff; 16 hex digits."""
    value = 0xCBF29CE484222325
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def strings(value: Any) -> dict[str, str]:
    """A map of strings whatever was sent: null reads as nothing, a list is joined, a number is written out."""
    if not isinstance(value, dict):
        return {}
    if _TEXT.issuperset(map(type, value.values())):
        return value
    return {key: text(item) for key, item in value.items() if item is not None}


def text(value: Any) -> str:
    """A string whatever was sent; null and objects read as nothing."""
    if type(value) is str:
        return value
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, list):
        return ", ".join(text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def whole(value: Any) -> int:
    """A count: whatever is no number, or below zero, is 0."""
    return max(0, int(value)) if isinstance(value, int | float) else 0


def time(value: Any) -> str:
    """A time as sent; the zero time and the epoch, which mean "none", as the empty string."""
    if type(value) is str:
        return "" if value < FIRST_TIME else value
    return _unix(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def unescaped(receiver: str) -> str:
    """A receiver's name as it was configured: senders quote it as if for a regular expression."""
    return _QUOTED.sub(r"\1", receiver) if "\\" in receiver else receiver


def _unix(value: float) -> str:
    try:
        scaled = value / 1000 if value > 1e11 else value
        return datetime.fromtimestamp(scaled, UTC).isoformat().replace("+00:00", "Z") if scaled > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _status(value: Any, inherited: Status) -> Status:
    return cast(Status, value) if value in _STATUSES else inherited
