"""kill -9 at any moment: what was acknowledged arrives, little arrives twice, the rate is never exceeded."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter

import aiohttp
from stage import eventually, notification

ROUNDS = 30


async def produce(url, acknowledged, stopping, worker):
    """Post one notification after the other; note each that was acknowledged."""
    number = 0
    async with aiohttp.ClientSession() as session:
        while not stopping.is_set():
            name = f"w{worker}n{number}"
            body = notification(name, group=f"{worker}-{number % 5}")
            try:
                async with session.post(f"{url}/webhook", json=body) as response:
                    if response.status == 202:
                        acknowledged.append(name)
                        number += 1
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.03)


def arrived(providers, name):
    """How often each alert arrived in a group."""
    return Counter(
        alert["labels"]["alertname"]
        for message in providers.sandbox.messages
        if message.name == name
        for alert in json.loads(message.raw)["alerts"]
    )


async def test_nothing_acknowledged_is_lost_in_thirty_kills(serve, providers, tmp_path):
    channels = [channel for channel in providers.channels() if channel["name"] in ("itsm", "wecom")]
    route = {"channels": ["itsm"], "routes": [{"matchers": ["alertname=~w0n.*0"], "channels": ["itsm", "wecom"]}]}
    service = await serve(channels=channels, route=route)
    acknowledged, stopping, luck = [], asyncio.Event(), random.Random(7)
    workers = [asyncio.create_task(produce(service.url, acknowledged, stopping, worker)) for worker in range(4)]
    for _ in range(ROUNDS):
        await asyncio.sleep(luck.uniform(0.2, 1.0))
        service.kill()
        await service.start()
    stopping.set()
    await asyncio.gather(*workers)
    assert len(acknowledged) > 100
    await eventually(lambda: set(acknowledged) <= set(arrived(providers, "itsm")), 60)
    twice = [name for name, times in arrived(providers, "itsm").items() if times > 1]
    assert len(twice) <= ROUNDS
    assert max(arrived(providers, "itsm").values()) <= 3
    assert providers.sandbox.worst_window("wecom_robot", "wecom", 60.0) <= 20
    with sqlite3.connect(tmp_path / "data" / "receiver.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


async def test_a_message_in_flight_at_a_kill_goes_out_again_with_the_same_bytes_and_id(serve, providers):
    from receiver.sandbox import Fault

    service = await serve(route={"channels": ["itsm"]})
    providers.sandbox.fault("itsm", Fault("lost"))
    await service.post(notification("InFlight"))
    seen = providers.sandbox.requests
    await eventually(lambda: len(seen) == 1)
    service.kill()
    await service.start()
    await eventually(lambda: len(seen) == 2)
    first, second = seen
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_sigterm_finishes_what_is_in_flight_and_ends_with_zero(serve, providers):
    from receiver.sandbox import Fault

    service = await serve(route={"channels": ["itsm"]})
    providers.sandbox.fault("itsm", Fault("delay", seconds=1.0))
    _, answer = await service.post(notification("Last"))
    await asyncio.sleep(0.3)
    assert await service.stop() == 0
    assert len(providers.told("itsm")) == 1
    await service.start()
    record = await service.get(f"/api/v1/records/{answer['deliveries'][0]['id']}")
    assert record["state"] == "sent"
    assert len(providers.told("itsm")) == 1
