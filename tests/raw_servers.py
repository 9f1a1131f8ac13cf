"""Servers that answer with any bytes at all, at any pace, or not."""

import asyncio
from contextlib import asynccontextmanager

CANARY = "canary-91ab3e"


@asynccontextmanager
async def raw_server(answer):
    """A server that hands each connection to `answer(reader, writer)`; yields its URL, which holds the canary."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{CANARY}?key={CANARY}"


def saying(answer: bytes, *, close: bool = True, pause: float = 0):
    async def say(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(pause)
        writer.write(answer)
        await writer.drain()
        if close:
            writer.close()

    return say


async def reset(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
