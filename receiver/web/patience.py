"""The listening socket, and how long it waits for the head of a request.

aiohttp 3.14 bounds neither the time a request's headers may take nor the silence of a fresh connection, but for its
keep-alive timeout: a few hundred slow connections would stay for minutes.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

HEAD_SECONDS = 9.0
"""How long a request's head may take, from the connection or from its first byte."""


class PatientHandler(RequestHandler):
    """aiohttp's connection, closed when the head of a request does not arrive in time."""

    __slots__ = ("_patience",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._patience: asyncio.TimerHandle | None = self._loop.call_later(HEAD_SECONDS, self.force_close)

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

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def bind(listen: str) -> list[socket.socket]:
    """Sockets bound to `host:port` (`:8060` is every address). OSError when it cannot be had."""
    host, _, port = listen.rpartition(":")
    found = socket.getaddrinfo(
        host.strip("[]") or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets = []
    for family, kind, protocol, _, address in dict.fromkeys(found):
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        sockets.append(bound)
    return sockets


async def listen(runner: web.AppRunner, bound: list[socket.socket], **options: Any) -> list[asyncio.Server]:
    """Serve the runner's application on bound sockets."""
    loop, manager = asyncio.get_running_loop(), runner.server
    if manager is None:
        raise RuntimeError("the runner is not set up")

    def connection() -> PatientHandler:
        return PatientHandler(manager, loop=loop, access_log=None, **options)  # type: ignore[arg-type]

    return [await loop.create_server(connection, sock=one, backlog=1024) for one in bound]
