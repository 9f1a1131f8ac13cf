"""Just enough HTTP/1.1 for a load generator and a sink that cost as little as they can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

_LENGTH = b"content-length:"


class Frames(asyncio.Protocol):
    """Cuts a stream into requests or answers with a Content-Length, and calls `got` with the first line of each."""

    def __init__(self, got: Callable[[Frames, bytes], None]) -> None:
        self._got = got
        self._buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none of asyncio's

    def data_received(self, data: bytes) -> None:
        """Call `got` for all that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            whole = end + 4 + _length(self._buffer[:end].lower())
            if len(self._buffer) < whole:
                return
            first = self._buffer[: self._buffer.index(b"\r\n")]
            self._buffer = self._buffer[whole:]
            self._got(self, first)


def _length(head: bytes) -> int:
    at = head.find(_LENGTH)
    if at < 0:
        return 0
    at += len(_LENGTH)
    end = head.find(b"\r\n", at)
    return int(head[at : end if end >= 0 else None])


def post(path: str, body: bytes) -> bytes:
    """A POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
