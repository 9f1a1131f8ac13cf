"""Work -> messages: facts read from the stored event, rendered, composed for the channel."""

from __future__ import annotations

from collections.abc import Callable

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.rendering import Batch, Renderer
from receiver.metrics import Metrics
from receiver.model import Event, Message, StoredEvent, Text, new_id
from receiver.store.base import Work

_log = logs.get("renderer")


class Planner:
    """Makes the messages of one channel. `read` turns a stored event into its facts, `record_url` names the page
    of a delivery."""

    def __init__(
        self,
        channel: Channel,
        renderer: Renderer,
        metrics: Metrics,
        *,
        read: Callable[[StoredEvent], Event],
        record_url: Callable[[str], str],
    ) -> None:
        self._channel = channel
        self._renderer = renderer
        self._metrics = metrics
        self._read = read
        self._record_url = record_url

    def plan(
        self, work: Work, now: float, only: tuple[int, ...] | None = None, *, plain: bool = False
    ) -> list[Message]:
        """The messages that tell `work`, or those of its alerts that stand at the positions `only` of the event."""
        event = self._read(work.event)
        told = only if only is not None else work.delivery.alerts
        positions = told if told is not None else tuple(range(len(event["alerts"])))
        alerts = [event["alerts"][position] for position in positions]
        batch = Batch(event, alerts, record_url=self._record_url(work.delivery.id), test=work.delivery.test)
        rendering = self._renderer.render(self._channel, batch, now, plain=plain)
        if rendering.failed:
            self._metrics.template_failures.labels(self._channel.settings.template).inc()
            _log.error("a template failed, sent as plain text", channel=self._channel.name, error=rendering.failed)
        texts = rendering.texts
        return [self._message(work, text, number, len(texts), positions, now) for number, text in enumerate(texts, 1)]

    def _message(
        self, work: Work, text: Text, number: int, total: int, positions: tuple[int, ...], now: float
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
