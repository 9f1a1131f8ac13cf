"""Work -> messages: facts read from the stored event, rendered, composed for the channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel, Updating
from receiver.delivery import keeping
from receiver.delivery.addressees import Addressees
from receiver.delivery.keeping import Told
from receiver.delivery.notices import is_notice
from receiver.delivery.rendering import Batch, Renderer
from receiver.metrics import Metrics
from receiver.model import Card, Event, Message, StoredEvent, new_id
from receiver.store.base import Work
from receiver.text import Mentions, Text

_SEE_LATEST = {"zh": "以本组最新的消息为准", "en": "See the latest message of this group"}
_log = logs.get("renderer")


class Planner:
    """Makes the messages of one channel. `read` turns a stored event into its facts, `record_url` names the page
    of a delivery."""

    def __init__(
        self,
        channel: Channel,
        renderer: Renderer,
        addressees: Addressees,
        metrics: Metrics,
        *,
        read: Callable[[StoredEvent], Event],
        record_url: Callable[[str], str],
    ) -> None:
        self._channel = channel
        self._renderer = renderer
        self._addressees = addressees
        self._metrics = metrics
        self._read = read
        self._record_url = record_url

    def plan(self, work: Work, now: float, cards: Sequence[Card] = (), told: Told | None = None) -> list[Message]:
        """The messages that tell `work`, each to every target.

        `cards` are what stands for its group on the channel, `told` is what the work tells as compared with them.

        The first one mentions; what it cannot hold stands in one that follows it. Where the channel's messages can be
        updated, those that still count show the news themselves, and those that do not say so.
        """
        event = self._read(work.event)
        positions = _told(work, event)
        mentions = self._mentions(work, event, now)
        first, *others = self._texts(work, event, positions, now, mentions=mentions)
        beside = Mentions() if first.plain else self._channel.beside(mentions)
        ping = [Text("", first.title or "…", first.status, plain=True, mentions=beside)] if beside else []
        messages = self._messages(work, [first, *ping, *others], positions, now)
        updating = None if is_notice(work.event) else self._channel.updating  # a change in place rings nobody
        return self._kept(messages, work, cards, told, updating, now) if updating and cards and told else messages

    def _kept(
        self,
        messages: Sequence[Message],
        work: Work,
        cards: Sequence[Card],
        told: Told,
        updating: Updating,
        now: float,
    ) -> list[Message]:
        """`messages` with those that replace one of `cards`, and what the other cards are to say from now on."""
        places = keeping.in_place(cards, told, updating, now)
        shown = [
            places.get((message.target, message.number)) if message.alerts and not message.plain else None
            for message in messages
        ]
        old = keeping.outdated(cards, [card for card in shown if card], self._channel.targets, updating, now)
        placed = [
            replace(message, updates=card.provider_id) if card else message
            for message, card in zip(messages, shown, strict=True)
        ]
        return placed + [self._outdated(card.provider_id, card, work, len(messages), now) for card in old]

    def _outdated(self, named: str, place: Card | Message, work: Work, total: int, now: float) -> Message:
        """What the message that the provider calls `named` says from now on."""
        language = self._renderer.language(self._channel)
        text = Text(_SEE_LATEST[language], _SEE_LATEST[language], "firing", muted=True)
        made = self._message(work, text, place.number, max(total, place.number), (), now, place.target)
        return replace(made, updates=named)

    def told(self, work: Work) -> Told:
        """What `work` tells, as far as it is compared with what comes after it."""
        event = self._read(work.event)
        return keeping.told(event, [event["alerts"][position] for position in _told(work, event)])

    def instead(self, work: Work, refused: Message, code: str | None, now: float) -> list[Message]:
        """The plain text in place of a message with markup that was `refused` with the provider's `code`.

        It mentions whom that one mentioned; not everyone, if that is why it was refused. However many it comes to, they
        are the same part of the whole. A message that was to be replaced does not count any more.
        """
        event = self._read(work.event)
        positions = refused.alerts if refused.total > 1 and refused.alerts else _told(work, event)
        mentions = Mentions()
        if refused.number == 1:
            mentions = self._mentions(work, event, now)
            mentions -= self._channel.beside(mentions)
        if code in self._channel.everyone_refused:
            mentions = replace(mentions, everyone=False)
        texts = self._texts(work, event, positions, now, plain=True, mentions=mentions)
        plain = self._messages(work, texts, positions, now, (refused.target,))
        made = [replace(message, number=refused.number, total=refused.total) for message in plain]
        if refused.updates:
            made.append(self._outdated(refused.updates, refused, work, refused.total, now))
        return made

    def _mentions(self, work: Work, event: Event, now: float) -> Mentions:
        if is_notice(work.event):
            return Mentions()
        alerts = [event["alerts"][position] for position in _told(work, event)]
        return self._addressees.of(self._channel, work.delivery, event, alerts, now)

    def _texts(
        self,
        work: Work,
        event: Event,
        positions: Sequence[int],
        now: float,
        *,
        plain: bool = False,
        mentions: Mentions,
    ) -> Sequence[Text]:
        alerts = [event["alerts"][position] for position in positions]
        batch = Batch(event, alerts, record_url=self._record_url(work.delivery.id), test=work.delivery.test)
        rendering = self._renderer.render(self._channel, batch, now, plain=plain, mentions=mentions)
        if rendering.failed:
            self._metrics.template_failures.labels(self._channel.settings.template).inc()
            _log.error("a template failed, sent as plain text", channel=self._channel.name, error=rendering.failed)
        return rendering.texts

    def _messages(
        self,
        work: Work,
        texts: Sequence[Text],
        positions: Sequence[int],
        now: float,
        targets: Sequence[str] | None = None,
    ) -> list[Message]:
        """Part by part, so that everybody has the first one soon."""
        return [
            self._message(work, text, number, len(texts), positions, now, target)
            for number, text in enumerate(texts, 1)
            for target in (self._channel.targets if targets is None else targets)
        ]

    def _message(
        self, work: Work, text: Text, number: int, total: int, positions: Sequence[int], now: float, target: str
    ) -> Message:
        message_id = new_id(now)
        return Message(
            id=message_id,
            channel=self._channel.name,
            content=self._channel.compose(text, message_id),
            deliveries=(work.delivery.id,),
            number=number,
            total=total,
            plain=text.plain,
            alerts=tuple(positions[index] for index in text.alerts),
            target=target,
        )


def _told(work: Work, event: Event) -> tuple[int, ...]:
    """The positions, in the event, of the alerts that are owed."""
    owed = work.delivery.alerts
    return owed if owed is not None else tuple(range(len(event["alerts"])))
