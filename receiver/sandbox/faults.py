"""What can go wrong between a client and a provider, on order: the next N calls are answered badly."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from aiohttp import web

from receiver.sandbox.wire import Answer

Mode = Literal[
    "answer", "delay", "close", "reset", "lost", "html", "not_found", "truncate", "trickle", "huge", "redirect",
    "blackhole",
]  # fmt: skip
MODES: tuple[str, ...] = get_args(Mode)

_TAKEN = ("delay", "lost", "truncate", "trickle")
_HTML = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body>Access denied</body></html>"
_CHUNK = b" " * 65536
REDIRECTED = "/sandbox-redirected"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to answer badly. After `seconds` of waiting:

    answer      `status` and `body`, whatever was asked; the message is not taken
    delay       the right answer
    close       the connection ends without an answer; the message is not taken
    reset       the same by TCP reset
    lost        the message is taken, then the connection ends without an answer
    html        `status` and a page of HTML, as of an address ban
    not_found   404 and the text "404 page not found"
    truncate    the message is taken, the answer stops in the middle of its JSON
    trickle     the message is taken, the answer comes at a byte per second
    huge        200 and `size` bytes of blanks before the JSON
    redirect    302 to another path of the sandbox; whoever follows it is a violation
    blackhole   nothing, until the client gives up
    """

    mode: Mode
    status: int = 200
    body: str = ""
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 100 * 1000**2

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}")
        if not isinstance(self.body, str) or not isinstance(self.seconds, int | float):
            raise ValueError("body must be a string, seconds a number")

    @property
    def takes(self) -> bool:
        """Whether the provider keeps the message although the client does not get a good answer."""
        return self.mode in _TAKEN


class Faults:
    """The faults ordered, per target: a kind, a name, either with a step (`duty/token`), or `*` for all."""

    def __init__(self) -> None:
        self._ordered: dict[str, deque[Fault]] = {}
        self._standing: dict[str, Fault] = {}

    def order(self, target: str, fault: Fault, times: int | None) -> None:
        """The next `times` calls to `target` go wrong; None means until cleared."""
        if times is None:
            self._standing[target] = fault
        else:
            self._ordered.setdefault(target, deque()).extend([fault] * times)

    def clear(self) -> None:
        """From now on everything is answered well."""
        self._ordered.clear()
        self._standing.clear()

    def next(self, *targets: str) -> Fault | None:
        """The fault that is due for a call to any of `targets`."""
        for target in (*targets, "*"):
            if self._ordered.get(target):
                return self._ordered[target].popleft()
            if target in self._standing:
                return self._standing[target]
        return None


async def wait(request: web.Request, seconds: float, stopping: asyncio.Event) -> None:
    """Wait `seconds`, less if the client goes away or the sandbox stops."""
    ends = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends and not stopping.is_set():
        if request.transport is None or request.transport.is_closing():
            return
        left = ends - asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), min(0.05, max(left, 0)))


def answered(fault: Fault, answer: Answer) -> int | None:
    """The status the client will see, None if it sees none."""
    if fault.mode in ("close", "reset", "lost", "blackhole"):
        return None
    given = {"answer": fault.status, "html": fault.status, "not_found": 404, "huge": 200, "redirect": 302}
    return given.get(fault.mode, answer.status)


async def play(fault: Fault, answer: Answer, request: web.Request, stopping: asyncio.Event) -> web.StreamResponse:
    """Answer `request` with `fault` in place of `answer`."""
    if fault.mode in ("close", "lost", "reset", "blackhole"):
        if fault.mode == "blackhole":
            await wait(request, float("inf"), stopping)
        return _hang_up(request, by_reset=fault.mode == "reset")
    if fault.mode == "truncate":
        return await _truncate(request, answer)
    if fault.mode == "trickle":
        return await _trickle(request, answer, stopping)
    if fault.mode == "huge":
        return await _flood(request, fault.size)
    return _canned(fault, answer)


def _canned(fault: Fault, answer: Answer) -> web.Response:
    if fault.mode == "html":
        return web.Response(status=fault.status, body=_HTML, content_type="text/html")
    if fault.mode == "not_found":
        return web.Response(status=404, text="404 page not found")
    if fault.mode == "redirect":
        return web.Response(status=302, headers={"Location": REDIRECTED})
    if fault.mode == "answer":
        headers = {"Content-Type": "application/json", **fault.headers}
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
    return respond(answer)


def respond(answer: Answer) -> web.Response:
    """`answer` as it goes over the wire."""
    headers = {**answer.headers, **({"Content-Type": answer.content_type} if answer.body else {})}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _hang_up(request: web.Request, by_reset: bool) -> web.Response:
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        if by_reset and sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        transport.close()
    return web.Response()


async def _stream(request: web.Request, length: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(length)})
    await response.prepare(request)
    return response


async def _truncate(request: web.Request, answer: Answer) -> web.StreamResponse:
    cut = answer.body[: len(answer.body) // 2]
    response = await _stream(request, len(cut))
    await response.write(cut)
    return response


async def _trickle(request: web.Request, answer: Answer, stopping: asyncio.Event) -> web.StreamResponse:
    response = await _stream(request, len(answer.body))
    with contextlib.suppress(ConnectionError):
        for byte in answer.body:
            await response.write(bytes([byte]))
            await wait(request, 1.0, stopping)
    return response


async def _flood(request: web.Request, length: int) -> web.StreamResponse:
    response = await _stream(request, length)
    with contextlib.suppress(ConnectionError):
        for sent in range(0, length, len(_CHUNK)):
            await response.write(_CHUNK[: length - sent])
    return response
