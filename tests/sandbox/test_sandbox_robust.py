"""Whatever is posted gets a provider's answer, and memory stays bounded."""

import asyncio
import json

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.sandbox import Clock, Sandbox, serve
from receiver.sandbox.ledger import Content, Ledger, Part
from receiver.sandbox.robots import Robot
from receiver.sandbox.wire import Call

NAMES = st.sampled_from(
    ["msgtype", "msg_type", "text", "markdown", "content", "card", "schema", "header",
     "body", "elements", "tag", "type", "title", "template_card", "card_type", "at",
     "card_action", "horizontal_content_list", "text_tag_list", "template", "config", "columns", "behaviors", "post",
     "zh_cn", "link", "actionCard", "btns", "feedCard", "links", "news", "file",
     "articles", "image", "base64", "image_key", "timestamp", "sign", "msgUuid", "media_id"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["text", "markdown", "2.0", "text_notice", "interactive", "post", "div", "button", "column_set", "actionCard",
     "feedCard", "news", "template_card", "file", "\ud800", "", "x"]
)  # fmt: skip
VALUES = st.recursive(
    WORDS | st.none() | st.integers(-1, 3) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=6)
PATHS = {
    "/cgi-bin/webhook/send": {"key": "a"},
    "/robot/send": {"access_token": "a", "sign": "é"},
    "/open-apis/bot/v2/hook/a": {},
    "/hooks/a": {},
}


def call(path, body):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Call("POST", path, path, PATHS[path], headers, json.dumps(body).encode(), 0.0, "127.0.0.1")


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=BODIES, kind=WORDS)
def test_any_body_gets_an_answer(path, body, kind):
    box = Sandbox(Clock(lambda: 0.0))
    box.accept_unknown = True
    platform = next(one for one in box.platforms if path.startswith(one.prefix))
    answer = platform.answer(call(path, {**body, "msgtype": kind, "msg_type": kind}))
    assert answer.status in (200, 400)
    assert isinstance(json.loads(answer.body), dict)


def test_old_raw_bodies_are_let_go():
    ledger = Ledger()
    robot = Robot("webhook", "a", name="a")
    for number in range(5_010):
        ledger.see(0.0, "POST", "/", {}, b"body")
        ledger.post(robot, float(number), Content("raw", parts=(Part("x"),)), b"body", b"")
    assert [seen.body for seen in ledger.requests].count(b"body") == 5_000
    assert [posted.raw for posted in ledger.messages].count(b"body") == 5_000
    assert ledger.messages[0].plain == "x"


def test_large_bodies_are_let_go_before_there_are_many():
    ledger, large = Ledger(), b"x" * 3 * 1024**2
    for number in range(60):
        ledger.see(0.0, "POST", f"/{number}", {}, large if number % 2 else b"small")
    kept = [bool(seen.body) for seen in ledger.requests]
    assert sum(len(seen.body) for seen in ledger.requests) <= 64 * 1024**2
    assert kept.index(True) == 60 - kept.count(True) == 18


def test_strangers_are_forgotten():
    box = Sandbox()
    for number in range(10_005):
        box.robots.find("dingtalk_robot", str(number))
    assert len(box.robots._strangers) == 10_000


def test_unknown_kind():
    with pytest.raises(ValueError, match="kind must be one of"):
        Sandbox().register("pager", "x")


async def test_serve_on_a_port(unused_tcp_port):
    box = Sandbox()
    box.register("webhook", "in", name="cmdb")
    ready = asyncio.Event()
    serving = asyncio.create_task(serve(box, f"127.0.0.1:{unused_tcp_port}", ready))
    await asyncio.wait_for(ready.wait(), 5)
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"http://127.0.0.1:{unused_tcp_port}/hooks/in", data=b"{}")
        assert answer.status == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert len(box.messages) == 1
