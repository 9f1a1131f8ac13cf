"""DingTalk's work notices: equal words arrive twice and a retry once, and whom each reached is asked for."""

from time import perf_counter

import orjson
import pytest
from dingtalk_stage import AGENT, NOTICES, say, staged
from hypothesis import given
from hypothesis import strategies as st

from receiver.channels.dingtalk_app import REASONS, DingTalkApp
from receiver.channels.dingtalk_notices import Result
from receiver.delivery.targets import Configured
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable, Unreachable
from receiver.sandbox.faults import Fault

RESULT = "getsendresult"


@pytest.fixture
async def stage(aiohttp_server, monkeypatch):
    async with staged(aiohttp_server, monkeypatch) as stage:
        yield stage


class TestNotices:
    async def test_departments_and_users_in_one_call_and_the_result_is_asked_for(self, stage):
        channel = stage.app(agent_id=AGENT, to={"users": ["u1"], "departments": [1, 2]})
        confirmed = await say(channel)
        assert (confirmed.code, confirmed.note, confirmed.left) == ("0", "", "")
        assert stage.messages[0].to == ("u1", "1", "2")
        assert stage.bodies(RESULT) == [{"agent_id": AGENT, "task_id": int(confirmed.provider_id)}]
        assert stage.sandbox.violations == []

    async def test_equal_words_arrive_twice_and_a_retry_once(self, stage):
        channel = stage.app(**NOTICES)
        for _ in range(2):
            await say(channel, id="0193a1b2c3d4e5f6")
        assert len(stage.messages) == 1
        await say(channel, id="0193a1b2c3d4e5f7")
        assert [shown.text for shown in stage.messages] == [f"#### Disk full\n\ndb1\n\n#c3d4e5f{n}" for n in (6, 7)]

    @pytest.mark.parametrize(("retried", "note"), [(True, ""), (False, "had the same content today (143106): u1, u2")])
    async def test_that_a_retry_had_arrived_before_is_no_news(self, stage, retried, note):
        channel = stage.app(**NOTICES)
        await say(channel, id="0193a1b2")
        confirmed = await say(channel, id="0193a1b2", retried=retried)
        assert confirmed.note == note
        assert [shown.to for shown in stage.messages] == [("u1", "u2")]

    async def test_after_a_lost_answer_it_arrives_once(self, stage):
        channel = stage.app(**NOTICES)
        stage.sandbox.fault("dingtalk_app/notice", Fault("lost"))
        with pytest.raises(Unavailable) as raised:
            await say(channel, id="0193a1b2")
        assert raised.value.ambiguous
        assert (await say(channel, id="0193a1b2", retried=True)).note == ""
        assert len(stage.messages) == 1

    async def test_some_are_not_known(self, stage):
        channel = stage.app(agent_id=AGENT, to={"users": ["u1", "u2"], "departments": [9]}, members={"users": ["u1"]})
        assert (await say(channel)).note == "not known to the app: u2"
        channel = stage.app(agent_id=AGENT, to={"users": ["u1"], "departments": [9]}, members={"departments": []})
        assert (await say(channel)).note == "not known to the app: department 9"

    async def test_everybody_is_one_call_of_which_nothing_is_told(self, stage):
        assert (await say(stage.app(agent_id=AGENT, to={"users": ["@all"]}))).note == ""
        assert stage.messages[0].to == ("@all",)
        assert stage.bodies(RESULT) == []

    async def test_a_new_token_between_the_notice_and_its_result(self, stage):
        channel = stage.app(**NOTICES)
        stage.fault("result", {"errcode": 88, "sub_code": "42001", "sub_msg": "access_token超时"})
        assert (await say(channel)).note == ""
        assert len(stage.bodies(RESULT)) == 2
        stage.sandbox.violations.clear()  # for the sandbox the token was good

    @pytest.mark.parametrize("lists", [{}, {"unread_user_id_list": []}, {"read_user_id_list": None}])
    async def test_as_long_as_nobody_is_listed_it_asks_once_more(self, stage, lists):
        channel = stage.app(**NOTICES)
        stage.fault("result", {"errcode": 0, "send_result": lists})
        assert (await say(channel)).note == ""
        assert len(stage.bodies(RESULT)) == 2
        stage.fault("result", {"errcode": 0, "send_result": lists}, times=9)
        assert (await say(channel)).note == ""
        assert len(stage.bodies(RESULT)) == 4

    async def test_it_waits_before_each_question(self, stage, monkeypatch):
        monkeypatch.setattr(DingTalkApp, "pauses", (0.05, 0.1))
        channel = stage.app(agent_id=AGENT, to={"departments": [1]})
        begun = perf_counter()
        await say(channel)
        assert perf_counter() - begun > 0.15
        assert len(stage.bodies(RESULT)) == 2

    async def test_it_does_not_wait_for_long(self, stage, monkeypatch):
        monkeypatch.setattr(DingTalkApp, "patience", 0.1)
        channel = stage.app(**NOTICES)
        stage.sandbox.fault("dingtalk_app/result", Fault("delay", seconds=5))
        begun = perf_counter()
        assert (await say(channel)).note == "result unknown"
        assert perf_counter() - begun < 3

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"errcode": 88, "sub_code": "400002", "sub_msg": "调用超时"}, 200),
            ({"errcode": 88, "sub_code": "40014", "sub_msg": "不合法的access_token"}, 200),
            ({"errcode": 88, "sub_code": "90020", "sub_msg": "API调用量超限"}, 200),
            ("<html>", 200),
            ("", 500),
        ],
    )
    async def test_no_result_is_no_failure(self, stage, body, status):
        channel = stage.app(**NOTICES)
        stage.fault("result", body, status, times=None)
        assert (await say(channel)).note == "result unknown"
        assert len(stage.messages) == 1
        stage.sandbox.violations.clear()  # for the sandbox the token was good

    @pytest.mark.parametrize(
        ("result", "note", "left"),
        [
            ({"failed_user_id_list": ["u1"], "read_user_id_list": ["u2"]}, "failed at DingTalk: u1", []),
            ({"forbidden_user_id_list": ["u1"]}, "not let through by DingTalk: u1", []),
            ({"forbidden_list": [{"code": "143105", "userid": "u1"}]}, "limit of 500 notices (143105): u1", []),
            ({"forbidden_list": [{"code": "143103", "count": 1, "userid": "u1"}]}, "", ["u1"]),
            ({"forbidden_list": [{"code": 999, "userid": "u1"}]}, "not let through by DingTalk (999): u1", []),
            ({"invalid_user_id_list": ["u1"], "invalid_dept_id_list": [1, 2]}, "u1, department 1, department 2", []),
        ],
    )  # fmt: skip
    async def test_who_was_not_reached_and_why(self, stage, result, note, left):
        channel = stage.app(**NOTICES)
        stage.fault("result", {"errcode": 0, "send_result": result})
        confirmed = await say(channel)
        assert confirmed.note.endswith(note)
        assert orjson.loads(confirmed.left or "{}").get("userid_list", "").split(",") == (left or [""])

    @pytest.mark.parametrize(
        ("result", "error"),
        [
            ({"invalid_user_id_list": ["u1", "u2"]}, Unreachable),
            ({"invalid_user_id_list": ["u1"], "forbidden_user_id_list": ["u2"]}, Unreachable),
            ({"forbidden_list": [{"code": "143105", "userid": who} for who in ("u1", "u2")]}, Unreachable),
            ({"forbidden_list": [{"code": "143104", "userid": who} for who in ("u1", "u2")]}, Throttled),
            ({"invalid_user_id_list": ["u1"], "forbidden_list": [{"code": "143103", "userid": "u2"}]}, Throttled),
            ({"forbidden_list": [{"code": "1430002", "userid": who} for who in ("u1", "u2")]}, Rejected),
            ({"failed_user_id_list": ["u1"], "invalid_user_id_list": ["u2"]}, Unavailable),
        ],
    )
    @pytest.mark.parametrize("alone", [True, False])
    async def test_nobody_was_reached(self, stage, result, error, alone):
        to = {"users": ["u1", "u2"], **({} if alone else {"conversations": ["cid1"]})}
        channel = stage.app(agent_id=AGENT, to=to)
        stage.fault("result", {"errcode": 0, "send_result": result})
        with pytest.raises(DeliveryError) as raised:
            await say(channel, number=-1)
        assert type(raised.value) is (Misconfigured if alone and error is Unreachable else error)

    async def test_a_department_that_is_not_listed_may_have_been_reached(self, stage):
        channel = stage.app(agent_id=AGENT, to={"users": ["u1"], "departments": [1]})
        stage.fault("result", {"errcode": 0, "send_result": {"invalid_user_id_list": ["u1"]}})
        assert (await say(channel)).note == "not known to the app: u1"

    async def test_busy_members_of_a_department_are_named_and_no_target(self, stage):
        channel = stage.app(agent_id=AGENT, to={"users": ["u1"], "departments": [1]})
        busy = [{"code": "143103", "userid": who} for who in ("member", "u1")]
        stage.fault("result", {"errcode": 0, "send_result": {"read_user_id_list": ["u2"], "forbidden_list": busy}})
        confirmed = await say(channel)
        assert confirmed.note == "too many receivers in a minute (143103): member"
        assert confirmed.left == '{"userid_list":"u1"}'
        assert Configured(channel.targets).left_of(confirmed.left) == confirmed.left

    async def test_many_are_counted(self, stage):
        channel = stage.app(agent_id=AGENT, to={"users": [f"u{n}" for n in range(90)]}, members={"users": ["u0"]})
        assert (await say(channel)).note.endswith("u9, u10 and 79 more")

    @given(st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda some: st.lists(some, max_size=3)))
    def test_whatever_is_answered_is_read(self, odd):
        names = ("read_user_id_list", "invalid_user_id_list", "invalid_dept_id_list", "forbidden_list")
        for body in ({"send_result": odd}, {"send_result": dict.fromkeys(names, odd)}):
            result = Result.of(body)
            assert isinstance(result.note({"userid_list": "u1"}, retried=False), str)
            assert isinstance(result.nobody({"userid_list": "u1"}), str)


@pytest.mark.parametrize("why", REASONS)
def test_every_reason_has_a_class_and_words(why):
    assert REASONS[why].error in (Unreachable, Unavailable, Throttled, Rejected)
    assert REASONS[why].meaning
    assert REASONS[why].source
