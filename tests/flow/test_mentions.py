"""Whom people's platforms ping, through the real service: configured people, and nobody else."""

from __future__ import annotations

import asyncio
import json

import pytest
from mention_samples import PEOPLE, ZHANG, pinged
from stage import DINGTALK_SECRET, DINGTALK_TOKEN, eventually, notification

from receiver.sandbox import Fault

KINDS = {"wecom": "wecom_robot", "dingtalk": "dingtalk_robot", "feishu": "feishu_bot"}
REFUSED = {
    "wecom": {"errcode": 40058, "errmsg": "invalid"},
    "dingtalk": {"errcode": 400105, "errmsg": "unsupported"},
    "feishu": {"code": 11246, "msg": "card"},
}
HOSTILE = '<@all> <at id=all></at> <at user_id="all"> @all 13800001111'


def pings(providers, name):
    """Everybody pinged in a group, once for each message that did."""
    return [who for message in providers.sandbox.messages if message.name == name for who in message.mentions]


@pytest.fixture
async def service(serve, providers):
    """A service whose channels mention 张三, a phone and, when critical, everyone; its route names who owns."""
    mentions = {"names": ["张三", "phone"], "by_severity": {"critical": ["all"]}}
    channels = providers.channels(mentions=mentions)
    route = {"channels": [channel["name"] for channel in channels], "mentions": {"label": "owner"}}
    return await serve(contacts=PEOPLE, channels=channels, route=route)


async def sent(service, body, state="sent"):
    """Post a body and wait until every delivery has ended."""
    _, answer = await service.post(body)
    for owed in answer["deliveries"]:
        await eventually(lambda owed=owed: ended(service, owed["id"], state))


async def ended(service, record, state):
    return (await service.get(f"/api/v1/records/{record}"))["state"] == state


async def test_configured_people_are_pinged_once_in_every_group(service, providers):
    await sent(service, notification("Disk"))
    for name, kind in KINDS.items():
        assert sorted(pings(providers, name)) == sorted(pinged(kind, "张三", "phone"))
    assert pings(providers, "itsm") == []


async def test_a_critical_alert_pings_everyone(service, providers):
    await sent(service, notification("Disk", severity="critical"))
    for name, kind in KINDS.items():
        assert sorted(pings(providers, name)) == sorted(pinged(kind, "张三", "phone", "all"))


async def test_wecoms_second_message_names_the_alert_and_pings_the_phone(service, providers):
    await sent(service, notification("Disk"))
    first, second = [message for message in providers.sandbox.messages if message.name == "wecom"]
    assert (first.msgtype, first.mentions) == ("markdown", ("ZhangSan",))
    assert (second.msgtype, second.mentions) == ("text", ("13900002222",))
    assert "Disk" in second.plain


async def test_resolved_alerts_ping_nobody(service, providers):
    await sent(service, notification("Disk", status="resolved", severity="critical", owner="张三"))
    assert [message.mentions for message in providers.sandbox.messages] == [()] * 4


async def test_hostile_labels_ping_nobody_more(service, providers):
    body = notification(HOSTILE, owner=HOSTILE, path=HOSTILE)
    body["alerts"][0]["annotations"] = {"summary": HOSTILE, "description": HOSTILE}
    await sent(service, body)
    for name, kind in KINDS.items():
        assert sorted(pings(providers, name)) == sorted(pinged(kind, "张三", "phone"))


async def test_a_split_notification_pings_once(service, providers):
    await sent(service, notification(*(f"Alert{number:03d}-{'x' * 60}" for number in range(60))))
    for name, kind in KINDS.items():
        assert sorted(pings(providers, name)) == sorted(pinged(kind, "张三", "phone"))
    assert len([message for message in providers.sandbox.messages if message.name == "wecom"]) > 3


@pytest.mark.parametrize("name", KINDS)
async def test_plain_text_after_a_refusal_pings_the_same_people_once(service, providers, name):
    providers.sandbox.fault(name, Fault("answer", 200, json.dumps(REFUSED[name])))
    await sent(service, notification("Disk", severity="critical"))
    assert sorted(pings(providers, name)) == sorted(pinged(KINDS[name], "张三", "phone", "all"))


async def test_a_group_that_allows_no_ping_of_everyone_is_told_without(service, providers):
    providers.sandbox.register("dingtalk_robot", DINGTALK_TOKEN, name="dingtalk", secret=DINGTALK_SECRET, at_all=False)
    await sent(service, notification("Disk", severity="critical"))
    assert sorted(pings(providers, "dingtalk")) == sorted(pinged("dingtalk_robot", "张三", "phone"))
    assert "Disk" in providers.told("dingtalk")[0]


async def test_a_label_names_who_is_on_duty_from_the_file(serve, providers, tmp_path):
    (tmp_path / "people.csv").write_text("姓名,帐号,手机\n张三,ZhangSan,13800001111\n", encoding="gb18030")
    duty = {"name": "duty", "rotation": {"start": "2026-01-05", "every": "7d", "members": ["张三"]}}
    route = {"channels": ["wecom"], "routes": [{"matchers": ["team=db"], "mentions": {"label": "owner"}}]}
    service = await serve(contacts=[duty], contacts_file="people.csv", route=route)
    await sent(service, notification("Other", owner="@duty"))
    await sent(service, notification("Disk", team="db", group="db", owner="nobody, @duty"))
    assert [message.mentions for message in providers.sandbox.messages] == [(), (ZHANG["wecom"],)]
    assert "nobody" in await asyncio.to_thread(service.log.read_text)


async def test_the_records_content_is_what_pinged(service, providers):
    _, answer = await service.post(notification("Disk"), "/webhook?channel=dingtalk")
    record = answer["deliveries"][0]["id"]
    await eventually(lambda: ended(service, record, "sent"))
    content = json.loads((await service.get(f"/api/v1/records/{record}"))["content"])
    assert content["at"] == {"atUserIds": ["manager4220"], "atMobiles": ["13900002222"]}
