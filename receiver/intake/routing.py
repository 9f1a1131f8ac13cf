"""Which channels an alert goes to: Alertmanager's routing tree, built once, answered from an index and a memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from pydantic import Field

from receiver.matching import MatcherList
from receiver.model import Event, Priority
from receiver.settings import Section

_REMEMBERED = 8192
_ASKED = 32
"""Up to so many labels that routes ask for, what was decided is remembered by their values; else by all labels."""
_URGENCIES: tuple[Priority, ...] = ("high", "normal", "low")
_SEVERITIES: Mapping[str, Priority] = {
    **dict.fromkeys(("critical", "emergency", "fatal", "disaster", "page", "high", "p0", "p1"), "high"),
    **dict.fromkeys(("info", "information", "informational", "none", "low", "debug", "p4", "p5"), "low"),
}


class RouteSettings(Section):
    """One node of the tree. A parent's channels are used only if no child matched."""

    name: str = ""
    matchers: MatcherList = ()
    sources: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    continue_: bool = Field(default=False, alias="continue")
    priority: Priority | None = None
    routes: tuple[RouteSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One channel an alert goes to, by which route (its path in the tree), and how urgent that route is."""

    channel: str
    route: str
    priority: Priority | None


@dataclass(frozen=True, slots=True)
class Share:
    """The alerts of one event that go to one channel by one route: positions in the event's list."""

    channel: str
    route: str
    priority: Priority
    alerts: tuple[int, ...]


class _Node:
    """A route made ready for asking: its own conditions compiled, its children indexed by an equality they need."""

    __slots__ = ("_always", "_index", "channels", "conditions", "continues", "order", "path", "priority", "scope")

    def __init__(self, settings: RouteSettings, path: str, inherited: _Node | None, numbers: Iterator[int]) -> None:
        self.order = next(numbers)
        self.path = settings.name or path
        self.channels: tuple[str, ...] = settings.channels or (inherited.channels if inherited else ())
        self.priority: Priority | None = settings.priority or (inherited.priority if inherited else None)
        self.continues = settings.continue_
        self.conditions = tuple(sorted(settings.matchers, key=lambda matcher: matcher.op not in ("=", "!=")))
        self.scope = (frozenset(settings.sources), frozenset(settings.receivers))
        self._always: list[_Node] = []
        self._index: dict[str, dict[str, list[_Node]]] = {}
        for number, child in enumerate(settings.routes):
            self._file(_Node(child, f"{path}.routes[{number}]", self, numbers))

    def _file(self, child: _Node) -> None:
        key = next((matcher for matcher in child.conditions if matcher.op == "=" and matcher.value), None)
        if key is None:
            self._always.append(child)
        else:
            self._index.setdefault(key.name, {}).setdefault(key.value, []).append(child)

    def asked(self) -> set[str]:
        """The names of the labels that decide here and below."""
        below = [
            *self._always,
            *(node for values in self._index.values() for nodes in values.values() for node in nodes),
        ]
        return {matcher.name for matcher in self.conditions}.union(*(node.asked() for node in below))

    def matches(self, labels: Mapping[str, str], senders: frozenset[str], receiver: str) -> bool:
        sources, receivers = self.scope
        if sources and not sources & senders:
            return False
        if receivers and receiver not in receivers:
            return False
        return all(matcher.matches(labels) for matcher in self.conditions)

    def _candidates(self, labels: Mapping[str, str]) -> Iterable[_Node]:
        found = list(self._always)
        for name, values in self._index.items():
            if (value := labels.get(name)) is not None:
                found += values.get(value, ())
        return sorted(found, key=lambda node: node.order)

    def walk(self, labels: Mapping[str, str], senders: frozenset[str], receiver: str) -> list[_Node]:
        """The deepest matching routes below, as Alertmanager finds them; itself when no child matched."""
        found: list[_Node] = []
        for child in self._candidates(labels):
            if child.matches(labels, senders, receiver):
                found += child.walk(labels, senders, receiver)
                if not child.continues:
                    break
        return found or [self]


class Routes:
    """The routing tree. The root takes every alert, whatever it says."""

    def __init__(self, root: RouteSettings) -> None:
        self._root = _Node(root, "route", None, count())
        asked = self._root.asked()
        self._asked = tuple(asked) if len(asked) <= _ASKED else None
        self._known: dict[tuple[object, ...], tuple[Target, ...]] = {}

    def targets(self, labels: Mapping[str, str], senders: frozenset[str], receiver: str) -> tuple[Target, ...]:
        """The channels one label set goes to, each once, in the order of the tree."""
        said = frozenset(labels.items()) if self._asked is None else tuple(map(labels.get, self._asked))
        key = (said, senders, receiver)
        known = self._known.get(key)
        if known is None:
            known = self._decide(labels, senders, receiver)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = known
        return known

    def _decide(self, labels: Mapping[str, str], senders: frozenset[str], receiver: str) -> tuple[Target, ...]:
        found: dict[str, Target] = {}
        for node in self._root.walk(labels, senders, receiver):
            for channel in node.channels:
                found.setdefault(channel, Target(channel, node.path, node.priority))
        return tuple(found.values())

    def route(self, event: Event) -> list[Share]:
        """Every alert of the event to its channels; one share a channel."""
        senders, receiver = frozenset((event["source"], event["format"])), event["receiver"]
        shares: dict[str, _Owed] = {}
        for position, alert in enumerate(event["alerts"]):
            labels = alert["labels"]
            for target in self.targets(labels, senders, receiver):
                owed = shares.get(target.channel)
                if owed is None:
                    owed = shares[target.channel] = _Owed(target.channel, target.route)
                owed.add(position, target.priority or severity_priority(labels))
        if not event["alerts"]:
            found = self.targets(event["commonLabels"], senders, receiver)
            return [Share(target.channel, target.route, target.priority or "normal", ()) for target in found]
        return [owed.share() for owed in shares.values()]


class _Owed:
    """What is found to go to one channel."""

    __slots__ = ("_channel", "_positions", "_route", "_urgencies")

    def __init__(self, channel: str, route: str) -> None:
        self._channel, self._route = channel, route
        self._positions: list[int] = []
        self._urgencies: set[Priority] = set()

    def add(self, position: int, urgency: Priority) -> None:
        self._positions.append(position)
        self._urgencies.add(urgency)

    def share(self) -> Share:
        """By the first route, as urgent as the most urgent alert."""
        most = next(priority for priority in _URGENCIES if priority in self._urgencies)
        return Share(self._channel, self._route, most, tuple(self._positions))


def direct(event: Event, channels: Iterable[str]) -> list[Share]:
    """All alerts of the event to the named channels, past the routes (`?channel=`)."""
    urgencies = {severity_priority(alert["labels"]) for alert in event["alerts"]} or {"normal"}
    most = next(priority for priority in _URGENCIES if priority in urgencies)
    positions = tuple(range(len(event["alerts"])))
    return [Share(channel, "?channel=", most, positions) for channel in dict.fromkeys(channels)]


def severity_priority(labels: Mapping[str, str]) -> Priority:
    """How urgent a severity label is: high, normal or low; an unknown word is normal."""
    return _SEVERITIES.get(labels.get("severity", "").lower(), "normal")
