"""Every metric, counted through here and nowhere else; none has a label whose values come from an alert."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

REASONS = (
    "clientError",
    "serverError",
    "authError",
    "rateLimited",
    "contextCanceled",
    "contextDeadlineExceeded",
    "other",
)
DETAILS = ("full", "line", "count")
"""From the most detailed to the least; the place of each is the value of the gauge."""
REJECTIONS = ("unauthorized", "tooLarge", "badBody", "unavailable")
SUPPRESSIONS = ("paused", "dropped", "empty", "error", "disabled", "stopped", "schedule", "interval", "duplicate")
_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_REQUEST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_DELAY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600, 14400, 86400)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The registry of one service. Counters stand at 0 from the start for every channel, kind and source known."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"alertreceiver_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"alertreceiver_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
            return Histogram(f"alertreceiver_{name}", text, labels, registry=self.registry, buckets=tuple(buckets))

        self.events_received = counter("events_received", "Webhook bodies accepted.", "source")
        self.events_rejected = counter("events_rejected", "Webhook bodies not accepted.", "source", "reason")
        self.events_duplicate = counter("events_duplicate", "Accepted bodies that were taken before.", "source")
        self.alerts_received = counter("alerts_received", "Alerts in accepted bodies.", "status")
        self.notifications = counter("notifications", "Deliveries that ended as sent.", "channel", "kind")
        self.notifications_failed = counter("notifications_failed", "Deliveries given up.", "channel", "kind", "reason")
        self.requests = counter("notification_requests", "Requests to a provider.", "channel", "kind")
        self.requests_failed = counter(
            "notification_requests_failed", "Requests the provider did not confirm.", "channel", "kind", "reason"
        )
        self.latency = histogram("notification_latency_seconds", "Duration of one request.", _REQUEST, "kind")
        self.delay = histogram("delivery_delay_seconds", "From accepted to sent.", _DELAY, "kind")
        self.suppressed = counter(
            "deliveries_suppressed", "Deliveries held back or dropped by a rule.", "channel", "reason"
        )
        self.merged = counter("deliveries_merged", "Deliveries that went out within another message.", "channel")
        self.relieved = counter("deliveries_relieved", "Deliveries that the fallback was given to tell.", "channel")
        self.alerts_told = counter("alerts_told", "Alerts in confirmed messages, by how fully.", "channel", "detail")
        self.detail = gauge("channel_detail", "How the latest message told: 0 in full, 1 lines, 2 counts.", "channel")
        self.queue_length = gauge("queue_length", "Deliveries queued or being sent.", "channel")
        self.queue_oldest = gauge("queue_oldest_age_seconds", "Age of the oldest delivery still owed.", "channel")
        self.window_used = gauge("rate_window_used", "Messages in the channel's fullest rate window.", "channel")
        self.window_limit = gauge("rate_window_limit", "Limit of that window; 0 without one.", "channel")
        self.hold = gauge("rate_hold_seconds", "How long the provider still asks to be left alone.", "channel")
        self.monthly_posts = gauge("monthly_posts", "Posts in this month; 0 where nobody counts them.", "channel")
        self.monthly_limit = gauge("monthly_limit", "The channel's limits.monthly; 0 without one.", "channel")
        self.channel_enabled = gauge("channel_enabled", "1 unless disabled or stopped.", "channel")
        self.stops = counter("channel_stops", "How often the channel stopped by itself.", "channel")
        self.last_success = gauge(
            "channel_last_success_timestamp_seconds", "When the provider last confirmed a message; 0 never.", "channel"
        )
        self.template_failures = counter("template_failures", "Renderings that fell back to plain text.", "template")
        self.commit = histogram("store_commit_seconds", "Duration of one group commit.", _QUICK)
        self.reload_ok = gauge("config_last_reload_successful", "1 when the last load of the configuration worked.")
        self.reload_at = gauge("config_last_reload_success_timestamp_seconds", "When it last worked.")
        self.config_hash = gauge("config_hash", "Hash of the configuration in force.")
        self.build = gauge("build_info", "Constant 1, by version.", "version")

    def expect(self, channels: Mapping[str, str], sources: Iterable[str], templates: Iterable[str]) -> None:
        """Pre-initialise what is known: channels by name with their kind, sources, templates."""
        for status in ("firing", "resolved"):
            self.alerts_received.labels(status)
        for source in sources:
            self.events_received.labels(source)
            self.events_duplicate.labels(source)
            for reason in REJECTIONS:
                self.events_rejected.labels(source, reason)
        for template in templates:
            self.template_failures.labels(template)
        for channel, kind in channels.items():
            self._expect_channel(channel, kind)

    def _expect_channel(self, channel: str, kind: str) -> None:
        for counter in (self.notifications, self.requests):
            counter.labels(channel, kind)
        for reason in REASONS:
            self.notifications_failed.labels(channel, kind, reason)
            self.requests_failed.labels(channel, kind, reason)
        for reason in SUPPRESSIONS:
            self.suppressed.labels(channel, reason)
        for detail in DETAILS:
            self.alerts_told.labels(channel, detail)
        for gauge in (self.queue_length, self.queue_oldest, self.window_used, self.window_limit, self.last_success):
            gauge.labels(channel).set(0)
        for gauge in (self.detail, self.hold, self.monthly_posts, self.monthly_limit):
            gauge.labels(channel).set(0)
        for counter in (self.merged, self.relieved, self.stops):
            counter.labels(channel)
        self.channel_enabled.labels(channel).set(1)
        self.latency.labels(kind)
        self.delay.labels(kind)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format 0.0.4."""
        return generate_latest(self.registry)
