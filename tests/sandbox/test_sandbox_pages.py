"""The page and its API: safe with hostile alerts, in two languages, mountable, masking what is secret."""

import pytest
from aiohttp import web

from receiver.sandbox import Fault, Sandbox, pages_app

SEND = "/cgi-bin/webhook/send?key=secret-key-1"
HOSTILE = (
    "<img src=x onerror=alert(1)> <script>alert(2)</script> [click](javascript:alert(3)) "
    '**<b onclick="x">bold</b>** <font color="warning" onload="x"><svg/onload=alert(4)></font> '
    '[a](https://x/"onmouseover="alert(5)) &lt;script&gt;'
)


@pytest.fixture
def robots(box):
    box.register("wecom_robot", "secret-key-1", name="infra")
    box.register("dingtalk_robot", "t1", name="duty")
    box.register("feishu_bot", "h1", name="on<i>call")
    box.register("webhook", "in", name="cmdb")


async def send_everywhere(post, text):
    await post(SEND, {"msgtype": "markdown", "markdown": {"content": text}})
    await post(SEND, {"msgtype": "text", "text": {"content": text}})
    await post("/robot/send?access_token=t1", {"msgtype": "markdown", "markdown": {"title": text, "text": text}})
    link = {"title": text, "text": text, "messageUrl": "javascript:alert(6)"}
    await post("/robot/send?access_token=t1", {"msgtype": "link", "link": link})
    header = {"title": {"tag": "plain_text", "content": text}, "template": '"><script>'}
    body = {"elements": [{"tag": "markdown", "content": text}]}
    card = {"schema": "2.0", "header": header, "body": body}
    await post("/open-apis/bot/v2/hook/h1", {"msg_type": "interactive", "card": card})
    await post("/hooks/in", {"title": text, "text": text})


async def page_of(wire, path="/sandbox/", **headers):
    answer = await wire.get(path, headers=headers)
    assert answer.status == 200
    return answer, await answer.text()


async def test_headers(wire):
    for path in ("/sandbox/", "/sandbox/bubbles", "/sandbox/static/sandbox.js", "/sandbox/api/messages"):
        answer, _ = await page_of(wire, path)
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_nothing_inline(wire, robots, post):
    await send_everywhere(post, "disk **full**")
    _, text = await page_of(wire)
    assert "<style" not in text
    assert " style=" not in text
    assert " on" not in {part.split("=")[0] for part in text.split('"')}
    assert text.count("<script") == 1
    assert '<script src="static/sandbox.js" defer></script>' in text


async def test_hostile_text_is_shown_as_text(box, wire, robots, post):
    await send_everywhere(post, HOSTILE)
    assert len(box.messages) == 6
    _, text = await page_of(wire)
    for tag in ("<img src=x", "<svg", "<script>", "<b onclick", 'onmouseover="', 'href="javascript'):
        assert tag not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") >= 6
    assert "on&lt;i&gt;call" in text


async def test_bubbles_are_the_same_safe_html(wire, robots, post):
    await send_everywhere(post, HOSTILE)
    news = await (await wire.get("/sandbox/bubbles?since=2")).json()
    assert [item["id"] for item in news["items"]] == [3, 4, 5, 6]
    assert news["last"] == 6
    assert all("<script" not in item["html"] and "<img" not in item["html"] for item in news["items"])
    assert {group["name"]: group["count"] for group in news["groups"]} == {
        "infra": 2, "duty": 2, "on<i>call": 1, "cmdb": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("accepted", "word"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "还没有消息"),
        ("en-US,en;q=0.9,zh;q=0.8", "No messages yet"),
        ("en;q=0.2, zh;q=0.7", "还没有消息"),
        ("fr", "No messages yet"),
        ("zh;q=x", "No messages yet"),
    ],
)
async def test_languages(wire, accepted, word):
    _, text = await page_of(wire, **{"Accept-Language": accepted})
    assert word in text


async def test_pages_stand_anywhere(aiohttp_client):
    app = web.Application()
    app.add_subapp("/elsewhere/sandbox/", pages_app(Sandbox()))
    client = await aiohttp_client(app)
    _, text = await page_of(client, "/elsewhere/sandbox/")
    assert 'href="/' not in text
    assert 'src="/' not in text
    assert (await client.get("/elsewhere/sandbox/static/sandbox.css")).status == 200


async def test_root_leads_to_the_page(wire):
    for path in ("/", "/sandbox"):
        assert (await wire.get(path)).url.path == "/sandbox/"


async def test_api_masks_credentials(box, wire, robots, post):
    box.register("wecom_robot", "secret-key-1", name="infra", secret="SECcanary")
    await post(SEND, {"msgtype": "text", "text": {"content": "x"}}, Authorization="Bearer canary")
    listed = await (await wire.get("/sandbox/api/requests")).text()
    assert "secret-key-1" not in listed
    assert "canary" not in listed
    assert "/cgi-bin/webhook/send?key=***" in listed
    assert "secret-key-1" not in repr(box.requests[0]) + repr(next(iter(box.robots)))


async def test_api_drives_a_sandbox(box, wire, post):
    api = "/sandbox/api"
    robot = {"kind": "dingtalk_robot", "credential": "t9", "name": "far", "keywords": ["x"]}
    assert (await post(f"{api}/register", robot))[0] == 200
    assert (await post(f"{api}/faults", {"target": "far", "mode": "answer", "status": 500, "times": 1}))[0] == 200
    hello = {"msgtype": "text", "text": {"content": "x @1"}, "at": {"atMobiles": ["1", "2"]}}
    answer = await wire.post("/robot/send?access_token=t9", json=hello)
    assert answer.status == 500
    assert (await post("/robot/send?access_token=t9", hello))[0] == 200
    shown = (await (await wire.get(f"{api}/messages?since=0")).json())["items"]
    assert [(m["name"], m["plain"], m["mentions"]) for m in shown] == [("far", "x @1", ["1"])]
    assert len((await (await wire.get(f"{api}/violations")).json())["items"]) == 1
    assert (await post(f"{api}/clock", {"advance": 60}))[1]["now"] == box.clock()
    worst = await (await wire.get(f"{api}/windows?kind=dingtalk_robot&name=far&seconds=60")).json()
    assert worst == {"worst": 1}
    await wire.delete(f"{api}/messages")
    assert (list(box.messages), list(box.requests), box.violations) == ([], [], [])


async def test_messages_since(wire, robots, post):
    for number in range(3):
        await post(SEND, {"msgtype": "text", "text": {"content": str(number)}})
    items = (await (await wire.get("/sandbox/api/messages?since=1")).json())["items"]
    assert [item["text"] for item in items] == ["1", "2"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("register", {"kind": "pager", "credential": "x"}),
        ("register", {"kind": "webhook", "credential": "x", "colour": "red"}),
        ("faults", {"mode": "explode"}),
        ("faults", []),
        ("faults", {"mode": "delay", "seconds": "soon"}),
        ("clock", {"advance": "soon"}),
        ("clock", b"{"),
    ],
)
async def test_api_refuses(wire, post, path, body):
    status, answer = await post(f"/sandbox/api/{path}", body)
    assert (status, answer["error"]) == (400, "badRequest")


async def test_api_refuses_other_origins(box, wire, robots):
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await wire.delete("/sandbox/api/messages", headers=headers)).status == 403
    box.fault("*", Fault("close"))
    origin = f"http://127.0.0.1:{wire.port}"
    assert (await wire.delete("/sandbox/api/faults", headers={"Origin": origin})).status == 200
    assert box.faults.next("*") is None
