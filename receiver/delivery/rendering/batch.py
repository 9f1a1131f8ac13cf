"""What is to be told: alerts, each by itself or as one of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from receiver.delivery.rendering.counts import Count
from receiver.model import Alert, Event


@dataclass(frozen=True, slots=True)
class Batch:
    """What one message or several have to tell: some of an event's alerts.

    `record_url` is the page of the record, `test` marks what nobody need act on. A `digest` tells each of the alerts in
    one line, and others by their `counts`. `waiting` is how many alerts wait behind all these and will follow.
    """

    event: Event
    alerts: Sequence[Alert]
    record_url: str = ""
    test: bool = False
    digest: bool = False
    counts: Sequence[Count] = ()
    waiting: int = 0

    @property
    def pieces(self) -> int:
        """How many pieces it is told in, beside head and foot."""
        return len(self.alerts) + len(self.counts)
