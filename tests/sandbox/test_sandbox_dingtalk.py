"""DingTalk's robot: accepts, refuses in the documented order, bans for ten minutes, pings."""

import json
from urllib.parse import quote_plus

import pytest

from receiver.sandbox.dingtalk import sign

SEND = "/robot/send?access_token=t1"
NOW_MS = "1700000000000"
MORE = ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"


@pytest.fixture
def robot(box):
    return box.register("dingtalk_robot", "t1", name="duty")


def text(content="hello", **more):
    return {"msgtype": "text", "text": {"content": content}, **more}


def markdown(body, **more):
    return {"msgtype": "markdown", "markdown": {"title": "disk", "text": body}, **more}


def action_card(**more):
    return {"msgtype": "actionCard", "actionCard": {"title": "t", "text": "md", **more}}


LINK = {"msgtype": "link", "link": {"title": "t", "text": "d", "messageUrl": "https://x/", "picUrl": ""}}
FEED = {
    "msgtype": "feedCard",
    "feedCard": {"links": [{"title": "t", "messageURL": "https://x/", "picURL": "https://x/p.png"}]},
}


@pytest.mark.parametrize(
    ("secret", "stamp", "signature"),
    [
        ("this is secret", "1577262236757", "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="),
        ("SECdemo", "1700000000001", "PTs+dsurGspsy8LSQV/Ud2CTvBpozdeoue2U2fgKqxI="),
    ],
)
def test_signature_vectors(secret, stamp, signature):
    assert sign(secret, stamp) == signature


@pytest.mark.parametrize(
    "body",
    [
        text(),
        markdown("#### x"),
        LINK,
        action_card(singleTitle="open", singleURL="https://x/"),
        action_card(btnOrientation="1", btns=[{"title": "ack", "actionURL": "https://x/"}]),
        FEED,
    ],
    ids=["text", "markdown", "link", "single", "btns", "feed"],
)
async def test_accepts_every_type(box, robot, post, body):
    assert await post(SEND, body) == (200, {"errcode": 0, "errmsg": "ok"})
    assert box.messages[0].msgtype == body["msgtype"]
    assert box.messages[0].links == (() if body["msgtype"] in ("text", "markdown") else ("https://x/",))
    assert box.violations == []


REFUSED = {
    "no token": ("/robot/send", text(), 40035, "缺少参数 access_token"),
    "unknown token": ("/robot/send?access_token=zz", b"", 300005, "token is not exist"),
    "no body": (SEND, b"", 40035, "缺少参数 json"),
    "too long": (SEND, b" " * 20_000 + b"{", 460101, "message too long, exceed 20000 bytes"),
    "bad json": (SEND, b"{", 400105, "不支持的消息类型"),
    "unknown type": (SEND, {"msgtype": "image"}, 400105, "不支持的消息类型"),
    "type no string": (SEND, {"msgtype": ["text"]}, 400105, "不支持的消息类型"),
    "no block": (SEND, {"msgtype": "text", "markdown": {}}, 40035, "缺少参数 text"),
    "empty": (SEND, text(""), 40035, "缺少参数 text.content"),
    "no title": (SEND, {"msgtype": "markdown", "markdown": {"text": "x"}}, 40035, "缺少参数 markdown.title"),
    "no button": (SEND, action_card(), 40035, "缺少参数 actionCard.btns"),
    "link without url": (
        SEND,
        {"msgtype": "link", "link": {"title": "t", "text": "d"}},
        40035,
        "缺少参数 link.messageUrl",
    ),
    "no links": (SEND, {"msgtype": "feedCard", "feedCard": {"links": []}}, 40035, "缺少参数 feedCard.links"),
}


@pytest.mark.parametrize(("path", "body", "code", "why"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, robot, post, path, body, code, why):
    assert await post(path, body) == (200, {"errcode": code, "errmsg": why})
    assert not box.messages


async def test_content_type_is_checked_first(wire):
    answer = await wire.post("/robot/send", data=b"{}", headers={"Content-Type": "text/plain"})
    assert (await answer.json())["errcode"] == 43004


async def test_wrong_path(wire):
    answer = await (await wire.post("/topapi/v2/user/notexist")).json()
    assert answer["errcode"] == 22
    assert answer["sub_msg"] == "不合法ApiName，ApiName = dingtalk.oapi.v2.user.notexist"


class TestSigned:
    @pytest.fixture
    def robot(self, box):
        return box.register("dingtalk_robot", "t1", name="duty", secret="SECdemo")

    def path(self, stamp=NOW_MS, signature=None):
        return f"{SEND}&timestamp={stamp}&sign={quote_plus(signature or sign('SECdemo', stamp))}"

    async def test_accepts(self, box, robot, post):
        assert (await post(self.path(), text()))[1]["errcode"] == 0
        assert box.violations == []

    async def test_missing(self, robot, post):
        assert (await post(SEND, text()))[1]["errmsg"] == f"invalid timestamp{MORE}"

    @pytest.mark.parametrize(("seconds", "code"), [(-3600, 0), (3600, 0), (-3601, 310000), (3601, 310000)])
    async def test_an_hour_at_most(self, robot, post, seconds, code):
        assert (await post(self.path(str(int(NOW_MS) + seconds * 1000)), text()))[1]["errcode"] == code

    async def test_seconds_are_refused(self, robot, post):
        assert (await post(self.path("1700000000"), text()))[1]["errmsg"] == f"invalid timestamp{MORE}"

    async def test_wrong_secret(self, box, robot, post):
        assert (await post(self.path(signature=sign("SECother", NOW_MS)), text()))[1][
            "errmsg"
        ] == f"sign not match{MORE}"
        assert box.violations == []

    async def test_encoded_twice(self, box, robot, wire, post):
        twice = quote_plus(quote_plus(sign("SECdemo", "1700000000001")))
        answer = await post(f"{SEND}&timestamp=1700000000001&sign={twice}", text())
        assert answer[1]["errcode"] == 310000
        assert box.violations == ["duty: sign does not decode to 32 bytes; encoded twice or not at all"]

    async def test_not_encoded(self, box, robot, post):
        raw = sign("SECdemo", "1700000000001")
        assert (await post(f"{SEND}&timestamp=1700000000001&sign={raw}", text()))[1]["errcode"] == 310000
        assert len(box.violations) == 1

    async def test_size_before_signature_before_json(self, robot, post):
        assert (await post(SEND, b"x" * 20_001))[1]["errcode"] == 460101
        assert (await post(SEND, b"{"))[1]["errcode"] == 310000


async def test_address_list(box, post):
    box.register("dingtalk_robot", "t1", ip_list=["10.0.0.0/8"])
    assert (await post(SEND, text()))[1]["errmsg"] == f"ip 127.0.0.1 not in whitelist{MORE}"
    box.register("dingtalk_robot", "t1", ip_list=["127.0.0.0/8"])
    assert (await post(SEND, text()))[1]["errcode"] == 0


async def test_keywords(box, post):
    box.register("dingtalk_robot", "t1", keywords=["告警", "disk"])
    assert (await post(SEND, text("hello")))[1] == {"errcode": 310000, "errmsg": f"keywords not in content{MORE}"}
    box.options.dingtalk_chinese = True
    assert (await post(SEND, text("hello")))[1]["errmsg"].startswith("错误描述:关键词不匹配")
    assert (await post(SEND, markdown("hello")))[1]["errcode"] == 0  # the title says disk


@pytest.mark.parametrize("code", [660026, 410100, 130101])
async def test_banned_for_ten_minutes(box, robot, post, code):
    box.options.dingtalk_rate_code = code
    assert [(await post(SEND, text()))[1]["errcode"] for _ in range(21)] == [0] * 20 + [code]
    box.clock.advance(599)
    assert (await post(SEND, text()))[1]["errcode"] == code
    box.clock.advance(1)
    assert (await post(SEND, text()))[1]["errcode"] == 0
    assert len(box.violations) == 2


async def test_throttles_strangers_too(post):
    path = "/robot/send?access_token=nobody"
    codes = [(await post(path, text()))[1]["errcode"] for _ in range(21)]
    assert codes == [300005] * 20 + [660026]


async def test_monthly_quota(box, post):
    box.register("dingtalk_robot", "t1", monthly=2)
    assert [(await post(SEND, text()))[1]["errcode"] for _ in range(3)] == [0, 0, 90020]
    box.clock.advance(31 * 86400)
    assert (await post(SEND, text()))[1]["errcode"] == 0


async def test_a_repeat_is_not_delivered_twice(box, robot, post):
    for _ in range(2):
        assert (await post(SEND, text(msgUuid="m1")))[1]["errcode"] == 0
    await post(SEND, text(msgUuid="m2"))
    assert len(box.messages) == 2
    assert box.violations == []
    await post(SEND, text("other", msgUuid="m1"))
    assert box.violations == ["duty: msgUuid used again for another content, which is not delivered"]


PINGS = {
    "mobile": (text("a @13800001111 b", at={"atMobiles": ["13800001111"]}), ("13800001111",), 0),
    "before chinese": (text("@13800001111请处理", at={"atMobiles": ["13800001111"]}), ("13800001111",), 0),
    "user in markdown": (markdown("@user1 x", at={"atUserIds": ["user1"]}), ("user1",), 0),
    "only a longer id": (text("@user12", at={"atUserIds": ["user1"]}), (), 1),
    "only in at": (text("x", at={"atMobiles": ["1"]}), (), 1),
    "only in the text": (text("@13800001111 @all @所有人"), (), 0),
    "all": (text("x", at={"isAtAll": True}), ("all",), 0),
    "link": ({**LINK, "at": {"isAtAll": True}}, (), 1),
    "unknown field": (text("x", at={"atAll": True}), (), 1),
    "at no object": (text("x", at=True), (), 1),
}


@pytest.mark.parametrize(("body", "pinged", "violations"), PINGS.values(), ids=PINGS)
async def test_who_is_pinged(box, robot, post, body, pinged, violations):
    assert (await post(SEND, body))[1]["errcode"] == 0
    assert box.messages[0].mentions == pinged
    assert len(box.violations) == violations


async def test_only_the_owner_may_ping_all(box, post):
    box.register("dingtalk_robot", "t1", at_all=False)
    assert (await post(SEND, text(at={"isAtAll": True})))[1]["errcode"] == 400004


async def test_markdown_beside_another_msgtype_is_noted(box, robot, post):
    await post(SEND, text(markdown={"title": "t", "text": "x"}))
    assert box.violations == ["duty: unknown field markdown"]


async def test_requests_are_kept_raw(box, robot, wire):
    body = json.dumps(text()).encode()
    await wire.post(SEND + "&x=%2B", data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    seen = box.requests[0]
    assert (seen.method, seen.target, seen.body) == ("POST", SEND + "&x=%2B", body)
    assert (seen.kind, seen.name, seen.status, seen.at) == ("dingtalk_robot", "duty", 200, 1_700_000_000.0)
