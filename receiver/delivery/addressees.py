"""Whom messages mention: what routes and channels say about an event's alerts, looked up among the contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from receiver import logs
from receiver.channels.base import Channel
from receiver.contacts import Contact, Contacts, Rule, mentioned
from receiver.delivery.notices import Notice
from receiver.model import Alert, Delivery, Event
from receiver.text import Mention, Mentions

RouteRules = Callable[[Event, Delivery, Sequence[Alert]], Sequence[Rule]]
"""What the routes say about mentions for these alerts of a delivery's event."""

Share = tuple[Delivery, Event, Sequence[Alert]]
"""Alerts of a delivery's event."""

_TOLD = 1000
_UNKNOWN = {
    "zh": (
        "{channel} 的告警要 @ 的人不在通讯录里：{names}",
        "告警标签里的名字不是任何联系人，消息照常发往 {channel}，只是不会 @ 他们：{names}。"
        "请补充联系人，或改正标签。推送记录：{record}",
    ),
    "en": (
        "{channel} should mention people whom no contact names: {names}",
        "Labels of alerts name somebody who is no contact. The message goes to {channel} all the same, nobody is "
        "mentioned for them: {names}. Add the contacts, or correct the labels. Record: {record}",
    ),
}
_log = logs.get("mentions")


class Addressees:
    """Finds whom a delivery's first message mentions.

    Names from labels that no contact has are logged once, and given to `notify` for the owner of the channel.
    """

    def __init__(
        self, contacts: Contacts, routed: RouteRules, notify: Callable[[Notice], None] = lambda _: None
    ) -> None:
        self._contacts = contacts
        self._routed = routed
        self._notify = notify
        self._told: set[str] = set()

    def of(self, channel: Channel, delivery: Delivery, event: Event, alerts: Sequence[Alert], now: float) -> Mentions:
        """Whom the delivery's route and its channel mention for `alerts` at the Unix time `now`."""
        return self.of_all(channel, [(delivery, event, alerts)], now)

    def of_all(self, channel: Channel, shares: Iterable[Share], now: float) -> Mentions:
        """Whom a message mentions that tells alerts of several deliveries: (delivery, its event, the alerts)."""
        own, rules, first = channel.settings.mentions, list[Rule](), None
        for delivery, event, alerts in shares:
            first = first or delivery
            rules += self._routed(event, delivery, alerts)
            if own:
                rules.append((own, alerts))
        if not rules or first is None:
            return Mentions()
        found = mentioned(rules, self._contacts, now)
        self.tell(channel, first, found.unknown)
        return Mentions(tuple(map(_mention, found.contacts)), found.everyone)

    def tell(self, channel: Channel, delivery: Delivery, unknown: Sequence[str]) -> None:
        """Log the names that no contact has, each once, and have the channel's owner told of them."""
        if unknown:
            self._notify(Notice("UnknownContact", channel.name, _UNKNOWN, tuple(unknown), record=delivery.id))
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
