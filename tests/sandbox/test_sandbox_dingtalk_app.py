"""DingTalk's app: two families with their own tokens' places and refusals, the robot's messages, work notices."""

import json
import re

import pytest

KEY = "dingkey"
TOKEN = "/v1.0/oauth2/accessToken"
CREDENTIALS = {"appKey": KEY, "appSecret": "s1"}
SEND = "/v1.0/robot/oToMessages/batchSend"
GROUP = "/v1.0/robot/groupMessages/send"
NOTICE = "/topapi/message/corpconversation/asyncsend_v2"
DAY = 86400


@pytest.fixture
def app(box):
    members = {"users": ["u1", "u2", "u3"], "conversations": ["cid1"], "departments": ["1"], "flow_controlled": ["u3"]}
    return box.register("dingtalk_app", KEY, name="duty", secret="s1", robot_code=KEY, agent_id=7, members=members)


@pytest.fixture
async def token(app, post):
    return (await post(TOKEN, CREDENTIALS))[1]["accessToken"]


@pytest.fixture
def call(post, token):
    async def send(path, body):
        return await post(path, body, **{"x-acs-dingtalk-access-token": token})

    return send


@pytest.fixture
def old(post, token):
    async def send(step, body):
        return (await post(f"/topapi/message/corpconversation/{step}?access_token={token}", body))[1]

    return send


def to_people(key="sampleText", param=None, **more):
    text = json.dumps({"content": "disk full"} if param is None else param)
    return {"robotCode": KEY, "userIds": ["u1"], "msgKey": key, "msgParam": text, **more}


def to_group(text="disk full", **more):
    param = json.dumps({"title": "disk", "text": text}, ensure_ascii=False)
    return {"robotCode": KEY, "openConversationId": "cid1", "msgKey": "sampleMarkdown", "msgParam": param, **more}


def notice(text="disk full", **more):
    msg = {"msgtype": "markdown", "markdown": {"title": "disk", "text": text}}
    return {"agent_id": 7, "userid_list": "u1", "to_all_user": False, "msg": msg, **more}


class TestToken:
    async def test_is_the_same_and_its_life_begins_anew(self, box, app, post):
        status, first = await post(TOKEN, CREDENTIALS)
        assert (status, set(first), first["expireIn"]) == (200, {"accessToken", "expireIn"}, 7200)
        box.clock.advance(6900)
        assert (await post(TOKEN, CREDENTIALS))[1] == first
        box.clock.advance(7199)
        assert (await post(TOKEN, CREDENTIALS))[1] == first
        box.clock.advance(7200)
        assert (await post(TOKEN, CREDENTIALS))[1]["accessToken"] != first["accessToken"]
        assert box.token_fetches("dingtalk_app", KEY) == 4
        assert box.violations == []

    async def test_fetched_too_early_is_a_violation(self, box, post, token):
        await post(TOKEN, CREDENTIALS)
        assert box.violations == ["duty: token fetched again while one has 7200 s left"]

    @pytest.mark.parametrize(
        ("body", "code", "message"),
        [
            ({"appKey": KEY}, "miss.param.appSecret", "缺少参数：appSecret"),
            (b"{", "miss.param.appKey", "缺少参数：appKey"),
            ({**CREDENTIALS, "appKey": "zz"}, "invalidClientIdOrSecret", "无效的clientId或者clientSecret"),
            ({**CREDENTIALS, "appSecret": "zz"}, "invalidClientIdOrSecret", "无效的clientId或者clientSecret"),
        ],
    )
    async def test_refuses(self, app, post, body, code, message):
        status, answer = await post(TOKEN, body)
        assert (status, answer["code"], answer["message"]) == (400, code, message)
        assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", answer["requestid"])

    @pytest.mark.parametrize(
        ("query", "body"),
        [
            ("appkey=dingkey", {"errcode": 40035, "errmsg": "缺少参数 corpid or appkey"}),
            ("appkey=dingkey&appsecret=zz", {"errcode": 40096, "errmsg": "不合法的appKey或appSecret"}),
            ("appkey=zz&appsecret=s1", {"errcode": 40096, "errmsg": "不合法的appKey或appSecret"}),
        ],
    )
    async def test_the_old_way_refuses(self, app, wire, query, body):
        assert await (await wire.get(f"/gettoken?{query}")).json() == body

    async def test_the_old_way_gives_the_same(self, box, wire, token):
        box.clock.advance(7000)
        answer = await (await wire.get("/gettoken?appkey=dingkey&appsecret=s1")).json()
        assert answer == {"errcode": 0, "access_token": token, "errmsg": "ok", "expires_in": 7200}

    async def test_the_unified_way_knows_no_corp(self, app, post):
        status, answer = await post("/v1.0/oauth2/dingcorp/token", {})
        assert (status, answer["code"], answer["message"]) == (500, "unknownError", "未知错误")

    async def test_throttled(self, box, app, post):
        box.options.token_calls = 1
        await post(TOKEN, CREDENTIALS)
        status, answer = await post(TOKEN, CREDENTIALS)
        assert (status, answer["code"]) == (403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi")

    async def test_strangers_are_registered_here_if_accepted(self, box, post):
        box.accept_unknown = True
        assert (await post(SEND, to_people(), **{"x-acs-dingtalk-access-token": "zz"}))[0] == 400
        assert not list(box.robots)
        token = (await post(TOKEN, CREDENTIALS))[1]["accessToken"]
        assert (await post(SEND, to_people(), **{"x-acs-dingtalk-access-token": token}))[0] == 200
        assert (await post(TOKEN, {**CREDENTIALS, "appSecret": "another"}))[0] == 400


class TestNewBearer:
    async def test_only_in_its_header(self, post, token):
        missing = await post(f"{SEND}?access_token={token}", to_people(), Authorization=f"Bearer {token}")
        assert (missing[0], missing[1]["code"]) == (400, "AuthenticationFailed.MissingParameter")
        assert missing[1]["message"] == "缺少参数：x-acs-dingtalk-access-token"

    async def test_unknown_and_expired(self, box, post, call):
        unknown = await post(SEND, b"{", **{"x-acs-dingtalk-access-token": "zz"})
        box.clock.advance(7200)
        for status, answer in (unknown, await call(SEND, b"{")):
            assert (status, answer["code"], answer["message"]) == (400, "InvalidAuthentication", "不合法的access_token")

    async def test_address_before_body(self, box, app, call):
        app.ip_list = ("10.0.0.0/8",)
        status, answer = await call(SEND, b"{")
        assert (status, answer["code"]) == (403, "Forbidden.AccessDenied.IpNotInWhiteList")

    async def test_wrong_paths(self, wire, app):
        for path in ("/v1.0/robot/nothing", "/robot/oToMessages/batchSend", "/v1.0/robot/otoMessages/batchSend"):
            answer = await wire.post(path)
            assert (answer.status, await answer.json()) == (200, {"errcode": 404, "errmsg": "请求的URI地址不存在"})


async def test_sends_to_people(box, call):
    markdown = {"title": "disk", "text": "**db1** [open](https://x/)"}
    answered = await call(SEND, to_people("sampleMarkdown", markdown, userIds=["u1", "u2", "u3", "zz"]))
    assert answered[0] == 200
    assert answered[1]["processQueryKey"]
    assert answered[1]["invalidStaffIdList"] == ["zz"]
    assert answered[1]["flowControlledStaffIdList"] == ["u3"]
    shown = box.messages[0]
    assert (shown.kind, shown.name, shown.to) == ("dingtalk_app", "duty", ("u1", "u2"))
    assert (shown.title, shown.plain, shown.links, shown.mentions) == ("disk", "db1 open", ("https://x/",), ())
    assert box.violations == []


async def test_nobody_to_show_it_to(box, call):
    status, answer = await call(SEND, to_people(userIds=["zz"]))
    assert (status, answer["invalidStaffIdList"]) == (200, ["zz"])
    assert not box.messages


async def test_sends_to_a_group(box, call):
    status, answer = await call(GROUP, to_group())
    assert (status, set(answer)) == (200, {"processQueryKey"})
    assert box.messages[0].to == ("cid1",)
    assert box.violations == []


BUTTONS = {"title": "t", "text": "md", "actionTitle1": "a", "actionURL1": "https://x/1"}
BUTTONS |= {"actionTitle2": "b", "actionURL2": "https://x/2"}


@pytest.mark.parametrize(
    ("key", "param", "links"),
    [
        ("sampleText", {"content": "x"}, 0),
        ("sampleMarkdown", {"title": "t", "text": "x"}, 0),
        ("sampleLink", {"title": "t", "text": "x", "messageUrl": "https://x/", "picUrl": ""}, 1),
        ("sampleActionCard", {"title": "t", "text": "x", "singleTitle": "open", "singleURL": "https://x/"}, 1),
        ("sampleActionCard2", BUTTONS, 2),
        ("sampleActionCard3", {**BUTTONS, "actionTitle3": "c", "actionURL3": "https://x/3"}, 3),
        (
            "sampleActionCard6",
            {
                "title": "t", "text": "x", "buttonTitle1": "a", "buttonUrl1": "https://x/1", "buttonTitle2": "b",
                "buttonUrl2": "https://x/2",
            },
            2,
        ),
        ("sampleImageMsg", {"photoURL": "https://x/p.png"}, 0),
    ],
)  # fmt: skip
async def test_accepts_every_key(box, call, key, param, links):
    assert (await call(SEND, to_people(key, param)))[0] == 200
    assert (box.messages[0].msgtype, len(box.messages[0].links)) == (key, links)
    assert box.violations == []


REFUSED = {
    "no json": (SEND, b"{", "miss.param.body"),
    "no robot": (SEND, to_people(robotCode=""), "invalidParameter.robotCode.empty"),
    "another robot": (SEND, to_people(robotCode="zz", userIds=[]), "invalidParameter.robotCode.notExist"),
    "no users": (SEND, to_people(userIds=[]), "invalidParameter.userIds.empty"),
    "users joined": (SEND, to_people(userIds="u1,u2"), "invalidParameter.userIds.invalid"),
    "21 users": (SEND, to_people(userIds=["u"] * 21), "invalidParameter.userIds.overMax"),
    "param an object": (SEND, to_people(msgParam={"content": "x"}), "invalidParameter.msgParam.invalid"),
    "param no json": (SEND, to_people(msgParam="x"), "invalidParameter.msgParam.invalid"),
    "param a list": (SEND, to_people(msgParam="[]"), "invalidParameter.msgParam.invalid"),
    "key unknown": (SEND, to_people("markdown"), "invalidParameter.msgKey.invalid"),
    "empty": (SEND, to_people(param={"content": ""}), "invalidParameter.msgParam.invalid"),
    "no title": (SEND, to_people("sampleMarkdown", {"text": "x"}), "invalidParameter.msgParam.invalid"),
    "no second button": (SEND, to_people("sampleActionCard3", BUTTONS), "invalidParameter.msgParam.invalid"),
    "no conversation": (GROUP, to_group(openConversationId=""), "miss.param.openConversationId"),
    "unknown conversation": (GROUP, to_group(openConversationId="zz"), "invalid.openConversationId"),
    "15001 bytes": (GROUP, to_group("磁" * 5000), "invalidParameter.msgParam.tooLong"),
}


@pytest.mark.parametrize(("path", "body", "code"), REFUSED.values(), ids=REFUSED)
async def test_refuses(box, call, path, body, code):
    status, answer = await call(path, body)
    assert (status, answer["code"]) == (400, code)
    assert set(answer) == {"code", "requestid", "message"}
    assert not box.messages


async def test_fifteen_thousand_bytes_pass(call):
    room = 15_000 - len(json.dumps({"title": "disk", "text": ""}))
    assert (await call(GROUP, to_group("x" * room)))[0] == 200


async def test_notes_what_the_provider_tolerates(box, call):
    await call(SEND, to_people(userIds=["u1", "u1"], at={}))
    await call(SEND, to_people(param={"content": "x", "at": []}))
    assert box.violations == [
        "duty: unknown field at",
        "duty: an id is given twice in userIds",
        "duty: unknown field msgParam.at",
    ]


async def test_twenty_a_second_for_each_api(box, call, old):
    statuses = [(await call(SEND, to_people()))[0] for _ in range(20)]
    status, answer = await call(SEND, to_people())
    assert (set(statuses), status) == ({200}, 403)
    assert answer["code"] == "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
    assert (await call(GROUP, to_group()))[0] == 200
    assert (await old("asyncsend_v2", notice()))["errcode"] == 0
    box.clock.advance(1)
    assert (await call(SEND, to_people()))[0] == 200
    assert box.violations == [
        "duty: over 20 calls of send in 1 s (Forbidden.AccessDenied.QpsLimitForAppkeyAndApi)",
    ]


async def test_monthly_quota(app, call, old):
    app.monthly = 1
    await call(SEND, to_people())
    status, answer = await call(SEND, to_people())
    assert (status, answer["code"]) == (403, "Forbidden.AccessDenied.ApiCountLimitForOrg")
    assert (await old("asyncsend_v2", notice()))["sub_code"] == "90020"


async def test_recalls_within_a_day(box, app, post, call):
    keys = [(await call(SEND, to_people()))[1]["processQueryKey"] for _ in range(2)]
    body = {"robotCode": KEY, "processQueryKeys": [keys[0], "zz"]}
    _, answer = await call("/v1.0/robot/otoMessages/batchRecall", body)
    assert (answer["successResult"], list(answer["failedResult"])) == (keys[:1], ["zz"])
    assert [shown.recalled_at is None for shown in box.messages] == [False, True]
    box.clock.advance(DAY + 1)
    fresh = app.give("fresh", box.clock() + 7200).value
    body = {"robotCode": KEY, "processQueryKeys": keys[1:]}
    late = (await post("/v1.0/robot/otoMessages/batchRecall", body, **{"x-acs-dingtalk-access-token": fresh}))[1]
    assert list(late["failedResult"]) == keys[1:]


async def test_recalls_from_a_group(box, call):
    key = (await call(GROUP, to_group()))[1]["processQueryKey"]
    body = {"robotCode": KEY, "openConversationId": "cid1", "processQueryKeys": [key]}
    assert (await call("/v1.0/robot/groupMessages/recall", body))[1]["successResult"] == [key]
    assert box.messages[0].recalled_at is not None


class TestOldBearer:
    async def test_only_in_the_query(self, post, token):
        blank = (await post(NOTICE, notice(), **{"x-acs-dingtalk-access-token": token}))[1]
        assert {**blank, "request_id": ""} == {
            "errcode": 88,
            "sub_code": "40000",
            "sub_msg": "access_token is blank",
            "errmsg": "ding talk error[subcode=40000,submsg=access_token is blank]",
            "request_id": "",
        }

    async def test_unknown_and_expired(self, box, post, token):
        unknown = await post(f"{NOTICE}?access_token=zz", b"{")
        assert unknown[0] == 200
        assert {**unknown[1], "request_id": ""} == {
            "errcode": 88,
            "sub_code": "40014",
            "sub_msg": "不合法的access_token",
            "errmsg": "ding talk error[subcode=40014,submsg=不合法的access_token]",
            "request_id": "",
        }
        box.clock.advance(7200)
        assert (await post(f"{NOTICE}?access_token={token}", b"{"))[1]["sub_code"] == "42001"

    async def test_address_before_body(self, app, old):
        app.ip_list = ("10.0.0.0/8",)
        assert (await old("asyncsend_v2", b"{"))["sub_code"] == "60020"

    async def test_wrong_path(self, wire, token):
        answer = await (await wire.post(f"/topapi/v2/user/notexist?access_token={token}")).json()
        assert (answer["errcode"], answer["sub_msg"]) == (22, "不合法ApiName，ApiName = dingtalk.oapi.v2.user.notexist")


ACTION_CARD = {"title": "t", "markdown": "md", "single_title": "open", "single_url": "https://x/"}
ROWS = {"title": "t", "markdown": "md", "btn_json_list": [{"title": "ack", "action_url": "https://x/"}]}
OA = {"message_url": "https://x/", "head": {"bgcolor": "FFFF0000"}, "body": {"title": "t", "content": "disk"}}


@pytest.mark.parametrize(
    ("msgtype", "block", "links"),
    [
        ("text", {"content": "x"}, 0),
        ("markdown", {"title": "t", "text": "x"}, 0),
        ("link", {"title": "t", "text": "x", "messageUrl": "https://x/", "picUrl": "@p"}, 1),
        ("action_card", ACTION_CARD, 1),
        ("action_card", ROWS, 1),
        ("oa", {**OA, "body": {**OA["body"], "form": [{"key": "host: ", "value": "db1"}]}}, 1),
        ("file", {"media_id": "@m"}, 0),
    ],
)
async def test_notices_of_every_type(box, old, msgtype, block, links):
    answer = await old("asyncsend_v2", notice(msg={"msgtype": msgtype, msgtype: block}))
    assert set(answer) == {"errcode", "task_id", "request_id"}
    assert (box.messages[0].msgtype, len(box.messages[0].links)) == (msgtype, links)
    assert box.messages[0].to == ("u1",)
    assert box.violations == []


def msg(msgtype, block):
    return notice(msg={"msgtype": msgtype, msgtype: block})


ROOM = 2048 - len(json.dumps(notice("")["msg"], separators=(",", ":")))
BAD_NOTICES = {
    "no json": (b"{", "40035"),
    "no agent": (notice(agent_id=None), "40035"),
    "another agent": (notice(agent_id=8, userid_list=""), "40056"),
    "users in a list": (notice(userid_list=["u1"]), "40035"),
    "101 users": (notice(userid_list=",".join(map(str, range(101)))), "40031"),
    "21 departments": (notice(dept_id_list=",".join(map(str, range(21)))), "40031"),
    "to_all no boolean": (notice(to_all_user="false"), "40035"),
    "nobody": (notice(userid_list=""), "40035"),
    "no msg": (notice(msg=None), "40035"),
    "2049 bytes": (notice("x" * (ROOM + 1)), "40035"),
    "type unknown": (msg("sampleText", {"content": "x"}), "40035"),
    "camel case": (msg("actionCard", {"title": "t", "text": "x"}), "40035"),
    "empty": (msg("text", {"content": ""}), "40035"),
    "no button": (msg("action_card", {"title": "t", "markdown": "x"}), "40035"),
    "oa without colour": (msg("oa", {**OA, "head": {}}), "40035"),
    "nobody known": (notice(userid_list="zz", dept_id_list="9"), "33012"),
}


@pytest.mark.parametrize(("body", "code"), BAD_NOTICES.values(), ids=BAD_NOTICES)
async def test_notices_refused(box, old, body, code):
    answer = await old("asyncsend_v2", body)
    assert (answer["errcode"], answer["sub_code"]) == (88, code)
    assert not box.messages


async def test_2048_bytes_pass(old):
    assert (await old("asyncsend_v2", notice("x" * ROOM)))["errcode"] == 0


async def test_the_same_notice_twice_a_day_is_dropped(box, old):
    await old("asyncsend_v2", notice(userid_list="u1,zz"))
    second = await old("asyncsend_v2", notice(userid_list="u1,u2"))
    assert second["errcode"] == 0
    assert [shown.to for shown in box.messages] == [("u1",), ("u2",)]
    assert [(one.who, one.why) for one in box.dropped] == [("u1", "the same content twice a day (143106)")]
    assert box.violations == ["duty: the same content twice a day (143106) to u1, dropped silently"]
    result = (await old("getsendresult", {"agent_id": 7, "task_id": second["task_id"]}))["send_result"]
    assert result["forbidden_list"] == [{"code": "143106", "count": 1, "userid": "u1"}]
    assert (result["forbidden_user_id_list"], result["unread_user_id_list"]) == (["u1"], ["u2"])


async def test_the_result_names_unknown_ids(old):
    task = (await old("asyncsend_v2", notice(userid_list="u1,zz", dept_id_list="1,9")))["task_id"]
    answer = await old("getsendresult", {"agent_id": 7, "task_id": task})
    assert answer["errcode"] == 0
    assert answer["send_result"]["invalid_user_id_list"] == ["zz"]
    assert answer["send_result"]["invalid_dept_id_list"] == ["9"]


async def test_another_day_another_notice(box, app, post, old):
    await old("asyncsend_v2", notice())
    box.clock.advance(DAY)
    fresh = app.give("fresh", box.clock() + 7200).value
    await post(f"{NOTICE}?access_token={fresh}", notice())
    assert len(box.messages) == 2
    assert box.violations == []


async def test_five_hundred_a_day_to_one_user(box, old):
    for number in range(501):
        box.clock.advance(0.1)
        await old("asyncsend_v2", notice(str(number)))
    assert len(box.messages) == 500
    assert box.dropped[0].why == "over 500 notices a day (143105)"


async def test_three_a_day_to_all(box, old):
    for number in range(4):
        await old("asyncsend_v2", notice(str(number), to_all_user=True))
    assert [shown.to for shown in box.messages] == [("@all",)] * 3


async def test_notice_recalled_within_a_day(box, app, post, old):
    task = (await old("asyncsend_v2", notice()))["task_id"]
    assert (await old("recall", {"agent_id": 7, "task_id": task}))["sub_code"] == "40035"
    assert (await old("recall", {"agent_id": 7, "msg_task_id": 1}))["sub_code"] == "400002"
    assert (await old("recall", {"agent_id": 7, "msg_task_id": task}))["errcode"] == 0
    assert box.messages[0].recalled_at == box.clock()
    box.clock.advance(DAY + 1)
    fresh = app.give("fresh", box.clock() + 7200).value
    path = f"/topapi/message/corpconversation/getsendresult?access_token={fresh}"
    assert (await post(path, {"agent_id": 7, "task_id": task}))[1]["sub_code"] == "400002"
