"""Lines -> messages: rendered, split, composed for the channel, and who is mentioned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from receiver import logs
from receiver.channels.base import Channel, Updating
from receiver.delivery import keeping
from receiver.delivery.addressees import Addressees
from receiver.delivery.bundle import Bundle
from receiver.delivery.coalescing import Line, carried, coalesce, lines_of, merged
from receiver.delivery.keeping import Told
from receiver.delivery.lists import Lists
from receiver.delivery.notices import is_notice
from receiver.delivery.owed import Owed
from receiver.delivery.rendering import Batch, Renderer, Rendering
from receiver.delivery.rendering.counts import Count, counted
from receiver.metrics import Metrics
from receiver.model import Card, Carried, Event, Message, new_id
from receiver.text import Mentions, Text

_SEE_LATEST = {"zh": "以本组最新的消息为准", "en": "See the latest message of this group"}
_MOST_COUNTS = 40
_NOBODY = Mentions()
_log = logs.get("renderer")


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told at once: `owed` are the deliveries, the oldest first, `lines` the alerts of them that are told by
    themselves.

    A digest tells them in one line each, and the `counted` ones in numbers: `counts`, made of them unless given.
    `waiting` is how many others are told later.
    """

    owed: Sequence[Owed]
    lines: Sequence[Line]
    digest: bool = False
    counted: Sequence[Line] = ()
    counts: Sequence[Count] | None = None
    waiting: int = 0

    @property
    def event(self) -> Event:
        """The event that it tells, or what the events it tells have in common."""
        every = (*self.lines, *self.counted)
        return merged(every) if every else self.owed[0].event

    def carried(self, told: Sequence[int]) -> tuple[Carried, ...]:
        """What a message carries that tells the lines numbered `told`, and all that is counted."""
        here = carried([self.lines[number] for number in told], "line" if self.digest else "full")
        found = (*here, *carried(self.counted, "count"))
        return found or tuple(Carried(one.id) for one in self.owed)


class Planner:
    """Makes the messages of one channel. `record_url` names the page of a delivery."""

    def __init__(
        self,
        channel: Channel,
        renderer: Renderer,
        addressees: Addressees,
        metrics: Metrics,
        *,
        record_url: Callable[[str], str],
    ) -> None:
        self.channel = channel
        self.lists = Lists(channel, renderer)
        self._renderer = renderer
        self._addressees = addressees
        self._metrics = metrics
        self._record_url = record_url

    def whole(
        self, owed: Sequence[Owed], now: float, cards: Sequence[Card] = (), told: Told | None = None
    ) -> list[Message]:
        """The messages that tell the deliveries of one group in full, however many they are, each to every target.

        `cards` are what stands for the group on the channel, `told` is what is told as compared with them. Where the
        channel's messages can be updated, those that still count show the news themselves; those that do not say so.
        """
        telling = Telling(owed, _lines(owed))
        messages = self.messages(telling, self.rendered(telling, now), now)
        updating = None if is_notice(owed[-1].stored) else self.channel.updating  # a change in place rings nobody
        return self._kept(messages, owed, cards, told, updating, now) if updating and cards and told else messages

    def _kept(
        self,
        messages: Sequence[Message],
        owed: Sequence[Owed],
        cards: Sequence[Card],
        told: Told,
        updating: Updating,
        now: float,
    ) -> list[Message]:
        """`messages` with those that replace one of `cards`, and what the other cards are to say from now on."""
        places = keeping.in_place(cards, told, updating, now)
        shown = [
            places.get((message.target, message.number)) if message.tells and not message.plain else None
            for message in messages
        ]
        old = keeping.outdated(cards, [card for card in shown if card], self.channel.targets, updating, now)
        placed = [
            replace(message, updates=card.provider_id) if card else message
            for message, card in zip(messages, shown, strict=True)
        ]
        return placed + [self._outdated(card.provider_id, card, owed, len(messages), now) for card in old]

    def _outdated(self, named: str, place: Card | Message, owed: Sequence[Owed], total: int, now: float) -> Message:
        """What the message that the provider calls `named` says from now on."""
        language = self._renderer.language(self.channel)
        text = Text(_SEE_LATEST[language], _SEE_LATEST[language], "firing", muted=True)
        carries = (Carried(owed[0].id),)
        made = self._message(text, carries, place.number, max(total, place.number), now, place.target)
        return replace(made, updates=named)

    def told(self, owed: Sequence[Owed]) -> Told:
        """What the deliveries of one group tell, as far as it is compared with what comes after it."""
        lines = lines_of(owed[0], owed[0].positions) if len(owed) == 1 else coalesce(owed)
        return keeping.told(owed[-1].event, [line.alert for line in lines])

    def instead(self, bundle: Bundle, refused: Message, code: str | None, now: float) -> list[Message]:
        """The plain text in place of a message with markup that was `refused` with the provider's `code`.

        It mentions whom that one mentioned; not everyone, if that is why it was refused. However many it comes to, they
        are the same part of the whole. A message that was to be replaced does not count any more.
        """
        telling, mentions = _retold(bundle, refused), Mentions()
        if refused.number == 1:  # it mentioned for all parts
            mentions = self.mentions(_retold(bundle, refused, *bundle.messages), now)
            mentions -= self.channel.beside(mentions)
        if code in self.channel.everyone_refused:
            mentions = replace(mentions, everyone=False)
        rendering = self.rendered(telling, now, plain=True, mentions=mentions)
        plain = self.messages(telling, rendering, now, (refused.target,))
        made = [replace(message, number=refused.number, total=refused.total) for message in plain]
        if refused.updates:
            made.append(self._outdated(refused.updates, refused, bundle.owed, refused.total, now))
        return made

    def mentions(self, telling: Telling, now: float) -> Mentions:
        """Whom the first message of it mentions; notices mention nobody."""
        of: dict[str, tuple[Owed, list[int]]] = {}
        for line in (*telling.lines, *telling.counted):
            owed, position = line.sources[-1]
            of.setdefault(owed.id, (owed, []))[1].append(position)
        shares = [(owed, positions) for owed, positions in of.values() if not is_notice(owed.stored)]
        return self._addressees.of_all(
            self.channel,
            [(one.delivery, one.event, [one.event["alerts"][at] for at in positions]) for one, positions in shares],
            now,
        )

    def rendered(
        self, telling: Telling, now: float, *, plain: bool = False, mentions: Mentions | None = None
    ) -> Rendering:
        """The words of it."""
        head = telling.owed[0]
        batch = Batch(
            telling.event,
            [line.alert for line in telling.lines],
            record_url=self._link(telling.owed),
            test=head.delivery.test,
            digest=telling.digest,
            counts=counts_of(telling.counted) if telling.counts is None else telling.counts,
            waiting=telling.waiting,
        )
        whom = self.mentions(telling, now) if mentions is None else mentions
        return self._renderer.render(self.channel, batch, now, plain=plain, mentions=whom)

    def _link(self, owed: Sequence[Owed]) -> str:
        """The page of the record, or the list of all that is told of several."""
        page = self._record_url(owed[0].id)
        return f"{page}/merged" if page and len(owed) > 1 else page

    def messages(
        self, telling: Telling, rendering: Rendering, now: float, targets: Sequence[str] | None = None
    ) -> list[Message]:
        """The messages of what was rendered, part by part, so that everybody has the first one soon.

        The first one mentions; what it cannot hold stands in one that follows it. A template that failed is counted.
        """
        if rendering.failed:
            self._metrics.template_failures.labels(self.channel.settings.template).inc()
            _log.error("a template failed, sent as plain text", channel=self.channel.name, error=rendering.failed)
        first = rendering.texts[0]
        beside = _NOBODY if first.plain else self.channel.beside(first.mentions)
        told = [(text, telling.carried(text.alerts)) for text in rendering.texts]
        if beside:
            ping = Text("", first.title or "…", first.status, plain=True, mentions=beside)
            told.insert(1, (ping, (Carried(telling.owed[0].id),)))
        return [
            self._message(text, carries, number, len(told), now, target)
            for number, (text, carries) in enumerate(told, 1)
            for target in (self.channel.targets if targets is None else targets)
        ]

    def _message(
        self, text: Text, carries: tuple[Carried, ...], number: int, total: int, now: float, target: str
    ) -> Message:
        message_id = new_id(now)
        return Message(
            id=message_id,
            channel=self.channel.name,
            content=self.channel.compose(text, message_id),
            carries=carries,
            number=number,
            total=total,
            plain=text.plain,
            target=target,
        )


def counts_of(lines: Sequence[Line], most: int = _MOST_COUNTS) -> tuple[Count, ...]:
    """The lines in numbers, at most so many."""
    return counted((line.alert for line in lines), most)


def _lines(owed: Sequence[Owed]) -> list[Line]:
    return lines_of(owed[0], owed[0].left) if len(owed) == 1 else coalesce(owed)


def _retold(bundle: Bundle, *messages: Message) -> Telling:
    """What `messages` tell of a bundle; all of the bundle if the first tells of no alert by itself."""
    if not messages[0].tells:
        return Telling(bundle.owed, _lines(bundle.owed))
    by_detail: dict[str, dict[str, set[int]]] = {}
    for one in (found for message in messages for found in message.carries):
        by_detail.setdefault(one.detail, {}).setdefault(one.delivery, set()).update(one.alerts)
    told = frozenset(delivery for those in by_detail.values() for delivery in those)
    owed = [one for one in bundle.owed if one.id in told]
    lines, counted = (
        coalesce(owed, {delivery: sorted(alerts) for delivery, alerts in by_detail.get(detail, {}).items()})
        for detail in ("full" if "full" in by_detail else "line", "count")
    )
    return Telling(owed, lines, "full" not in by_detail, counted)
