"""The whole service, put together: the only file that knows every room."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from receiver import __version__, logs, staging
from receiver.auth import Senders, Users
from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.config import Settings
from receiver.contacts import Contacts
from receiver.delivery import dispatch
from receiver.delivery.dispatch import Dispatcher
from receiver.delivery.rendering import Renderer
from receiver.delivery.standing import Standing
from receiver.errors import ConfigError, Fault
from receiver.http import Http
from receiver.intake.formats import Facts
from receiver.intake.pipeline import UNKNOWN, Intake
from receiver.intake.routing import Routes
from receiver.metrics import DETAILS, Metrics
from receiver.previews import Previews
from receiver.sandbox import Sandbox, pages_app
from receiver.settings import fingerprint
from receiver.staging import Stage
from receiver.store import open_store
from receiver.store.base import Backlog, Store
from receiver.web.api import Api
from receiver.web.home import Home, to_sandbox
from receiver.web.ingress import Ingress
from receiver.web.middleware import dress, guard
from receiver.web.ops import Ops
from receiver.web.patience import bind, listen
from receiver.web.records import Records
from receiver.web.render import Render
from receiver.web.sending import Sending

DRAIN_SECONDS = 12.0
"""How long a message in flight may take to end after SIGTERM: a request's own 10 s and its record."""
_PRUNE_EVERY = 300.0
_log = logs.get("app")


@dataclass(frozen=True, slots=True)
class Service:
    """The rooms of one running service."""

    settings: Settings
    store: Store
    metrics: Metrics
    dispatcher: Dispatcher
    ingress: Ingress
    ops: Ops
    http: Http
    facts: Facts
    sandbox: Sandbox | None = None


SERVICE: web.AppKey[Service] = web.AppKey("service", Service)


async def create_app(settings: Settings, *, sandbox: bool = False) -> web.Application:
    """The service as an application; it runs from startup to cleanup. With `sandbox` nothing is sent outside."""
    staged = await staging.build() if sandbox else None
    service = await _build(settings, staged)
    app = web.Application(middlewares=[guard(Users(settings.auth.users))], client_max_size=settings.server.max_body)
    app[SERVICE] = service
    for face in (
        service.ingress,
        service.ops,
        Records(service.store, service.facts.read),
        Sending(service.store, service.dispatcher),
        Api(service.store, service.dispatcher),
        Render(Previews(settings).make),
        Home(sandbox),
    ):
        app.add_routes(face.routes())
    if staged:
        app.router.add_get("/sandbox", to_sandbox)
        app.add_subapp("/sandbox/", pages_app(staged.sandbox))
    app.on_response_prepare.append(dress)
    app.cleanup_ctx.append(_lifetime(service, staged))
    return app


async def _build(settings: Settings, stage: Stage | None) -> Service:
    metrics = Metrics()
    store = await open_store(settings.storage, on_commit=metrics.commit.observe)
    http = Http(settings.http, trusted=[("127.0.0.1", stage.port)] if stage else [])
    channels = _channels(settings, http, stage)
    _expect(metrics, settings, channels)
    facts = Facts()
    routes = Routes(settings.route)
    dispatcher = await dispatch.build(
        channels,
        store,
        Renderer(settings.display, settings.templates),
        Contacts(settings.contacts, ZoneInfo(settings.display.timezone)),
        metrics,
        routed=routes.mentions,
        read=facts.read,
        record_url=settings.server.record_url,
        page_url=lambda path: settings.server.external_url + path,
        zone=ZoneInfo(settings.display.timezone),
    )
    intake = Intake(
        store,
        routes,
        {channel.name: channel for channel in channels},
        metrics,
        held=dispatcher.held,
        wake=dispatcher.wake,
        zone=ZoneInfo(settings.display.timezone),
    )
    ingress = Ingress(intake, Senders(settings.auth.webhooks), metrics, settings.server.max_body)
    ops = Ops(metrics, check=store.check, refresh=lambda: _refresh(store, dispatcher, metrics))
    return Service(settings, store, metrics, dispatcher, ingress, ops, http, facts, stage.sandbox if stage else None)


def _channels(settings: Settings, http: Http, stage: Stage | None) -> list[Channel]:
    chosen = [stage.turn(channel) if stage else channel for channel in settings.channels]
    channels = [CHANNELS[channel.kind](channel, http.client(channel.http_config)) for channel in chosen]
    if stage:
        stage.expect(channels)
    return channels


def _expect(metrics: Metrics, settings: Settings, channels: Sequence[Channel]) -> None:
    sources = {credential.name for credential in settings.auth.webhooks} | {"alertmanager", "grafana", UNKNOWN}
    templates = {channel.settings.template for channel in channels}
    metrics.expect({channel.name: channel.kind for channel in channels}, sorted(sources), sorted(templates))
    metrics.build.labels(__version__).set(1)
    metrics.reload_ok.set(1)
    metrics.reload_at.set(time.time())
    metrics.config_hash.set(int(fingerprint(settings)[:12], 16))


async def _refresh(store: Store, dispatcher: Dispatcher, metrics: Metrics) -> None:
    owed, now = await store.backlog(), store.now()
    for name, sender in dispatcher.senders.items():
        backlog = owed.get(name, Backlog())
        metrics.queue_length.labels(name).set(backlog.length)
        metrics.queue_oldest.labels(name).set(max(0.0, now - backlog.oldest) if backlog.oldest is not None else 0)
        _measure(sender.standing, metrics, now)


def _measure(standing: Standing, metrics: Metrics, now: float) -> None:
    name, (used, limit) = standing.channel.name, standing.used(now)
    for gauge, value in (
        (metrics.window_used, used),
        (metrics.window_limit, limit),
        (metrics.hold, standing.hold_until(now) - now),
        (metrics.detail, DETAILS.index(standing.detail)),
        (metrics.monthly_posts, standing.pool.posts(now) if standing.channel.month(now) else 0),
        (metrics.monthly_limit, standing.channel.settings.limits.monthly or 0),
    ):
        gauge.labels(name).set(value)


def _lifetime(service: Service, stage: Stage | None) -> Any:
    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        service.dispatcher.start()
        pruning = asyncio.create_task(_prune(service.store, service.settings.storage.retention))
        yield
        pruning.cancel()
        await service.dispatcher.drain(DRAIN_SECONDS)
        await service.http.close()
        if stage:
            await stage.runner.cleanup()
        await service.store.close()

    return lifetime


async def _prune(store: Store, retention: float) -> None:
    """Forget what is older than the retention, a little at a time."""
    while True:
        try:
            forgotten = await store.prune(store.now() - retention)
        except Exception as error:  # pruning must never end the service; the next round tries again
            _log.warning("old records could not be pruned", error=str(error))
            forgotten = 0
        await asyncio.sleep(0.2 if forgotten else _PRUNE_EVERY)


async def serve(settings: Settings, *, sandbox: bool = False) -> None:
    """Run until SIGTERM or SIGINT, then finish what is in flight. OSError when the address cannot be had."""
    sockets = bind(settings.server.listen)
    app = await create_app(settings, sandbox=sandbox)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    servers = await listen(runner, sockets, keepalive_timeout=75.0, lingering_time=1.0)
    _log.info("listening", address=settings.server.listen, version=__version__, sandbox=sandbox)
    _spare_the_collector()
    await _until_told()
    service = app[SERVICE]
    service.ops.draining = True
    _log.info("going down: no longer ready, finishing what is in flight")
    await service.dispatcher.drain(DRAIN_SECONDS)
    service.ingress.draining = True
    for server in servers:
        server.close()
    await runner.cleanup()
    _log.info("ended")


def _spare_the_collector() -> None:
    """What stands now stays, and a request leaves few cycles: look for garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _until_told() -> None:
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, told.set)
    await told.wait()


def check_templates(settings: Settings) -> None:
    """Render every template on every sample. ConfigError with what fails, and for which channels."""
    renderer, found = Renderer(settings.display, settings.templates), dict[Fault, list[str]]()
    for number, channel in enumerate(_channels(settings, Http(settings.http), None)):
        for fault in renderer.check([channel]):
            found.setdefault(fault, []).append(f"channels[{number}]")
    if found:
        raise ConfigError([_in_its_file(fault, channels) for fault, channels in found.items()])


def _in_its_file(fault: Fault, channels: list[str]) -> Fault:
    """The line is one of the template, not of the configuration: it belongs behind the template's name."""
    several = f" and {len(channels) - 1} more" if len(channels) > 1 else ""
    place = f"{fault.path}:{fault.line}" if fault.line else fault.path
    return Fault(place, f"{fault.rule} (template of {channels[0]}{several})")
