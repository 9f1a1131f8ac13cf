"""The rate of a credential is kept exactly: under load, across kill -9, and by all channels that share it."""

from __future__ import annotations

import asyncio
import re
import sqlite3

import pytest
from stage import eventually, notification

RATE, COUNT, PER = "5/3s", 5, 3.0
ON_THE_WAY = 0.3
"""A slot is taken before its message is on its way: how much closer together two may arrive than they left."""


def limited(providers, name="itsm", hook="limited"):
    """A channel with a rate of its own, to a place that has none."""
    if not any(robot.name == hook for robot in providers.sandbox.robots):
        providers.sandbox.register("webhook", hook, name=hook)
    return {"name": name, "kind": "webhook", "url": f"{providers.url}/hooks/{hook}", "limits": {"rate": RATE}}


def slots(folder):
    """When each slot was taken."""
    with sqlite3.connect(folder / "data" / "receiver.db") as database:
        return [at for (at,) in database.execute("select at from slot order by at")]


def worst(times, seconds):
    """The most of `times` in any `seconds`."""
    return max(sum(first <= at < first + seconds for at in times) for first in times)


def told(providers, pattern):
    """Which alerts were told."""
    return set(re.findall(pattern, "\n".join(providers.told())))


async def post_all(service, names):
    """Post one notification a name, all at once."""
    answers = await asyncio.gather(*(service.post(notification(name, group=name)) for name in names))
    assert {status for status, _ in answers} == {202}


def is_kept(providers, folder):
    assert worst(slots(folder), PER) <= COUNT
    assert providers.sandbox.worst_window("webhook", "limited", PER - ON_THE_WAY) <= COUNT


@pytest.mark.parametrize("kills", [0, 3])
async def test_forty_notifications_keep_the_window(serve, providers, tmp_path, kills):
    names = {f"Load{n:02d}" for n in range(40 if kills else 20)}
    service = await serve(channels=[limited(providers)])
    await post_all(service, sorted(names))
    for _ in range(kills):
        before = len(providers.sandbox.messages)
        await eventually(lambda before=before: len(providers.sandbox.messages) > before)
        service.kill()
        await service.start()
    await eventually(lambda: told(providers, r"Load\d\d") == names, 60)
    is_kept(providers, tmp_path)
    assert not [seen for seen in providers.sandbox.requests if seen.status != 200]
    metrics = await service.get("/metrics")
    assert f'alertreceiver_rate_window_limit{{channel="itsm"}} {COUNT}.0' in metrics


async def test_channels_with_one_url_share_the_window(serve, providers, tmp_path):
    names = {f"Load{n:02d}" for n in range(8)}
    service = await serve(channels=[limited(providers, "one"), limited(providers, "two")])
    await post_all(service, sorted(names))
    await eventually(lambda: len(providers.sandbox.messages) >= COUNT)
    shown = (await service.get("/api/v1/channels"))["items"]
    assert {channel["window"]["used"] for channel in shown} == {COUNT}
    assert {channel["window"]["limit"] for channel in shown} == {COUNT}
    await eventually(lambda: told(providers, r"Load\d\d") == names, 60)
    await eventually(lambda: no_one_owes(service), 30)
    is_kept(providers, tmp_path)


async def no_one_owes(service):
    return not any(channel["queue_length"] for channel in (await service.get("/api/v1/channels"))["items"])


async def test_another_url_has_a_window_of_its_own(serve, providers, tmp_path):
    service = await serve(channels=[limited(providers), limited(providers, "other", "another")])
    await post_all(service, [f"Load{n}" for n in range(5)])
    await eventually(lambda: len(providers.sandbox.messages) == 2 * COUNT, 2.9)
    assert len(slots(tmp_path)) == 2 * COUNT
