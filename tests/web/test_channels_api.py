"""How a channel stands, as the API and the metrics show it: detail, holds, lateness, months, pools, who helps."""

from __future__ import annotations

import aiohttp
import pytest
import stage

KEYS = [f"pool-key-{number:08}" for number in range(3)]


@pytest.fixture
async def desk(face, providers):
    """wecom is owned by itsm, feishu takes over from it, and counts its month; a pool of three robots beside them."""
    own = {"wecom": {"owner": "itsm", "fallback": "feishu"}, "dingtalk": {"limits": {"monthly": 5000}}}
    channels = [{**channel, **own.get(channel["name"], {})} for channel in providers.channels()]
    pool = {"name": "pool", "kind": "wecom_robot", "keys": KEYS, "base_url": providers.url}
    for key in KEYS:
        providers.sandbox.register("wecom_robot", key, name="pool")
    return await face(channels=[*channels, pool])


def standing(desk, name):
    return desk.service.dispatcher.senders[name].standing


async def channel(desk, name):
    listed = {one["name"]: one for one in (await desk.get("/api/v1/channels"))["items"]}
    assert set(listed[name]) == set(await desk.get(f"/api/v1/channels/{name}"))
    return listed[name]


async def gauges(desk, name):
    """The gauges and counters of one channel by name."""
    async with aiohttp.ClientSession() as session, session.get(f"{desk.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    mark = f'{{channel="{name}"}} '
    return {line.partition("{")[0][14:]: float(line.rpartition(" ")[2]) for line in lines if mark in line}


async def test_a_channel_at_rest(desk):
    shown = await channel(desk, "wecom")
    assert (shown["owner"], shown["fallback"], shown["members"]) == ("itsm", "feishu", None)
    assert (shown["detail"], shown["hold_seconds"], shown["late_seconds"]) == ("full", 0, 0)
    assert (shown["month"], shown["window"]) == (None, {"used": 0, "limit": 20})
    found = await gauges(desk, "wecom")
    zero = ("channel_detail", "rate_hold_seconds", "channel_stops_total", "deliveries_relieved_total", "monthly_posts")
    assert [found[name] for name in zero] == [0.0] * 5


async def test_how_fully_and_how_late_it_tells(desk):
    for detail, place in (("line", 1.0), ("count", 2.0)):
        standing(desk, "wecom").detail = detail
        standing(desk, "wecom").late_since = desk.service.store.now() - 40.0
        shown = await channel(desk, "wecom")
        assert shown["detail"] == detail
        assert 40.0 <= shown["late_seconds"] < 45.0
        assert (await gauges(desk, "wecom"))["channel_detail"] == place


async def test_for_how_long_the_provider_asks_to_be_left_alone(desk):
    [member] = standing(desk, "wecom").pool.members
    member.window.hold(desk.service.store.now() + 60.0)
    assert 50.0 < (await channel(desk, "wecom"))["hold_seconds"] <= 60.0
    assert 50.0 < (await gauges(desk, "wecom"))["rate_hold_seconds"] <= 60.0


async def test_what_was_posted_in_a_month(desk):
    assert (await channel(desk, "dingtalk"))["month"] == {"posts": 0, "limit": 5000}
    await desk.send(stage.notification("Disk"), path=b"/webhook?channel=dingtalk&channel=wecom")
    await stage.eventually(lambda: posted(desk, "dingtalk"))
    assert (await channel(desk, "dingtalk"))["month"] == {"posts": 1, "limit": 5000}
    found = await gauges(desk, "dingtalk")
    assert (found["monthly_posts"], found["monthly_limit"]) == (1.0, 5000.0)
    await stage.eventually(lambda: posted(desk, "wecom"))
    assert (await gauges(desk, "wecom"))["monthly_posts"] == 0.0


async def posted(desk, name):
    return (await channel(desk, name))["last_success"]


async def test_a_pool_and_its_window(desk):
    pool = standing(desk, "pool").pool
    assert (await channel(desk, "pool"))["members"] == {"number": 3, "lost": 0}
    pool.lose(pool.members[1], "the robot is gone")
    pool.members[0].window.take(desk.service.store.now())
    shown = await channel(desk, "pool")
    assert (shown["members"], shown["window"]) == ({"number": 3, "lost": 1}, {"used": 1, "limit": 40})
    found = await gauges(desk, "pool")
    assert (found["rate_window_used"], found["rate_window_limit"]) == (1.0, 40.0)
