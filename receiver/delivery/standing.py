"""How a channel stands: enabled or not, given-up deliveries in a row, outages, rests; and the metrics that say so."""

from __future__ import annotations

from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.retry import backoff
from receiver.delivery.window import Window
from receiver.errors import DeliveryError, Reason, Throttled, Unavailable
from receiver.metrics import Metrics
from receiver.model import Attempt, Delivery
from receiver.store.base import ChannelState

BY_OPERATOR = "disabled by an operator"
"""The reason of a channel that only an operator enables again."""
STOP_AFTER = 3
"""Given-up deliveries in a row that stop a channel."""
LONGEST_REST = 150.0
"""A rest further ahead than any backoff comes from a clock that was set back."""

_log = logs.get("sender")


class Standing:
    """What one channel's sender remembers between messages. Every outcome is counted here, once."""

    def __init__(
        self,
        channel: Channel,
        window: Window,
        state: ChannelState,
        metrics: Metrics,
        last_success: float | None = None,
    ) -> None:
        self.channel = channel
        self.window = window
        self.state = state
        self._metrics = metrics
        self._labels = (channel.name, channel.kind)
        self._requests = metrics.requests.labels(*self._labels)
        self._latency = metrics.latency.labels(channel.kind)
        self._notifications = metrics.notifications.labels(*self._labels)
        self._delay = metrics.delay.labels(channel.kind)
        self._last_success = metrics.last_success.labels(channel.name)
        self._rest_until = 0.0
        self._outages = 0
        self.changes = 0
        """How often the channel was enabled, disabled or stopped."""
        self.last_success = last_success
        self._last_success.set(last_success or 0.0)
        metrics.channel_enabled.labels(channel.name).set(self.enabled)

    @property
    def enabled(self) -> bool:
        """Whether the channel may send."""
        return self.state.state == "enabled"

    @property
    def held_by(self) -> str:
        """Why the channel holds what it is owed: `disabled` or `stopped`; empty when it does not."""
        return "" if self.enabled else self.state.state

    @property
    def credential(self) -> str:
        """What the slots are taken from; empty when the channel has no rate limit."""
        return self.channel.credential if self.channel.windows else ""

    def resting(self, now: float) -> float:
        """Until when the provider is left alone after an outage; `now` when it is not."""
        return self._rest_until if now < self._rest_until <= now + LONGEST_REST else now

    def change(self, state: str, reason: str, now: float) -> ChannelState:
        """Enable, disable or stop the channel; the state to keep."""
        self.state = replace(self.state, state=state, reason=reason, changed_at=now, failures=0)
        self.changes += 1
        self._rest_until, self._outages = 0.0, 0  # whoever enables a channel wants to see it work
        self._metrics.channel_enabled.labels(self.channel.name).set(self.enabled)
        _log.warning("a channel changed its state", channel=self.channel.name, state=state, reason=reason)
        return self.state

    def stop(self, reason: str, now: float) -> ChannelState:
        """Stop the channel, unless somebody disabled it meanwhile: only they enable it again. The state to keep."""
        return self.change("stopped", reason, now) if self.enabled else self.state

    def tried(self, attempt: Attempt, error: DeliveryError | None) -> None:
        """Count one request."""
        self._requests.inc()
        self._latency.observe(attempt.duration)
        if error is not None:
            self._metrics.requests_failed.labels(*self._labels, error.reason).inc()
            return
        self._outages = 0
        self.last_success = attempt.at + attempt.duration
        self._last_success.set(self.last_success)

    def arrived(self, delivery: Delivery, now: float) -> ChannelState | None:
        """Count a delivery that was sent; the state to keep if it changed."""
        self._notifications.inc()
        self._delay.observe(max(0.0, now - delivery.created_at))
        if not self.state.failures:
            return None
        self.state = replace(self.state, failures=0)
        return self.state

    def gave_up(self, reason: Reason, detail: str, now: float, *, counts: bool = True) -> ChannelState | None:
        """Count a delivery that was given up; the state to keep if it changed: stopped after three in a row."""
        self._metrics.notifications_failed.labels(*self._labels, reason).inc()
        if not counts:
            return None
        failures = self.state.failures + 1
        self.state = replace(self.state, failures=failures)
        if failures < STOP_AFTER:
            return self.state
        return self.stop(f"{failures} deliveries in a row were given up: {detail}", now)

    def rest(self, error: DeliveryError, now: float, until: float) -> tuple[str, float] | None:
        """Leave the provider alone after `error`; the hold of the credential to keep, if any."""
        if isinstance(error, Throttled):
            self.window.hold(until)
            return self.channel.credential, until
        if isinstance(error, Unavailable):
            self._rest_until = now + backoff(self._outages, 0.0)
            self._outages += 1
        return None

    def held(self, number: int, reason: str) -> None:
        """Count deliveries that are held because the channel is stopped or disabled."""
        self._metrics.suppressed.labels(self.channel.name, reason).inc(number)
