"""Parts by themselves: rendering each kind's default template, and the store's group commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jinja2

from benchmarks.bodies import of_team
from benchmarks.tables import Table, median
from receiver.addresses import HttpSettings
from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, TemplateSettings
from receiver.delivery.rendering.facts import KEYS, Facts, of_channel
from receiver.delivery.rendering.library import Compiled, Library
from receiver.delivery.rendering.sources import Sources
from receiver.delivery.rendering.times import zone
from receiver.http import Http
from receiver.intake.alertmanager import parse
from receiver.model import Delivery, Event, State, StoredEvent, new_id
from receiver.store import open_store
from receiver.store.base import Mark, StorageSettings, Store

FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    *((kind, {}) for kind in CHANNELS),
    ("wecom_robot", {"format": "markdown_v2"}),
    ("wecom_robot", {"format": "template_card"}),
    ("dingtalk_robot", {"format": "action_card"}),
)
WAITING = 64
_EVENTS = 8_000


def measure(folder: Path, runs: int) -> list[Table]:
    """Both tables."""
    return [_rendering(runs), _store(folder, runs)]


def _rendering(runs: int) -> Table:
    http, renderer, rows = Http(HttpSettings()), Renderer(DisplaySettings(), TemplateSettings()), []
    for kind, changes in FORMS:
        offered = {"name": "c", "kind": kind, **CHANNELS[kind].sample, **changes}
        channel = CHANNELS[kind](CHANNELS[kind].Settings.model_validate(offered), http.client())
        pairs = [(_rendered(renderer, channel, 10), _bare(channel, 10)) for _ in range(runs)]
        ours, bare = median([one for one, _ in pairs]), median([other for _, other in pairs])
        one = median([_rendered(renderer, channel, 1) for _ in range(runs)])
        form = f"{kind}, {changes['format']}" if changes else kind
        rows.append((form, f"{one:,.0f}", f"{ours:,.0f}", f"{bare:,.0f}", f"{ours / bare:.2f}"))
    columns = ("kind", "1 alert", "10 alerts", "bare Jinja, 10 alerts", "ratio")
    return Table("Rendering and composing (messages/s)", columns, rows)


def _rendered(renderer: Renderer, channel: Channel, alerts: int) -> float:
    events = _events(alerts)
    begun = time.perf_counter()
    for number, event in enumerate(events * 4):
        rendering = renderer.render(channel, Batch(event, event["alerts"]), 1_790_000_000.0 + number)
        for text in rendering.texts:
            channel.compose(text, f"{number:028d}")
        if rendering.failed:
            raise RuntimeError(rendering.failed)
    return len(events) * 4 / (time.perf_counter() - begun)


def _bare(channel: Channel, alerts: int) -> float:
    """The same body template by Jinja alone: every fact worked out before, nothing escaped, bounded or composed."""
    library = Library(Sources(None), zone("Asia/Shanghai"))
    compiled = library.body(channel, "zh")
    bare = jinja2.Environment(loader=compiled.environment.loader, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    bare.undefined = jinja2.ChainableUndefined
    bare.filters.update(compiled.environment.filters)
    bare.globals.update(compiled.environment.globals)
    template = bare.get_template(compiled.template.name or "")
    prepared = [_prepared(channel, event, compiled) for event in _events(alerts)]
    begun = time.perf_counter()
    for facts in prepared * 4:
        template.render(facts)
    return len(prepared) * 4 / (time.perf_counter() - begun)


def _prepared(channel: Channel, event: Event, compiled: Compiled) -> dict[str, Any]:
    batch = Batch(event, event["alerts"])
    facts = Facts(batch, of_channel(channel), 1_790_000_000.0, "zh", zone("Asia/Shanghai"))
    facts["heading"] = "heading"
    compiled.render(facts, len(batch.alerts))  # works out what the template asks for
    made = {key: facts[key] for key in KEYS}
    compiled.environment.budget.start(10**6)
    return made


def _events(alerts: int) -> list[Event]:
    return [parse(of_team(alerts, f"team-{team}"), "alertmanager") for team in range(50)]


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
