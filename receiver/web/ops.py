"""/-/healthy, /-/ready and /metrics: how the service is, for machines; no credentials asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from receiver.errors import StoreUnavailable
from receiver.metrics import Metrics
from receiver.web.answers import refusal
from receiver.web.middleware import rule

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Ops:
    """`check` raises StoreUnavailable while nothing can be accepted; `refresh` brings the gauges up to date."""

    def __init__(
        self, metrics: Metrics, *, check: Callable[[], Awaitable[None]], refresh: Callable[[], Awaitable[None]]
    ) -> None:
        self.draining = False
        self._metrics = metrics
        self._check = check
        self._refresh = refresh

    def routes(self) -> list[web.RouteDef]:
        """The paths Alertmanager and Prometheus have as well."""
        return [
            web.get("/-/healthy", self.healthy),
            web.get("/-/ready", self.ready),
            web.get("/metrics", self.metrics),
        ]

    @rule("open")
    async def healthy(self, _: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(text="OK")

    @rule("open")
    async def ready(self, _: web.Request) -> web.Response:
        """The store can be written and the service is not going down."""
        if self.draining:
            return refusal(503, "unavailable", "the service is going down")
        try:
            await self._check()
        except StoreUnavailable as error:
            return refusal(503, "unavailable", str(error))
        return web.Response(text="OK")

    @rule("open")
    async def metrics(self, _: web.Request) -> web.Response:
        """Prometheus' text format."""
        with suppress(StoreUnavailable):  # then above all the figures are asked for
            await self._refresh()
        return web.Response(body=self._metrics.exposition(), headers={"Content-Type": _EXPOSITION})
