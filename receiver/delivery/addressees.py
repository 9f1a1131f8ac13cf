"""Whom messages mention: what routes and channels say about an event's alerts, looked up among the contacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from receiver import logs
from receiver.channels.base import Channel
from receiver.contacts import Contact, Contacts, Rule, mentioned
from receiver.model import Alert, Delivery, Event, Mention, Mentions

RouteRules = Callable[[Event, Delivery, Sequence[Alert]], Sequence[Rule]]
"""What the routes say about mentions for these alerts of a delivery's event."""

_TOLD = 1000
_log = logs.get("mentions")


class Addressees:
    """Finds whom a delivery's first message mentions; names from labels that no contact has are logged once."""

    def __init__(self, contacts: Contacts, routed: RouteRules) -> None:
        self._contacts = contacts
        self._routed = routed
        self._told: set[str] = set()

    def of(self, channel: Channel, delivery: Delivery, event: Event, alerts: Sequence[Alert], now: float) -> Mentions:
        """Whom the delivery's route and its channel mention for `alerts` at the Unix time `now`."""
        own = channel.settings.mentions
        rules = [*self._routed(event, delivery, alerts), *([(own, alerts)] if own else [])]
        if not rules:
            return Mentions()
        found = mentioned(rules, self._contacts, now)
        self._tell(channel, delivery, found.unknown)
        return Mentions(tuple(map(_mention, found.contacts)), found.everyone)

    def _tell(self, channel: Channel, delivery: Delivery, unknown: Sequence[str]) -> None:
        fresh = [name for name in unknown if name not in self._told]
        if not fresh:
            return
        if len(self._told) > _TOLD:
            self._told.clear()
        self._told.update(fresh)
        _log.warning(
            "no contact has these names, nobody is mentioned for them",
            channel=channel.name,
            delivery=delivery.id,
            names=", ".join(fresh),
        )


def _mention(contact: Contact) -> Mention:
    return Mention(contact.name, contact.wecom, contact.mobile, contact.feishu, contact.dingtalk)
