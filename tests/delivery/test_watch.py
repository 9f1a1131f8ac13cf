"""Owners are told once when a channel stops, falls behind and recovers, and when deliveries grew too old."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from channel_examples import make

from receiver.delivery.notices import ROUTE, Notices
from receiver.delivery.pool import Member, Pool
from receiver.delivery.standing import BY_OPERATOR, Standing
from receiver.delivery.watch import GATHERING, PATIENCE, TOO_OLD_AGAIN, Watch
from receiver.delivery.window import Window
from receiver.errors import StoreUnavailable
from receiver.intake.formats import Facts
from receiver.metrics import Metrics
from receiver.model import StoredEvent, new_id
from receiver.store.base import ChannelState, Query
from receiver.store.sqlite import open_sqlite

NOW = 1_790_000_000.0
SHANGHAI = ZoneInfo("Asia/Shanghai")


class Tower:
    """infra, owned by duty and relieved by it, over a real store; whoever looks is told what the owner was told."""

    def __init__(self, folder, **infra):
        self.folder, self.now = folder, NOW
        self.channels = [
            make("wecom_robot", name="infra", **{"owner": "duty", "fallback": "duty", **infra}),
            make("wecom_robot", name="duty", key="another-key-0123", language="en"),
        ]

    async def open(self, **stopped):
        self.store = await open_sqlite(self.folder / "x.db", ballast=0, clock=lambda: self.now)
        self.metrics = metrics = Metrics()
        self.notices = Notices(
            self.channels,
            self.store,
            metrics,
            language=lambda channel: channel.settings.language or "zh",
            record_url=str,
            page_url=lambda path: f"http://receiver.example{path}",
            held=lambda _: "",
            wake=lambda _: None,
        )
        state = ChannelState("stopped", "gone", changed_at=stopped["infra"]) if stopped else ChannelState()
        self.infra = Standing(self.channels[0], Pool([Member(self.channels[0], Window())]), state, metrics)
        self.watch = Watch(lambda: [self.infra], self.notices.tell, zone=SHANGHAI, stopped=stopped)
        return self

    async def restart(self, **stopped):
        await self.store.close()
        await self.open(**stopped)

    async def look(self, seconds=0.0):
        """Look once a second for so long, and at once."""
        for step in range(int(seconds) + 1):
            self.now += min(step, 1)
            await self.watch.check(self.now)
            await self.notices.finish(5.0)

    async def told(self, channel="duty"):
        """(alert's name without what all begin with, status) of what the channel was told, the oldest first."""
        return [
            (one["labels"]["alertname"][len("AlertReceiver") :], one["status"]) for one in await self.alerts(channel)
        ]

    async def alerts(self, channel="duty"):
        page, _ = await self.store.records(Query(channel=(channel,), limit=500))
        return [alert for record in page[::-1] for alert in Facts().read(record.event)["alerts"]]

    async def summaries(self, channel="duty"):
        return [alert["annotations"]["summary"] for alert in await self.alerts(channel)]

    def grow_old(self, alerts, at, **fields):
        """A delivery of so many alerts, accepted at `at`, grows too old."""
        owed = self.channels[0].owed(StoredEvent(new_id(at), "am", at, b""), **fields)
        self.watch.expired(owed, alerts, self.now)


@pytest.fixture
async def tower(tmp_path):
    tower = Tower(tmp_path)
    await tower.open()
    yield tower
    await tower.store.close()


STOPPED, ENABLED = ("ChannelStopped", "firing"), ("ChannelStopped", "resolved")
BEHIND, IN_TIME = ("ChannelBehind", "firing"), ("ChannelBehind", "resolved")


async def test_of_a_channel_that_fares_well_nothing_is_told(tower):
    await tower.look(90)
    assert await tower.told() == []


async def test_a_stop_is_told_once_with_its_reason(tower):
    tower.infra.stop("the key is wrong (93000)", tower.now)
    await tower.look(90)
    [alert] = await tower.alerts()
    assert alert["labels"] == {"alertname": "AlertReceiverChannelStopped", "severity": "critical", "channel": "infra"}
    assert alert["annotations"]["summary"] == "Channel infra has stopped: the key is wrong (93000)"
    assert "http://receiver.example/api/v1/channels/infra" in alert["annotations"]["description"]
    assert "duty tells them in its place" in alert["annotations"]["description"]


async def test_a_robot_that_the_pool_lost_is_told_once(tower):
    tower.infra.pool = Pool([Member(tower.channels[0], Window()) for _ in range(3)])
    tower.infra.pool.lose(tower.infra.pool.members[1], "the key is unknown")
    await tower.look(90)
    [alert] = await tower.alerts()
    assert alert["annotations"]["summary"] == "Channel infra has lost #2/3 of its pool"
    assert "the key is unknown" in alert["annotations"]["description"]


async def test_an_operator_who_disables_a_channel_knows_it(tower):
    tower.infra.change("disabled", BY_OPERATOR, tower.now)
    await tower.look(90)
    assert await tower.told() == []


async def test_its_end_is_told_when_the_channel_is_enabled(tower):
    tower.infra.stop("gone", tower.now)
    await tower.look(5)
    tower.infra.change("disabled", BY_OPERATOR, tower.now)
    await tower.look(5)
    assert await tower.told() == [STOPPED]
    tower.infra.change("enabled", "", tower.now)
    await tower.look(5)
    assert await tower.told() == [STOPPED, ENABLED]


async def test_the_next_stop_is_another_episode_of_the_same_alert(tower):
    for _ in range(2):
        tower.infra.stop("gone", tower.now)
        await tower.look(1)
        tower.infra.change("enabled", "", tower.now)
        await tower.look(1)
    assert await tower.told() == [STOPPED, ENABLED] * 2
    assert len({alert["fingerprint"] for alert in await tower.alerts()}) == 1


async def test_a_restart_tells_no_stop_again_but_its_end(tower):
    tower.infra.stop("gone", tower.now)
    await tower.look(1)
    await tower.restart(infra=NOW)
    await tower.look(1)
    assert await tower.told() == [STOPPED]
    tower.infra.change("enabled", "", tower.now)
    await tower.look(1)
    assert await tower.told() == [STOPPED, ENABLED]


async def test_a_channel_that_a_new_configuration_enabled_is_told_to_go_on(tower):
    tower.infra.stop("gone", tower.now)
    await tower.look(1)
    await tower.restart(infra=NOW)
    tower.infra.state = ChannelState(changed_at=tower.now)
    await tower.look(1)
    assert await tower.told() == [STOPPED, ENABLED]


async def test_an_end_that_was_told_is_forgotten_in_the_end(tower):
    tower.infra.stop("gone", tower.now)
    await tower.look(1)
    tower.infra.change("enabled", "", tower.now)
    for _ in range(3):
        await tower.look(0)
        tower.now += 31 * 86400
    assert await tower.told() == [STOPPED, ENABLED]


async def test_an_end_is_told_as_soon_as_the_store_is_back(tower, monkeypatch):
    tower.infra.stop("gone", tower.now)
    await tower.look(1)
    tower.infra.change("enabled", "", tower.now)
    with monkeypatch.context() as broken:
        broken.setattr(tower.store, "accept", away)
        await tower.look(3)
    await tower.look(1)
    assert await tower.told() == [STOPPED, ENABLED]


async def away(*_):
    raise StoreUnavailable("the disk is full")


async def test_a_channel_that_is_late_for_a_while_is_told_once(tower):
    tower.infra.late_since = tower.now
    await tower.look(PATIENCE - 1)
    assert await tower.told() == []
    await tower.look(90)
    assert await tower.told() == [BEHIND]
    assert await tower.summaries() == ["Channel infra has fallen behind"]


async def test_it_has_caught_up_once_it_is_in_time_for_as_long(tower):
    tower.infra.late_since = tower.now
    await tower.look(PATIENCE)
    tower.infra.late_since = None
    await tower.look(PATIENCE - 1)
    assert await tower.told() == [BEHIND]
    await tower.look(5)
    assert await tower.told() == [BEHIND, IN_TIME]


async def test_ups_and_downs_are_one_episode(tower):
    for _ in range(4):
        tower.infra.late_since = tower.now
        await tower.look(PATIENCE)
        tower.infra.late_since = None
        await tower.look(PATIENCE / 2)
    await tower.look(PATIENCE)
    assert await tower.told() == [BEHIND, IN_TIME]


async def test_a_channel_that_stops_while_it_is_late_has_not_caught_up(tower):
    tower.infra.late_since = tower.now
    await tower.look(PATIENCE)
    tower.infra.stop("gone", tower.now)
    tower.infra.late_since = None
    await tower.look(90)
    assert await tower.told() == [BEHIND, STOPPED]


async def test_what_grew_too_old_is_told_together_to_the_owner_and_the_people(tower):
    for number in range(37):
        tower.grow_old(3, NOW - 20_000.0 + number)
    await tower.look(GATHERING - 1)
    assert await tower.told() == []
    await tower.look(5)
    assert await tower.summaries() == [
        "Channel infra: 37 of its deliveries (alerts: 111) grew too old and were not sent"
    ]
    assert await tower.summaries("infra") == ["通道 infra 有 37 次推送（111 条告警）超时未发"]
    [alert] = await tower.alerts("infra")
    assert "2026-09-21 16:40:00 至 2026-09-21 16:40:36" in alert["annotations"]["description"]
    span = "since=2026-09-21T08%3A40%3A00.000Z&until=2026-09-21T08%3A40%3A36.001Z"
    assert alert["generatorURL"].endswith(f"/api/v1/records?channel=infra&state=expired&state=failed&{span}")


async def test_it_is_told_once_an_hour_each_time_as_another_alert(tower):
    for number in range(4):
        tower.grow_old(1, NOW - 20_000.0 + number)
        await tower.look(0)
        tower.now += TOO_OLD_AGAIN / 2
        await tower.look(0)
    assert [text[15:17] for text in await tower.summaries()] == ["1 ", "2 "]
    assert len({alert["fingerprint"] for alert in await tower.alerts()}) == 2


async def test_a_service_that_ends_tells_what_it_has_collected(tower):
    tower.grow_old(1, NOW - 20_000.0)
    tower.watch.finish()
    await tower.notices.finish(5.0)
    tower.watch.finish()
    await tower.notices.finish(5.0)
    assert len(await tower.told()) == len(await tower.told("infra")) == 1


async def test_nobody_is_told_of_a_notice_that_grew_too_old(tower):
    tower.grow_old(1, NOW - 20_000.0, route=ROUTE, group="notice ChannelStopped infra")
    await tower.look(GATHERING)
    assert await tower.told() == []


async def test_people_are_told_in_their_language_without_a_fallback_as_with_one(tmp_path):
    tower = await Tower(tmp_path, owner="infra", fallback=None).open()
    tower.infra.stop("机器人不在群里", tower.now)
    await tower.look(1)
    [alert] = await tower.alerts("infra")
    assert alert["annotations"]["summary"] == "通道 infra 已自动停用：机器人不在群里"
    assert "代发" not in alert["annotations"]["description"]
    await tower.store.close()


async def test_a_stop_is_counted(tower):
    tower.infra.stop("gone", tower.now)
    tower.infra.stop("gone", tower.now)
    assert b'alertreceiver_channel_stops_total{channel="infra"} 1.0' in tower.metrics.exposition()
