"""What makes two bodies the same notification, and which group a notification belongs to; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from receiver.auth import Signed
from receiver.model import Event
from receiver.store.base import Mark

WINDOW = 120.0
"""Seconds in which the same notification is a duplicate, from its first acceptance: covers Alertmanager's retries
within a flush and its HA peers, and stays far below a repeat interval."""
REMEMBERED = 600.0
"""Seconds for which an id or a signature that a sender gave is remembered."""

_REPEAT = "repeat interval elapsed"
_ID_HEADERS = ("webhook-id", "idempotency-key")


def group(event: Event) -> str:
    """The notification group whose order is kept: receiver and group key, or the labels when there is no key."""
    key = event["groupKey"] or _flat(event["groupLabels"]) or _flat(event["commonLabels"])
    return _hash(event["receiver"], key)


def marks(
    event: Event, path: str, channels: Sequence[str], headers: Mapping[str, str], signed: Signed | None
) -> list[Mark]:
    """By what a repetition of this notification is told.

    The key is (path, sorted channels, receiver, group key, sorted (fingerprint, status, startsAt), is-repeat): an
    Alertmanager pair is one, its external URL and the source's name stay out. A body without start times is a
    duplicate only of its group's latest. An id or signature the sender gave counts as well, an id only for that sender
    and the channels it named.
    """
    place = (path, *sorted(channels), event["receiver"], event["groupKey"])
    alerts = sorted([f"{a['fingerprint']}\1{a['status']}\1{a['startsAt']}" for a in event["alerts"]])
    repeat = str(event["notification_reason"] == _REPEAT)
    told = _hash(*place, repeat, *alerts)
    if alerts and not any(alert.endswith("\1") for alert in alerts):
        found = [Mark(told, "", WINDOW)]
    else:
        found = [Mark(_hash("latest", *place, "" if event["groupKey"] else group(event)), told, WINDOW)]
    if given := next((headers[name] for name in _ID_HEADERS if headers.get(name)), ""):
        found.append(Mark(_hash("id", path, event["source"], *sorted(channels), given), "", REMEMBERED))
    if signed:
        window = REMEMBERED if signed.timed else WINDOW  # a repeat has the same signature when no time is signed
        found.append(Mark(_hash("signature", signed.name, signed.signature), "", window))
    return found


def _flat(labels: Mapping[str, str]) -> str:
    return "\1".join(f"{name}={labels[name]}" for name in sorted(labels))


def _hash(*parts: str) -> str:
    return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).hexdigest()
