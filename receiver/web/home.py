"""The start page: where things are."""

from __future__ import annotations

from aiohttp import web

from receiver.web.answers import answer
from receiver.web.middleware import rule


@rule("open")
async def to_sandbox(_: web.Request) -> web.Response:
    """The sandbox's page uses relative links: it needs the slash."""
    raise web.HTTPFound("/sandbox/")


class Home:
    """With the sandbox, the page that shows its messages; else a short map of the API."""

    def __init__(self, sandbox: bool) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        """The root."""
        return [web.get("/", self.home)]

    @rule("viewer")
    async def home(self, _: web.Request) -> web.Response:
        """Where to go from here."""
        if self._sandbox:
            raise web.HTTPFound("/sandbox/")
        return answer({"records": "/api/v1/records", "channels": "/api/v1/channels", "metrics": "/metrics"})
