"""Previews take their turns: one at a time, in a thread, and not too many wait."""

from __future__ import annotations

import asyncio
import threading
import time

import aiohttp
import pytest
from aiohttp import web
from stage import eventually, notification

from receiver.delivery.preview import Preview
from receiver.web.render import Render


async def ask(url):
    """(status, answer) of one request."""
    asked = {"kind": "webhook", "event": notification("A")}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/api/v1/render", json=asked) as response:
        return response.status, await response.json()


class Slow:
    """A maker of previews that waits until it may go on."""

    def __init__(self):
        self.go, self.running, self.most = threading.Event(), 0, 0

    def __call__(self, _wanted, _now):
        self.running += 1
        self.most = max(self.most, self.running)
        self.go.wait(10)
        self.running -= 1
        return Preview("webhook", "default", "zh", (), (), True)


@pytest.fixture
async def slow(aiohttp_server):
    slow, app = Slow(), web.Application()
    app.add_routes(Render(slow).routes())
    app.router.add_get("/", _quick)
    slow.url = str((await aiohttp_server(app)).make_url("")).rstrip("/")
    yield slow
    slow.go.set()


async def _quick(_):
    return web.Response()


async def test_previews_are_made_one_at_a_time_beside_everything_else(slow):
    asked = [asyncio.create_task(ask(slow.url)) for _ in range(8)]
    await eventually(lambda: slow.running)
    begun = time.perf_counter()
    async with aiohttp.ClientSession() as session, session.get(slow.url) as response:
        assert response.status == 200
    assert time.perf_counter() - begun < 2.0
    slow.go.set()
    assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 8
    assert slow.most == 1


async def test_who_comes_when_too_many_wait_is_asked_to_come_back(slow):
    asked = [asyncio.create_task(ask(slow.url)) for _ in range(9)]
    await eventually(lambda: any(task.done() for task in asked))
    (refused,) = [task.result() for task in asked if task.done()]
    assert (refused[0], refused[1]["error"]) == (503, "unavailable")
    slow.go.set()
    await asyncio.gather(*asked)
