"""A storm in one process: intake, store and senders, and the sandbox on a port, all by the clock of a leaping loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from aiohttp import web
from leaping import Leaping
from storm_bodies import One, webhook

import receiver
from receiver.addresses import HttpSettings
from receiver.channels.registry import CHANNELS
from receiver.contacts import Contacts
from receiver.delivery import dispatch
from receiver.delivery.rendering import DisplaySettings, Renderer, TemplateSettings
from receiver.errors import StoreUnavailable
from receiver.http import Http
from receiver.intake.formats import Facts
from receiver.intake.pipeline import Intake, Posting
from receiver.intake.routing import Routes, RouteSettings
from receiver.metrics import Metrics
from receiver.model import Delivery
from receiver.sandbox import Sandbox, provider_app
from receiver.staging import introduce
from receiver.store.sqlite import open_sqlite

NOW = 1_790_000_000.0
KEY = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"
UTC = ZoneInfo("UTC")
PATIENCE = 2 * 3600.0
"""Seconds on the loop's clock in which every storm is over."""
PAUSE = 70.0
"""Seconds in which there is a slot, unless there is nothing to tell."""
TOGETHER = 0.05
"""What comes in within so many seconds comes at once: a commit costs time on the wall."""


def robot(name: str = "infra", **settings: Any) -> dict[str, Any]:
    """The configuration of a WeCom robot."""
    keyed = {} if "keys" in settings else {"key": KEY}
    return {"name": name, "kind": "wecom_robot", **keyed, **settings}


class Storm:
    """The service's rooms over a real store in `folder`, with these channels; everything goes to all of them unless
    `route` says otherwise.

    `crash` and `open` are what a restart is made of; `crashes` counts them. Unless it is to be `sending`, what is
    accepted waits until the dispatcher is started.
    """

    def __init__(
        self, folder: Path, *channels: dict[str, Any], route: dict[str, Any] | None = None, sending: bool = True
    ) -> None:
        self.path = folder / "storm.db"
        self.crashes = 0
        self._sending = sending
        self._configured = channels or (robot(),)
        self._route = route or {"channels": [channel["name"] for channel in self._configured]}

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self.sandbox = Sandbox(self.now)
        self._runner = web.AppRunner(provider_app(self.sandbox), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        await self.open()
        for channel in self.channels:
            introduce(channel, self.sandbox)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        await self._runner.cleanup()

    def now(self) -> float:
        """Unix seconds, for all that is here."""
        return NOW + self._loop.time() - self._begun

    async def open(self) -> None:
        """Start the service."""
        self.metrics, self.facts = Metrics(), Facts()
        self._http = Http(HttpSettings(allowed_networks=("127.0.0.0/8",)))
        self.channels = [self._channel(settings) for settings in self._configured]
        self.store = await open_sqlite(self.path, ballast=0, clock=self.now)
        if isinstance(self._loop, Leaping):
            _stay_for(self.store._database.writer, self._loop)
        await self._wire()
        if self._sending:
            self.dispatcher.start()

    def _channel(self, settings: dict[str, Any]) -> Any:
        kind = CHANNELS[settings["kind"]]
        here = {"base_url": f"http://127.0.0.1:{self._runner.addresses[0][1]}", **settings}
        return kind(kind.Settings.model_validate(here), self._http.client())

    async def _wire(self) -> None:
        routes = Routes(RouteSettings.model_validate(self._route))
        self.dispatcher = await dispatch.build(
            self.channels,
            self.store,
            Renderer(DisplaySettings(), TemplateSettings()),
            Contacts((), UTC),
            self.metrics,
            routed=routes.mentions,
            read=self.facts.read,
            record_url=lambda delivery: f"http://receiver.example.com/records/{delivery}",
        )
        self.intake = Intake(
            self.store,
            routes,
            {channel.name: channel for channel in self.channels},
            self.metrics,
            held=self.dispatcher.held,
            wake=self.dispatcher.wake,
            zone=UTC,
        )

    async def close(self) -> None:
        """End the service in good order."""
        await self.dispatcher.drain(15.0)
        await self._http.close()
        await self.store.close()

    async def crash(self) -> None:
        """End the service in the middle of whatever is under way, and start it anew: nobody finishes anything."""
        self.crashes += 1
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            if _is_ours(task):
                task.cancel()
        await asyncio.sleep(0)
        await self._http.close()
        await self.store.close()
        await self.open()

    async def crash_at(self, phase: str, number: int) -> None:
        """Crash at the `number`th message from now: once its slot is taken (`begin`), once the sandbox has shown it and
        nobody has read the answer (`post`), or before its end is written down (`settle`). In a pause if it never comes.
        """
        reached, ledger, show = asyncio.Event(), self.sandbox.ledger, self.sandbox.ledger.post
        if phase == "post":
            ledger.post = _counting(show, number, reached)  # type: ignore[method-assign]
        else:
            setattr(self.store, phase, _ending(getattr(self.store, phase), phase == "begin", number, reached))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reached.wait(), PAUSE)
        ledger.post = show  # type: ignore[method-assign]
        await self.crash()

    async def accept(self, *alerts: One) -> list[Delivery]:
        """Take one notification in; what is owed because of it. Again and again until it is taken, as a sender does."""
        body = webhook(alerts, self.now())
        while True:
            try:
                accepted = await self.intake.accept(Posting("alertmanager", "/webhook", body))
            except StoreUnavailable:
                await asyncio.sleep(1.0)
            else:
                return list(accepted.receipt.deliveries)

    async def rain(self, alerts: Iterable[One | Sequence[One]], seconds: float) -> None:
        """Take notifications in, one of each alert or of those together, spread evenly over so many seconds."""
        bodies = [(one,) if isinstance(one, One) else one for one in alerts]
        begun, accepting = self._loop.time(), []
        for number, together in enumerate(bodies):
            if (at := seconds * number / len(bodies)) >= self._loop.time() - begun + TOGETHER:
                await self.until(begun + at)
            accepting.append(asyncio.ensure_future(self.accept(*together)))
        await asyncio.gather(*accepting)

    async def until(self, at: float) -> None:
        """Wait for a time on the loop's clock."""
        if (wait := at - self._loop.time()) > 0:
            await asyncio.sleep(wait)

    async def over(self) -> None:
        """Wait until nothing is owed."""
        await self.when(lambda: not any(backlog.length for backlog in self._owed.values()))

    async def when(self, what: Callable[[], Any], every: float = 0.5) -> None:
        """Wait until something is so."""
        end = self._loop.time() + PATIENCE
        while True:
            self._owed = await self.store.backlog()
            if what():
                return
            assert self._loop.time() < end, "the storm has no end"
            await asyncio.sleep(every)


def _stay_for(writer: Any, loop: Leaping) -> None:
    """Let the loop leap over nothing that is being written."""
    submit = writer.submit
    writer.submit = lambda *work: loop.stay(submit(*work))


def _is_ours(task: asyncio.Task[Any]) -> bool:
    """Whether a task is the service's, not the sandbox's server's or the test's."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(receiver.__file__).parent in Path(code.co_filename).parents


def _counting(show: Callable[..., Any], number: int, reached: asyncio.Event) -> Callable[..., Any]:
    """`show`, which says when it was called so often."""
    calls = count(1)

    def counted(*args: Any) -> Any:
        if next(calls) == number:
            reached.set()
        return show(*args)

    return counted


def _ending(method: Callable[..., Any], done: bool, number: int, reached: asyncio.Event) -> Callable[..., Any]:
    """`method`, of which the `number`th call never returns; `done` says whether it does its work before."""
    calls = count(1)

    async def call(*args: Any) -> None:
        last = next(calls) == number
        if done or not last:
            await method(*args)
        if last:
            reached.set()
            await asyncio.Event().wait()

    return call
