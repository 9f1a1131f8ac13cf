"""From the webhook to the group: the main job, through the real service and the strict sandbox."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import stage
from stage import LIVE, eventually, notification

PUBLIC = Path(__file__).parents[3] / "shared" / "payloads" / "public"
ALL = ("wecom", "dingtalk", "feishu", "itsm")


async def state(service, record):
    return (await service.get(f"/api/v1/records/{record}"))["state"]


async def ended(service, answer):
    """Wait until every delivery of an accepted body is sent."""
    for delivery in answer["deliveries"]:
        await eventually(lambda record=delivery["id"]: is_sent(service, record))


async def is_sent(service, record):
    return await state(service, record) == "sent"


async def test_one_alert_reaches_every_kind_of_group(serve, providers):
    service = await serve()
    status, answer = await service.post((LIVE / "am-0.33.1" / "zone_firing_1.json").read_bytes())
    assert (status, answer["duplicate"], answer["alerts"]) == (202, False, 1)
    assert {delivery["channel"] for delivery in answer["deliveries"]} == set(ALL)
    await ended(service, answer)
    for name in ALL:
        (told,) = providers.told(name)
        assert "DiskFull" in told
        assert "node-c:9100" in told


async def test_the_record_says_what_was_sent(serve, providers):
    service = await serve()
    body = (LIVE / "am-0.33.1" / "zone_firing_1.json").read_bytes()
    _, answer = await service.post(body)
    await ended(service, answer)
    wecom = next(delivery["id"] for delivery in answer["deliveries"] if delivery["channel"] == "wecom")
    record = await service.get(f"/api/v1/records/{wecom}")
    (posted,) = [message for message in providers.sandbox.messages if message.name == "wecom"]
    assert json.loads(record["content"]) == json.loads(posted.raw)
    assert record["event"] == json.loads(body)
    (attempt,) = record["attempts"]
    assert (attempt["http_status"], attempt["provider_code"], attempt["error"]) == (200, "0", "")
    assert [alert["labels"]["alertname"] for alert in record["alerts"]] == ["DiskFull"]
    assert record["sent_at"] >= record["created_at"]


async def test_records_are_listed_newest_first_and_paged(serve, providers):
    service = await serve(route={"channels": ["itsm"]})
    for number in range(5):
        await service.post(notification(f"Alert{number}", group=str(number)))
    first = await service.get("/api/v1/records?channel=itsm&limit=3")
    second = await service.get(f"/api/v1/records?channel=itsm&limit=3&cursor={first['next_cursor']}")
    names = [item["alerts"][0]["labels"]["alertname"] for item in first["items"] + second["items"]]
    assert names == ["Alert4", "Alert3", "Alert2", "Alert1", "Alert0"]
    assert second["next_cursor"] is None
    assert "sending" in (await service.get("/api/v1/records?state=nonsense"))["detail"]
    assert (await service.get("/api/v1/records?colour=red"))["error"] == "bad_request"


async def test_three_hundred_alerts_are_split_and_none_is_missing(serve, providers):
    service = await serve()
    body = (LIVE / "am-0.25.0" / "bulk_firing_300.json").read_bytes()
    instances = {alert["labels"]["instance"] for alert in json.loads(body)["alerts"]}
    assert len(instances) == 300
    await service.post(body)

    def missing(name):
        text = "\n".join(providers.told(name))
        return [instance for instance in instances if instance not in text]

    for name in ("dingtalk", "feishu", "itsm"):
        await eventually(lambda name=name: not missing(name), 30)
    await eventually(lambda: len(providers.told("wecom")) >= 10, 30)
    assert all(
        len(json.loads(m.raw)["markdown"]["content"].encode()) <= 4096
        for m in providers.sandbox.messages
        if m.name == "wecom"
    )


async def test_the_same_notification_is_told_once(serve, providers):
    service = await serve(route={"channels": ["itsm"]})
    twin = {**notification("A"), "externalURL": "http://am-2"}
    first = await service.post(notification("A"))
    second = await service.post(twin)
    assert (first[0], second[0]) == (202, 202)
    assert second[1]["duplicate"] is True
    assert second[1]["id"] == first[1]["id"]
    repeat = {**notification("A"), "notification_reason": "repeat interval elapsed"}
    assert (await service.post(repeat))[1]["duplicate"] is False
    assert (await service.post(repeat))[1]["duplicate"] is True
    await eventually(lambda: len(providers.told("itsm")) == 2)
    metrics = await service.get("/metrics")
    assert 'alertreceiver_events_duplicate_total{source="alertmanager"} 2.0' in metrics


async def test_a_named_channel_skips_the_routes(serve, providers):
    service = await serve(route={"channels": ["itsm"]})
    _, answer = await service.post(notification("A"), "/webhook?channel=feishu&channel=wecom")
    assert {delivery["channel"] for delivery in answer["deliveries"]} == {"feishu", "wecom"}
    status, refused = await service.post(notification("B"), "/webhook?channel=nobody")
    assert (status, refused["error"]) == (400, "unknown_channel")


async def test_groups_keep_their_order_within_a_channel(serve, providers):
    service = await serve(route={"channels": ["itsm"]})
    for number in range(30):
        await service.post(notification(f"A{number:02d}", group=f"g{number % 3}"))
    await eventually(lambda: len(providers.told("itsm")) == 30)
    names = [json.loads(m.raw)["alerts"][0]["labels"]["alertname"] for m in providers.sandbox.messages]
    for group in range(3):
        mine = [name for name in names if int(name[1:]) % 3 == group]
        assert mine == sorted(mine)


@pytest.mark.parametrize("path", sorted(LIVE.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_every_live_body_is_taken_or_refused_with_a_reason(path, app_client):
    status, answer = await app_client.post_body(path.read_bytes())
    assert (status, "detail" in answer) in ((202, False), (400, True))


async def test_every_public_body_is_taken_and_told_or_refused_with_a_reason(serve, providers):
    if not PUBLIC.is_dir():
        pytest.skip("the collected public bodies are not beside this checkout")
    service = await serve(route={"channels": ["itsm"]})
    owed = 0
    for path in sorted(PUBLIC.rglob("*.json")):
        status, answer = await service.post(path.read_bytes())
        assert status in (202, 400), path
        if status == 400:
            assert answer["detail"]
            assert path.parent.name == "am-silence", path
        else:
            owed += not answer["duplicate"]
    await eventually(lambda: len(providers.told("itsm")) == owed)


async def test_a_body_that_cannot_be_taken_is_kept(serve, providers):
    service = await serve()
    status, answer = await service.post(b'{"hello": "world"}')
    assert (status, answer["error"]) == (400, "badBody")
    (kept,) = (await service.get("/api/v1/quarantine"))["items"]
    assert kept["body"] == '{"hello": "world"}'
    assert kept["reason"] == answer["detail"]


async def test_a_dead_provider_delays_no_other_channel(serve, providers):
    dead = {"name": "dead", "kind": "webhook", "url": f"http://127.0.0.1:{stage.free_port()}/x"}
    service = await serve(channels=[dead, *providers.channels()])
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in range(5):
        await service.post(notification(f"A{number}", group=str(number)))
    await eventually(lambda: len(providers.told("itsm")) == 5)
    assert loop.time() - begun < 5.0
    channel = await service.get("/api/v1/channels/dead")
    assert (channel["state"], channel["queue_length"]) == ("enabled", 5)


async def test_metrics_stand_at_zero_from_the_start(serve, providers):
    metrics = await (await serve()).get("/metrics")
    for line in (
        'alertreceiver_events_received_total{source="alertmanager"} 0.0',
        'alertreceiver_events_rejected_total{reason="badBody",source="unknown"} 0.0',
        'alertreceiver_notifications_total{channel="wecom",kind="wecom_robot"} 0.0',
        'alertreceiver_notifications_failed_total{channel="itsm",kind="webhook",reason="serverError"} 0.0',
        'alertreceiver_rate_window_limit{channel="wecom"} 20.0',
        'alertreceiver_channel_enabled{channel="wecom"} 1.0',
        "alertreceiver_config_last_reload_successful 1.0",
    ):
        assert line in metrics
