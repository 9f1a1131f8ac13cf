"""Slow senders: whoever does not finish a request is let go within 10 s and delays nobody; the idle are left alone."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest
from aiohttp import web
from raw_client import Connection, post
from stage import notification

from receiver.web import ingress, patience

SLOW = 200
HEAD = b"POST /webhook HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\n"


async def drip(port, first):
    """Send `first`, then a byte now and then; the seconds until we were hung up on."""
    async with Connection(port) as connection:
        begun = time.monotonic()
        await connection.send(first)
        while not await connection.closed(0.4):
            await connection.send(b"x")
            assert time.monotonic() - begun < 30
        return time.monotonic() - begun


async def timed(service, session, number):
    """One normal post; the seconds to its answer."""
    begun = time.perf_counter()
    async with session.post(f"{service.url}/webhook", json=notification("A", group=str(number))) as response:
        assert response.status == 202
    return time.perf_counter() - begun


async def p99(service, session, seconds, first):
    """The 99th percentile of posts every 20 ms."""
    taken, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        taken.append(await timed(service, session, first + len(taken)))
        await asyncio.sleep(0.02)
    return sorted(taken)[int(len(taken) * 0.99)]


async def test_two_hundred_slow_senders_are_let_go_and_delay_nobody(serve, providers):
    service = await serve(route={"channels": ["itsm"]})
    port = int(service.url.rpartition(":")[2])
    async with aiohttp.ClientSession() as session:
        idle = await p99(service, session, 2.0, 0)
        heads = [drip(port, HEAD + b"X-Slow: ") for _ in range(SLOW // 2)]
        bodies = [drip(port, HEAD + b"Content-Length: 9999\r\n\r\n{") for _ in range(SLOW // 2)]
        siege = [asyncio.create_task(one) for one in heads + bodies]
        besieged = await p99(service, session, 6.0, 1000)
        assert not any(one.done() for one in siege)
        lasted = await asyncio.gather(*siege)
    assert max(lasted) < 10.0 + 2.0
    assert besieged < 0.05 + 5 * idle


@pytest.fixture
async def hasty(face, monkeypatch):
    """The service with less patience, so that tests need not wait."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.6)
    monkeypatch.setattr(ingress, "READ_SECONDS", 0.6)
    return await face()


@pytest.mark.parametrize(
    "sent", [b"", b"P", HEAD, b"\r\n"], ids=["nothing", "one byte", "half a head", "an empty line"]
)
async def test_a_head_that_does_not_come_is_not_waited_for(hasty, sent):
    async with Connection(hasty.port) as connection:
        await connection.send(sent)
        assert not await connection.closed(0.2)
        assert await connection.closed(3.0)


@pytest.mark.parametrize("length", [b"Content-Length: 99", b"Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_come_is_answered_and_let_go(hasty, length):
    async with Connection(hasty.port) as connection:
        await connection.send(HEAD + length + b"\r\n\r\n")
        answer = await connection.answer()
        assert (answer.status, answer.json["error"]) == (503, "unavailable")
        assert await connection.closed(5.0)


@pytest.mark.parametrize("path", [b"/nowhere", b"/-/healthy", b"/api/v1/channels/itsm/enable"])
async def test_a_body_that_nobody_reads_is_not_waited_for(hasty, path):
    async with Connection(hasty.port) as connection:
        await connection.send(b"POST " + path + b" HTTP/1.1\r\nHost: receiver\r\nContent-Length: 9999\r\n\r\n{")
        assert (await connection.answer()).status in (200, 404, 405)
        assert await connection.closed(5.0)


async def test_an_idle_connection_is_kept_and_its_next_request_is_answered(hasty):
    async with Connection(hasty.port) as connection:
        for number in range(2):
            await connection.send(post(json.dumps(notification("A", group=str(number))).encode()))
            assert (await connection.answer()).status == 202
            assert not await connection.closed(1.5)


async def test_the_second_request_of_a_connection_is_not_waited_for_either(hasty):
    async with Connection(hasty.port) as connection:
        await connection.send(post(json.dumps(notification("A")).encode()))
        assert (await connection.answer()).status == 202
        await connection.send(HEAD)
        assert await connection.closed(3.0)


async def test_a_head_in_two_halves_is_taken(hasty):
    async with Connection(hasty.port) as connection:
        data = post(json.dumps(notification("A")).encode())
        await connection.send(data[:30])
        await asyncio.sleep(0.3)
        await connection.send(data[30:])
        assert (await connection.answer()).status == 202
        assert not await connection.closed(1.0)


async def test_one_connection_too_many_is_closed_at_once_and_the_others_stay(monkeypatch):
    """Descriptors are left for the store and the providers."""
    monkeypatch.setattr(patience, "most_connections", lambda: 5)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    sockets = patience.bind("127.0.0.1:0")
    servers = await patience.listen(runner, sockets)
    port = sockets[0].getsockname()[1]
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
    try:
        ends = [asyncio.create_task(reader.read(1)) for reader, _ in opened]
        done, open_still = await asyncio.wait(ends, timeout=1.0)
        assert (len(done), len(open_still)) == (1, 5)
        for end in open_still:
            end.cancel()
    finally:
        for _, writer in opened:
            writer.close()
        for server in servers:
            server.close()
        await runner.cleanup()
