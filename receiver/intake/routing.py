"""Which channels an alert goes to: Alertmanager's routing tree, built once, answered from an index and a memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from pydantic import Field

from receiver import severity
from receiver.contacts import MentionSettings, Rule
from receiver.matching import MatcherList
from receiver.model import Alert, Delivery, Event, Priority
from receiver.schedules import ScheduleSettings
from receiver.settings import Section

_REMEMBERED = 8192
_ASKED = 32
"""Up to so many labels that routes ask for, what was decided is remembered by their values; else by all labels."""
_URGENCIES: tuple[Priority, ...] = ("high", "normal", "low")


class RouteSettings(Section):
    """One node of the tree. A parent's channels are used only if no child matched.

    A child without `channels`, `priority`, `mentions` or `schedule` of its own has its parent's.
    """

    name: str = ""
    matchers: MatcherList = ()
    sources: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    continue_: bool = Field(default=False, alias="continue")
    priority: Priority | None = None
    mentions: MentionSettings | None = None
    schedule: ScheduleSettings | None = None
    routes: tuple[RouteSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One channel an alert goes to, by which route (its path in the tree), and what that route says of it."""

    channel: str
    route: str
    priority: Priority
    mentions: MentionSettings | None = None
    schedule: ScheduleSettings | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The alerts of one event that go to one channel: positions in the event's list.

    `route` is the first alert's, `priority` the most urgent one's, `schedules` those of all routes they came by, each
    once: None for a route without one.
    """

    channel: str
    route: str
    priority: Priority
    alerts: tuple[int, ...]
    schedules: tuple[ScheduleSettings | None, ...] = (None,)


class _Node:
    """A route made ready for asking: its own conditions compiled, its children indexed by an equality they need."""

    __slots__ = (
        "_always",
        "_index",
        "channels",
        "conditions",
        "continues",
        "mentions",
        "order",
        "path",
        "priority",
        "schedule",
        "scope",
    )

    def __init__(self, settings: RouteSettings, path: str, inherited: _Node | None, numbers: Iterator[int]) -> None:
        self.order = next(numbers)
        self.path = settings.name or path
        self.channels: tuple[str, ...] = settings.channels or (inherited.channels if inherited else ())
        self.priority: Priority | None = settings.priority or (inherited.priority if inherited else None)
        own, above = settings.mentions, inherited.mentions if inherited else None
        self.mentions: MentionSettings | None = above if own is None else own
        self.schedule: ScheduleSettings | None = settings.schedule or (inherited.schedule if inherited else None)
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

    def nodes(self) -> Iterator[_Node]:
        """Itself and every route below, in the order of the tree."""
        indexed = (node for values in self._index.values() for nodes in values.values() for node in nodes)
        yield self
        for child in sorted((*self._always, *indexed), key=lambda node: node.order):
            yield from child.nodes()

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
        self._mentions: dict[str, MentionSettings | None] = {}
        self._scheduled = False
        asked: set[str] = set()
        for node in self._root.nodes():
            self._mentions.setdefault(node.path, node.mentions)
            self._scheduled = self._scheduled or node.schedule is not None
            asked.update(matcher.name for matcher in node.conditions)
        self._asked = (*asked, "severity") if len(asked) < _ASKED else None
        self._known: dict[tuple[object, ...], tuple[Target, ...]] = {}

    def targets(self, labels: Mapping[str, str], senders: frozenset[str], receiver: str) -> tuple[Target, ...]:
        """The channels one label set goes to, each once, in the order of the tree."""
        said = frozenset(labels.items()) if self._asked is None else tuple(map(labels.get, self._asked))
        return self._known.get((said, senders, receiver)) or self._remember(said, labels, senders, receiver)

    def _remember(
        self, said: object, labels: Mapping[str, str], senders: frozenset[str], receiver: str
    ) -> tuple[Target, ...]:
        found: dict[str, Target] = {}
        for node in self._root.walk(labels, senders, receiver):
            for channel in node.channels:
                urgency = node.priority or severity.priority(labels)
                found.setdefault(channel, Target(channel, node.path, urgency, node.mentions, node.schedule))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        return self._known.setdefault((said, senders, receiver), tuple(found.values()))

    def route(self, event: Event) -> list[Share]:
        """Every alert of the event to its channels; one share a channel."""
        senders, receiver = frozenset((event["source"], event["format"])), event["receiver"]
        alerts = event["alerts"]
        shares: dict[str, list[tuple[Target, list[int]]]] = {}
        for positions in self._alike(alerts) if alerts else [[]]:
            labels = alerts[positions[0]]["labels"] if positions else event["commonLabels"]
            for target in self.targets(labels, senders, receiver):
                shares.setdefault(target.channel, []).append((target, positions))
        return [_share(parts, self._scheduled) for parts in shares.values()]

    def mentions(self, event: Event, delivery: Delivery, alerts: Sequence[Alert]) -> list[Rule]:
        """What is said about mentions for these alerts of a delivery's event.

        Each alert has the mentions of the route that takes it to the channel, since a delivery may join the alerts of
        several; those of the delivery's route when none does. Nothing for what came past the routes.
        """
        if delivery.route not in self._mentions or not any(self._mentions.values()):
            return []
        senders, receiver = frozenset((event["source"], event["format"])), event["receiver"]
        found: dict[int, tuple[MentionSettings, list[Alert]]] = {}
        for alert in alerts:
            targets = self.targets(alert["labels"], senders, receiver)
            here = [target.mentions for target in targets if target.channel == delivery.channel]
            if (rule := here[0] if here else self._mentions[delivery.route]) is not None:
                found.setdefault(id(rule), (rule, []))[1].append(alert)
        return list(found.values())

    def _alike(self, alerts: Sequence[Alert]) -> Iterable[list[int]]:
        """The positions of the alerts, those together that say the same where a route asks."""
        found: dict[object, list[int]] = {}
        asked = self._asked
        for position, alert in enumerate(alerts):
            labels = alert["labels"]
            said = frozenset(labels.items()) if asked is None else tuple(map(labels.get, asked))
            if said in found:
                found[said].append(position)
            else:
                found[said] = [position]
        return found.values()


def _share(parts: list[tuple[Target, list[int]]], scheduled: bool) -> Share:
    """What goes to one channel: by the first alert's route, as urgent as the most urgent alert."""
    first, positions = parts[0]
    schedules = tuple({target.schedule for target, _ in parts}) if scheduled else (None,)
    if len(parts) == 1:
        return Share(first.channel, first.route, first.priority, tuple(positions), schedules)
    urgencies = {target.priority for target, _ in parts}
    most = next(priority for priority in _URGENCIES if priority in urgencies)
    together = tuple(sorted(chain.from_iterable(part[1] for part in parts)))
    return Share(first.channel, first.route, most, together, schedules)


def direct(event: Event, channels: Iterable[str]) -> list[Share]:
    """All alerts of the event to the named channels, past the routes (`?channel=`)."""
    urgencies = {severity.priority(alert["labels"]) for alert in event["alerts"]} or {"normal"}
    most = next(priority for priority in _URGENCIES if priority in urgencies)
    positions = tuple(range(len(event["alerts"])))
    return [Share(channel, "?channel=", most, positions) for channel in dict.fromkeys(channels)]
