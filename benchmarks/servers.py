"""What the service is measured with: `python -m benchmarks.servers bare|sink PORT`."""

from __future__ import annotations

import asyncio
import sys

import orjson
import uvloop
from aiohttp import web

from benchmarks.wire import Frames

_SAID = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_OK = _SAID % (27, b'{"errcode":0,"errmsg":"ok"}')


async def bare(port: int) -> None:
    """An aiohttp handler that decodes the body and keeps nothing: as fast as a webhook can be in Python."""

    async def take(request: web.Request) -> web.Response:
        alerts = len(orjson.loads(await request.read())["alerts"])
        return web.Response(body=orjson.dumps({"alerts": alerts}), status=202, content_type="application/json")

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/webhook", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


async def sink(port: int) -> None:
    """Says `{"errcode":0,"errmsg":"ok"}` to every message, and to a GET how many there were."""
    taken = 0

    def got(connection: Frames, first: bytes) -> None:
        nonlocal taken
        if first.startswith(b"GET"):
            connection.transport.write(_SAID % (len(str(taken)), str(taken).encode()))
        else:
            taken += 1
            connection.transport.write(_OK)

    server = await asyncio.get_running_loop().create_server(lambda: Frames(got), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run({"bare": bare, "sink": sink}[sys.argv[1]](int(sys.argv[2])))
