"""The listening socket, how many connections it takes, and how long it waits for the head of a request.

aiohttp 3.14 bounds neither the time a request's headers may take nor the silence of a fresh connection, but for its
keep-alive timeout: a few hundred slow connections would stay for minutes.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from contextlib import suppress
from typing import Any, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from receiver import logs
from receiver.settings import address
from receiver.web.answers import refusal

HEAD_SECONDS = 9.0
"""How long a request's head may take, from the connection or from its first byte."""


_log = logs.get("web")
_WORDS = {400: ("bad_request", "this is no valid HTTP request, or its head is too long")}


class _Bare(web.Response):
    """An answer that no application dresses: without a word of what serves it."""

    def __init__(self, told: web.Response) -> None:
        super().__init__(body=told.body, status=told.status, headers=told.headers)

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


class PatientHandler(RequestHandler):
    """aiohttp's connection, closed when the head of a request does not arrive in time, or at once if it is one too
    many: descriptors must be left for the store and for the providers."""

    __slots__ = ("_most", "_patience")

    def __init__(self, manager: web.Server, *, most: int, **options: Any) -> None:
        super().__init__(manager, **options)
        self._most = most
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._manager is not None and len(self._manager.connections) >= self._most:
            cast(asyncio.Transport, transport).abort()
            return
        super().connection_made(transport)
        self._patience = self._loop.call_later(HEAD_SECONDS, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._request_count != before or self._messages or self._request_in_progress:
            self._calm()
        elif self._patience is None and self.transport is not None:
            self._patience = self._loop.call_later(HEAD_SECONDS, self.force_close)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no HTTP, as every error is answered; aiohttp's would repeat, and log, what was sent."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        del message  # it quotes what was sent
        if status >= 500:
            _log.error("a connection failed", error=type(exc).__name__)
        word, sentence = _WORDS.get(status, ("internal", "the request could not be processed"))
        response = _Bare(refusal(status, word, sentence))
        response.force_close()
        return response

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def bind(listen: str) -> list[socket.socket]:
    """Sockets bound to `host:port` (`:8060` is every address). OSError when it cannot be had."""
    host, port = address(listen)
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets = []
    for family, kind, protocol, _, place in dict.fromkeys(found):
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(place)
        sockets.append(bound)
    return sockets


def most_connections() -> int:
    """How many connections are taken: half of the descriptors this process may have, which is raised to its limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return 16_384 if soft == resource.RLIM_INFINITY else max(16, min(16_384, soft // 2))


async def listen(runner: web.AppRunner, bound: list[socket.socket], **options: Any) -> list[asyncio.Server]:
    """Serve the runner's application on bound sockets."""
    loop, manager, most = asyncio.get_running_loop(), runner.server, most_connections()
    if manager is None:
        raise RuntimeError("the runner is not set up")

    def connection() -> PatientHandler:
        return PatientHandler(manager, most=most, loop=loop, access_log=None, **options)

    return [await loop.create_server(connection, sock=one, backlog=1024) for one in bound]
