"""The sandbox on a socket: a request becomes a Call, goes to its platform, and its Answer (or a fault) goes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from receiver import logs
from receiver.sandbox.box import Sandbox
from receiver.sandbox.faults import REDIRECTED, answered, play, respond, wait
from receiver.sandbox.ledger import Seen
from receiver.sandbox.pages import pages_app
from receiver.sandbox.wire import Answer, Call, Platform
from receiver.settings import address

_log = logs.get("sandbox")
_LARGEST = 32 * 1024**2


def provider_app(sandbox: Sandbox) -> web.Application:
    """The sandbox as an application: every provider path at the root, its page and API under `/sandbox/`."""
    app = web.Application(client_max_size=_LARGEST)
    app.router.add_get("/", _to_page)
    app.router.add_get("/sandbox", _to_page)  # before the sub-application, which would claim it
    app.add_subapp("/sandbox/", pages_app(sandbox))
    app.router.add_route("*", "/{path:.*}", _Door(sandbox).take)
    app.on_startup.append(_mark(sandbox.stopping.clear))
    app.on_shutdown.append(_mark(sandbox.stopping.set))
    return app


def _mark(change: Callable[[], None]) -> Callable[[web.Application], Awaitable[None]]:
    async def mark(_: web.Application) -> None:
        change()

    return mark


async def _to_page(_: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/sandbox/"})


class _Door:
    """Where every call to a provider comes in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def take(self, request: web.Request) -> web.StreamResponse:
        box = self.sandbox
        call = Call(
            method=request.method,
            target=request.raw_path,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            at=box.clock(),
            ip=request.remote or "",
        )
        seen = box.ledger.see(call.at, call.method, call.target, call.headers, call.body)
        platform = box.platform(call.path)
        if platform is None:
            return self._nowhere(call, seen)
        return await self._judge(request, call, platform, seen)

    def _nowhere(self, call: Call, seen: Seen) -> web.Response:
        if call.path == REDIRECTED:
            self.sandbox.ledger.violate("client", "a redirect was followed")
        answer = Answer(404, b"404 page not found", "text/plain")
        seen.status = answer.status
        return respond(answer)

    async def _judge(self, request: web.Request, call: Call, platform: Platform, seen: Seen) -> web.StreamResponse:
        box = self.sandbox
        seen.kind, seen.name = platform.kind, platform.robot(call).name
        fault = box.faults.next(*_targets(seen, platform.step(call)))
        if fault is None:
            answer = platform.answer(call)
            seen.status = answer.status
            return respond(answer)
        if fault.seconds:
            await wait(request, fault.seconds, box.stopping)
        answer = platform.answer(call) if fault.takes else Answer(200, b"{}")
        seen.status = answered(fault, answer)
        return await play(fault, answer, request, box.stopping)


def _targets(seen: Seen, step: str) -> tuple[str, ...]:
    names = (seen.name, seen.kind)
    return (*(f"{name}/{step}" for name in names if step), *names)


async def serve(sandbox: Sandbox, listen: str, ready: asyncio.Event | None = None) -> None:
    """Serve the sandbox on `host:port` until cancelled; `ready` is set once it listens. OSError if it cannot."""
    host, port = address(listen)
    runner = web.AppRunner(provider_app(sandbox), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or None, port).start()
        _log.info("the sandbox listens", address=listen, page="/sandbox/")
        if ready is not None:
            ready.set()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
