"""Whom a message mentions: what is configured, by severity, and by a label through the contacts only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from receiver.contacts.directory import MOST_UNKNOWN, Contact, Contacts, Resolved, shown
from receiver.contacts.settings import MentionSettings
from receiver.model import Alert

MOST_MENTIONS = 50
"""DingTalk's limit for one message, kept for all platforms."""

_WORD = re.compile(r"[^\s,;，；、]+")
_MOST_WORDS = 50


Rule = tuple[MentionSettings, Sequence[Alert]]
"""What is said about mentions, and the alerts for which it is."""


def mentioned(rules: Sequence[Rule], contacts: Contacts, now: float) -> Resolved:
    """Whom the rules mention for their alerts at `now` (Unix seconds): the union, each contact once, at most 50.

    Configured names come first, in the order of the rules, then those from labels in the order of the alerts: no label
    can push out a configured name. Names from a label count only if a contact has them; `all` is never one.
    """
    meant = [(rule, [each for each in alerts if rule.resolved or each["status"] == "firing"]) for rule, alerts in rules]
    configured = [name for rule, those in meant if those for name in _configured(rule, those)]
    resolved = contacts.resolve(configured, now)
    found = {contact.name: contact for contact in resolved.contacts[:MOST_MENTIONS]}
    unknown = dict.fromkeys(resolved.unknown)
    words = dict.fromkeys(word for rule, those in meant for word in _words(rule, those))
    _take(words, contacts, now, found, unknown)
    return Resolved(tuple(found.values()), resolved.everyone, tuple(unknown))


def _configured(rule: MentionSettings, alerts: Sequence[Alert]) -> Iterator[str]:
    yield from rule.names
    present = {alert["labels"].get("severity", "").strip().casefold() for alert in alerts}
    for severity, names in rule.by_severity.items():
        if severity.casefold() in present:
            yield from names


def _words(rule: MentionSettings, alerts: Sequence[Alert]) -> Iterator[str]:
    """The words in the label of the alerts; the first 50 of each value, so that a long one cannot hide the others."""
    if rule.label is not None:
        for value in dict.fromkeys(alert["labels"].get(rule.label, "") for alert in alerts):
            yield from (word[0] for word in islice(_WORD.finditer(value), _MOST_WORDS))


def _take(
    words: dict[str, None], contacts: Contacts, now: float, found: dict[str, Contact], unknown: dict[str, None]
) -> None:
    for word in words:
        contact = contacts.person(word, now)
        if contact is None and len(unknown) < MOST_UNKNOWN:
            unknown[shown(word)] = None
        elif contact is not None and len(found) < MOST_MENTIONS:
            found[contact.name] = contact
