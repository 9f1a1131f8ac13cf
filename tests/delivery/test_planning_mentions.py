"""Whom the messages of a delivery mention, from the stored event to what the platform reads of the bytes."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from mention_samples import PEOPLE, PINGS, contacts, pinged
from rendering_samples import alert, channel, event, renderer
from structlog.testing import capture_logs

from receiver.delivery.addressees import Addressees
from receiver.delivery.bundle import Bundle
from receiver.delivery.owed import Owed
from receiver.delivery.planning import Planner
from receiver.intake.routing import Routes, RouteSettings
from receiver.metrics import Metrics
from receiver.model import Carried, Delivery, Message, State, StoredEvent
from receiver.sandbox.dingtalk_types import read_content as read_dingtalk
from receiver.sandbox.feishu_card import read_card
from receiver.sandbox.feishu_types import pings as feishu_pings
from receiver.sandbox.wecom_types import read_content as read_wecom
from receiver.store.base import Work

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 7, 12, tzinfo=ZONE).timestamp()
NEXT_WEEK = NOW + 7 * 86400
pytestmark = pytest.mark.parametrize("kind", PINGS)


def read(kind, message):
    """Whom the platform pings for one message."""
    body, strict = orjson.loads(message.content), pytest.fail
    if kind == "wecom_robot":
        limits = {"markdown": 4096, "text": 2048}
        return read_wecom(body["msgtype"], body, limits, frozenset(), strict).mentions
    if kind == "dingtalk_robot":
        return read_dingtalk(body, strict).mentions
    if body["msg_type"] == "text":
        return feishu_pings(body["content"]["text"])
    return read_card(body["card"] if kind == "feishu_bot" else body["content"], True, strict).mentions


class Stage:
    """A planner of one channel over made-up people and routes."""

    def __init__(self, kind, *, route=None, own=None, people=PEOPLE, templates=None, **root):
        settings = RouteSettings.model_validate({"channels": ["infra"], "mentions": route, **root})
        addressees = Addressees(contacts(*people, zone=ZONE), Routes(settings).mentions)
        self.kind = kind
        made = channel(kind, mentions=own)
        self.planner = Planner(made, templates or renderer(), addressees, Metrics(), record_url=lambda _: "")

    def work(self, *alerts, route="route", **changes):
        self.event = event(*alerts)
        delivery = Delivery("d1", "e1", "infra", self.kind, "default", route, "g", "normal", State.QUEUED, NOW, NOW)
        return Owed(Work(replace(delivery, **changes), StoredEvent("e1", "am", NOW, b"")), lambda _: self.event)

    def plan(self, *alerts, now=NOW, **changes):
        """Whom each message of a delivery pings."""
        messages = self.planner.whole([self.work(*alerts, **changes)], now)
        return [set(read(self.kind, message)) for message in messages]

    def pings(self, *alerts, **changes):
        return set().union(*self.plan(*alerts, **changes))

    def instead(self, *alerts, code="1", told=(), rest=(), **refused):
        """Whom the plain texts ping in the place of a message that tells these positions, while the rest is to come."""
        message = Message("m", "infra", b"", (Carried("d1", told),), **refused)
        others = [Message("n", "infra", b"", (Carried("d1", rest),), 2, 2)] if rest else []
        bundle = Bundle([self.work(*alerts)], deque(others))
        return [read(self.kind, one) for one in self.planner.instead(bundle, message, code, NOW)]


def many(number, **labels):
    return [alert(labels={"alertname": f"A{index}", **labels}, fingerprint=str(index)) for index in range(number)]


OVER = alert(status="resolved", endsAt="2026-01-07T03:14:05Z")


def test_nobody_without_a_word_about_it(kind):
    assert Stage(kind).plan(alert()) == [set()]


def test_the_routes_and_the_channels_people_once(kind):
    stage = Stage(kind, route=["张三"], own=["张三", "phone"])
    assert stage.pings(alert()) == pinged(kind, "张三", "phone")
    messages = stage.planner.whole([stage.work(alert())], NOW)
    told = [who for message in messages for who in read(kind, message)]
    assert len(told) == len(set(told))


def test_the_first_of_many_messages_mentions_and_the_others_do_not(kind):
    first, *others = Stage(kind, own=["张三"]).plan(*many(800))
    assert first == pinged(kind, "张三")
    assert len(others) >= 2
    assert not any(others)


def test_everyone_and_mobiles_of_a_split_delivery_are_mentioned_once(kind):
    stage = Stage(kind, own=["张三", "phone", "all"])
    planned = stage.plan(*many(400))
    assert set().union(*planned[:2]) == pinged(kind, "张三", "phone", "all")
    assert not any(planned[2:])


def test_resolved_alerts_mention_nobody_unless_told_to(kind):
    assert Stage(kind, own=["张三", "all"]).plan(OVER) == [set()]
    assert Stage(kind, own={"names": ["张三"], "resolved": True}).pings(OVER) == pinged(kind, "张三")


def test_a_duty_stands_for_who_is_on_it_when_it_is_planned(kind):
    stage = Stage(kind, route=["@duty"])
    assert stage.pings(alert()) == pinged(kind, "张三")
    assert stage.pings(alert(), now=NEXT_WEEK) == pinged(kind, "phone")


def test_a_severity_adds_people(kind):
    stage = Stage(kind, own={"by_severity": {"critical": ["张三"]}})
    assert stage.pings(alert(labels={"severity": "critical"})) == pinged(kind, "张三")
    assert stage.pings(alert(labels={"severity": "warning"})) == set()


LABELS = [
    "@all",
    "all 张三",
    "<at id=all></at>",
    "<@all>",
    '<at user_id="all">',
    "13800001111 manager4220",
    "＠all;@ALL",
]


@pytest.mark.parametrize("value", LABELS)
def test_a_label_reaches_contacts_only(kind, value):
    stage = Stage(kind, own={"label": "owner"})
    hostile = alert(labels={"alertname": value, "owner": value}, annotations={"summary": value, "description": value})
    assert stage.pings(hostile) == (pinged(kind, "张三") if "张三" in value else set())


def test_hostile_labels_beside_configured_people(kind):
    stage = Stage(kind, own=["张三"])
    hostile = [alert(labels={"alertname": value, "owner": value}) for value in LABELS]
    assert stage.pings(*hostile) == pinged(kind, "张三")


def test_unknown_names_in_a_label_are_logged_once_and_cut(kind):
    stage = Stage(kind, own={"label": "owner"})
    with capture_logs() as logged:
        for _ in range(3):
            stage.plan(alert(labels={"owner": "nobody\u202e" + "x" * 500}))
    assert [(entry["log_level"], entry["names"]) for entry in logged] == [("warning", "nobody\ufffd" + "x" * 57)]


def test_each_alert_has_the_mentions_of_its_own_route(kind):
    routes = [
        {"matchers": ["severity=critical"], "mentions": {"names": ["张三"], "label": "owner"}},
        {"matchers": ["severity=info"], "mentions": []},
    ]
    stage = Stage(kind, route=["phone"], routes=routes)
    quiet, loud = alert(labels={"severity": "info", "owner": "phone"}), alert(labels={"severity": "critical"})
    assert stage.pings(quiet, route="route.routes[1]") == set()
    assert stage.pings(quiet, loud, route="route.routes[1]") == pinged(kind, "张三")


def test_what_came_past_the_routes_has_the_channels_mentions_only(kind):
    stage = Stage(kind, route=["张三"], own=["phone"])
    assert stage.pings(alert(), route="?channel=") == pinged(kind, "phone")


def test_the_alerts_that_are_owed_count_not_all_of_the_event(kind):
    stage = Stage(kind, own={"by_severity": {"critical": ["张三"]}})
    two = alert(labels={"severity": "critical"}), alert(labels={"severity": "warning"})
    assert stage.pings(*two, alerts=(1,)) == set()
    assert stage.pings(*two, alerts=(0,)) == pinged(kind, "张三")


def test_plain_text_instead_of_a_refused_message_mentions_whom_that_did(kind):
    stage = Stage(kind, own=["张三"])
    assert [set(one) for one in stage.instead(alert())] == [pinged(kind, "张三")]


def test_plain_text_instead_of_a_later_message_mentions_nobody(kind):
    stage = Stage(kind, own=["张三", "phone", "all"])
    assert stage.instead(*many(9), number=3, total=4, told=(7, 8)) == [()]


def test_plain_text_instead_of_a_part_still_goes_by_all_alerts(kind):
    stage = Stage(kind, own={"by_severity": {"critical": ["张三"]}})
    alerts = [*many(2, severity="warning"), *many(1, severity="critical")]
    assert set(stage.instead(*alerts, total=2, told=(0, 1), rest=(2,))[0]) == pinged(kind, "张三")
    assert set(stage.instead(*alerts, told=(0, 1))[0]) == set()


def test_what_stands_in_a_message_beside_is_not_mentioned_again(kind):
    stage = Stage(kind, own=["张三", "phone", "all"])
    planned = stage.plan(alert())
    again = set(stage.instead(alert(), total=len(planned))[0])
    assert again == (pinged(kind, "张三") if len(planned) == 2 else pinged(kind, "张三", "phone", "all"))


def test_a_broken_template_mentions_in_its_plain_text(kind, tmp_path):
    folder = tmp_path / "default"
    folder.mkdir()
    (folder / f"{kind}.j2").write_text("{{ 1 / 0 }}")
    stage = Stage(kind, own=["张三", "phone", "all"], templates=renderer(tmp_path))
    assert stage.plan(alert()) == [pinged(kind, "张三", "phone", "all")]


def test_fifty_people_and_three_hundred_alerts_stay_within_the_limits(kind):
    ids = [dict.fromkeys(("wecom", "feishu", "dingtalk"), f"{number:064d}") for number in range(50)]
    people = [{"name": f"{'名' * 60}{number}", **known} for number, known in enumerate(ids)]
    stage = Stage(kind, own=[person["name"] for person in people], people=people)
    planned = stage.plan(*many(300, note="漢" * 40))
    assert set().union(*planned[:2]) == {person["wecom"] for person in people}
    assert not any(planned[2:])
