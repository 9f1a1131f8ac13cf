"""Parts by themselves: rendering each kind's default template, and the store's group commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bodies import of_team
from benchmarks.tables import Table, median
from receiver.addresses import HttpSettings
from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, TemplateSettings
from receiver.http import Http
from receiver.intake.alertmanager import parse
from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.store import open_store
from receiver.store.base import Mark, StorageSettings, Store

SETTINGS: dict[str, dict[str, Any]] = {
    "wecom_robot": {"key": "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"},
    "dingtalk_robot": {"access_token": "t" * 64},
    "feishu_bot": {"token": "f" * 36},
    "webhook": {"url": "http://127.0.0.1/hook"},
}
ALERTS = (1, 10)
WAITING = 64
_EVENTS = 8_000


def measure(folder: Path, runs: int) -> list[Table]:
    """Both tables."""
    return [_rendering(runs), _store(folder, runs)]


def _rendering(runs: int) -> Table:
    http, renderer, rows = Http(HttpSettings()), Renderer(DisplaySettings(), TemplateSettings()), []
    for kind, keys in SETTINGS.items():
        settings = CHANNELS[kind].Settings.model_validate({"name": "c", "kind": kind, **keys})
        channel = CHANNELS[kind](settings, http.client())
        rates = [median([_rendered(renderer, channel, alerts) for _ in range(runs)]) for alerts in ALERTS]
        rows.append((kind, *(f"{rate:,.0f}" for rate in rates)))
    return Table("Rendering (renderings/s)", ("kind", *(f"{alerts} alerts" for alerts in ALERTS)), rows)


def _rendered(renderer: Renderer, channel: Channel, alerts: int) -> float:
    events = [parse(of_team(alerts, f"team-{team}"), "alertmanager") for team in range(50)]
    begun = time.perf_counter()
    for number, event in enumerate(events * 4):
        rendering = renderer.render(channel, Batch(event, event["alerts"]), 1_790_000_000.0 + number)
        for text in rendering.texts:
            channel.compose(text, f"{number:028d}")
        if rendering.failed:
            raise RuntimeError(rendering.failed)
    return len(events) * 4 / (time.perf_counter() - begun)


def _store(folder: Path, runs: int) -> Table:
    rates = [asyncio.run(_accepted(folder.absolute() / f"store-{run}.db")) for run in range(runs)]
    rows = [(f"{WAITING}", f"{median(rates):,.0f}")]
    return Table(
        "The store (SQLite, synchronous=FULL): one event, two deliveries", ("waiting at once", "accepts/s"), rows
    )


async def _accepted(path: Path) -> float:
    store = await open_store(StorageSettings(url=f"sqlite:///{path}"))
    try:
        begun = time.perf_counter()
        await asyncio.gather(*(_accept(store, number) for number in range(WAITING)))
        return _EVENTS / (time.perf_counter() - begun)
    finally:
        await store.close()


async def _accept(store: Store, number: int) -> None:
    body = b"x" * 6400
    for round_ in range(_EVENTS // WAITING):
        now = store.now()
        event = StoredEvent(new_id(now), "alertmanager", now, body)
        await store.accept(event, _deliveries(event), [Mark(f"{number}-{round_}", "", 120.0)])


def _deliveries(event: StoredEvent) -> Sequence[Delivery]:
    now = event.received_at
    one = Delivery(new_id(now), event.id, "a", "webhook", "default", "route", "g", "normal", State.QUEUED, now, now)
    return one, replace(one, id=new_id(now), channel="b")
