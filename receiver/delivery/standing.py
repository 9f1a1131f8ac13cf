"""How a channel stands: enabled or not, given-up deliveries in a row, outages, rests; and the metrics that say so."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.owed import Owed
from receiver.delivery.pool import Member, Pool
from receiver.delivery.retry import backoff
from receiver.errors import DeliveryError, Reason, Throttled, Unavailable
from receiver.metrics import Metrics
from receiver.model import Attempt, Detail, Message
from receiver.store.base import ChannelState

BY_OPERATOR = "disabled by an operator"
"""The reason of a channel that only an operator enables again."""
STOP_AFTER = 3
"""Given-up deliveries in a row that stop a channel."""
STRETCH = 2.0
"""How much longer the waits are while a provider is down as a whole."""
LONGEST_REST = 300.0
"""A rest further ahead than any backoff comes from a clock that was set back."""

_log = logs.get("sender")


class Standing:
    """What one channel's sender remembers between messages. Every outcome is counted here, once."""

    def __init__(
        self,
        channel: Channel,
        pool: Pool,
        state: ChannelState,
        metrics: Metrics,
        last_success: float | None = None,
    ) -> None:
        self.channel = channel
        self.pool = pool
        self.state = state
        self._metrics = metrics
        self._labels = (channel.name, channel.kind)
        self._requests = metrics.requests.labels(*self._labels)
        self._latency = metrics.latency.labels(channel.kind)
        self._notifications = metrics.notifications.labels(*self._labels)
        self._delay = metrics.delay.labels(channel.kind)
        self._last_success = metrics.last_success.labels(channel.name)
        self._merged = metrics.merged.labels(channel.name)
        self._rest_until = 0.0
        self._outages = 0
        self.detail: Detail = "full"
        """How fully the latest message told its alerts."""
        self.late_since: float | None = None
        """Since when what is due is later than it should be; None while it is not."""
        self.worked_since = 0.0
        """Since when messages can be sent again after the provider was left alone."""
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

    def used(self, now: float) -> tuple[int, int]:
        """(messages in the fullest rate window, its limit), of a pool all together; (0, 0) without a limit."""
        return self.pool.used(now)

    @property
    def month_used(self) -> int:
        """How many posts were counted in the latest month in which there was one."""
        return self.pool.posted(max(one.month for one in self.pool.members))

    def hold_until(self, now: float) -> float:
        """Until when the provider asked to be left alone; `now` when it did not."""
        return self.pool.hold_until(now)

    def resting(self, now: float) -> float:
        """Until when the provider is left alone after an outage; `now` when it is not."""
        return self._rest_until if now < self._rest_until <= now + LONGEST_REST else now

    def change(self, state: str, reason: str, now: float) -> ChannelState:
        """Enable, disable or stop the channel; the state to keep."""
        self.state = replace(self.state, state=state, reason=reason, changed_at=now, failures=0)
        self.changes += 1
        self._rest_until, self._outages = 0.0, 0  # whoever enables a channel wants to see it work
        self.pool.revive()
        self.worked_since = now
        self._metrics.channel_enabled.labels(self.channel.name).set(self.enabled)
        _log.warning("a channel changed its state", channel=self.channel.name, state=state, reason=reason)
        return self.state

    def stop(self, reason: str, now: float) -> ChannelState:
        """Stop the channel, unless somebody disabled it meanwhile: only they enable it again. The state to keep."""
        if not self.enabled:
            return self.state
        self._metrics.stops.labels(self.channel.name).inc()
        return self.change("stopped", reason, now)

    def tried(self, attempt: Attempt, error: DeliveryError | None) -> None:
        """Count one request."""
        self._requests.inc()
        self._latency.observe(attempt.duration)
        if error is not None:
            self._metrics.requests_failed.labels(*self._labels, error.reason).inc()
            return
        if self._outages:
            self._outages, self.worked_since = 0, attempt.at
        self.last_success = attempt.at + attempt.duration
        self._last_success.set(self.last_success)

    def told(self, message: Message) -> None:
        """Count the alerts that `message` told."""
        told: Counter[Detail] = Counter()
        for carried in message.carries:
            told[carried.detail] += len(carried.alerts)
        for detail, number in told.items():
            self._metrics.alerts_told.labels(self.channel.name, detail).inc(number)

    def arrived(self, owed: Owed, now: float, *, merged: bool = False) -> ChannelState | None:
        """Count a delivery that was sent, maybe within another's message; the state to keep if it changed."""
        self._notifications.inc()
        self._delay.observe(max(0.0, now - owed.delivery.created_at))
        if merged:
            self._merged.inc()
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

    def rest(
        self, error: DeliveryError, member: Member, now: float, until: float, *, wide: bool = False
    ) -> tuple[str, float] | None:
        """Leave the provider alone after `error` of `member`, longer if it is down as a whole (`wide`).

        The hold of the credential to keep, if any.
        """
        if isinstance(error, Throttled):
            member.window.hold(until)
            self.worked_since = max(self.worked_since, until)
            return member.channel.credential, until
        if isinstance(error, Unavailable):
            self._rest_until = now + backoff(self._outages, 0.0) * (STRETCH if wide else 1.0)
            self._outages += 1
        return None

    def held(self, number: int, reason: str) -> None:
        """Count deliveries that are held because the channel is stopped or disabled."""
        self._metrics.suppressed.labels(self.channel.name, reason).inc(number)
