"""Feishu's bot: accepts, refuses in the documented order, throttles, pings, and is strict about cards 2.0."""

import json

import pytest

from receiver.sandbox.feishu import sign
from receiver.sandbox.feishu_types import pings

HOOK = "/open-apis/bot/v2/hook/h1"


@pytest.fixture
def bot(box):
    return box.register("feishu_bot", "h1", name="oncall")


def text(content="hello", **more):
    return {"msg_type": "text", "content": {"text": content}, **more}


def post_of(*elements, **more):
    return {"msg_type": "post", "content": {"post": {"zh_cn": {"title": "t", "content": [list(elements)], **more}}}}


def card(*elements, **more):
    return {"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": list(elements)}, **more}}


def md(content):
    return {"tag": "markdown", "content": content}


HEADER = {"template": "red", "title": {"tag": "plain_text", "content": "disk full"}}
BUTTON = {
    "tag": "button",
    "text": {"tag": "plain_text", "content": "open"},
    "behaviors": [{"type": "open_url", "default_url": "https://x/"}],
}


def test_signature_vector():
    assert sign("demo", "1599360473") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


async def test_accepts_a_card(box, bot, post):
    body = card(
        md("**db1** [runbook](https://x/r)"), {"tag": "hr"}, BUTTON, header=HEADER, config={"update_multi": True}
    )
    expected = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}
    assert await post(HOOK, body) == (200, expected)
    shown = box.messages[0]
    assert (shown.title, shown.content.accent) == ("disk full", "red")
    assert shown.links == ("https://x/r", "https://x/")
    assert shown.plain == "db1 runbook\n\nopen"
    assert box.violations == []


@pytest.mark.parametrize(
    "body",
    [
        text(),
        post_of({"tag": "text", "text": "a"}, {"tag": "a", "text": "l", "href": "https://x/"}),
        {"msg_type": "image", "content": {"image_key": "img_1"}},
        {"msg_type": "share_chat", "content": {"share_chat_id": "oc_1"}},
        {"msg_type": "interactive", "card": {"type": "template", "data": {"template_id": "AAq"}}},
        {"msg_type": "interactive", "card": {"elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "x"}}]}},
    ],
    ids=["text", "post", "image", "share_chat", "template", "card 1.0"],
)
async def test_accepts_every_type(box, bot, post, body):
    assert (await post(HOOK, body))[1]["code"] == 0
    assert box.messages[0].msgtype == body["msg_type"]
    assert box.violations == []


UNKNOWN_TOKEN = "/open-apis/bot/v2/hook/zz"
REFUSED = {
    "token before size": (UNKNOWN_TOKEN, b"x" * 30_000, 200, 19001),
    "too large": (HOOK, text("x" * 20_000), 400, 9499),
    "bad json": (HOOK, b"{", 400, 9499),
    "no msg_type": (HOOK, {"content": {}}, 200, 19002),
    "msgtype of another provider": (HOOK, {"msgtype": "text"}, 200, 19002),
    "no content": (HOOK, {"msg_type": "text"}, 400, 9499),
    "content as string": (HOOK, {"msg_type": "text", "content": '{"text":"x"}'}, 400, 9499),
    "empty text": (HOOK, text(""), 400, 9499),
    "post without wrapper": (HOOK, {"msg_type": "post", "content": {"zh_cn": {"content": [[]]}}}, 400, 9499),
    "post tag": (HOOK, post_of({"tag": "md", "text": "x"}), 400, 9499),
    "no image key": (HOOK, {"msg_type": "image", "content": {}}, 400, 9499),
    "card as string": (HOOK, {"msg_type": "interactive", "card": "{}"}, 400, 9499),
    "card in content": (HOOK, {"msg_type": "interactive", "content": {"schema": "2.0"}}, 400, 9499),
}


@pytest.mark.parametrize(("path", "body", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, bot, post, path, body, status, code):
    answered, answer = await post(path, body)
    assert (answered, answer["code"]) == (status, code)
    assert not box.messages


def button(words):
    behaviors = [{"type": "open_url", "default_url": "https://x/"}]
    return {"tag": "button", "text": {"tag": "plain_text", "content": words}, "behaviors": behaviors}


BAD_CARDS = {
    "unknown at the root": card(md("x"), elements=[]),
    "unknown in config": card(md("x"), config={"wide_screen_mode": True}),
    "unknown in header": card(md("x"), header={**HEADER, "ud_icon": {}}),
    "unknown in body": {"msg_type": "interactive", "card": {"schema": "2.0", "body": {"elements": [], "tag": "body"}}},
    "unknown in an element": card({**md("x"), "href": {}}),
    "unknown deep down": card(
        {"tag": "column_set", "columns": [{"tag": "column", "elements": [{**md("x"), "zzz": 1}]}]}
    ),
    "note is gone": card({"tag": "note", "elements": []}),
    "action is gone": card({"tag": "action", "actions": []}),
    "no body": {"msg_type": "interactive", "card": {"schema": "2.0", "header": HEADER}},
    "no content": card({"tag": "markdown"}),
    "update_multi false": card(md("x"), config={"update_multi": False}),
    "201 elements": card(*[{"tag": "hr"}] * 201),
    "101 elements with a text each": card(*[button("x")] * 101),
    "unknown schema": {"msg_type": "interactive", "card": {"schema": "3.0", "elements": []}},
    "header without title": card(md("x"), header={"template": "red"}),
    "tag no string": card({"tag": ["markdown"]}),
}


@pytest.mark.parametrize("body", BAD_CARDS.values(), ids=BAD_CARDS)
async def test_refuses_bad_cards(box, bot, post, body):
    _, answer = await post(HOOK, body)
    assert answer["code"] == 11246
    assert answer["msg"].startswith("Failed to create card content")
    assert not box.messages


async def test_two_hundred_elements_pass(bot, post):
    assert (await post(HOOK, card(*[{"tag": "hr"}] * 200)))[1]["code"] == 0


async def test_a_button_says_at_most_a_hundred_characters(box, bot, post):
    for length in (100, 101):
        assert (await post(HOOK, card(button("x" * length))))[1]["code"] == 0
    assert box.violations == ["oncall: a button's text is over 100 characters"]


async def test_wrong_path_and_method(wire, bot):
    for answer in (await wire.get(HOOK), await wire.post("/open-apis/bot/v2/hook/"), await wire.post(HOOK + "/x")):
        assert (answer.status, answer.content_type) == (404, "text/plain")
        assert await answer.text() == "404 page not found"


class TestSigned:
    @pytest.fixture
    def bot(self, box):
        return box.register("feishu_bot", "h1", name="oncall", secret="demo")

    def signed(self, stamp="1700000000", signature=None):
        return text(timestamp=stamp, sign=signature or sign("demo", stamp))

    async def test_accepts(self, box, bot, post):
        assert (await post(HOOK, self.signed()))[1]["code"] == 0
        assert box.violations == []

    @pytest.mark.parametrize(("stamp", "code"), [("1699996400", 0), ("1700003600", 0), ("1699996399", 19021)])
    async def test_an_hour_at_most(self, bot, post, stamp, code):
        assert (await post(HOOK, self.signed(stamp)))[1]["code"] == code

    @pytest.mark.parametrize(
        "body",
        [
            text(),
            text(timestamp="1700000000", sign=sign("other", "1700000000")),
            text(timestamp="1700000000000", sign=sign("demo", "1700000000000")),
            text(timestamp="1700000000", sign=7),
        ],
    )
    async def test_refuses(self, bot, post, body):
        expected = {"code": 19021, "msg": "sign match fail or timestamp is not within one hour from current time"}
        assert (await post(HOOK, body))[1] == expected

    async def test_a_number_as_timestamp_is_noted(self, box, bot, post):
        body = text(timestamp=1700000000, sign=sign("demo", "1700000000"))
        assert (await post(HOOK, body))[1]["code"] == 0
        assert box.violations == ["oncall: timestamp is a number; the documents show a string"]


async def test_address_before_sign_before_keyword(box, post):
    box.register("feishu_bot", "h1", ip_list=["10.1.2.*"], secret="demo", keywords=["告警"])
    assert (await post(HOOK, text()))[1] == {"code": 19022, "msg": "Ip Not Allowed"}
    box.register("feishu_bot", "h1", ip_list=["127.0.0.*"], secret="demo", keywords=["告警"])
    assert (await post(HOOK, text()))[1]["code"] == 19021
    box.register("feishu_bot", "h1", keywords=["告警"])
    assert (await post(HOOK, card({"tag": "zzz"})))[1] == {"code": 19024, "msg": "Key Words Not Found"}


async def test_keywords_are_not_looked_for_in_addresses(box, post):
    box.register("feishu_bot", "h1", keywords=["disk"])
    assert (await post(HOOK, card(md("[x](https://disk/)"))))[1]["code"] == 19024
    assert (await post(HOOK, card(md("x"), header=HEADER)))[1]["code"] == 0


async def test_five_a_second(box, bot, post):
    codes = [(await post(HOOK, text()))[1]["code"] for _ in range(6)]
    assert codes == [0] * 5 + [11232]
    box.clock.advance(1)
    assert (await post(HOOK, text()))[1]["code"] == 0
    assert box.violations == ["oncall: over 5 messages in 1 s (11232)"]


async def test_a_hundred_a_minute(box, bot, post):
    codes = []
    for _ in range(101):
        codes.append((await post(HOOK, text()))[1]["code"])
        box.clock.advance(0.5)
    assert codes == [0] * 100 + [11232]
    box.clock.advance(10)
    assert (await post(HOOK, text()))[1]["code"] == 0


@pytest.mark.parametrize(
    ("content", "pinged"),
    [
        ('<at user_id="ou_1">Tom</at>', ("ou_1",)),
        ("<at id=all></at>", ("all",)),
        ("<AT ID='ALL'></AT>", ("all",)),
        ("<at\nid = ou_1 ></at>", ("ou_1",)),
        ("<at ids=a,b></at>", ("a", "b")),
        ('<at ids="a, all"></at>', ("a", "all")),
        ("<at email=x@y.z></at>", ("x@y.z",)),
        ("<at id=all/>", ("all",)),
        ("`<at id=all></at>`", ("all",)),
        ("<at first alert\nsecond alert id=all>", ("all",)),
        ("&lt;at id=all&gt;&lt;/at&gt;", ()),
        ("&#60;at id=all&#62;", ()),
        ("<\u200bat id=all></at>", ()),
        ("<at id=all", ()),
        ("<attention id=all>", ()),
        ("@all", ()),
    ],
)
def test_who_is_pinged(content, pinged):
    assert pings(content) == pinged


MENTIONS = {
    "text": (text("<at user_id='all'></at>"), ("all",)),
    "at tag": (post_of({"tag": "at", "user_id": "ou_1"}), ("ou_1",)),
    "text in a post": (post_of({"tag": "text", "text": "<at user_id='all'></at>"}), ("all",)),
    "card": (card(md("<at id=ou_1></at><at id=ou_1></at>")), ("ou_1",)),
    "card title is plain": (card(header={"title": {"tag": "plain_text", "content": "<at id=all></at>"}}), ()),
    "card div": (card({"tag": "div", "text": {"tag": "lark_md", "content": "<at id=all></at>"}}), ("all",)),
    "nested": (
        card({"tag": "column_set", "columns": [{"tag": "column", "elements": [md("<at id=ou_2></at>")]}]}),
        ("ou_2",),
    ),
}


@pytest.mark.parametrize(("body", "pinged"), MENTIONS.values(), ids=MENTIONS)
async def test_messages_ping(box, bot, post, body, pinged):
    assert (await post(HOOK, body))[1]["code"] == 0
    assert box.messages[0].mentions == pinged


async def test_a_refused_ping_of_all_fails_the_whole_card(box, post):
    box.register("feishu_bot", "h1", at_all=False)
    assert (await post(HOOK, card(md("<at id=all></at>"))))[1]["code"] == 11246
    assert (await post(HOOK, text("<at user_id='all'></at>")))[1]["code"] == 0


async def test_notes_what_the_provider_tolerates(box, bot, wire, post):
    await post(HOOK, text(uuid="x"))
    await post(HOOK, post_of({"tag": "text", "text": "a", "style": ["bold"]}))
    await post(HOOK, card(md("x"), header={**HEADER, "template": "pink"}))
    await wire.post(HOOK, data=json.dumps(text()), headers={"Content-Type": "text/plain"})
    assert box.violations == [
        "oncall: unknown field uuid",
        "oncall: unknown field post text.style",
        "oncall: header.template is no colour Feishu knows",
        "oncall: Content-Type should be application/json; charset=utf-8, was text/plain",
    ]
