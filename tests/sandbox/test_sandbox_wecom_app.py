"""WeCom's app: the token, sending in the documented order, silent drops, recall and group chats."""

import json
import re

import pytest

TOKEN = "/cgi-bin/gettoken?corpid=ww1&corpsecret=s1"
DAY = 86400


@pytest.fixture
def app(box):
    members = {"users": ["u1", "U2"], "departments": ["1"], "tags": ["t1"], "chats": ["c1"], "unlicensed": ["u9"]}
    return box.register("wecom_app", "ww1", name="duty", secret="s1", agent_id=1000002, members=members)


@pytest.fixture
async def token(app, wire):
    return (await (await wire.get(TOKEN)).json())["access_token"]


@pytest.fixture
def call(post, token):
    async def send(path, body):
        return (await post(f"/cgi-bin/{path}?access_token={token}", body))[1]

    return send


def message(msgtype="text", block=None, **more):
    block = block or {"content": "disk full"}
    return {"touser": "u1", "msgtype": msgtype, "agentid": 1000002, msgtype: block, **more}


async def ask(wire, query):
    return await (await wire.get(f"/cgi-bin/gettoken?{query}")).json()


class TestToken:
    @pytest.mark.parametrize(
        ("query", "code", "why"),
        [
            ("", 41004, "corpsecret missing"),
            ("corpsecret=s1", 41002, "corpid missing"),
            ("corpid=wwX&corpsecret=s1", 40013, "invalid corpid"),
            ("corpid=ww1&corpsecret=zz", 40001, "invalid credential"),
            ("corpid=ww1&corpsecret=s2", 40091, "invalid secret of another corp"),
        ],
    )
    async def test_refuses(self, box, app, wire, query, code, why):
        box.register("wecom_app", "ww2", secret="s2")
        answer = await ask(wire, query)
        assert answer["errcode"] == code
        assert re.fullmatch(
            rf"{why}, hint: \[\d{{25}}\], from ip: 127\.0\.0\.1, more info at .*e={code}", answer["errmsg"]
        )
        assert box.token_fetches("wecom_app", "ww1") == 0

    async def test_is_the_same_within_its_life(self, box, app, wire):
        first = await ask(wire, "corpid=ww1&corpsecret=s1")
        assert (first["errcode"], first["errmsg"], first["expires_in"]) == (0, "ok", 7200)
        assert len(first["access_token"]) == 512
        box.clock.advance(6900)
        assert await ask(wire, "corpid=ww1&corpsecret=s1") == {**first, "expires_in": 300}
        assert box.violations == []
        box.clock.advance(300)
        assert (await ask(wire, "corpid=ww1&corpsecret=s1"))["access_token"] != first["access_token"]
        assert box.token_fetches("wecom_app", "ww1") == 3

    async def test_fetched_too_early_is_a_violation(self, box, app, wire, token):
        box.clock.advance(6899)
        await wire.get(TOKEN)
        assert box.violations == ["duty: token fetched again while one has 301 s left"]

    async def test_throttled(self, box, app, wire):
        box.options.token_calls = 2
        codes = [(await ask(wire, "corpid=ww1&corpsecret=s1"))["errcode"] for _ in range(3)]
        assert codes == [0, 0, 45009]

    async def test_wrong_secrets_block_the_address_for_an_hour(self, box, app, wire):
        box.options.wecom_failures = 2
        codes = [(await ask(wire, "corpid=ww1&corpsecret=zz"))["errcode"] for _ in range(3)]
        assert codes == [40001, 40001, 45009]
        assert (await ask(wire, "corpid=ww1&corpsecret=s1"))["errcode"] == 45009
        box.clock.advance(3600)
        assert (await ask(wire, "corpid=ww1&corpsecret=s1"))["errcode"] == 0

    async def test_post_and_debug_are_noted(self, box, app, wire):
        await wire.post(f"{TOKEN}&debug=1")
        assert box.violations == [
            "duty: gettoken was called with POST; the documents say GET",
            "duty: debug in the address limits the app to 5 calls a minute",
        ]

    async def test_apps_of_one_corp_have_their_own(self, box, app, wire, token):
        box.register("wecom_app", "ww1", name="infra", secret="s2", agent_id=1000003)
        other = (await ask(wire, "corpid=ww1&corpsecret=s2"))["access_token"]
        assert other != token
        assert box.token_fetches("wecom_app", "ww1") == 2
        assert box.violations == []

    async def test_strangers_are_registered_here_if_accepted(self, box, wire, post):
        box.accept_unknown = True
        assert (await post("/cgi-bin/message/send?access_token=nobody", message()))[1]["errcode"] == 40014
        assert not list(box.robots)
        token = (await ask(wire, "corpid=ww7&corpsecret=s7"))["access_token"]
        assert (await post(f"/cgi-bin/message/send?access_token={token}", message()))[1]["errcode"] == 0
        assert box.messages[0].to == ("u1",)


class TestBearer:
    @pytest.mark.parametrize("path", ["message/send", "message/recall", "message/update_template_card", "appchat/send"])
    async def test_missing_unknown_expired(self, box, wire, post, token, path):
        headers = {"Authorization": f"Bearer {token}"}
        missing = (await post(f"/cgi-bin/{path}", {"access_token": token}, **headers))[1]
        assert missing["errcode"] == 41001
        assert missing["errmsg"].startswith("access_token missing, hint: [")
        assert await post(f"/cgi-bin/{path}?access_token=zz", b"{") == (
            200,
            {"errcode": 40014, "errmsg": "invalid access_token"},
        )
        box.clock.advance(7200)
        expired = (await post(f"/cgi-bin/{path}?access_token={token}", b"{"))[1]
        more = "https://open.work.weixin.qq.com/devtool/query?e=42001"
        assert expired == {"errcode": 42001, "errmsg": f"access_token expired, more info at {more}"}

    async def test_revoked_is_unknown(self, box, call):
        box.revoke_tokens("wecom_app", "ww1")
        assert (await call("message/send", message()))["errcode"] == 40014

    async def test_removed_app(self, box, call):
        box.unregister("wecom_app", "ww1")
        assert (await call("message/send", message()))["errcode"] == 40014

    async def test_address_before_body(self, box, wire, post):
        box.register("wecom_app", "ww1", secret="s1", ip_list=["10.0.0.0/8"])
        token = (await ask(wire, "corpid=ww1&corpsecret=s1"))["access_token"]
        answer = (await post(f"/cgi-bin/message/send?access_token={token}", b"{"))[1]
        assert answer["errcode"] == 60020
        assert answer["errmsg"].startswith("not allow to access from your ip, hint: [")


async def test_unknown_path(wire):
    answer = await wire.post("/cgi-bin/message/nothing")
    assert (answer.status, await answer.read()) == (404, b"")


async def test_sends_and_shows(box, call):
    answer = await call("message/send", message("markdown", {"content": "## disk\n**db1** [runbook](https://x/r)"}))
    assert {**answer, "msgid": ""} == {
        "errcode": 0, "errmsg": "ok", "invaliduser": "", "invalidparty": "", "invalidtag": "", "unlicenseduser": "",
        "msgid": "",
    }  # fmt: skip
    assert answer["msgid"]
    shown = box.messages[0]
    assert (shown.kind, shown.name, shown.to, shown.mentions) == ("wecom_app", "duty", ("u1",), ())
    assert (shown.plain, shown.links) == ("disk\ndb1 runbook", ("https://x/r",))
    assert box.violations == []


TEXTCARD = {"title": "disk", "description": 'db1<br><div class="gray">90%</div>', "url": "https://x/"}
NEWS = {"articles": [{"title": "t", "url": "https://x/"}]}
CARD = {"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": {"type": 1, "url": "https://x/"}}
PICTURE = {**CARD, "card_type": "news_notice", "card_image": {"url": "https://x/p.png", "aspect_ratio": 2.25}}


@pytest.mark.parametrize(
    ("msgtype", "block", "links"),
    [
        ("text", {"content": 'disk <a href="https://x/">open</a> <@u1>'}, ("https://x/",)),
        ("markdown", {"content": "磁" * 682}, ()),
        ("textcard", TEXTCARD, ("https://x/",)),
        ("news", NEWS, ("https://x/",)),
        ("news", {"articles": [{"title": "t", "appid": "a", "pagepath": "p"}]}, ()),
        ("template_card", CARD, ("https://x/",)),
        ("template_card", PICTURE, ("https://x/",)),
        ("miniprogram_notice", {"appid": "a", "title": "t"}, ()),
    ],
)
async def test_accepts_every_type(box, call, msgtype, block, links):
    answer = await call("message/send", message(msgtype, block))
    assert answer["errcode"] == 0
    assert "response_code" not in answer
    assert (box.messages[0].msgtype, box.messages[0].links, box.messages[0].mentions) == (msgtype, links, ())
    assert box.violations == []


async def test_textcard_reads_well(box, call):
    await call("message/send", message("textcard", TEXTCARD))
    assert (box.messages[0].title, box.messages[0].plain) == ("disk", "db1\n90%\n详情")


REFUSED = {
    "no json": (b"{", 40058, "wrong json format"),
    "a list": ([], 40058, "wrong json format"),
    "agentid before recipients": ({"agentid": 0}, 40056, "invalid agentid"),
    "agentid no number": (message(agentid="ten"), 40056, "invalid agentid"),
    "agentid true": (message(agentid=True), 40056, "invalid agentid"),
    "agentid of nobody": (message(agentid=7), 40056, "invalid agentid"),
    "agentid of another app": (message(agentid=1000003), 301002, "not allow operate another agent"),
    "nobody, before the type": (message("sms", touser=""), 82001, "all empty"),
    "user list": (message(touser=["u1"]), 40031, "invalid touser list"),
    "1001 users": (message(touser="|".join(map(str, range(1001)))), 40032, "more than 1000"),
    "101 parties": (message(toparty="|".join(map(str, range(101)))), 82002, "more than 100"),
    "101 tags": (message(totag="|".join(map(str, range(101)))), 82003, "more than 100"),
    "type unknown": (message("sms", touser="nobody"), 40008, "invalid message type"),
    "markdown_v2 is for robots": (message("markdown_v2"), 40008, "invalid message type"),
    "type no string": ({**message(), "msgtype": 1}, 40058, "msgtype invalid type"),
    "no block": ({**message(), "text": None}, 44004, "empty content"),
    "block no object": (message(block="x"), 40058, "text invalid type"),
    "content before visibility": (message(block={"content": " "}, touser="nobody"), 44004, "empty content"),
    "markdown too long": (message("markdown", {"content": "磁" * 683}), 40058, "exceed max length 2048"),
    "textcard without url": (message("textcard", {**TEXTCARD, "url": ""}), 40058, "textcard.url missing"),
    "textcard without scheme": (message("textcard", {**TEXTCARD, "url": "x/"}), 40094, "scheme missing"),
    "textcard url too long": (message("textcard", {**TEXTCARD, "url": "https://" + "x" * 2041}), 40058, "textcard.url"),
    "no articles": (message("news", {"articles": []}), 45008, "article count"),
    "9 articles": (message("news", {"articles": NEWS["articles"] * 9}), 45008, "article count"),
    "article to nowhere": (message("news", {"articles": [{"title": "t"}]}), 40058, "news.articles.url"),
    "article without scheme": (message("news", {"articles": [{"title": "t", "url": "x"}]}), 40094, "scheme missing"),
    "media": (message("image", {"media_id": "m"}), 40007, "invalid media_id"),
    "safe": (message(safe=3), 40058, "safe invalid"),
    "safe news": (message("news", NEWS, safe=1), 40074, "invalid safe"),
    "nobody can see it": (message(touser="Nobody|u8", toparty="X"), 81013, "user & party & tag all invalid, hint: ["),
}


@pytest.mark.parametrize(("body", "code", "why"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, call, body, code, why):
    box.register("wecom_app", "ww1", name="infra", secret="s2", agent_id=1000003)
    answer = await call("message/send", body)
    assert answer["errcode"] == code
    assert why in answer["errmsg"]
    assert not box.messages


async def test_get_is_refused(wire, token):
    answer = await wire.get(f"/cgi-bin/message/send?access_token={token}")
    assert (await answer.json())["errcode"] == 40058


async def test_all_invalid_names_them(call):
    answer = await call("message/send", message(touser="Nobody|u8", toparty="X"))
    assert (answer["invaliduser"], answer["invalidparty"], answer["invalidtag"]) == ("nobody|u8", "x", "")


async def test_partly_invalid_is_sent(box, call):
    answer = await call("message/send", message(touser="U1|Nobody|u9", toparty="1|2", totag="t1"))
    assert answer["errcode"] == 0
    assert (answer["invaliduser"], answer["invalidparty"], answer["unlicenseduser"]) == ("nobody", "2", "u9")
    assert box.messages[0].to == ("U1", "1", "t1")


async def test_everybody(box, call):
    await call("message/send", message(touser="@all", toparty="2"))
    assert box.messages[0].to == ("@all",)
    assert box.violations == ["duty: toparty and totag are ignored beside @all"]


async def test_long_text_is_cut_silently_and_noted(box, call):
    assert (await call("message/send", message(block={"content": "磁" * 683})))["errcode"] == 0
    assert box.messages[0].text == "磁" * 682
    assert box.violations == ["duty: text.content over 2048 bytes is cut silently"]


async def test_notes_what_the_provider_tolerates(box, call):
    await call("message/send", message(agentid="1000002"))
    await call("message/send", message(safe=1, enable_id_trans=1, mentions=[]))
    await call("message/send", message("textcard", {**TEXTCARD, "title": "磁" * 129, "btntxt": "Details"}))
    await call("message/send", message("news", {"articles": [{"title": "t" * 129, "url": "https://x/"}]}))
    await call("message/send", message("markdown", touser="u1||u1", enable_id_trans=1))
    assert [violation.removeprefix("duty: ") for violation in box.violations] == [
        "agentid is a string; the documents say integer",
        "unknown field mentions",
        "textcard.title over 128 characters is cut silently",
        "textcard.btntxt over 4 characters is cut silently",
        "news title over 128 bytes is cut silently",
        "an empty id in touser",
        "an id is given twice in touser",
        "enable_id_trans is not documented for markdown",
    ]


async def test_the_same_request_is_not_delivered_twice(box, call):
    body = message(enable_duplicate_check=1, duplicate_check_interval=600)
    first = await call("message/send", body)
    box.clock.advance(599)
    assert await call("message/send", body) == first
    assert len(box.messages) == 1
    assert (await call("message/send", message(enable_duplicate_check=1, touser="u2")))["msgid"] != first["msgid"]
    box.clock.advance(1)
    assert (await call("message/send", body))["msgid"] != first["msgid"]
    assert len(box.messages) == 3
    assert box.violations == []


async def test_without_the_check_everything_is_delivered(box, call):
    for _ in range(2):
        await call("message/send", message())
    assert len(box.messages) == 2


async def test_thirty_a_minute_to_a_member_then_dropped(box, call):
    codes = [(await call("message/send", message()))["errcode"] for _ in range(30)]
    answer = await call("message/send", message(touser="u1|U2"))
    assert (codes, answer["errcode"]) == ([0] * 30, 0)
    assert box.messages[-1].to == ("U2",)
    await call("message/send", message())
    assert len(box.messages) == 31
    assert [(one.who, one.why) for one in box.dropped] == [("u1", "over 30 messages in 60 s")] * 2
    assert box.violations == ["duty: over 30 messages in 60 s to u1, dropped silently"] * 2
    box.clock.advance(60)
    await call("message/send", message())
    assert len(box.messages) == 32


async def test_recall_within_a_day(box, app, post, call):
    msgid = (await call("message/send", message()))["msgid"]
    assert (await call("message/recall", {"msgid": "zz"}))["errcode"] == 40058
    box.clock.advance(DAY)
    fresh = app.give("fresh", box.clock() + 7200).value
    path = f"/cgi-bin/message/recall?access_token={fresh}"
    assert (await post(path, {"msgid": msgid}))[1] == {"errcode": 0, "errmsg": "ok"}
    assert box.messages[0].recalled_at == box.clock()
    box.clock.advance(1)
    assert (await post(path, {"msgid": msgid}))[1]["errcode"] == 40058


class TestChats:
    async def test_create_then_send(self, box, call):
        made = await call("appchat/create", {"name": "duty", "owner": "u1", "userlist": ["u1", "U2"]})
        assert (made["errcode"], made["errmsg"]) == (0, "ok")
        body = {"chatid": made["chatid"], "msgtype": "markdown", "markdown": {"content": "<@u1> disk"}, "safe": 0}
        assert await call("appchat/send", body) == {"errcode": 0, "errmsg": "ok"}
        assert (box.messages[0].to, box.messages[0].mentions) == ((made["chatid"],), ("u1",))
        assert box.violations == []

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "x" * 51, "userlist": ["u1", "U2"]}, 86004),
            ({"name": "x"}, 86204),
            ({"userlist": ["u1"]}, 86006),
            ({"userlist": ["u1", "nobody"]}, 86216),
            ({"userlist": ["u1", "U2"], "owner": "u3"}, 86207),
            ({"userlist": ["u1", "U2"], "chatid": "not-allowed"}, 86001),
            ({"userlist": ["u1", "U2"], "chatid": "c1"}, 86215),
        ],
    )
    async def test_create_refuses(self, call, body, code):
        assert (await call("appchat/create", body))["errcode"] == code

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"chatid": ""}, 86001),
            ({"chatid": "zz"}, 86003),
            ({"msgtype": "template_card", "template_card": CARD}, 40008),
            ({"text": {"content": ""}}, 44004),
            ({"text": {"content": "x", "mentioned_list": "u1"}}, 40058),
        ],
    )
    async def test_send_refuses(self, box, call, more, code):
        body = {"chatid": "c1", "msgtype": "text", "text": {"content": "x"}, **more}
        assert (await call("appchat/send", body))["errcode"] == code
        assert not box.messages

    async def test_text_pings_by_list(self, box, call):
        text = {"content": "disk", "mentioned_list": ["u1", "@all"]}
        await call("appchat/send", {"chatid": "c1", "msgtype": "text", "text": text})
        assert box.messages[0].mentions == ("u1", "all")
        assert box.violations == []

    async def test_over_two_hundred_a_minute_are_dropped(self, box, call):
        for number in range(201):
            await call("appchat/send", {"chatid": "c1", "msgtype": "text", "text": {"content": str(number)}})
        assert len(box.messages) == 200
        assert box.violations == ["duty: over 200 messages in 60 s to c1, dropped silently"]


BUTTONS = {
    "card_type": "button_interaction",
    "main_title": {"title": "disk full"},
    "button_list": [{"text": "ack", "key": "k"}],
    "task_id": "t-1",
}


class TestUpdates:
    @pytest.fixture
    def app(self, box):
        return box.register("wecom_app", "ww1", name="duty", secret="s1", agent_id=1000002, callback=True)

    @pytest.fixture
    async def code(self, call):
        return (await call("message/send", message("template_card", BUTTONS)))["response_code"]

    def update(self, code, **more):
        return {"userids": ["u1"], "agentid": 1000002, "response_code": code, **more}

    async def test_once_in_place(self, box, call, code):
        done = {**CARD, "main_title": {"title": "resolved"}}
        answer = await call("message/update_template_card", self.update(code, template_card=done))
        assert answer == {"errcode": 0, "errmsg": "ok", "invaliduser": []}
        (shown,) = box.messages
        assert (shown.title, shown.updates, shown.updated_at) == ("resolved", 1, box.clock())
        assert [revision.title for revision in shown.revisions] == ["disk full", "resolved"]
        again = await call("message/update_template_card", self.update(code, template_card=done))
        assert again["errcode"] == 42022
        assert box.messages[0].updates == 1
        assert box.violations == []

    async def test_button_renamed(self, box, call, code):
        body = self.update(code, button={"replace_name": "acknowledged"}, atall=1)
        assert (await call("message/update_template_card", body))["errcode"] == 0
        assert box.messages[0].plain.endswith("acknowledged")

    async def test_within_72_hours(self, box, wire, post, call, code):
        box.clock.advance(3 * DAY + 1)
        token = (await (await wire.get(TOKEN)).json())["access_token"]
        body = self.update(code, template_card=CARD)
        answer = (await post(f"/cgi-bin/message/update_template_card?access_token={token}", body))[1]
        assert answer["errcode"] == 40058

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"agentid": 5}, 40056),
            ({"userids": []}, 82001),
            ({"userids": "u1"}, 40031),
            ({"userids": ["u"] * 1001}, 40032),
            ({"response_code": "zz"}, 40058),
            ({"template_card": None}, 44004),
            ({"template_card": {"card_type": "zz"}}, 40058),
        ],
    )
    async def test_refuses(self, call, code, more):
        body = self.update(more.get("response_code", "x"), template_card=CARD)
        first = await call("message/send", message("template_card", {**BUTTONS, "task_id": "t-2"}))
        body = {**body, "response_code": first["response_code"], **more}
        assert (await call("message/update_template_card", body))["errcode"] == code

    async def test_needs_something_new(self, call, code):
        assert (await call("message/update_template_card", self.update(code)))["errcode"] == 40058

    async def test_no_callback_url_no_callback_card(self, box, call):
        box.robots.of("wecom_app", "ww1")[0].callback = False
        answer = await call("message/send", message("template_card", BUTTONS))
        assert answer["errcode"] == 43012
        assert not box.messages

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"task_id": ""}, 42014),
            ({"task_id": "a b"}, 42014),
            ({"task_id": "a" * 129}, 42014),
            ({"button_list": []}, 40058),
            ({"button_list": [{"text": "a", "key": "k"}] * 7}, 40058),
            ({"button_list": [{"text": "a", "key": "k" * 1025}]}, 40058),
            ({"main_title": {}}, 40058),
            ({"card_action": {"type": 1}}, 40058),
            ({"action_menu": {"action_list": []}}, 40058),
            ({"card_type": "vote_interaction"}, 40058),
            ({"card_type": "multiple_interaction"}, 40058),
        ],
    )
    async def test_refuses_cards(self, call, more, code):
        answer = await call("message/send", message("template_card", {**BUTTONS, **more}))
        assert answer["errcode"] == code

    async def test_task_id_is_used_once(self, call, code):
        assert (await call("message/send", message("template_card", BUTTONS)))["errcode"] == 42014

    @pytest.mark.parametrize(
        "card",
        [
            {**CARD, "task_id": "t", "action_menu": {"action_list": [{"text": "ack", "key": "k"}]}},
            {
                "card_type": "vote_interaction",
                "main_title": {"title": "t"},
                "task_id": "t",
                "checkbox": {"question_key": "q", "option_list": [{"id": "1", "text": "yes"}]},
                "submit_button": {"text": "go", "key": "k"},
            },
            {
                "card_type": "multiple_interaction",
                "main_title": {"title": "t"},
                "task_id": "t",
                "select_list": [{"question_key": "q", "title": "who"}],
                "submit_button": {"text": "go", "key": "k"},
            },
        ],
        ids=lambda card: card["card_type"],
    )
    async def test_cards_that_call_back_can_be_updated(self, box, call, card):
        answer = await call("message/send", message("template_card", card))
        assert (answer["errcode"], bool(answer["response_code"])) == (0, True)
        assert box.violations == []


async def test_repeated_bodies_are_compared_as_json(box, wire, token, post):
    body = message(enable_duplicate_check=1)
    path = f"/cgi-bin/message/send?access_token={token}"
    await post(path, body)
    await post(path, json.dumps(body, indent=2).encode())
    assert len(box.messages) == 1
