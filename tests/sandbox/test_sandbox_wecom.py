"""WeCom's robot: accepts, refuses in the documented order, throttles, pings."""

import base64
import hashlib
import re

import pytest
from aiohttp import FormData

from receiver.sandbox.wecom_types import pings

SEND = "/cgi-bin/webhook/send?key=k1"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


@pytest.fixture
def robot(box):
    return box.register("wecom_robot", "k1", name="infra")


def text(content="hello", **more):
    return {"msgtype": "text", "text": {"content": content, **more}}


def markdown(content):
    return {"msgtype": "markdown", "markdown": {"content": content}}


def image(data=PNG, md5=None):
    encoded = base64.b64encode(data).decode()
    return {"msgtype": "image", "image": {"base64": encoded, "md5": md5 or hashlib.md5(data).hexdigest()}}  # noqa: S324


def card(**more):
    block = {
        "card_type": "text_notice",
        "main_title": {"title": "disk full"},
        "card_action": {"type": 1, "url": "https://x/"},
    }
    return {"msgtype": "template_card", "template_card": {**block, **more}}


async def test_accepts_and_shows(box, robot, post):
    assert await post(SEND, markdown("## disk\n**db1** [runbook](https://x/r)")) == (
        200,
        {"errcode": 0, "errmsg": "ok"},
    )
    shown = box.messages[0]
    assert (shown.kind, shown.name, shown.msgtype) == ("wecom_robot", "infra", "markdown")
    assert shown.plain == "disk\ndb1 runbook"
    assert shown.links == ("https://x/r",)
    assert box.violations == []


async def test_refusal_reads_like_the_real_one(robot, post):
    _, body = await post("/cgi-bin/webhook/send?key=nobody", text())
    assert body["errcode"] == 93000
    assert re.fullmatch(
        r"invalid webhook url, hint: \[\d{25}\], from ip: 127\.0\.0\.1, more info at "
        r"https://open\.work\.weixin\.qq\.com/devtool/query\?e=93000",
        body["errmsg"],
    )


REFUSED = {
    "no key": ("/cgi-bin/webhook/send", text(), 93000, "invalid webhook url"),
    "unknown key before a bad body": ("/cgi-bin/webhook/send?key=zz", b"{", 93000, "invalid webhook url"),
    "no json": (SEND, b"{", 40058, "invalid Request Parameter, Warning: wrong json format."),
    "not utf-8": (SEND, b'{"msgtype":"\xff"}', 40058, "invalid Request Parameter"),
    "NaN": (SEND, b'{"msgtype":"text","text":{"content":NaN}}', 40058, "invalid Request Parameter"),
    "a list": (SEND, [], 40058, "invalid Request Parameter"),
    "too deep": (SEND, b'{"a":' * 50_000, 40058, "invalid Request Parameter"),
    "msgtype no string": (SEND, {"msgtype": 1}, 40058, "msgtype invalid type"),
    "msgtype unknown": (SEND, {"msgtype": "sms"}, 40008, "invalid message type"),
    "msgtype missing": (SEND, {}, 40008, "invalid message type"),
    "empty text": (SEND, text(" "), 44004, "empty content"),
    "no block": (SEND, {"msgtype": "text"}, 44004, "empty content"),
    "block no object": (SEND, {"msgtype": "text", "text": "hi"}, 40058, "text invalid type"),
    "content no string": (SEND, text(7), 40058, "text.content invalid type"),
    "text too long": (SEND, text("磁" * 683), 40058, "text.content exceed max length 2048"),
    "markdown too long": (SEND, markdown("磁" * 1366), 40058, "markdown.content exceed max length 4096"),
    "mentions no list": (SEND, text(mentioned_list="@all"), 40058, "text.mentioned_list invalid type"),
    "image md5": (SEND, image(md5="0" * 32), 40058, "image.md5 mismatch"),
    "image no picture": (SEND, image(b"GIF89a"), 40058, "image.base64 not a jpg or png"),
    "image too large": (SEND, image(PNG + b"\0" * 2 * 1024**2), 40009, "invalid image size"),
    "no articles": (SEND, {"msgtype": "news", "news": {"articles": []}}, 45008, "article count out of limit"),
    "article without url": (SEND, {"msgtype": "news", "news": {"articles": [{"title": "t"}]}}, 40058, "news.articles"),
    "media unknown": (SEND, {"msgtype": "file", "file": {"media_id": "x"}}, 40007, "invalid media_id"),
    "card type": (SEND, card(card_type="button_interaction"), 40058, "template_card.card_type"),
    "card without action": (SEND, card(card_action={}), 40058, "template_card.card_action"),
    "card without words": (SEND, card(main_title={}), 40058, "template_card.main_title"),
    "card row without url": (SEND, card(jump_list=[{"title": "t", "type": 1}]), 40058, "template_card.jump_list.url"),
    "card with 7 rows": (SEND, card(horizontal_content_list=[{"keyname": "k"}] * 7), 40058, "exceed max length 6"),
    "news card without image": (SEND, card(card_type="news_notice"), 40058, "template_card.card_image.url"),
}


@pytest.mark.parametrize(("path", "body", "code", "head"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, robot, post, path, body, code, head):
    status, answer = await post(path, body)
    assert (status, answer["errcode"]) == (200, code)
    assert head in answer["errmsg"]
    assert not box.messages


@pytest.mark.parametrize(
    "body",
    [
        text("磁" * 682),
        markdown("磁" * 1365),
        {"msgtype": "markdown_v2", "markdown_v2": {"content": "| a |\n|--|"}},
        image(),
        {"msgtype": "news", "news": {"articles": [{"title": "t", "url": "https://x/"}]}},
        card(horizontal_content_list=[{"keyname": "host", "value": "db1"}]),
        card(card_type="news_notice", card_image={"url": "https://x/p.png", "aspect_ratio": 2.25}),
    ],
    ids=lambda body: body["msgtype"],
)
async def test_accepts_every_type(box, robot, post, body):
    assert (await post(SEND, body))[1]["errcode"] == 0
    assert box.messages[0].msgtype == body["msgtype"]
    assert box.violations == []


async def test_wrong_path_and_method(wire, robot):
    missing = await wire.post("/cgi-bin/webhook/nothing")
    assert (missing.status, await missing.read()) == (404, b"")
    assert (await (await wire.get(SEND)).json(content_type=None))["errcode"] == 40058


async def test_twenty_a_minute_then_blocked(box, robot, post):
    codes = [(await post(SEND, text()))[1]["errcode"] for _ in range(21)]
    assert codes == [0] * 20 + [45009]
    box.clock.advance(59.9)
    assert (await post(SEND, text()))[1]["errcode"] == 45009
    box.clock.advance(0.1)
    assert (await post(SEND, text()))[1]["errcode"] == 0
    assert box.violations == [
        "infra: over 20 messages in 60 s (45009)",
        "infra: posted while WeCom blocks the robot (45009)",
    ]


async def test_the_window_slides(box, robot, post):
    for _ in range(10):
        await post(SEND, text())
    box.clock.advance(30)
    for _ in range(10):
        await post(SEND, text())
    box.clock.advance(30)
    codes = [(await post(SEND, text()))[1]["errcode"] for _ in range(11)]
    assert codes == [0] * 10 + [45009]
    assert box.worst_window("wecom_robot", "infra", 60) == 20
    assert box.worst_window("wecom_robot", "infra", 60.1) == 30
    assert box.worst_window("wecom_robot", "other", 60) == 0


async def test_text_limit_is_an_option(box, robot, post):
    box.options.wecom_text_limit = 5120
    assert (await post(SEND, text("a" * 5120)))[1]["errcode"] == 0


async def test_removed_robot_is_unknown(box, robot, post):
    box.unregister("wecom_robot", "k1")
    assert (await post(SEND, text()))[1]["errcode"] == 93000


async def test_accept_unknown_registers(box, post):
    box.accept_unknown = True
    assert (await post("/cgi-bin/webhook/send?key=fresh", text()))[1]["errcode"] == 0
    assert box.messages[0].name == hashlib.sha256(b"fresh").hexdigest()[:16]


@pytest.mark.parametrize(
    ("content", "pinged"),
    [
        ("<@zhangsan> disk", ("zhangsan",)),
        ("<@all>", ("all",)),
        ("<@@all>", ("all",)),
        ("<@ALL>", ("all",)),
        ("<@ zhangsan >", ("zhangsan",)),
        ("`<@zhangsan>`", ("zhangsan",)),
        ("a<@b><@c>", ("b", "c")),
        ("&lt;@all&gt;", ()),
        ("<\u200b@all>", ()),
        ("<@\u200ball>", ()),
        ("＜@all＞", ()),
        ("<@all", ()),
        ("@all", ()),
        ("<@张三>", ()),
    ],
)
def test_who_is_pinged(content, pinged):
    assert pings(content) == pinged


async def test_text_pings_by_lists_and_content(box, robot, post):
    await post(SEND, text("<@a>", mentioned_list=["b", "@all"], mentioned_mobile_list=["13800001111"]))
    assert box.messages[0].mentions == ("a", "b", "all", "13800001111")


async def test_markdown_v2_pings_nobody(box, robot, post):
    await post(SEND, {"msgtype": "markdown_v2", "markdown_v2": {"content": "<@all>"}})
    assert box.messages[0].mentions == ()


async def test_notes_what_the_provider_tolerates(box, robot, wire, post):
    await post(SEND, {**markdown("x"), "safe": 0})
    await post(SEND, {"msgtype": "markdown", "markdown": {"content": "x", "mentioned_list": []}})
    await wire.post(SEND, json=text())
    await post(SEND, b'{"msgtype":"text","text":{"content":"a","content":"b"}}')
    await post(SEND, {"msgtype": "news", "news": {"articles": [{"title": "t" * 129, "url": "u"}]}})
    assert box.violations == [
        "infra: unknown field safe",
        "infra: unknown field markdown.mentioned_list",
        "infra: Content-Type should be application/json; charset=utf-8, was application/json",
        "infra: a key is given twice in the JSON body",
        "infra: news title over 128 bytes is cut silently",
    ]


async def upload(wire, data=b"0123456789", key="k1", kind="file"):
    form = FormData()
    form.add_field("media", data, filename="log.txt", content_type="text/plain")
    answer = await wire.post(f"/cgi-bin/webhook/upload_media?key={key}&type={kind}", data=form)
    return await answer.json(content_type=None)


async def test_upload_then_send(box, robot, wire, post):
    uploaded = await upload(wire)
    body = {"msgtype": "file", "file": {"media_id": uploaded["media_id"]}}
    assert (await post(SEND, body))[1]["errcode"] == 0
    box.register("wecom_robot", "k2")
    assert (await post("/cgi-bin/webhook/send?key=k2", body))[1]["errcode"] == 40007
    box.clock.advance(3 * 86400)
    assert (await post(SEND, body))[1]["errcode"] == 40007


async def test_a_file_is_shown_by_its_name_and_each_upload_is_one_of_its_own(box, robot, wire, post):
    first, second = (await upload(wire))["media_id"], (await upload(wire, b"x" * 99))["media_id"]
    for media_id in (second, first):
        assert (await post(SEND, {"msgtype": "file", "file": {"media_id": media_id}}))[1]["errcode"] == 0
    assert [shown.plain for shown in box.messages] == ["file log.txt, 99 B", "file log.txt, 10 B"]
    assert box.violations == []


async def test_uploads_are_forgotten_when_they_are_of_no_use_any_more(box, robot, wire):
    first = (await upload(wire))["media_id"]
    box.clock.advance(3 * 86400)
    second = (await upload(wire))["media_id"]
    assert first != second
    assert list(box.robots.find("wecom_robot", "k1").media) == [second]


async def test_upload_refuses(robot, wire):
    assert (await upload(wire, b"", key="nobody"))["errcode"] == 44001
    assert (await upload(wire, key="nobody"))["errcode"] == 93000
    assert (await upload(wire, b"12345"))["errcode"] == 45001
    assert (await upload(wire, b"0" * (2 * 1024**2 + 1), kind="voice"))["errcode"] == 45001
