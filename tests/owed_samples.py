"""Deliveries as a sender has them in memory, for the tests of what it makes of them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
from rendering_samples import alert, channel, event, renderer

from receiver.contacts import Contacts
from receiver.delivery.addressees import Addressees
from receiver.delivery.owed import Owed
from receiver.delivery.planning import Planner
from receiver.errors import BadPayload
from receiver.metrics import Metrics
from receiver.model import Alert, Delivery, State, StoredEvent
from receiver.store.base import Work

NOW = 1_790_000_000.0


def cpu(number: int, severity: str = "warning", *, name: str = "HighCPU", status: str = "firing") -> Alert:
    """An alert of one machine."""
    return alert(
        status=status,
        labels={"alertname": name, "severity": severity, "instance": f"db-{number}:9100", "job": "node"},
        annotations={"summary": f"CPU high on db-{number}", "description": "CPU above 90% for 5 minutes"},
        fingerprint=f"{number:016x}",
    )


def delivery(number: int, group: str = "", **changes: Any) -> Delivery:
    """The delivery numbered so, in a group of its own unless another is named."""
    made: dict[str, Any] = {
        "id": f"d{number}",
        "event_id": f"e{number}",
        "channel": "infra",
        "kind": "wecom_robot",
        "template": "default",
        "route": "route",
        "group": group or f"g{number}",
        "priority": "normal",
        "state": State.QUEUED,
        "created_at": NOW,
        "released_at": NOW,
        "due_at": 0.0,
    }
    return Delivery(**{**made, **changes})


def owed(number: int, *alerts: Alert, group: str = "", **changes: Any) -> Owed:
    """A delivery of an event with these alerts; `changes` are of the delivery, or of the Work around it."""
    known = {key: changes.pop(key) for key in Work.__dataclass_fields__ if key in changes}
    made = event(*alerts)
    stored = StoredEvent(f"e{number}", "am", NOW, orjson.dumps(made))
    return Owed(Work(delivery(number, group, **changes), stored, **{"seq": number, **known}), lambda _: made)


def unreadable(number: int, **changes: Any) -> Owed:
    """A delivery whose event cannot be read any more."""

    def read(_: StoredEvent) -> Any:
        raise BadPayload("not JSON")

    return Owed(Work(delivery(number, **changes), StoredEvent(f"e{number}", "am", NOW, b"{"), seq=number), read)


def planner(kind: str = "wecom_robot", directory: Any = None, **settings: Any) -> Planner:
    """A planner of a channel of that kind, with the templates of a directory."""
    addressees = Addressees(Contacts((), ZoneInfo("UTC")), lambda *_: ())
    made = channel(kind, **settings)
    return Planner(
        made, renderer(directory), addressees, Metrics(), record_url=lambda one: f"http://ours.example/{one}"
    )
