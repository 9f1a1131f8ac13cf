"""What waits for a schedule: decided from a share, from the routing tree, and as it is accepted into a real store."""

from __future__ import annotations

import json
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from channel_examples import make
from stage import notification

from receiver.intake import deferring
from receiver.intake.formats import parse
from receiver.intake.pipeline import Intake, Posting
from receiver.intake.routing import Routes, RouteSettings, Share, direct
from receiver.metrics import Metrics
from receiver.model import State
from receiver.schedules import ScheduleSettings
from receiver.store.sqlite import open_sqlite

ZONE = ZoneInfo("Asia/Shanghai")
TEN, ELEVEN, EVENING = (datetime(2026, 12, 1, hour, tzinfo=ZONE).timestamp() for hour in (10, 11, 18))
HOURLY, DAILY, AT_ONCE = {"every": "1h"}, {"at": ["18:00"]}, {"every": 0}
hourly, daily, at_once = map(ScheduleSettings.model_validate, (HOURLY, DAILY, AT_ONCE))


@pytest.mark.parametrize(
    ("priority", "schedules", "own", "expected"),
    [
        ("normal", (None,), None, 0.0),
        ("normal", (None,), daily, EVENING),
        ("low", (daily,), None, EVENING),
        ("high", (daily,), daily, 0.0),
        ("normal", (hourly,), daily, ELEVEN),
        ("normal", (daily,), hourly, EVENING),
        ("normal", (at_once,), daily, 0.0),
        ("normal", (None,), at_once, 0.0),
        ("normal", (daily, hourly), None, ELEVEN),
        ("normal", (daily, None), hourly, ELEVEN),
        ("normal", (daily, None), None, 0.0),
        ("normal", (daily, at_once), hourly, 0.0),
    ],
)
def test_until_when_a_share_waits(priority, schedules, own, expected):
    share = Share("a", "route", priority, (0,), schedules)
    assert deferring.until(share, own, TEN, ZONE) == expected


def test_when_it_is_told_depends_on_the_zone():
    share = Share("a", "route", "normal", (0,), (daily,))
    assert deferring.until(share, None, TEN, ZoneInfo("Europe/Berlin")) == EVENING + 7 * 3600


TREE = {
    "channels": ["a"],
    "routes": [
        {
            "matchers": ["team=db"],
            "schedule": DAILY,
            "routes": [
                {"matchers": ["env=test"]},
                {"matchers": ["env=dev"], "schedule": HOURLY},
                {"matchers": ["env=prod"], "schedule": AT_ONCE},
            ],
        },
    ],
}


def event(*alerts):
    return parse(json.dumps({"alerts": [{"labels": labels} for labels in alerts]}).encode(), "", 0.0)


@pytest.mark.parametrize(
    ("labels", "schedule"),
    [
        ({}, None),
        ({"team": "db"}, daily),
        ({"team": "db", "env": "test"}, daily),
        ({"team": "db", "env": "dev"}, hourly),
        ({"team": "db", "env": "prod"}, at_once),
    ],
)
def test_a_child_without_a_schedule_has_its_parents(labels, schedule):
    (share,) = Routes(RouteSettings.model_validate(TREE)).route(event(labels))
    assert share.schedules == (schedule,)


def test_alerts_of_several_routes_bring_each_their_schedule():
    tree = Routes(RouteSettings.model_validate(TREE))
    (share,) = tree.route(event({"team": "db"}, {}, {"team": "db", "env": "dev"}, {"team": "db", "env": "test"}))
    assert len(share.schedules) == 3
    assert set(share.schedules) == {daily, None, hourly}


def test_past_the_routes_there_is_no_route_s_schedule():
    assert [share.schedules for share in direct(event({"team": "db"}), ["a"])] == [(None,)]


@pytest.fixture
async def intake(tmp_path):
    """Starts the intake of channels by name with their schedules, by one route; `stopped` says which hold, and why."""
    opened = []

    async def start(channels, stopped=MappingProxyType({}), **route):
        store = await open_sqlite(tmp_path / "data" / "receiver.db", ballast=0, clock=lambda: TEN)
        opened.append(store)
        routes = Routes(RouteSettings.model_validate({"channels": list(channels), **route}))
        made = {name: make("webhook", name=name, schedule=schedule) for name, schedule in channels.items()}
        metrics = Metrics()
        metrics.expect(dict.fromkeys(channels, "webhook"), ["alertmanager"], [])
        taking = Intake(store, routes, made, metrics, held=lambda name: stopped.get(name, ""), wake=list, zone=ZONE)
        return Taking(taking, store, metrics)

    yield start
    for store in opened:
        await store.close()


class Taking:
    """An intake, and what became of what it took."""

    def __init__(self, intake, store, metrics):
        self._intake, self._store, self._metrics = intake, store, metrics

    async def take(self, *severities, channels=()):
        """Accept one event with alerts of these severities; (state, reason, due time) by channel, as they are kept."""
        body = notification(*severities)
        for alert, severity in zip(body["alerts"], severities, strict=True):
            alert["labels"]["severity"] = severity
        posted = await self._intake.accept(Posting("", "/webhook", json.dumps(body).encode(), channels))
        records = [await self._store.record(delivery.id) for delivery in posted.receipt.deliveries]
        kept = [record.delivery for record in records]
        assert kept == list(posted.receipt.deliveries)
        return {each.channel: (each.state, each.reason, each.due_at) for each in kept}

    def suppressed(self, channel, reason):
        return self._metrics.suppressed.labels(channel, reason)._value.get()


AT_ONE_GO = (State.QUEUED, "", 0.0)


async def test_what_can_wait_is_held_until_the_schedule_s_next_time(intake):
    taking = await intake({"ops": HOURLY, "duty": None, "mail": DAILY})
    held = State.HELD, "schedule"
    assert await taking.take("warning") == {"ops": (*held, ELEVEN), "duty": AT_ONE_GO, "mail": (*held, EVENING)}
    assert await taking.take("info") == {"ops": (*held, ELEVEN), "duty": AT_ONE_GO, "mail": (*held, EVENING)}
    assert [taking.suppressed(name, "schedule") for name in ("ops", "duty", "mail")] == [2, 0, 2]


async def test_what_is_urgent_never_waits_and_takes_its_event_along(intake):
    taking = await intake({"ops": HOURLY})
    assert await taking.take("info", "critical", "warning") == {"ops": AT_ONE_GO}
    assert taking.suppressed("ops", "schedule") == 0


async def test_a_route_s_priority_counts_as_any_other(intake):
    taking = await intake({"ops": HOURLY}, routes=[{"matchers": ["severity=critical"], "priority": "low"}])
    assert await taking.take("critical") == {"ops": (State.HELD, "schedule", ELEVEN)}


async def test_a_route_s_schedule_comes_before_the_channel_s(intake):
    taking = await intake({"ops": HOURLY, "duty": None}, schedule=DAILY)
    held = (State.HELD, "schedule", EVENING)
    assert await taking.take("warning") == {"ops": held, "duty": held}


async def test_named_channels_have_their_own_schedule_only(intake):
    taking = await intake({"ops": HOURLY, "duty": None}, schedule=DAILY)
    assert await taking.take("warning", channels=("ops", "duty")) == {
        "ops": (State.HELD, "schedule", ELEVEN),
        "duty": AT_ONE_GO,
    }


async def test_a_channel_that_stopped_holds_for_that_reason(intake):
    taking = await intake({"ops": HOURLY}, stopped={"ops": "stopped"})
    assert await taking.take("warning") == {"ops": (State.HELD, "stopped", 0.0)}
    assert [taking.suppressed("ops", reason) for reason in ("stopped", "schedule")] == [1, 0]
