"""Which format a body has, told by its content, never by its path."""

from __future__ import annotations

from threading import Lock

from receiver.errors import BadPayload
from receiver.intake import alertmanager, grafana, typed
from receiver.intake.decoding import decode, decode_exactly
from receiver.model import Event, StoredEvent

_SMALL = 65536


def parse(body: bytes, source: str, now: float) -> Event:
    """The event of a raw body received at the Unix time `now` from `source` ("" when nobody said who they are).

    BadPayload, with a sentence, when the body is no notification of Alertmanager or Grafana.
    """
    event = typed.parse(body, source)
    if event is None:
        event = _tolerant(body, source, now)
    if not source:
        event["source"] = event["format"]
    return event


def _tolerant(body: bytes, source: str, now: float) -> Event:
    value = decode(body)
    if isinstance(value, dict) and isinstance(value.get("groupKey"), float):  # a version 3 key beyond 64 bits
        value = decode_exactly(body)
    return _event(value, source, now)


def _event(value: object, source: str, now: float) -> Event:
    if isinstance(value, list):
        if not any(isinstance(item, dict) for item in value):
            raise BadPayload("a JSON array must hold alerts (objects with labels)")
        return alertmanager.parse_array(value, source, now)
    if not isinstance(value, dict):
        raise BadPayload("the body must be a JSON object")
    if isinstance(value.get("alerts"), list):
        if value["alerts"] and not any(isinstance(item, dict) for item in value["alerts"]):
            raise BadPayload("alerts must hold objects")
        return grafana.parse(value, source) if grafana.is_unified(value) else alertmanager.parse(value, source)
    if grafana.is_legacy(value):
        return grafana.parse_legacy(value, source)
    keys = ", ".join(sorted(str(key)[:40] for key in value)[:8]) or "none"
    raise BadPayload(f"neither an Alertmanager nor a Grafana notification: no list of alerts (keys: {keys})")


class Facts:
    """The facts of stored events: read from the raw body, the last few small ones remembered.

    A few, for one event that goes to several channels: reading again costs less than a large heap.
    """

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._lock = Lock()  # large batches are read in a thread
        self._known: dict[str, Event] = {}

    def read(self, stored: StoredEvent) -> Event:
        """The facts of a stored event. BadPayload when its body cannot be read any more."""
        known = self._known.get(stored.id)
        if known is None:
            known = parse(stored.body, stored.source, stored.received_at)
            self._remember(stored, known)
        return known

    def _remember(self, stored: StoredEvent, event: Event) -> None:
        if len(stored.body) > _SMALL:
            return
        with self._lock:
            if len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[stored.id] = event
