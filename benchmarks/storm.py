"""A storm to one robot: how many messages tell it, how long that takes beside the floor, and what waits how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from leaping import run
from storm_account import Account
from storm_bodies import One, webhook
from storms import NOW, Storm, robot

from benchmarks.tables import Table
from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, TemplateSettings
from receiver.delivery.window import Window
from receiver.intake.formats import parse
from receiver.settings import Rate

LIMIT = 4096
"""Bytes of a message."""
RATE = Rate(20, 62)


class Size(NamedTuple):
    """So many alerts, spread evenly over so many seconds; `whole` says whether all are told in full, too."""

    alerts: int
    seconds: float
    whole: bool = True

    def __str__(self) -> str:
        return f"{self.alerts:,} in {self.seconds:.0f} s"


SIZES = (Size(60, 10), Size(300, 10), Size(1_000, 30), Size(5_000, 60), Size(10_000, 60, whole=False))


@dataclass(frozen=True)
class Outcome:
    """What became of a storm of `size`: when each message went, in seconds from the first alert, and its bytes; how many
    seconds each alert waited, the quickest first; how many in a hundred were told in full, in a line, as a number."""

    size: Size
    messages: Sequence[tuple[float, int]]
    waits: Sequence[float]
    details: Sequence[float] = (100, 0, 0)

    @property
    def fill(self) -> float:
        """How full the messages were, all but the last."""
        filled = [used for _, used in self.messages[:-1]] or [self.messages[0][1]]
        return sum(filled) / len(filled) / LIMIT

    @property
    def drain(self) -> float:
        """Seconds until the last message."""
        return self.messages[-1][0]

    @cached_property
    def floor(self) -> float:
        """Seconds in which the same bytes would have gone in full messages, the last not before the last alert."""
        full = -(-sum(used for _, used in self.messages) // LIMIT)
        return max(RATE.per * ((full - 1) // RATE.count), self.size.seconds * (1 - 1 / self.size.alerts))

    def row(self, strategy: str) -> list[str]:
        """A row of the table."""
        waits = [f"{self.waits[int((len(self.waits) - 1) * part)]:,.1f}" for part in (0.5, 0.99, 1)]
        return [
            str(self.size),
            strategy,
            f"{len(self.messages):,}",
            f"{self.fill:.0%}",
            f"{self.drain:,.0f} / {self.floor:,.0f}",
            f"{self.drain / self.floor:.2f}",
            *waits,
            " / ".join(f"{share:.0f}" for share in self.details),
        ]


HEADS = (
    "storm",
    "strategy",
    "messages",
    "fill",
    "drain / floor, s",
    "ratio",
    "told after p50, s",
    "p99",
    "max",
    "full / line / count, %",
)


def measure(folder: Path, sizes: Sequence[Size] = SIZES) -> list[Table]:
    """The table of all sizes and strategies."""
    logs.configure("error")
    rows: list[Sequence[str]] = []
    for size in sizes:
        rows.append(_rained(folder, size).row("ours"))
        if size.whole:
            rows.append(_rained(folder, size, tell_within=0).row("ours, all in full"))
        rows.append(_each_by_itself(size).row("each webhook by itself"))
    return [Table("A storm to one WeCom robot (20 messages in 62 s, 4,096 bytes)", HEADS, rows)]


def _rained(folder: Path, size: Size, **limits: Any) -> Outcome:
    with TemporaryDirectory(dir=folder) as place:
        outcome: Outcome = run(_storm(Path(place), size, limits))
        return outcome


async def _storm(folder: Path, size: Size, limits: dict[str, Any]) -> Outcome:
    async with Storm(folder, robot(limits=limits)) as storm:
        await storm.rain(map(One, range(size.alerts)), size.seconds)
        await storm.over()
        account = Account(storm)
        account.check()
        fill = storm.channels[0].fill
        told = [posted for posted in storm.sandbox.messages if posted.msgtype != "file"]
        messages = [(posted.at - NOW, fill(posted.raw)[0]) for posted in told]
        details = [100 * account.share(detail) for detail in ("full", "line", "count")]
        return Outcome(size, messages, account.waits(), details)


def _each_by_itself(size: Size) -> Outcome:
    """Each webhook a message of its own, as soon as the window lets it: worked out, not waited for."""
    window, renderer, channel = Window(keep=RATE.per), Renderer(DisplaySettings(), TemplateSettings()), _channel()
    messages, waits, free = [], [], 0.0
    for number in range(size.alerts):
        arrived = size.seconds * number / size.alerts
        free = window.free_at([RATE], max(arrived, free))
        window.take(free)
        messages.append((free, _bytes_of(number, NOW + arrived, channel, renderer)))
        waits.append(free - arrived)
    return Outcome(size, messages, sorted(waits))


def _channel() -> Channel:
    from receiver.addresses import HttpSettings
    from receiver.channels.registry import CHANNELS
    from receiver.http import Http

    kind = CHANNELS["wecom_robot"]
    return kind(kind.Settings.model_validate(robot()), Http(HttpSettings()).client())


def _bytes_of(number: int, at: float, channel: Channel, renderer: Renderer) -> int:
    event = parse(webhook([One(number)], at), "alertmanager", at)
    batch = Batch(event, event["alerts"], record_url=f"http://receiver.example.com/records/{number:028d}")
    (text,) = renderer.render(channel, batch, at).texts
    return channel.fill(channel.compose(text, f"{number:028d}"))[0]
