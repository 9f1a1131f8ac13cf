"""POST /api/v1/render: what would go out is what goes out, and nothing else happens."""

from __future__ import annotations

import gzip
import json
import re

import aiohttp
import pytest
import stage
from stage import eventually, notification

from receiver.channels.registry import CHANNELS

ENDED = notification("DiskFull", "DiskSlow", status="resolved", owner="nobody")
KEYS = {"number", "total", "target", "content", "text", "title", "bytes", "limit", "mentions", "links"}


async def ask(url, asked=None, data=None, **headers):
    """(status, answer) of one request."""
    body = data if data is not None else json.dumps(asked).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/v1/render", data=body, headers=headers) as response,
    ):
        return response.status, await response.json()


async def rendered(face, **asked):
    status, answer = await ask(face.url, {"event": ENDED, **asked})
    assert status == 200, answer
    return answer


def channels(providers):
    """One channel of every kind there is."""
    return [one for one in (*providers.channels(), *providers.apps()) if one["kind"] in CHANNELS]


@pytest.fixture
async def service(face, providers):
    return await face(channels=channels(providers))


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_kind_needs_no_channel(service, kind):
    answer = await rendered(service, kind=kind)
    assert (answer["kind"], answer["template"], answer["language"], answer["warnings"]) == (kind, "default", "zh", [])
    for message in answer["messages"]:
        assert set(message) == KEYS
        assert 0 < message["bytes"] <= message["limit"]
        assert isinstance(message["content"], dict)
        assert "DiskFull" in message["title"] + message["text"]


async def test_what_would_go_out_is_what_goes_out(service, providers):
    names = [channel["name"] for channel in channels(providers)]
    would = {name: (await rendered(service, channel=name))["messages"] for name in names}
    assert not providers.sandbox.messages
    await service.send(ENDED)
    await eventually(lambda: len(providers.sandbox.messages) == sum(map(len, would.values())))
    for name in names:
        posted = [one for one in providers.sandbox.messages if one.name == name]
        read = [(one.title, one.plain, list(one.links)) for one in posted]
        promised = [(message["title"], message["text"], message["links"]) for message in would[name]]
        assert nameless(read) == nameless(promised)


def nameless(what):
    """`what` without the ids of records: each delivery has its own."""
    return re.sub(r"/records/[0-9a-f]{28}", "/records/ID", repr(what))


async def test_the_content_is_the_wire_body_beside_its_target(service):
    (message,) = (await rendered(service, channel="wecom"))["messages"]
    assert message["content"]["msgtype"] == "markdown"
    assert message["bytes"] == len(message["content"]["markdown"]["content"].encode())
    assert (message["limit"], message["target"]) == (4096, "")


async def test_a_language_stands_in_the_place_of_the_channels(service):
    assert "已恢复" in (await rendered(service, channel="wecom"))["messages"][0]["text"]
    answer = await rendered(service, channel="wecom", language="en")
    assert answer["language"] == "en"
    assert "RESOLVED" in answer["messages"][0]["text"]


async def test_an_event_may_stand_in_a_string(service):
    assert await rendered(service, kind="webhook", event=json.dumps(ENDED)) == await rendered(service, kind="webhook")


async def test_a_webhook_that_is_no_json_is_shown_as_its_text(face, tmp_path):
    folder = tmp_path / "templates" / "words"
    folder.mkdir(parents=True)
    (folder / "webhook.j2").write_text("{{ title }}: {{ status }}")
    channel = {"name": "a", "kind": "webhook", "url": "http://127.0.0.1/", "content_type": "text/plain"}
    service = await face(channels=[channel], templates={"directory": str(tmp_path / "templates")})
    answer = await rendered(service, channel="a", template="words", event={**ENDED, "title": "T"})
    assert [message["content"] for message in answer["messages"]] == ["T: resolved"]


async def test_an_edited_template_shows_at_once(face, tmp_path):
    folder = tmp_path / "templates" / "own"
    folder.mkdir(parents=True)
    service = await face(templates={"directory": str(tmp_path / "templates")})
    for text in ("first words", "{{ oops", "second words"):
        (folder / "wecom_robot.j2").write_text(text)
        answer = await rendered(service, channel="wecom", template="own")
        shown, warned = answer["messages"][0]["text"], " ".join(answer["warnings"])
        assert text in shown or "own/wecom_robot.j2:1: " in warned


async def test_a_preview_leaves_nothing_behind(face, tmp_path, providers):
    folder = tmp_path / "templates" / "default"
    folder.mkdir(parents=True)
    service = await face(templates={"directory": str(tmp_path / "templates")})
    (folder / "wecom_robot.j2").write_text("{{ 1 // 0 }}")
    assert (await rendered(service, channel="wecom"))["warnings"]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{service.url}/api/v1/records") as response:
            assert (await response.json())["items"] == []
        async with session.get(f"{service.url}/metrics") as response:
            assert 'alertreceiver_template_failures_total{template="default"} 0.0' in await response.text()
    assert not providers.sandbox.requests


async def test_routes_mention_in_previews_as_in_messages(face):
    contact = {"name": "zhangsan", "wecom": "ZhangSan"}
    route = {"channels": ["wecom"], "mentions": {"names": ["zhangsan"], "label": "owner", "resolved": True}}
    service = await face(contacts=[contact], route=route)
    answer = await rendered(service, channel="wecom")
    assert answer["messages"][0]["mentions"] == ["ZhangSan"]
    assert answer["warnings"] == ["no contact is named nobody: nobody is mentioned for it"]
    assert (await rendered(service, kind="wecom_robot"))["messages"][0]["mentions"] == []


async def test_no_secret_of_a_channel_is_shown(service, providers):
    for channel in channels(providers):
        shown = json.dumps(await rendered(service, channel=channel["name"]))
        for secret in (stage.WECOM_KEY, stage.DINGTALK_TOKEN, stage.DINGTALK_SECRET, stage.FEISHU_TOKEN):
            assert secret not in shown
        for secret in (stage.FEISHU_SECRET, stage.HOOK_SECRET, stage.CORP_SECRET, stage.APP_SECRET):
            assert secret not in shown


REFUSED = {
    "neither channel nor kind": ({}, "bad_request", "either a channel or a kind"),
    "both": ({"channel": "wecom", "kind": "webhook"}, "bad_request", "either a channel or a kind"),
    "an unknown channel": ({"channel": "wecon"}, "unknown_channel", "did you mean wecom?"),
    "an unknown kind": ({"kind": "pager"}, "unknown_kind", "there are wecom_robot, "),
    "an unknown template": ({"kind": "webhook", "template": "nosuch"}, "unknown_template", "'nosuch'"),
    "a path": ({"kind": "webhook", "template": "../default"}, "unknown_template", ""),
    "a path from the root": ({"kind": "webhook", "template": "/etc"}, "unknown_template", ""),
    "the folder itself": ({"kind": "webhook", "template": "."}, "unknown_template", ""),
    "the folder above": ({"kind": "webhook", "template": ".."}, "unknown_template", ""),
    "template text": ({"kind": "webhook", "template": "{{ 1 }}"}, "unknown_template", ""),
    "an empty template": ({"kind": "webhook", "template": ""}, "bad_request", "must not be empty"),
    "a template that is no text": ({"kind": "webhook", "template": ["default"]}, "bad_request", "$.template"),
    "an unknown language": ({"kind": "webhook", "language": "fr"}, "unknown_language", "there are zh, en"),
    "an unknown key": ({"kind": "webhook", "text": "{{ 1 }}"}, "bad_request", "unknown field `text`"),
    "no event": ({"kind": "webhook", "event": None}, "bad_request", "event is missing"),
    "an event of no sender": ({"kind": "webhook", "event": {"a": 1}}, "badBody", "neither an Alertmanager nor"),
    "an event that is no JSON": ({"kind": "webhook", "event": "{"}, "badBody", "not JSON"),
    "an event that is a number": ({"kind": "webhook", "event": 7}, "badBody", "must be a JSON object"),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_what_cannot_be_previewed_is_refused_with_a_sentence(service, why):
    asked, word, sentence = REFUSED[why]
    status, answer = await ask(service.url, {"event": ENDED, **asked})
    assert (status, answer["error"]) == (400, word)
    assert sentence in answer["detail"]


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "not UTF-8": b"\xff\xfe{}",
    "a name that is not UTF-8": b'{"kind": "\xff", "event": {}}',
    "an event that is not UTF-8": b'{"kind": "webhook", "event": {"alerts": [{"labels": {"a": "\xff"}}]}}',
    "a string with half a sign": b'{"kind": "webhook", "event": "\\ud800"}',
    "deep": b"[" * 90_000,
    "a deep event": b'{"kind": "webhook", "event": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "a deep event in a string": b'{"kind": "webhook", "event": "' + b"[" * 90_000 + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_request_that_is_none_is_refused(service, body):
    status, answer = await ask(service.url, data=body)
    assert (status, set(answer)) == (400, {"error", "detail"})


async def test_a_body_beyond_the_servers_limit_is_refused(face, providers):
    server = {"listen": "127.0.0.1:0", "max_body": "64KiB"}
    service = await face(server=server)
    body = json.dumps({"kind": "webhook", "event": {**ENDED, "message": "x" * 70_000}}).encode()
    assert (await ask(service.url, data=body))[0] == 413
    assert (await ask(service.url, data=gzip.compress(body), Content_Encoding="gzip"))[0] in (400, 413)
    assert (await ask(service.url, data=b"no gzip", **{"Content-Encoding": "gzip"}))[0] == 400
