"""Events that every template must be able to tell, whatever their senders left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from receiver.delivery.rendering.batch import Batch
from receiver.delivery.rendering.counts import counted
from receiver.model import Alert, Event

NOW = 1763600000.0
_URL = "http://alertmanager.example:9093"


def alert(**changes: Any) -> Alert:
    """A firing alert of a full disk, with `changes`."""
    made: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db1:9100", "team": "db"},
        "annotations": {"summary": "disk of db1 is full", "description": "97% of / is used\nsince this night"},
        "startsAt": "2025-11-20T00:00:00.123456789Z",
        "endsAt": "",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "fingerprint": "6ab7a55ed1b97dd9",
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def event(*alerts: Alert, **changes: Any) -> Event:
    """An event of Alertmanager that carries `alerts`, with `changes`."""
    made: dict[str, Any] = {
        "source": "alertmanager",
        "format": "alertmanager",
        "receiver": "web.hook",
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "groupKey": '{}:{alertname="DiskFull"}',
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": _URL,
        "notification_reason": "first notification",
        "truncatedAlerts": 0,
        "title": "",
        "message": "",
        "alerts": list(alerts),
    }
    return {**made, **changes}  # type: ignore[typeddict-item]


def batches() -> Iterator[Batch]:
    """One firing alert, a group with resolved ones, Grafana's extras, an alert with nothing, none at all, a digest."""
    fired = alert()
    ended = alert(status="resolved", endsAt="2025-11-20T00:10:00Z", labels={"alertname": "DiskFull", "instance": "db2"})
    grafana = alert(
        silenceURL=f"{_URL}/alerting/silence/new",
        dashboardURL=f"{_URL}/d/1",
        panelURL=f"{_URL}/d/1?viewPanel=2",
        values={"A": 97.25, "B": None},
        valueString="[ var='A' labels={} value=97.25 ]",
    )
    bare = alert(labels={}, annotations={}, startsAt="", generatorURL="")
    for alerts, changes in (
        ((fired,), {}),
        ((fired, ended), {"truncatedAlerts": 2}),
        ((grafana,), {"format": "grafana", "title": "[FIRING:1] DiskFull", "message": "**Firing**"}),
        ((bare,), {"groupLabels": {}, "externalURL": ""}),
        ((), {}),
    ):
        made = event(*alerts, **changes)
        yield Batch(made, made["alerts"], record_url="https://receiver.example/records/1", test=bool(changes))
    waited = alert(changes=1, told_by="duty", in_place_of="infra")
    every = [waited, ended, *(alert(labels={"alertname": f"Down{number}"}) for number in range(3))]
    record = "https://receiver.example/records/1"
    yield Batch(event(*every), every[:2], record, digest=True, counts=counted(every[2:], 2), waiting=7)
