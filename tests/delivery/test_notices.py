"""What the service tells the owner of a channel: kept as an event like any other, once a day, in nobody's way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from channel_examples import make
from structlog.testing import capture_logs

from receiver.delivery.notice import Notice, carries_notice, is_notice
from receiver.delivery.notices import AGAIN, AT_MOST, Notices
from receiver.errors import StoreUnavailable
from receiver.intake.formats import Facts
from receiver.metrics import Metrics
from receiver.model import State
from receiver.store.base import Query
from receiver.store.sqlite import open_sqlite

NOW = 1_790_000_000.0
WORDS = {"zh": ("{channel}：{names}", "详情 {record}"), "en": ("{channel}: {names}", "see {record}")}


def notice(*names, **changes):
    return Notice(**{"noun": "Tested", "channel": "infra", "words": WORDS, "names": names, "record": "d1", **changes})


class Office:
    """Notices of three channels over a real store: infra is owned by duty, duty by itself, odd by nobody."""

    def __init__(self, folder, **duty):
        self.folder, self.now, self.held, self.woken = folder, NOW, "", []
        owned = {"infra": {"owner": "duty"}, "duty": {"owner": "duty", **duty}, "odd": {}}
        self.channels = [make("wecom_robot", name=name, **more) for name, more in owned.items()]

    async def open(self):
        self.store = await open_sqlite(self.folder / "x.db", ballast=0, clock=lambda: self.now)
        self.metrics = Metrics()
        self.notices = Notices(
            self.channels,
            self.store,
            self.metrics,
            language=lambda channel: channel.settings.language or "zh",
            record_url=lambda delivery: f"http://receiver.example/records/{delivery}",
            page_url=lambda path: f"http://receiver.example{path}",
            held=lambda _: self.held,
            wake=self.woken.append,
        )

    async def tell(self, *told):
        for one in told:
            self.notices.tell(one)
        await self.notices.finish(5.0)

    async def records(self):
        """What is owed, the oldest first."""
        page, _ = await self.store.records(Query())
        return page[::-1]

    async def alerts(self):
        return [alert for record in await self.records() for alert in Facts().read(record.event)["alerts"]]

    async def summaries(self):
        return [alert["annotations"]["summary"] for alert in await self.alerts()]


@pytest.fixture
async def office(tmp_path):
    office = Office(tmp_path)
    await office.open()
    yield office
    await office.store.close()


async def test_a_notice_is_an_event_in_alertmanagers_words(office):
    await office.tell(notice("nobody", labels={"team": "sre"}))
    [record] = await office.records()
    event = Facts().read(record.event)
    [alert] = event["alerts"]
    assert (event["receiver"], event["source"], event["status"]) == ("alert-receiver", "alert-receiver", "firing")
    own = {"alertname": "AlertReceiverTested", "severity": "warning", "channel": "infra"}
    assert alert["labels"] == event["commonLabels"] == {**own, "team": "sre"}
    assert alert["generatorURL"] == "http://receiver.example/records/d1"
    assert datetime.fromisoformat(alert["startsAt"]) == datetime.fromtimestamp(NOW, UTC)
    assert is_notice(record.event)


async def test_it_is_owed_to_the_owner_once(office):
    await office.tell(notice("nobody"))
    [work] = await office.store.owed("duty")
    delivery = work.delivery
    assert (delivery.channel, delivery.route, delivery.kind, delivery.template) == (
        "duty", "owner", "wecom_robot", "default",
    )  # fmt: skip
    assert (delivery.state, delivery.priority, delivery.firing) == (State.QUEUED, "normal", True)
    assert office.woken == ["duty"]


@pytest.mark.parametrize(
    ("language", "summary", "link"), [("zh", "infra：a、b", "详情 http://"), ("en", "infra: a, b", "see http://")]
)
async def test_it_speaks_the_owners_language(tmp_path, language, summary, link):
    office = Office(tmp_path, language=language)
    await office.open()
    await office.tell(notice("a", "b"))
    [alert] = await office.alerts()
    assert alert["annotations"]["summary"] == summary
    assert alert["annotations"]["description"].startswith(link)
    await office.store.close()


async def test_what_stands_in_names_is_never_filled_in(office):
    await office.tell(notice("{channel.__class__}", "{0}", "}"))
    assert await office.summaries() == ["infra：{channel.__class__}、{0}、}"]


async def test_the_same_is_told_once_a_day(office):
    await office.tell(notice("nobody"), notice("nobody"))
    office.now += AGAIN - 1
    await office.tell(notice("nobody"))
    assert len(await office.records()) == 1
    office.now += 1
    await office.tell(notice("nobody"))
    assert len(await office.records()) == 2


async def test_the_same_is_told_once_a_day_across_restarts(office):
    await office.tell(notice("b", "a"))
    for wait, number in ((AGAIN - 1, 1), (1, 2)):
        await office.store.close()
        office.now += wait
        await office.open()
        await office.tell(notice("a", "b"))
        assert len(await office.records()) == number


async def test_only_what_is_new_is_told(office):
    await office.tell(notice("a"), notice("a", "b"), notice("b", "a"))
    assert await office.summaries() == ["infra：a", "infra：b"]


async def test_another_noun_or_channel_is_another_notice(office):
    await office.tell(notice("a"), notice("a", noun="Stopped"), notice("a", channel="duty"), notice())
    assert sorted(await office.summaries()) == ["duty：a", "infra：", "infra：a", "infra：a"]


async def test_two_notices_are_two_alerts_of_one_group(office):
    await office.tell(notice("a"), notice("b"))
    first, second = await office.records()
    assert first.delivery.group == second.delivery.group
    assert len({alert["fingerprint"] for alert in await office.alerts()}) == 2


async def test_a_thread_may_tell(office):
    asyncio.get_running_loop().set_debug(True)  # so that it minds what is not safe
    await asyncio.gather(*(asyncio.to_thread(office.notices.tell, notice(name)) for name in "abc"))
    await office.notices.finish(5.0)
    assert len(await office.records()) == 3


@pytest.mark.parametrize("channel", ["odd", "gone"])
async def test_without_an_owner_nothing_happens(office, channel):
    with capture_logs() as logged:
        await office.tell(notice("nobody", channel=channel))
    assert (await office.records(), office.woken, logged) == ([], [], [])


async def test_a_channel_that_does_not_send_holds_its_notices(office):
    office.held = "stopped"
    await office.tell(notice("nobody"))
    [record] = await office.records()
    assert (record.delivery.state, record.delivery.reason) == (State.HELD, "stopped")
    held = 'alertreceiver_deliveries_suppressed_total{channel="duty",reason="stopped"} 1.0'
    assert held in office.metrics.exposition().decode()


async def test_what_the_store_does_not_take_is_logged_and_told_when_there_is_cause_again(office, monkeypatch):
    with monkeypatch.context() as broken, capture_logs() as logged:
        broken.setattr(office.store, "accept", refuse(StoreUnavailable("the disk is full")))
        await office.tell(notice("nobody"))
    assert [(entry["log_level"], entry["to"]) for entry in logged] == [("warning", "duty")]
    await office.tell(notice("nobody"))
    assert len(await office.records()) == 1


@pytest.mark.parametrize("broken", [{"words": {}}, {"words": {"zh": ("{what}", "")}}, {"record": "d1", "labels": None}])
async def test_a_notice_that_cannot_be_made_is_nobodys_trouble(office, broken):
    with capture_logs() as logged:
        await office.tell(notice("nobody", **broken))
    assert [entry["log_level"] for entry in logged] == ["error"]
    assert await office.records() == []


def refuse(error):
    async def accept(*_):
        raise error

    return accept


async def test_nobody_waits_for_a_store_that_hangs(office, monkeypatch):
    monkeypatch.setattr(office.store, "accept", lambda *_: asyncio.sleep(60))
    office.notices.tell(notice("nobody"))
    await asyncio.wait_for(office.notices.finish(0.05), 1.0)


async def test_labels_that_name_anybody_do_not_flood_the_owner(office):
    await office.tell(*(notice(f"pod-{number}") for number in range(40)))
    assert len(await office.records()) == AT_MOST.count
    await office.tell(notice("pod-1", noun="Stopped"))
    office.now += AT_MOST.per
    await office.tell(notice("pod-41"))
    assert len(await office.records()) == AT_MOST.count + 2


def test_after_the_end_nothing_happens(tmp_path):
    async def opened():
        office = Office(tmp_path)
        await office.open()
        await office.store.close()
        return office

    asyncio.run(opened()).notices.tell(notice("nobody"))


ENDS = {"began": NOW - 60.0, "status": "resolved"}


async def test_an_episode_ends_as_the_alert_that_it_began_as(office):
    await office.tell(notice(began=NOW - 60.0, labels={"severity": "critical"}))
    office.now += 5
    await office.tell(notice(**ENDS, labels={"severity": "critical"}))
    fired, resolved = await office.alerts()
    assert all(fired[name] == resolved[name] for name in ("fingerprint", "labels", "startsAt"))
    assert datetime.fromisoformat(fired["startsAt"]) == datetime.fromtimestamp(NOW - 60.0, UTC)
    assert (fired["status"], fired["endsAt"], resolved["status"]) == ("firing", "", "resolved")
    assert datetime.fromisoformat(resolved["endsAt"]) == datetime.fromtimestamp(office.now, UTC)
    first, second = [record.delivery for record in await office.records()]
    assert (first.group, first.firing, second.firing) == (second.group, True, False)


async def test_an_episode_is_told_once_however_long_it_lasts_and_across_restarts(office):
    for _ in range(3):
        await office.tell(notice(began=NOW))
        await office.store.close()
        office.now += 2 * AGAIN
        await office.open()
    assert len(await office.records()) == 1
    await office.tell(notice(began=NOW + 1.0))
    assert len(await office.records()) == 2


@pytest.mark.parametrize(("severity", "priority"), [(None, "normal"), ("critical", "high"), ("info", "low")])
async def test_a_notice_is_as_urgent_as_its_severity(office, severity, priority):
    await office.tell(notice(labels={"severity": severity} if severity else {}))
    [record] = await office.records()
    assert (record.delivery.priority, carries_notice(record.delivery)) == (priority, True)


async def test_another_page_says_more(office):
    words = {"zh": ("{reason}", "看 {page}")}
    await office.tell(notice(words=words, record="", page="/api/v1/channels/infra", said={"reason": "gone {page}"}))
    [alert] = await office.alerts()
    assert alert["generatorURL"] == "http://receiver.example/api/v1/channels/infra"
    assert alert["annotations"] == {"summary": "gone {page}", "description": f"看 {alert['generatorURL']}"}


@pytest.mark.parametrize(("channel", "told"), [("infra", ["duty", "infra"]), ("duty", ["duty"]), ("odd", ["odd"])])
async def test_the_channel_itself_is_told_beside_its_owner_each_once(office, channel, told):
    await office.tell(notice(channel=channel, itself=True), notice(channel=channel, itself=True))
    assert sorted(record.delivery.channel for record in await office.records()) == told


async def test_of_too_many_episodes_neither_the_beginning_nor_the_end_is_told(office):
    for number in range(AT_MOST.count + 2):
        for status in ("firing", "resolved"):
            await office.tell(notice(began=NOW + number, status=status))
    assert [alert["status"] for alert in await office.alerts()] == ["firing", "resolved"] * AT_MOST.count


async def test_an_end_that_the_store_did_not_take_is_told_when_it_does(office, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(office.store, "accept", refuse(StoreUnavailable("the disk is full")))
        await office.tell(notice(**ENDS))
    await office.tell(notice(**ENDS))
    assert [alert["status"] for alert in await office.alerts()] == ["resolved"]


async def test_a_store_that_is_away_for_long_uses_up_no_notice(office, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(office.store, "accept", refuse(StoreUnavailable("the disk is full")))
        for _ in range(2 * AT_MOST.count):
            office.now += 1
            await office.tell(notice(began=NOW))
    await office.tell(notice(began=NOW))
    assert len(await office.records()) == 1


async def test_a_trouble_that_lasts_is_told_when_there_are_not_too_many_any_more(office):
    for number in range(AT_MOST.count):
        await office.tell(notice(began=NOW - number))
    for _ in range(80):
        await office.tell(notice(began=NOW + 1))
        office.now += 60
    await office.tell(notice(began=NOW + 1, status="resolved"))
    told = [alert["status"] for alert in await office.alerts()]
    assert told == ["firing"] * (AT_MOST.count + 1) + ["resolved"]
