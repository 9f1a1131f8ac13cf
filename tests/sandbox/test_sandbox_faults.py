"""Faults on order, as a client meets them on the wire."""

import asyncio
import json
import time

import aiohttp
import pytest

from receiver.sandbox import Fault

SEND = "/cgi-bin/webhook/send?key=k1"
BODY = json.dumps({"msgtype": "text", "text": {"content": "x"}}).encode()
HEADERS = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture(autouse=True)
def robot(box):
    return box.register("wecom_robot", "k1", name="infra")


@pytest.fixture
def send(wire):
    async def post(**how):
        return await wire.post(SEND, data=BODY, headers=HEADERS, **how)

    return post


async def test_a_given_answer_then_the_right_one(box, send):
    box.fault("infra", Fault("answer", status=503, body="busy", headers={"Retry-After": "7"}), times=2)
    for _ in range(2):
        answer = await send()
        assert (answer.status, await answer.text(), answer.headers["Retry-After"]) == (503, "busy", "7")
    assert (await send()).status == 200
    assert len(box.messages) == 1
    assert [seen.status for seen in box.requests] == [503, 503, 200]


@pytest.mark.parametrize("target", ["infra", "wecom_robot", "*"])
async def test_targets(box, send, target):
    box.fault(target, Fault("not_found"))
    answer = await send()
    assert (answer.status, await answer.text()) == (404, "404 page not found")


async def test_other_targets_are_left_alone(box, send):
    box.fault("dingtalk_robot", Fault("close"))
    assert (await send()).status == 200


async def test_until_cleared(box, send):
    box.fault("infra", Fault("html", status=405), times=None)
    for _ in range(3):
        answer = await send()
        assert (answer.status, answer.content_type) == (405, "text/html")
    box.clear_faults()
    assert (await send()).status == 200


@pytest.mark.parametrize(("mode", "taken"), [("close", 0), ("reset", 0), ("lost", 1)])
async def test_connection_ends_without_an_answer(box, send, mode, taken):
    box.fault("infra", Fault(mode))
    with pytest.raises(aiohttp.ClientConnectionError):
        await send()
    assert len(box.messages) == taken
    assert box.requests[0].status is None


async def test_delay(box, send):
    box.fault("infra", Fault("delay", seconds=0.2))
    began = time.monotonic()
    assert (await send()).status == 200
    assert time.monotonic() - began >= 0.2
    assert len(box.messages) == 1


async def test_truncated_json(box, send):
    box.fault("infra", Fault("truncate"))
    with pytest.raises(json.JSONDecodeError):
        json.loads(await (await send()).read())
    assert len(box.messages) == 1


async def test_trickle(box, send):
    box.fault("infra", Fault("trickle"))
    answer = await send()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(answer.read(), 0.3)
    answer.close()
    assert len(box.messages) == 1


async def test_huge_answer(box, send):
    box.fault("infra", Fault("huge"))
    answer = await send()
    assert answer.content_length == 100_000_000
    got = await answer.content.readexactly(1_000_000)
    assert got.strip() == b""
    answer.close()
    assert not box.messages


async def test_following_a_redirect_is_a_violation(box, send):
    box.fault("infra", Fault("redirect"), times=2)
    assert (await send(allow_redirects=False)).status == 302
    assert box.violations == []
    await send()
    assert box.violations == ["client: a redirect was followed"]


async def test_blackhole(box, send):
    box.fault("infra", Fault("blackhole"))
    with pytest.raises(TimeoutError):
        await send(timeout=aiohttp.ClientTimeout(total=0.2))
    assert (await send()).status == 200
    assert len(box.messages) == 1


async def test_a_blackhole_does_not_keep_the_sandbox_from_stopping(box, wire, send):
    box.fault("infra", Fault("blackhole"))
    waiting = asyncio.create_task(send())
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await wire.server.close()
    assert time.monotonic() - began < 3
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


def test_unknown_mode():
    with pytest.raises(ValueError, match="mode must be one of"):
        Fault("explode")
