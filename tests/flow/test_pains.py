"""What alert relays of today get wrong, one test each; the comment says what they do instead."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import pytest
import stage
from stage import eventually, notification

from receiver.sandbox import Fault

ALL = ("wecom", "dingtalk", "feishu", "itsm")


def canned(**answer):
    return Fault("answer", 200, json.dumps(answer))


async def first_record(client, channel, body):
    """Post to one channel; its record once a try was made."""
    _, answer = await client.post_body(json.dumps(body).encode(), f"/webhook?channel={channel}")
    (owed,) = answer["deliveries"]
    return await eventually(lambda: tried(client, owed["id"]))


async def tried(client, record):
    async with client.http.get(f"/api/v1/records/{record}") as response:
        told = await response.json()
    return told if told["attempts"] else None


def sent(client, channel, kind):
    """How many notifications the metrics say were sent."""
    metrics = client.service.metrics.exposition().decode()
    start = f'alertreceiver_notifications_total{{channel="{channel}",kind="{kind}"}} '
    return next(float(line.removeprefix(start)) for line in metrics.splitlines() if line.startswith(start))


# Others look at the HTTP status only: apprise, Nightingale's robots, Grafana's WeCom and Uptime Kuma report success.
async def test_wecoms_200_with_45009_is_not_sent(app_client, providers):
    providers.sandbox.fault("wecom", canned(errcode=45009, errmsg="api freq out of limit"))
    record = await first_record(app_client, "wecom", notification("A"))
    assert (record["state"], record["attempts"][0]["provider_code"]) == ("queued", "45009")
    assert sent(app_client, "wecom", "wecom_robot") == 0


# Others: alertmanager-webhook-adapter, versus-incident and Uptime Kuma read no code of Feishu's.
@pytest.mark.parametrize("code", [11232, 9499, 19001, 99999])
async def test_feishus_200_with_another_code_than_zero_is_not_sent(app_client, providers, code):
    providers.sandbox.fault("feishu", canned(code=code, msg="no"), times=None)
    record = await first_record(app_client, "feishu", notification("A"))
    assert record["state"] != "sent"
    assert record["attempts"][0]["provider_code"] == str(code)
    assert sent(app_client, "feishu", "feishu_bot") == 0


# Others: alertmanager-webhook-adapter takes it for success, prometheus-webhook-dingtalk answers 400, which is final.
async def test_dingtalks_200_with_130101_is_not_sent_and_not_given_up(app_client, providers):
    providers.sandbox.fault("dingtalk", canned(errcode=130101, errmsg="send too fast"))
    record = await first_record(app_client, "dingtalk", notification("A"))
    assert (record["state"], record["attempts"][0]["provider_code"]) == ("queued", "130101")
    assert sent(app_client, "dingtalk", "dingtalk_robot") == 0


# Others: apprise encodes the signature twice, so that every + and / in it is refused.
async def test_dingtalks_signature_is_encoded_once(tmp_path, providers):
    channels = providers.channels(limits={"rate": 0})  # so that each is a message of its own
    app_client = stage.Client(stage.settings(tmp_path, providers, channels=channels))
    await app_client.start()
    for number in range(12):
        body = json.dumps(notification(f"A{number}", group=str(number))).encode()
        await app_client.post_body(body, "/webhook?channel=dingtalk")
    await eventually(lambda: len(providers.sandbox.requests) == 12)
    targets = [urlsplit(seen.target) for seen in providers.sandbox.requests]
    signatures = [dict(parse_qsl(target.query))["sign"] for target in targets]
    assert all(len(b64decode(signature, validate=True)) == 32 for signature in signatures)
    assert not any("%25" in target.query for target in targets)
    assert set("+/") & set("".join(signatures))
    assert all(seen.status == 200 for seen in providers.sandbox.requests)
    assert len(providers.told("dingtalk")) == 12
    await app_client.stop()


# Others: notification-manager drops a message that is too long, a2w and prometheus-webhook-dingtalk answer 400.
async def test_a_single_alert_of_six_kilobytes_is_told(app_client, providers):
    text = " ".join(f"word{number:04d}" for number in range(680))
    body = notification("Long")
    body["alerts"][0]["annotations"]["description"] = text
    assert len(text) > 6000
    await app_client.post_body(json.dumps(body).encode())
    for name in ALL:
        await eventually(lambda name=name: any("word0000" in told for told in providers.told(name)))
        assert "Long" in providers.told(name)[0]
    for name in ("dingtalk", "feishu", "itsm"):
        assert "word0679" in "\n".join(providers.told(name))


# Others: Alertmanager's own truncation and byte cuts leave half a character or broken markup, which is refused.
async def test_a_single_alert_of_sixty_kilobytes_is_told_as_far_as_it_goes(app_client, providers):
    body = notification("Huge")
    body["alerts"][0]["annotations"]["description"] = "磁盘🔥" * 6000
    await app_client.post_body(json.dumps(body, ensure_ascii=False).encode())
    for name in ALL:
        await eventually(lambda name=name: any("磁盘" in told for told in providers.told(name)))
    assert all(seen.status == 200 for seen in providers.sandbox.requests)


# Others: notification-manager, Nightingale and Healthchecks keep what was accepted in memory until it is sent.
async def test_a_crash_between_intake_and_sending_loses_nothing(serve, providers):
    service = await serve()
    for name in ALL:
        providers.sandbox.fault(name, Fault("delay", seconds=30.0))
    status, _ = await service.post(notification("Survivor"))
    assert status == 202
    service.kill()
    providers.sandbox.clear_faults()
    await service.start()
    for name in ALL:
        await eventually(lambda name=name: any("Survivor" in told for told in providers.told(name)))


# Others: every one of them tells the same group twice, once for each Alertmanager of the pair.
async def test_an_alertmanager_pair_is_told_once(app_client, providers):
    bodies = [{**notification("Twin"), "externalURL": f"http://alertmanager-{number}"} for number in range(2)]
    answers = await asyncio.gather(*(app_client.post_body(json.dumps(body).encode()) for body in bodies))
    assert sorted(answer["duplicate"] for _, answer in answers) == [False, True]
    for name in ALL:
        await eventually(lambda name=name: providers.told(name))
    await asyncio.sleep(0.3)
    assert [len(providers.told(name)) for name in ALL] == [1, 1, 1, 1]


# Others: alertmanager-webhook-adapter's templates fail on an alert without a severity, and it is not sent.
@pytest.mark.parametrize("label", ["severity", "alertname"])
async def test_an_alert_without_a_usual_label_is_told(app_client, providers, label):
    body = notification("Sparse", instance="db-1")
    del body["alerts"][0]["labels"][label]
    await app_client.post_body(json.dumps(body).encode())
    for name in ALL:
        await eventually(lambda name=name: any("db-1" in told for told in providers.told(name)))
        (told,) = providers.told(name)
        assert "no value" not in told
        assert "None" not in told


# Others: Nightingale and PrometheusAlert splice values into JSON, and a backslash, quote or newline breaks it.
@pytest.mark.parametrize(
    "value", [r"C:\new\temp\u0041", 'say "hi"', "one\ntwo\r\n\tthree", "{{ .Labels }} {% raw %} ${VAR}", "%s %d %%"]
)
async def test_a_label_with_a_backslash_quote_or_newline_is_told(app_client, providers, value):
    body = notification("Windows", path=value)
    body["alerts"][0]["annotations"]["description"] = value
    await app_client.post_body(json.dumps(body).encode())
    for name in ALL:
        await eventually(lambda name=name: any("Windows" in told for told in providers.told(name)))
    (itsm,) = [json.loads(message.raw) for message in providers.sandbox.messages if message.name == "itsm"]
    assert itsm["alerts"][0]["labels"]["path"] == value
    assert all(seen.status == 200 for seen in providers.sandbox.requests)


# Others: PrometheusAlert sends a routed alert to its default channel as well.
async def test_a_routed_alert_does_not_go_to_the_default_channel_too(serve, providers):
    routes = [{"matchers": ["team=db"], "channels": ["dingtalk"]}]
    service = await serve(route={"channels": ["itsm"], "routes": routes})
    _, routed = await service.post(notification("Routed", team="db"))
    _, other = await service.post(notification("Other", team="web"))
    assert [owed["channel"] for owed in routed["deliveries"]] == ["dingtalk"]
    assert [owed["channel"] for owed in other["deliveries"]] == ["itsm"]
    await eventually(lambda: len(providers.sandbox.messages) == 2)
    assert "Routed" in providers.told("dingtalk")[0]
    assert "Other" in providers.told("itsm")[0]


# Others: PrometheusAlert shows every time in UTC, eight hours off.
async def test_times_are_shown_in_the_configured_zone(app_client, providers):
    await app_client.post_body(json.dumps(notification("Clock")).encode())
    for name in ("wecom", "dingtalk", "feishu"):
        await eventually(lambda name=name: providers.told(name))
        assert "11:04:05" in providers.told(name)[0]
