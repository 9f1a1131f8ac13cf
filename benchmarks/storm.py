"""A storm to one robot: how many messages tell it, how long that takes beside the floor, and what waits how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from leaping import run
from storm_account import Account
from storm_bodies import One, webhook
from storms import NOW, Storm, robot

from benchmarks import claims
from benchmarks.tables import Table
from receiver import logs
from receiver.addresses import HttpSettings
from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, TemplateSettings
from receiver.delivery.window import Window
from receiver.http import Http
from receiver.intake.formats import parse
from receiver.settings import Rate

LIMIT = 4096
"""Bytes of a message."""
RATE = Rate(20, 62)
LARGEST = 5_000
"""How many alerts are told all in full; with more it takes too long to watch."""
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
    "critical p50",
    "max",
    "full / line / count, %",
)


class Size(NamedTuple):
    """So many alerts, spread evenly over so many seconds."""

    alerts: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.alerts:,} in {self.seconds:.0f} s"

    def arrival(self, number: int) -> float:
        """When the alert comes in, in seconds from the first one."""
        return self.seconds * number / self.alerts

    def floor(self, used: float) -> float:
        """Seconds in which so many bytes go in full messages, the last of them not before the last alert."""
        full = -(-used // LIMIT)
        return max(RATE.per * ((full - 1) // RATE.count), self.arrival(self.alerts - 1))


SIZES = (Size(60, 10), Size(300, 10), Size(1_000, 30), Size(5_000, 60), Size(10_000, 60))


@dataclass(frozen=True)
class Outcome:
    """What became of a storm: when each message went, in seconds from the first alert, and its bytes; how many seconds
    each alert waited, the quickest first, and each critical one; how many in 100 were told how fully."""

    messages: Sequence[tuple[float, int]]
    waits: Sequence[float]
    critical: Sequence[float]
    details: Sequence[float] = (100, 0, 0)

    @property
    def used(self) -> int:
        """Bytes of all messages."""
        return sum(used for _, used in self.messages)

    @property
    def fill(self) -> float:
        """How full the messages were, all but the last."""
        filled = [used for _, used in self.messages[:-1]] or [self.messages[0][1]]
        return sum(filled) / len(filled) / LIMIT

    def row(self, size: Size, strategy: str, floor: float) -> list[str]:
        """A row of the table."""
        drain = self.messages[-1][0]
        return [
            str(size),
            strategy,
            f"{len(self.messages):,}",
            f"{self.fill:.0%}",
            f"{drain:,.0f} / {floor:,.0f}",
            f"{drain / floor:.2f}",
            *(_part(self.waits, part) for part in (0.5, 0.99, 1)),
            *(_part(self.critical, part) for part in (0.5, 1)),
            " / ".join(f"{share:.0f}" for share in self.details),
        ]


def _part(waits: Sequence[float], part: float) -> str:
    return f"{waits[int((len(waits) - 1) * part)]:,.1f}"


def measure(folder: Path, *, quick: bool = False) -> list[Table]:
    """The table of all sizes and strategies, and what one message costs."""
    logs.configure("error")
    rows: list[Sequence[str]] = []
    average = 0.0
    for size in SIZES[:3] if quick else SIZES:
        ours = _rained(folder, size)
        rows.append(ours.row(size, "ours", size.floor(ours.used)))
        if size.alerts <= LARGEST:
            whole = _rained(folder, size, tell_within=0)
            average = whole.used / size.alerts
            rows.append(whole.row(size, "ours, all in full", size.floor(whole.used)))
        floor = size.floor(average * size.alerts)
        rows.append(_each_by_itself(size).row(size, "each webhook by itself", floor))
    title = "A storm to one WeCom robot (20 messages in 62 s of 4,096 bytes)"
    return [Table(title, HEADS, rows), *claims.measure(folder, quick=quick)]


def _rained(folder: Path, size: Size, **limits: Any) -> Outcome:
    with TemporaryDirectory(dir=folder) as place:
        outcome: Outcome = run(_storm(Path(place), size, limits))
        return outcome


async def _storm(folder: Path, size: Size, limits: dict[str, Any]) -> Outcome:
    async with Storm(folder, robot(limits=limits)) as storm:
        await storm.rain(map(One, range(size.alerts)), size.seconds)
        await storm.over()
        account, fill = Account(storm), storm.channels[0].fill
        account.check()
        told = [
            posted for posted in storm.sandbox.messages if posted.msgtype != "file"
        ]  # a list comes when all is told
        messages = [(posted.at - NOW, fill(posted.raw)[0]) for posted in told]
        details = [100 * account.share(detail) for detail in ("full", "line", "count")]
        return Outcome(messages, account.waits(), account.waits("high"), details)


def _each_by_itself(size: Size) -> Outcome:
    """Each webhook a message of its own, as soon as the window lets it: worked out, not waited for."""
    window, renderer, channel = Window(keep=RATE.per), Renderer(DisplaySettings(), TemplateSettings()), _channel()
    messages, waits, critical, free = [], [], [], 0.0
    for number in range(size.alerts):
        arrived = size.arrival(number)
        free = window.free_at([RATE], max(arrived, free))
        window.take(free)
        messages.append((free, _bytes_of(number, NOW + arrived, channel, renderer)))
        waits.append(free - arrived)
        if One(number).severity == "critical":
            critical.append(free - arrived)
    return Outcome(messages, sorted(waits), sorted(critical))


def _channel() -> Channel:
    kind = CHANNELS["wecom_robot"]
    return kind(kind.Settings.model_validate(robot()), Http(HttpSettings()).client())


def _bytes_of(number: int, at: float, channel: Channel, renderer: Renderer) -> int:
    event = parse(webhook([One(number)], at), "alertmanager", at)
    batch = Batch(event, event["alerts"], record_url=f"http://receiver.example.com/records/{number:028d}")
    (text,) = renderer.render(channel, batch, at).texts
    return channel.fill(channel.compose(text, f"{number:028d}"))[0]
