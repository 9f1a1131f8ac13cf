"""Feishu's app: the token that overlaps, sending in the documented order, cards replaced in place, recall, look-up."""

import json

import pytest

TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
CREDENTIALS = {"app_id": "cli_1", "app_secret": "s1"}
MESSAGES = "/open-apis/im/v1/messages"
TO_CHAT = f"{MESSAGES}?receive_id_type=chat_id"
DAY = 86400


@pytest.fixture
def app(box):
    members = {
        "open_ids": ["ou_1"],
        "user_ids": ["u1"],
        "union_ids": ["on_1"],
        "emails": {"a@x.io": "ou_a"},
        "chat_ids": [f"oc_{number}" for number in range(1, 30)],
    }
    return box.register("feishu_app", "cli_1", name="oncall", secret="s1", members=members)


@pytest.fixture
async def token(app, post):
    return (await post(TOKEN, CREDENTIALS))[1]["tenant_access_token"]


@pytest.fixture
def call(wire, token):
    async def send(method, path, body=None):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await wire.request(method, path, data=data, headers=headers)
        return answer.status, await answer.json()

    return send


@pytest.fixture
def send(call):
    async def post(body, path=TO_CHAT):
        return await call("POST", path, body)

    return post


def message(msg_type="text", content=None, **more):
    content = {"text": "disk full"} if content is None else content
    return {"receive_id": "oc_1", "msg_type": msg_type, "content": json.dumps(content), **more}


def card(text="**db1** down", template="red", **more):
    header = {"template": template, "title": {"tag": "plain_text", "content": text}}
    body = {"elements": [{"tag": "markdown", "content": text}]}
    return {"schema": "2.0", "config": {"update_multi": True}, "header": header, "body": body, **more}


def patch(value):
    return {"content": json.dumps(value)}


class TestToken:
    async def test_two_tokens_overlap_in_the_last_half_hour(self, box, app, post, wire):
        status, first = await post(TOKEN, CREDENTIALS)
        assert (status, first["code"], first["msg"], first["expire"]) == (200, 0, "ok", 7200)
        assert first["tenant_access_token"].startswith("t-")
        box.clock.advance(5401)
        second = (await post(f"{TOKEN}/", CREDENTIALS))[1]
        assert second["tenant_access_token"] != first["tenant_access_token"]
        for one in (first, second):
            bearer = {"Authorization": f"Bearer {one['tenant_access_token']}"}
            assert (await post(TO_CHAT, message(), **bearer))[0] == 200
        assert box.token_fetches("feishu_app", "cli_1") == 2
        assert box.violations == []

    async def test_the_same_while_half_an_hour_is_left(self, box, post, token):
        box.clock.advance(5400)
        answer = (await post(TOKEN, CREDENTIALS))[1]
        assert (answer["tenant_access_token"], answer["expire"]) == (token, 1800)
        assert box.violations == []

    async def test_fetched_too_early_is_a_violation(self, box, post, token):
        box.clock.advance(5399)
        await post(TOKEN, CREDENTIALS)
        assert box.violations == ["oncall: token fetched again while one has 1801 s left"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", 10003),
            ({}, 10003),
            ({**CREDENTIALS, "app_id": "zz"}, 10003),
            ({"app_id": "cli_1"}, 10003),
            ({**CREDENTIALS, "app_secret": "zz"}, 10015),
        ],
    )
    async def test_refuses(self, box, app, post, body, code):
        status, answer = await post(TOKEN, body)
        assert (status, answer["code"], set(answer)) == (200, code, {"code", "data", "msg"})
        assert box.token_fetches("feishu_app", "cli_1") == 0

    async def test_throttled(self, box, app, wire, post):
        box.options.token_calls = 1
        await post(TOKEN, CREDENTIALS)
        assert (await post(TOKEN, CREDENTIALS)) == (429, {"code": 99991400, "msg": "request trigger frequency limit"})

    async def test_strangers_are_registered_here_if_accepted(self, box, post):
        box.accept_unknown = True
        token = (await post(TOKEN, CREDENTIALS))[1]["tenant_access_token"]
        assert (await post(TO_CHAT, message(), Authorization=f"Bearer {token}"))[0] == 200
        assert (await post(TOKEN, {**CREDENTIALS, "app_secret": "zz"}))[1]["code"] == 10015


class TestBearer:
    @pytest.mark.parametrize(
        ("header", "code", "why"),
        [
            ({}, 99991661, "Missing access token for authorization"),
            ({"Authorization": "t-1"}, 99991661, "Missing access token for authorization"),
            ({"Authorization": "Bearer "}, 99991661, "Missing access token for authorization"),
            ({"Authorization": "Bearer t-1"}, 99991663, "Invalid access token for authorization"),
            ({"Authorization": "Bearer eyJ1"}, 99991668, "Invalid access token for authorization"),
        ],
    )
    async def test_before_everything(self, app, wire, header, code, why):
        answer = await wire.post(MESSAGES, data=b"{", headers=header)
        body = await answer.json()
        assert (answer.status, body["code"]) == (400, code)
        assert body["msg"].startswith(why)
        assert body["error"]["log_id"] == answer.headers["X-Tt-Logid"]
        assert body["error"]["troubleshooter"].startswith("https://")

    async def test_expired_or_revoked(self, box, send):
        box.clock.advance(7200)
        assert (await send(message()))[1]["code"] == 99991663
        box.revoke_tokens("feishu_app", "cli_1")
        assert (await send(message()))[1]["code"] == 99991663

    async def test_address_before_body(self, app, send):
        app.ip_list = ("10.0.0.*",)
        assert (await send(b"{"))[1]["code"] == 99991401

    async def test_wrong_path_and_method(self, wire, token):
        paths = (("GET", MESSAGES), ("GET", TOKEN), ("POST", f"{MESSAGES}/om_1"), ("POST", "/open-apis/im/v2/x"))
        for method, path in paths:
            answer = await wire.request(method, path, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status, answer.content_type, await answer.text()) == (
                404, "text/plain", "404 page not found",
            )  # fmt: skip


async def test_sends_a_card(box, send):
    status, answer = await send(message("interactive", card("down <at id=ou_1></at> <at email=a@x.io></at>")))
    assert (status, answer["code"], answer["msg"]) == (200, 0, "success")
    data = answer["data"]
    assert data["message_id"].startswith("om_")
    assert (data["chat_id"], data["msg_type"], data["updated"]) == ("oc_1", "interactive", False)
    assert data["sender"] == {"id": "cli_1", "id_type": "app_id", "sender_type": "app", "tenant_key": "sandbox"}
    shown = box.messages[0]
    assert (shown.kind, shown.name, shown.to) == ("feishu_app", "oncall", ("oc_1",))
    assert (shown.content.accent, shown.mentions) == ("red", ("ou_1", "a@x.io"))
    assert box.violations == []


@pytest.mark.parametrize(
    ("id_type", "who"),
    [("open_id", "ou_1"), ("user_id", "u1"), ("union_id", "on_1"), ("email", "a@x.io"), ("chat_id", "oc_1")],
)
async def test_every_kind_of_receiver(box, send, id_type, who):
    status, answer = await send(message(receive_id=who), f"{MESSAGES}?receive_id_type={id_type}")
    assert (status, box.messages[0].to) == (200, (who,))
    assert answer["data"]["chat_id"].startswith("oc_")


POST = {"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "a", "style": ["bold"]}], [{"tag": "hr"}]]}}
MD = {"zh_cn": {"content": [[{"tag": "md", "text": "**a** [b](https://x/)"}], [{"tag": "at", "user_id": "ou_1"}]]}}


@pytest.mark.parametrize(
    ("msg_type", "content", "mentions"),
    [
        ("text", {"text": '<b>x</b> [t](https://x/) <at user_id="all">all</at>'}, ("all",)),
        ("post", POST, ()),
        ("post", MD, ("ou_1",)),
        ("interactive", card(), ()),
        ("interactive", {"elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "x"}}]}, ()),
        ("interactive", {"type": "template", "data": {"template_id": "AAq"}}, ()),
        ("image", {"image_key": "img_1"}, ()),
        ("share_chat", {"chat_id": "oc_1"}, ()),
    ],
)
async def test_accepts_every_type(box, send, msg_type, content, mentions):
    assert (await send(message(msg_type, content)))[0] == 200
    assert (box.messages[0].msgtype, box.messages[0].mentions) == (msg_type, mentions)
    assert box.violations == []


async def test_words_and_links(box, send):
    await send(message("text", {"text": "<b>disk</b> [open](https://x/)"}))
    await send(message("post", MD))
    assert [(shown.plain, shown.links) for shown in box.messages] == [
        ("disk open", ("https://x/",)),
        ("a b\n@ou_1", ("https://x/",)),
    ]


BY_USER = f"{MESSAGES}?receive_id_type=open_id"
BY_EMAIL = f"{MESSAGES}?receive_id_type=email"
LONG_POST = {"zh_cn": {"content": [[{"tag": "md", "text": "x" * 30_000}]]}}
BOT_CARD = {"receive_id": "oc_1", "msg_type": "interactive", "card": card()}
REFUSED = {
    "no receive_id_type": (MESSAGES, message(), 230001),
    "unknown receive_id_type": (f"{MESSAGES}?receive_id_type=mobile", message(), 230001),
    "no json": (TO_CHAT, b"{", 230001),
    "a list": (TO_CHAT, [], 230001),
    "no receiver": (TO_CHAT, message(receive_id=""), 230001),
    "no msg_type": (TO_CHAT, message(""), 230001),
    "content an object": (TO_CHAT, {**message(), "content": {"text": "x"}}, 230001),
    "content no json": (TO_CHAT, {**message(), "content": "x"}, 230001),
    "content a list": (TO_CHAT, message(content=[]), 230001),
    "card as the bot sends it": (TO_CHAT, BOT_CARD, 230001),
    "post with the wrapper": (TO_CHAT, message("post", {"post": POST}), 230001),
    "post tag": (TO_CHAT, message("post", {"zh_cn": {"content": [[{"tag": "zz"}]]}}), 230001),
    "empty text": (TO_CHAT, message(content={"text": " "}), 230001),
    "no image key": (TO_CHAT, message("image", {}), 230001),
    "uuid too long": (TO_CHAT, message(uuid="x" * 51), 230001),
    "text too long, before the receiver": (TO_CHAT, message(content={"text": "x" * 150_000}, receive_id="zz"), 230025),
    "card too long": (TO_CHAT, message("interactive", card("x" * 15_000)), 230025),
    "post too long": (
        TO_CHAT,
        message("post", {"zh_cn": {"content": [[{"tag": "md", "text": "x" * 30_000}]]}}),
        230025,
    ),
    "bad card, before the receiver": (TO_CHAT, message("interactive", card(zz=1), receive_id="zz"), 230099),
    "empty card": (TO_CHAT, message("interactive", {}), 230099),
    "chat id of another sort": (TO_CHAT, message(receive_id="ou_1"), 230034),
    "open id of another sort": (BY_USER, message(), 230034),
    "no address": (BY_EMAIL, message(receive_id="a"), 230034),
    "not in the chat": (TO_CHAT, message(receive_id="oc_99"), 230002),
    "user out of scope": (BY_USER, message(receive_id="ou_9"), 230013),
}


@pytest.mark.parametrize(("path", "body", "code"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, send, path, body, code):
    status, answer = await send(body, path)
    assert (status, answer["code"]) == (400, code)
    assert answer["error"]["log_id"]
    assert not box.messages


async def test_a_bad_card_names_its_fault(send):
    _, answer = await send(message("interactive", card(zz=1)))
    assert answer["msg"].startswith("Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card json err")


async def test_a_ping_of_all_may_be_refused(app, send):
    app.at_all = False
    assert (await send(message("interactive", card("<at id=all></at>"))))[1]["code"] == 230099


class TestUuid:
    async def test_at_most_one_within_an_hour(self, box, post, send):
        first = await send(message(uuid="k1"))
        box.clock.advance(3599)
        assert await send(message(uuid="k1")) == first
        assert len(box.messages) == 1
        box.clock.advance(1)
        assert (await send(message(uuid="k1")))[1]["data"]["message_id"] != first[1]["data"]["message_id"]
        assert len(box.messages) == 2
        assert box.violations == []

    async def test_for_another_receiver_is_not_delivered_and_noted(self, box, send):
        await send(message(uuid="k" * 50))
        assert (await send(message(uuid="k" * 50, receive_id="oc_2")))[0] == 200
        assert len(box.messages) == 1
        note = "oncall: uuid used again for another receiver or content, which is not delivered"
        assert box.violations == [note]


class TestRates:
    async def test_five_a_second_to_a_chat_from_all_its_bots(self, box, post, send):
        box.register("feishu_app", "cli_2", secret="s2")
        other = (await post(TOKEN, {"app_id": "cli_2", "app_secret": "s2"}))[1]["tenant_access_token"]
        for _ in range(2):
            await post(TO_CHAT, message(), Authorization=f"Bearer {other}")
        codes = [(await send(message()))[1]["code"] for _ in range(4)]
        assert codes == [0, 0, 0, 230020]
        assert (await send(message(receive_id="oc_2")))[0] == 200
        box.clock.advance(1)
        assert (await send(message()))[0] == 200
        assert box.violations == ["oncall: over 5 messages in 1 s to oc_1 (230020)"]

    async def test_refusal_reads_like_the_real_one(self, send):
        for _ in range(5):
            await send(message())
        status, answer = await send(message())
        assert (status, answer["code"]) == (400, 230020)
        assert answer["msg"] == "This operation triggers the frequency limit."

    async def test_fifty_a_second_for_each_api(self, box, wire, token, send):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        for number in range(50):
            assert (await send(message(receive_id=f"oc_{number % 25 + 1}")))[0] == 200
        answer = await wire.post(TO_CHAT, data=b"{", headers=headers)
        assert (answer.status, await answer.json()) == (
            429, {"code": 99991400, "msg": "request trigger frequency limit"},
        )  # fmt: skip
        assert (answer.headers["x-ogw-ratelimit-limit"], answer.headers["x-ogw-ratelimit-reset"]) == ("50", "1")
        assert box.violations == ["oncall: over 50 calls of send in 1 s (99991400)"]

    async def test_a_thousand_a_minute(self, box, app, wire, token, send):
        for number in range(1000):
            box.clock.advance(0.05)
            await send(message(receive_id=f"oc_{number % 25 + 1}"))
        status, answer = await send(message())
        assert (status, answer["code"], len(box.messages)) == (429, 99991400, 1000)

    async def test_monthly_quota(self, app, send):
        app.monthly = 0
        assert (await send(message()))[1]["code"] == 99991403


@pytest.fixture
async def posted(send):
    return f"{MESSAGES}/" + (await send(message("interactive", card())))[1]["data"]["message_id"]


class TestPatch:
    async def test_replaces_the_card_in_place(self, box, call, posted):
        box.clock.advance(60)
        assert await call("PATCH", posted, patch(card("resolved", "green"))) == (
            200, {"code": 0, "data": {}, "msg": "ok"},
        )  # fmt: skip
        (shown,) = box.messages
        assert (shown.title, shown.content.accent, shown.updates) == ("resolved", "green", 1)
        assert (shown.at, shown.updated_at) == (box.clock() - 60, box.clock())
        await call("PATCH", posted, patch(card("firing again <at id=ou_1></at>")))
        (shown,) = box.messages
        assert [(one.title, one.content.accent) for one in shown.revisions[:2]] == [
            ("**db1** down", "red"),
            ("resolved", "green"),
        ]
        assert (shown.updates, shown.mentions, shown.to) == (2, ("ou_1",), ("oc_1",))
        assert box.worst_window("feishu_app", "oncall", 3600) == 1
        assert box.violations == []

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", 230001),
            ({"content": card()}, 230001),
            ({}, 230001),
            (patch(card(zz=1)), 230099),
            (patch({"elements": [], "config": {"update_multi": False}}), 230099),
            (patch({"elements": []}), 230099),
            (patch(card("x" * 15_000)), 230025),
        ],
    )
    async def test_refuses(self, box, call, posted, body, code):
        status, answer = await call("PATCH", posted, body)
        assert (status, answer["code"]) == (400, code)
        assert box.messages[0].updates == 0

    async def test_the_old_card_must_be_shared_too(self, call, send):
        old = {"elements": [{"tag": "div", "text": {"tag": "lark_md", "content": "x"}}]}
        message_id = (await send(message("interactive", old)))[1]["data"]["message_id"]
        assert (await call("PATCH", f"{MESSAGES}/{message_id}", patch(card())))[1]["code"] == 230099

    async def test_shared_by_default_is_noted(self, box, call, posted):
        undeclared = {name: value for name, value in card().items() if name != "config"}
        assert (await call("PATCH", posted, patch(undeclared)))[0] == 200
        assert box.violations == ["oncall: the new card does not declare config.update_multi"]

    async def test_only_cards(self, call, send):
        message_id = (await send(message()))[1]["data"]["message_id"]
        assert (await call("PATCH", f"{MESSAGES}/{message_id}", patch(card())))[1]["code"] == 230001

    async def test_unknown_message(self, call):
        assert (await call("PATCH", f"{MESSAGES}/om_zz", patch(card())))[1]["code"] == 230001

    async def test_only_its_own(self, box, post, wire, posted):
        box.register("feishu_app", "cli_2", secret="s2")
        other = (await post(TOKEN, {"app_id": "cli_2", "app_secret": "s2"}))[1]["tenant_access_token"]
        headers = {"Authorization": f"Bearer {other}", "Content-Type": "application/json; charset=utf-8"}
        answer = await wire.patch(posted, data=json.dumps(patch(card())), headers=headers)
        assert (await answer.json())["code"] == 230027

    async def test_fourteen_days(self, box, app, wire, posted):
        codes = []
        for seconds in (14 * DAY, 1):
            box.clock.advance(seconds)
            bearer = app.give("t-fresh", box.clock() + 7200).value
            headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json; charset=utf-8"}
            answer = await wire.patch(posted, data=json.dumps(patch(card())), headers=headers)
            codes.append((await answer.json())["code"])
        assert codes == [0, 230031]

    async def test_cleared_away_it_is_shown_once_more(self, box, call, posted):
        box.messages.clear()
        assert (await call("PATCH", posted, patch(card())))[1]["code"] == 0
        assert (await call("PATCH", posted, patch(card())))[1]["code"] == 0
        assert [shown.updates for shown in box.messages] == [1]

    async def test_recalled(self, box, call, posted):
        assert (await call("DELETE", posted))[1]["code"] == 0
        assert (await call("PATCH", posted, patch(card())))[1]["code"] == 230011
        assert box.messages[0].recalled_at == box.clock()

    async def test_five_a_second_for_each_message(self, box, call, posted):
        codes = [(await call("PATCH", posted, patch(card())))[1]["code"] for _ in range(6)]
        assert codes == [0] * 5 + [230020]
        assert box.messages[0].updates == 5
        assert box.violations == ["oncall: over 5 updates of one message in 1 s (230020)"]


async def test_text_is_edited_at_most_twenty_times(box, call, send):
    message_id = (await send(message()))[1]["data"]["message_id"]
    path, body = f"{MESSAGES}/{message_id}", {"msg_type": "text", "content": json.dumps({"text": "resolved"})}
    codes = []
    for _ in range(21):
        box.clock.advance(1)
        codes.append((await call("PUT", path, body))[1]["code"])
    assert codes == [0] * 20 + [230072]
    assert (len(box.messages), box.messages[0].text, box.messages[0].updates) == (1, "resolved", 20)


async def test_a_card_is_not_edited(call, posted):
    body = {"msg_type": "text", "content": json.dumps({"text": "x"})}
    assert (await call("PUT", posted, body))[1]["code"] == 230001


async def test_recall_within_the_window(box, call, posted):
    box.options.feishu_recall = 60
    box.clock.advance(61)
    assert (await call("DELETE", posted))[1]["code"] == 230026
    assert box.messages[0].recalled_at is None


async def test_reply_goes_to_the_same_chat(box, call, posted):
    body = {"msg_type": "text", "content": json.dumps({"text": "resolved"}), "reply_in_thread": True, "uuid": "r1"}
    status, answer = await call("POST", f"{posted}/reply", body)
    assert (status, answer["data"]["chat_id"]) == (200, "oc_1")
    assert answer["data"]["parent_id"] == posted.rpartition("/")[2]
    assert [shown.to for shown in box.messages] == [("oc_1",), ("oc_1",)]
    assert await call("POST", f"{posted}/reply", body) == (status, answer)
    assert len(box.messages) == 2


class TestLookUp:
    PATH = "/open-apis/contact/v3/users/batch_get_id?user_id_type=open_id"

    async def test_unknown_ones_come_without_an_id(self, call):
        _, answer = await call("POST", self.PATH, {"emails": ["a@x.io", "b@x.io"]})
        expected = [{"user_id": "ou_a", "email": "a@x.io"}, {"email": "b@x.io"}]
        assert (answer["code"], answer["data"]["user_list"]) == (0, expected)

    async def test_mobiles_nobody_listed_are_all_known(self, call):
        _, answer = await call("POST", self.PATH, {"mobiles": ["13800001111"], "include_resigned": False})
        (found,) = answer["data"]["user_list"]
        assert (found["mobile"], found["user_id"][:3]) == ("13800001111", "ou_")

    @pytest.mark.parametrize("body", [{"emails": ["x"] * 51}, {"mobiles": "1"}, {"emails": [1]}])
    async def test_refuses(self, call, body):
        status, answer = await call("POST", self.PATH, body)
        assert (status, answer["code"]) == (400, 99992402)


async def test_notes_what_the_provider_tolerates(box, wire, token, send):
    await send(message(reply_in_thread=True))
    await send(message(content={"text": "x", "at": []}))
    await wire.post(TO_CHAT, json=message(), headers={"Authorization": f"Bearer {token}"})
    assert box.violations == [
        "oncall: unknown field reply_in_thread",
        "oncall: unknown field content.at",
        "oncall: Content-Type should be application/json; charset=utf-8, was application/json",
    ]
