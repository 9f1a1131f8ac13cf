"""What the app kinds share: registration, paths, faults by step, masking, bubbles that change, any body answered."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.sandbox import Clock, Fault, Sandbox
from receiver.sandbox.apps import Windows
from receiver.sandbox.ledger import Content, Ledger, Part
from receiver.sandbox.robots import Robot
from receiver.sandbox.wire import Call

TOKEN = "/open-apis/auth/v3/tenant_access_token/internal"
MESSAGES = "/open-apis/im/v1/messages"
CREDENTIALS = {"app_id": "cli_1", "app_secret": "secret-canary"}
HOSTILE = "<script>alert(1)</script> <img src=x onerror=alert(2)> [x](javascript:alert(3))"


@pytest.fixture
def app(box):
    return box.register("feishu_app", "cli_1", name="oncall", secret="secret-canary")


@pytest.fixture
async def bearer(app, post):
    return {"Authorization": f"Bearer {(await post(TOKEN, CREDENTIALS))[1]['tenant_access_token']}"}


def card(text):
    header = {"title": {"tag": "plain_text", "content": text}, "template": "red"}
    return {
        "schema": "2.0",
        "config": {"update_multi": True},
        "header": header,
        "body": {"elements": [{"tag": "markdown", "content": text}]},
    }


@pytest.fixture
async def posted(post, bearer):
    body = {"receive_id": "oc_1", "msg_type": "interactive", "content": json.dumps(card("disk full"))}
    answer = (await post(f"{MESSAGES}?receive_id_type=chat_id", body, **bearer))[1]
    return f"{MESSAGES}/{answer['data']['message_id']}"


@pytest.fixture
def patch(wire, bearer, posted):
    async def change(text):
        headers = {**bearer, "Content-Type": "application/json; charset=utf-8"}
        answer = await wire.patch(posted, data=json.dumps({"content": json.dumps(card(text))}), headers=headers)
        assert answer.status == 200

    return change


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/cgi-bin/webhook/send", "wecom_robot"),
        ("/cgi-bin/gettoken", "wecom_app"),
        ("/cgi-bin/message/send", "wecom_app"),
        ("/robot/send", "dingtalk_robot"),
        ("/v1.0/robot/oToMessages/batchSend", "dingtalk_app"),
        ("/robot/oToMessages/batchSend", "dingtalk_app"),
        ("/topapi/message/corpconversation/asyncsend_v2", "dingtalk_app"),
        ("/gettoken", "dingtalk_app"),
        ("/open-apis/bot/v2/hook/h1", "feishu_bot"),
        (TOKEN, "feishu_app"),
        (MESSAGES, "feishu_app"),
        ("/hooks/in", "webhook"),
        ("/elsewhere", None),
    ],
)
def test_whose_path_it_is(path, kind):
    platform = Sandbox().platform(path)
    assert (platform.kind if platform else None) == kind


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("wecom_app", {"members": {"chat_ids": ["x"]}}, "members of wecom_app are"),
        ("feishu_app", {"members": {"emails": "a@x.io"}}, "must be a list of ids"),
        ("wecom_robot", {"members": {"users": ["x"]}}, "belong to apps"),
        ("webhook", {"agent_id": 1}, "belong to apps"),
    ],
)
def test_registration_is_strict(kind, more, why):
    with pytest.raises(ValueError, match=why):
        Sandbox().register(kind, "x", **more)


def test_a_secret_nobody_named_is_the_first_one_shown(box):
    app = box.register("feishu_app", "cli_1")
    assert not app.takes("")
    assert app.takes("s1")
    assert not app.takes("s2")


def test_windows_slide():
    windows = Windows()
    assert [windows.take("a", now, ((2, 1.0), (3, 10.0))) for now in (0.0, 0.5, 0.9, 1.0, 2.0)] == [
        None, None, (2, 1.0), None, (3, 10.0),
    ]  # fmt: skip
    assert windows.take("b", 2.0, ((2, 1.0),)) is None


class TestFaults:
    async def test_on_one_step(self, box, app, post, patch):
        box.fault("feishu_app/update", Fault("html", status=502))
        assert (await post(TOKEN, CREDENTIALS))[0] == 200
        with pytest.raises(AssertionError):
            await patch("resolved")
        assert box.messages[0].updates == 0
        await patch("resolved")
        assert box.messages[0].updates == 1

    async def test_on_the_token_of_one_app(self, box, app, post):
        busy = json.dumps({"code": 99991400, "msg": "request trigger frequency limit"})
        box.fault("oncall/token", Fault("answer", status=429, body=busy))
        assert (await post(TOKEN, CREDENTIALS))[0] == 429
        assert (await post(TOKEN, CREDENTIALS))[0] == 200
        assert box.token_fetches("feishu_app", "cli_1") == 1

    async def test_a_lost_answer_is_a_message_all_the_same(self, box, post, bearer):
        box.fault("oncall", Fault("truncate"))
        body = {"receive_id": "oc_1", "msg_type": "text", "content": '{"text":"x"}', "uuid": "k1"}
        with pytest.raises(json.JSONDecodeError):
            await post(f"{MESSAGES}?receive_id_type=chat_id", body, **bearer)
        assert (await post(f"{MESSAGES}?receive_id_type=chat_id", body, **bearer))[0] == 200
        assert len(box.messages) == 1


class TestControl:
    async def test_registers_apps(self, box, post):
        body = {"kind": "wecom_app", "credential": "ww1", "name": "duty", "secret": "s", "members": {"users": ["u1"]}}
        assert (await post("/sandbox/api/register", body))[1] == {"kind": "wecom_app", "name": "duty"}
        assert (await post("/sandbox/api/register", {**body, "members": {"crowds": []}}))[0] == 400

    async def test_counts_and_revokes_tokens(self, wire, post, bearer):
        path = "/sandbox/api/tokens?kind=feishu_app&credential=cli_1"
        assert await (await wire.get(path)).json() == {"fetches": 1}
        await wire.delete(path)
        answer = await post(f"{MESSAGES}?receive_id_type=chat_id", {}, **bearer)
        assert answer[1]["code"] == 99991663

    async def test_shows_every_revision(self, wire, patch):
        await patch("resolved")
        (item,) = (await (await wire.get("/sandbox/api/messages")).json())["items"]
        assert (item["title"], item["updates"], item["to"]) == ("resolved", 1, ["oc_1"])
        assert [one["title"] for one in item["earlier"]] == ["disk full"]

    async def test_shows_what_was_dropped(self, box, wire, post):
        box.register("dingtalk_app", "k1", name="duty", secret="s")
        token = (await post("/v1.0/oauth2/accessToken", {"appKey": "k1", "appSecret": "s"}))[1]["accessToken"]
        body = {"agent_id": 1, "userid_list": "u1", "msg": {"msgtype": "text", "text": {"content": "x"}}}
        for _ in range(2):
            await post(f"/topapi/message/corpconversation/asyncsend_v2?access_token={token}", body)
        (item,) = (await (await wire.get("/sandbox/api/dropped")).json())["items"]
        assert (item["name"], item["who"]) == ("duty", "u1")
        await wire.delete("/sandbox/api/messages")
        assert not box.dropped

    async def test_masks_secrets_and_tokens(self, box, wire, post, bearer, posted):
        box.register("wecom_app", "ww1", secret="corp-canary")
        answer = await (await wire.get("/cgi-bin/gettoken?corpid=ww1&corpsecret=corp-canary")).json()
        await post(f"/cgi-bin/message/send?access_token={answer['access_token']}", {})
        headers = {"x-acs-dingtalk-access-token": "token-canary"}
        await post("/v1.0/robot/groupMessages/send", {}, **headers)
        listed = await (await wire.get("/sandbox/api/requests")).text()
        assert "canary" not in listed
        assert answer["access_token"] not in listed
        assert bearer["Authorization"].removeprefix("Bearer ") not in listed
        assert "corpid=***&corpsecret=***" in listed
        assert all("canary" not in repr(robot) for robot in box.robots)


class TestPage:
    async def test_a_changed_bubble_is_told_again(self, wire, patch):
        first = await (await wire.get("/sandbox/bubbles?since=0&changes=0")).json()
        assert (len(first["items"]), first["changed"], first["changes"]) == (1, [], 0)
        await patch("resolved")
        await patch(HOSTILE)
        news = await (await wire.get("/sandbox/bubbles?since=1&changes=0")).json()
        assert (news["items"], news["changes"], [item["id"] for item in news["changed"]]) == ([], 2, [1])
        html = news["changed"][0]["html"]
        assert "updated, 2×" in html
        assert "<script>" not in html
        assert "<img" not in html
        assert 'href="javascript' not in html
        assert (await (await wire.get("/sandbox/bubbles?since=1&changes=2")).json())["changed"] == []

    async def test_one_bubble_on_the_page(self, wire, patch, posted, bearer):
        await patch("resolved")
        assert (await wire.delete(posted, headers=bearer)).status == 200
        text = await (await wire.get("/sandbox/", headers={"Accept-Language": "zh"})).text()
        assert text.count("<article") == 1
        assert "已更新 1 次" in text
        assert "已撤回" in text
        assert "发给 oc_1" in text
        assert 'data-changes="2"' in text


def test_revisions_are_bounded():
    ledger, robot = Ledger(), Robot("webhook", "a", name="a")
    number = ledger.post(robot, 0.0, Content("raw", parts=(Part("0"),)), b"", b"").id
    for update in range(1, 151):
        ledger.update(number, float(update), Content("raw", parts=(Part(str(update)),)), b"")
    (shown,) = ledger.messages
    assert (shown.updates, shown.text, len(shown.earlier)) == (150, "150", 100)
    assert [one.text for one in shown.revisions[-2:]] == ["149", "150"]
    ledger.update(number + 1, 0.0, Content("raw"), b"")
    assert len(ledger.messages) == 1


def test_an_update_of_a_forgotten_message_changes_nothing():
    ledger, robot = Ledger(), Robot("webhook", "a", name="a")
    old = ledger.post(robot, 0.0, Content("raw"), b"", b"").id
    ledger.messages.clear()
    ledger.post(robot, 1.0, Content("raw", "new"), b"", b"")
    ledger.update(old, 2.0, Content("raw", "changed"), b"")
    ledger.recall(old, 2.0)
    assert [shown.title for shown in ledger.messages] == ["new"]


NAMES = st.sampled_from(
    ["touser", "toparty", "msgtype", "agentid", "text", "markdown", "textcard", "news", "template_card", "card_type",
     "content", "title", "description", "url", "articles", "main_title", "card_action", "button_list", "action_menu",
     "action_list", "task_id", "safe", "enable_duplicate_check", "duplicate_check_interval", "mentioned_list",
     "chatid", "userlist", "owner", "name", "response_code", "userids", "atall", "button", "robotCode", "userIds",
     "msgKey", "msgParam", "openConversationId", "processQueryKeys", "agent_id", "userid_list", "dept_id_list",
     "to_all_user", "msg", "oa", "head", "body", "form", "action_card", "btn_json_list", "task_id", "msg_task_id",
     "receive_id", "msg_type", "uuid", "config", "elements", "emails", "mobiles", "checkbox", "option_list"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["text", "markdown", "textcard", "news", "template_card", "button_interaction", "vote_interaction", "text_notice",
     "sampleText", "sampleMarkdown", "interactive", "post", "action_card", "oa", '{"text":"x"}', '{"content":"x"}',
     '{"schema":"2.0"}', "u1|u2", "oc_1", "7", "\ud800", "", "[]"]
)  # fmt: skip
VALUES = st.recursive(
    WORDS | st.none() | st.integers(-1, 8) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
PATHS = (
    ("POST", "/cgi-bin/message/send"),
    ("POST", "/cgi-bin/message/update_template_card"),
    ("POST", "/cgi-bin/appchat/create"),
    ("POST", "/cgi-bin/appchat/send"),
    ("POST", "/v1.0/oauth2/accessToken"),
    ("POST", "/v1.0/robot/oToMessages/batchSend"),
    ("POST", "/v1.0/robot/groupMessages/send"),
    ("POST", "/v1.0/robot/otoMessages/batchRecall"),
    ("POST", "/topapi/message/corpconversation/asyncsend_v2"),
    ("POST", "/topapi/message/corpconversation/recall"),
    ("POST", TOKEN),
    ("POST", MESSAGES),
    ("PATCH", f"{MESSAGES}/om_1"),
    ("PUT", f"{MESSAGES}/om_1"),
    ("POST", "/open-apis/contact/v3/users/batch_get_id"),
)
QUERY = {"access_token": "t", "receive_id_type": "chat_id"}
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "x-acs-dingtalk-access-token": "t",
    "Authorization": "Bearer t",
}


def box_with_apps():
    box = Sandbox(Clock(lambda: 0.0))
    for kind in ("wecom_app", "dingtalk_app", "feishu_app"):
        box.register(kind, "a", callback=True).give("t", 7200.0)
    return box


@pytest.mark.parametrize(("method", "path"), PATHS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.dictionaries(NAMES, VALUES, max_size=6), kind=WORDS, to=VALUES, content=VALUES)
def test_any_body_gets_an_answer(method, path, body, kind, to, content):
    valid = {"agentid": 7, "agent_id": 7, "touser": to, "receive_id": to, "robotCode": "r", "userIds": [to]}
    full = {**valid, "msgtype": kind, "msg_type": kind, "msgKey": kind, "content": content, kind: content, **body}
    box = box_with_apps()
    call = Call(method, path, path, QUERY, HEADERS, json.dumps(full).encode(), 0.0, "127.0.0.1")
    answer = box.platform(path).answer(call)
    assert answer.status in (200, 400)
    assert isinstance(json.loads(answer.body), dict)
