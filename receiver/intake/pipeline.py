"""Everything before the commit: parse, route, then ONE transaction; 2xx is never said before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

from receiver import logs
from receiver.auth import Signed
from receiver.channels.base import Channel
from receiver.errors import BadPayload, ReceiverError
from receiver.intake import deferring, identity
from receiver.intake.formats import parse
from receiver.intake.routing import Routes, Share, direct
from receiver.metrics import Metrics
from receiver.model import Delivery, Event, State, StoredEvent, new_id
from receiver.store.base import Mark, Quarantined, Receipt, Store

QUARANTINED_BYTES = 65536
UNKNOWN = "unknown"
"""The source of what was refused before anyone knew who sent it."""

_log = logs.get("intake")


class UnknownChannel(ReceiverError):
    """A `?channel=` that no channel has."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One POST as it came in: who sent it ("" when nobody said), where to, and the body with its ids."""

    source: str
    path: str
    body: bytes
    channels: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    signed: Signed | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an accepted body came to."""

    receipt: Receipt
    alerts: int


class _Taken(NamedTuple):
    """What is to be kept of one posting, and what is counted of it."""

    stored: StoredEvent
    deliveries: list[Delivery]
    marks: list[Mark]
    alerts: int
    firing: int


class Intake:
    """Takes postings in. `held` says why a channel holds its deliveries ("" when it does not); `wake` is called
    with the channels that owe something new, after the commit. `zone` is the clock of the schedules."""

    def __init__(
        self,
        store: Store,
        routes: Routes,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        *,
        held: Callable[[str], str],
        wake: Callable[[Iterable[str]], None],
        zone: tzinfo,
    ) -> None:
        self._store = store
        self._routes = routes
        self._channels = channels
        self._metrics = metrics
        self._held = held
        self._wake = wake
        self._zone = zone

    def now(self) -> float:
        """The store's clock, in Unix seconds."""
        return self._store.now()

    async def accept(self, posting: Posting) -> Accepted:
        """Take one body in; durable when this returns.

        Raises BadPayload and UnknownChannel (the body is kept in quarantine), StoreUnavailable (nothing was kept).
        """
        now = self._store.now()
        if unknown := [name for name in posting.channels if name not in self._channels]:
            sentence = f"no channel is named {', '.join(unknown)[:200]}"
            await self._quarantine(posting, sentence, now)
            raise UnknownChannel(sentence)
        try:
            taken = self._take(posting, now)
        except BadPayload as error:
            await self._quarantine(posting, str(error), now)
            raise
        receipt = await self._store.accept(taken.stored, taken.deliveries, taken.marks)
        self._count(taken, receipt)
        _log.debug("an event was accepted", id=receipt.event_id, source=taken.stored.source, alerts=taken.alerts)
        if not receipt.duplicate:
            self._wake(delivery.channel for delivery in receipt.deliveries)
        return Accepted(receipt, taken.alerts)

    def _take(self, posting: Posting, now: float) -> _Taken:
        """All that is kept of a posting. Its facts are let go of: what waits for a commit should be small."""
        event = parse(posting.body, posting.source, now)
        stored = StoredEvent(new_id(now), event["source"], now, posting.body, posting.path, posting.channels)
        marks = identity.marks(event, posting.path, posting.channels, posting.headers, posting.signed)
        firing = [alert["status"] for alert in event["alerts"]].count("firing")
        return _Taken(stored, self._owed(event, stored), marks, len(event["alerts"]), firing)

    def _owed(self, event: Event, stored: StoredEvent) -> list[Delivery]:
        shares = direct(event, stored.channels) if stored.channels else self._routes.route(event)
        group = identity.group(event)
        return [self._delivery(share, event, stored, group) for share in shares]

    def _delivery(self, share: Share, event: Event, stored: StoredEvent, group: str) -> Delivery:
        alerts, channel = event["alerts"], self._channels[share.channel]
        held = self._held(share.channel)
        due_at = 0.0 if held else deferring.until(share, channel.settings.schedule, stored.received_at, self._zone)
        return channel.owed(
            stored,
            route=share.route,
            group=group,
            priority=share.priority,
            held=held or ("schedule" if due_at else ""),
            due_at=due_at,
            alerts=None if len(share.alerts) == len(alerts) else share.alerts,
            firing=any(alerts[position]["status"] == "firing" for position in share.alerts),
        )

    async def _quarantine(self, posting: Posting, reason: str, now: float) -> None:
        body = posting.body[:QUARANTINED_BYTES]
        await self._store.quarantine(
            Quarantined(new_id(now), now, posting.source or UNKNOWN, posting.path, reason, body)
        )

    def _count(self, taken: _Taken, receipt: Receipt) -> None:
        metrics, source = self._metrics, taken.stored.source
        metrics.events_received.labels(source).inc()
        for status, number in (("firing", taken.firing), ("resolved", taken.alerts - taken.firing)):
            if number:
                metrics.alerts_received.labels(status).inc(number)
        if receipt.duplicate:
            metrics.events_duplicate.labels(source).inc()
        for delivery in receipt.deliveries:
            if receipt.duplicate:
                metrics.suppressed.labels(delivery.channel, "duplicate").inc()
            elif delivery.state is State.HELD:
                metrics.suppressed.labels(delivery.channel, delivery.reason).inc()
