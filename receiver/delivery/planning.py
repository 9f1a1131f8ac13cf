"""Work -> messages: facts read from the stored event, rendered, composed for the channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.addressees import Addressees
from receiver.delivery.rendering import Batch, Renderer
from receiver.metrics import Metrics
from receiver.model import Event, Mentions, Message, StoredEvent, Text, new_id
from receiver.store.base import Work

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

    def plan(self, work: Work, now: float) -> list[Message]:
        """The messages that tell `work`. The first one mentions; what it cannot hold stands in one that follows it."""
        event = self._read(work.event)
        positions = _told(work, event)
        mentions = self._mentions(work, event, now)
        first, *others = self._texts(work, event, positions, now, mentions=mentions)
        beside = Mentions() if first.plain else self._channel.beside(mentions)
        ping = [Text("", first.title or "…", first.status, plain=True, mentions=beside)] if beside else []
        return self._messages(work, [first, *ping, *others], positions, now)

    def instead(self, work: Work, refused: Message, code: str | None, now: float) -> list[Message]:
        """The plain text in place of a message with markup that was `refused` with the provider's `code`.

        It mentions whom that one mentioned; not everyone, if that is why it was refused.
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
        return self._messages(work, texts, positions, now)

    def _mentions(self, work: Work, event: Event, now: float) -> Mentions:
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

    def _messages(self, work: Work, texts: Sequence[Text], positions: Sequence[int], now: float) -> list[Message]:
        return [self._message(work, text, number, len(texts), positions, now) for number, text in enumerate(texts, 1)]

    def _message(
        self, work: Work, text: Text, number: int, total: int, positions: Sequence[int], now: float
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
        )


def _told(work: Work, event: Event) -> tuple[int, ...]:
    """The positions, in the event, of the alerts that are owed."""
    owed = work.delivery.alerts
    return owed if owed is not None else tuple(range(len(event["alerts"])))
