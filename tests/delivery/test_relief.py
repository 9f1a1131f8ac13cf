"""What a channel cannot tell in time, its fallback tells in its place; what it is owed stays owed."""

from __future__ import annotations

import pytest
from channel_examples import make
from structlog.testing import capture_logs

from receiver.delivery import relief
from receiver.delivery.relief import PAUSE, Relief
from receiver.metrics import Metrics
from receiver.model import State, StoredEvent, new_id
from receiver.store.base import Move, Query, Settlement
from receiver.store.sqlite import open_sqlite

NOW = 1_790_000_000.0


class Desk:
    """infra, whose fallback is duty, over a real store; `stopped` and `disabled` say how channels stand."""

    def __init__(self, folder):
        self.folder, self.now, self.standing, self.reloaded = folder, NOW, {}, []
        self.metrics = Metrics()

    async def open(self, infra=None, duty=None):
        self.infra = infra or make("wecom_robot", name="infra", fallback="duty")
        self.duty = duty or make("dingtalk_robot", name="duty", template="short")
        self.store = await open_sqlite(self.folder / "x.db", ballast=0, clock=lambda: self.now)
        self.relief = Relief(
            [self.infra, self.duty],
            self.store,
            self.metrics,
            held=lambda name: self.standing.get(name, ""),
            reload=self.reloaded.append,
        )
        return self

    async def give(self, channel="infra", priority="high", **fields):
        """Owe a channel one event; its delivery, which is held if the channel does not send."""
        event = StoredEvent(new_id(self.now), "am", self.now, b'{"alerts": []}')
        known = {"infra": self.infra, "duty": self.duty}[channel]
        held = self.standing.get(channel, "")
        owed = known.owed(event, route="r", group="g", priority=priority, held=held, alerts=(1, 3), **fields)
        await self.store.accept(event, [owed], [])
        return owed

    async def check(self, seconds=0.0):
        self.now += seconds
        await self.relief.check(self.now)

    async def stand_ins(self):
        """What duty owes in the place of others, the oldest first."""
        page, _ = await self.store.records(Query(channel=("duty",), limit=5000))
        return [record.delivery for record in page[::-1] if record.delivery.stands_in]

    async def told_by(self, delivery):
        return (await self.store.record(delivery.id)).delivery.told_by


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(tmp_path)
    await desk.open()
    yield desk
    await desk.store.close()


async def test_what_is_urgent_and_waits_for_too_long_is_told_by_the_fallback_too(desk):
    owed = await desk.give(firing=False)
    await desk.check(120.0)
    assert await desk.stand_ins() == []
    await desk.check(0.001)
    [stand_in] = await desk.stand_ins()
    same = ("event_id", "alerts", "group", "priority", "route", "firing")
    assert all(getattr(stand_in, name) == getattr(owed, name) for name in same)
    assert (stand_in.stands_in, stand_in.kind, stand_in.template) == (owed.id, "dingtalk_robot", "short")
    assert (stand_in.created_at, stand_in.released_at, stand_in.state) == (desk.now, desk.now, State.QUEUED)
    assert await desk.told_by(owed) == "duty"
    assert [work.delivery.id for work in await desk.store.owed("infra")] == [owed.id]


async def test_it_is_handed_over_once(desk):
    await desk.give()
    for _ in range(3):
        await desk.check(121.0)
    assert len(await desk.stand_ins()) == 1
    assert desk.reloaded == ["duty", "infra"]
    assert b'deliveries_relieved_total{channel="infra"} 1.0' in desk.metrics.exposition()


async def test_each_time_one_line_is_logged(desk):
    await desk.give()
    await desk.give()
    with capture_logs() as logged:
        await desk.check(121.0)
        await desk.check(121.0)
    told = [(one["channel"], one["fallback"], one["deliveries"]) for one in logged]
    assert told == [("infra", "duty", 2)]


@pytest.mark.parametrize("priority", ["normal", "low"])
async def test_what_is_not_urgent_waits_for_its_channel_until_that_stops(desk, priority):
    await desk.give(priority=priority)
    await desk.check(3600.0)
    assert await desk.stand_ins() == []
    desk.standing["infra"] = "stopped"
    await desk.store.hold("infra", "stopped")
    await desk.check()
    assert [one.priority for one in await desk.stand_ins()] == [priority]


async def test_a_stopped_channel_is_relieved_of_what_comes_in_too(desk):
    desk.standing["infra"] = "stopped"
    for number in range(3):
        await desk.give()
        await desk.check(PAUSE)
        assert len(await desk.stand_ins()) == number + 1


async def test_two_senders_are_not_made_to_read_everything_anew_all_the_time(desk):
    desk.standing["infra"] = "stopped"
    for number in range(1, 11):
        await desk.give()
        await desk.check(1.0)
        assert len(await desk.stand_ins()) == (1 if number < 6 else 6)


async def test_a_clock_that_was_set_back_stands_in_nobodys_way(desk):
    desk.standing["infra"] = "stopped"
    await desk.give()
    await desk.check()
    await desk.give()
    await desk.check(-3600.0)
    assert len(await desk.stand_ins()) == 2


async def test_what_an_operator_disabled_is_not_relieved(desk):
    desk.standing["infra"] = "disabled"
    await desk.give()
    await desk.check(3600.0)
    assert await desk.stand_ins() == []


@pytest.mark.parametrize("why", ["stopped", "disabled"])
async def test_a_fallback_that_does_not_send_is_given_nothing_until_it_does(desk, why):
    owed = await desk.give()
    desk.standing["duty"] = why
    await desk.check(3600.0)
    assert (await desk.stand_ins(), await desk.told_by(owed)) == ([], "")
    del desk.standing["duty"]
    await desk.check(1.0)
    assert len(await desk.stand_ins()) == 1


async def test_what_was_sent_in_the_meantime_is_not_handed_over(desk):
    owed = await desk.give()
    await desk.store.settle(Settlement("", None, None, (Move(owed.id, State.SENT, sent_at=NOW),)))
    await desk.check(121.0)
    assert await desk.stand_ins() == []


async def test_more_than_a_slice_is_handed_over_at_once(desk, monkeypatch):
    monkeypatch.setattr(relief, "SLICE", 3)
    owed = [(await desk.give()).id for _ in range(8)]
    await desk.check(121.0)
    assert [one.stands_in for one in await desk.stand_ins()] == owed
    assert desk.reloaded == ["duty", "infra"]


async def test_a_store_that_hands_nothing_over_is_not_asked_for_ever(desk, monkeypatch):
    async def nothing(_):
        return []

    await desk.give()
    monkeypatch.setattr(desk.store, "hand_over", nothing)
    await desk.check(121.0)
    assert desk.reloaded == []


ZERO = {"fallback": "duty", "limits": {"fallback_after": 0}}


async def test_without_an_age_only_a_stop_hands_over(tmp_path):
    desk = await Desk(tmp_path).open(make("wecom_robot", name="infra", **ZERO))
    await desk.give()
    await desk.check(7200.0)
    assert await desk.stand_ins() == []
    desk.standing["infra"] = "stopped"
    await desk.store.hold("infra", "stopped")
    await desk.check(1.0)
    assert len(await desk.stand_ins()) == 1
    await desk.store.close()


async def test_a_stand_in_is_not_handed_on(tmp_path):
    duty = make("dingtalk_robot", name="duty", fallback="infra")
    desk = await Desk(tmp_path).open(duty=duty)
    await desk.give()
    await desk.check(121.0)
    await desk.check(3600.0)
    assert [one.channel for one in await desk.stand_ins()] == ["duty"]
    assert len(await desk.store.owed("infra")) == 1
    await desk.store.close()


PAIRS = [
    ("wecom_robot", {}, {}, 0),
    ("wecom_robot", {}, {"key": "another-key-0123"}, 1),
    ("wecom_robot", {"key": None, "keys": ["a" * 20, "b" * 20]}, {"key": "b" * 20}, 0),
    ("wecom_app", {}, {}, 0),
    ("wecom_app", {}, {"to": {"users": ["lisi"]}}, 1),
]


@pytest.mark.parametrize(("kind", "own", "other", "number"), PAIRS)
async def test_nothing_goes_to_the_same_people_by_the_same_credential(tmp_path, kind, own, other, number):
    infra = make(kind, name="infra", fallback="duty", **own)
    desk = await Desk(tmp_path).open(infra, make(kind, name="duty", **other))
    await desk.give()
    await desk.check(121.0)
    assert len(await desk.stand_ins()) == number
    await desk.store.close()
