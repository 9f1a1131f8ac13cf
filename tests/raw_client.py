"""A client that sends bytes as they are: heads no library would write, bodies that stop, connections that wait."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One TCP connection to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def send(self, data: bytes) -> None:
        """Send bytes; one that is hung up on meanwhile still reads its answer."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def answer(self, seconds: float = 20.0) -> Answer:
        """The next answer."""
        async with asyncio.timeout(seconds):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(head[0].split()[1]), headers, body)

    async def closed(self, seconds: float) -> bool:
        """Whether the other side closes the connection within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read()
                return True
        except TimeoutError:
            return False
        except ConnectionError:
            return True


async def exchange(port: int, data: bytes) -> Answer:
    """Send bytes on a connection of their own; the answer."""
    async with Connection(port) as connection:
        sending = asyncio.create_task(connection.send(data))
        try:
            return await connection.answer()
        finally:
            sending.cancel()


def post(body: bytes = b"", *headers: bytes, path: bytes = b"/webhook", method: bytes = b"POST") -> bytes:
    """A request with a Content-Length, unless `headers` say how long it is."""
    given = b"".join(header.lower() for header in headers)
    if b"content-length" not in given and b"transfer-encoding" not in given:
        headers = (*headers, b"Content-Length: %d" % len(body))
    lines = (method + b" " + path + b" HTTP/1.1", b"Host: receiver", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    """Chunks as they stand on the wire, with the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
