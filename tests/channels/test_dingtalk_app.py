"""DingTalk's app: whom it reaches by which calls, and what each call says."""

from dataclasses import replace

import orjson
import pytest
from channel_examples import CANARY, make, message, settings, text
from dingtalk_stage import AGENT, KEY, NOTICES, NOW, ONE
from mention_samples import PHONE, ZHANG, mention
from pydantic import ValidationError

from receiver.text import Mentions


def targets(**changes):
    return [orjson.loads(target) for target in make("dingtalk_app", **changes).targets]


class TestReceivers:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"to": {}}, "at least one of users, conversations and departments"),
            ({"to": None}, "Field required"),
            ({"to": {"departments": [1]}}, "to.departments: departments can be reached by work notices only"),
            ({"to": {"users": ["@all"]}}, "to.users: @all: everybody can be reached by work notices only"),
            ({"agent_id": 1, "to": {"users": ["@all", "u1"]}}, "@all stands for everybody"),
            ({"agent_id": 1, "to": {"users": ["@all"], "departments": [1]}}, "@all stands for everybody"),
            ({"to": {"users": ["u1,u2"]}}, "without commas"),
            ({"to": {"users": ["u 1"]}}, "without commas"),
            ({"to": {"conversations": ["cid\n"]}}, "without commas"),
            ({"to": {"conversations": [""]}}, "must be an id"),
            ({"agent_id": 1, "to": {"departments": ["sales"]}}, "must be the number of a department"),
            ({"agent_id": 0}, "greater than or equal to 1"),
            ({"app_secret": ""}, "at least 1"),
            ({"format": "oa"}, "markdown"),
        ],
    )
    def test_wrong_settings_are_explained_without_being_shown(self, changes, says):
        with pytest.raises(ValidationError, match=says) as raised:
            settings("dingtalk_app", **changes)
        assert CANARY not in str(raised.value)

    def test_users_in_twenties_and_each_conversation(self):
        users = [f"u{number}" for number in range(45)]
        calls = targets(to={"users": [*users, "u1"], "conversations": ["cid1", "cid2", "cid1"]})
        assert calls[:2] == [{"openConversationId": "cid1"}, {"openConversationId": "cid2"}]
        assert calls[2:] == [{"userIds": users[:20]}, {"userIds": users[20:40]}, {"userIds": users[40:]}]

    def test_notices_in_the_fewest_calls(self):
        users, rooms = [f"u{number}" for number in range(150)], list(range(1, 26))
        calls = targets(agent_id=1, to={"users": users, "departments": rooms})
        joined = [",".join(map(str, some)) for some in (users[:100], rooms[:20], users[100:], rooms[20:])]
        assert calls == [
            {"userid_list": joined[0], "dept_id_list": joined[1]},
            {"userid_list": joined[2], "dept_id_list": joined[3]},
        ]

    @pytest.mark.parametrize(
        ("changes", "keys"),
        [
            ({}, ["userIds"]),
            ({"robot_code": "r"}, ["userIds"]),
            ({"agent_id": 1}, ["userid_list"]),
            ({"agent_id": 1, "robot_code": "r"}, ["userIds"]),
        ],
    )
    def test_users_get_notices_if_there_is_an_agent_and_no_robot(self, changes, keys):
        assert [key for call in targets(to={"users": ["u1"]}, **changes) for key in call] == keys

    def test_users_by_the_robot_and_departments_by_notice(self):
        to = {"users": ["u1"], "conversations": ["cid1"], "departments": [1]}
        calls = targets(agent_id=1, robot_code="r", to=to)
        assert calls == [{"openConversationId": "cid1"}, {"userIds": ["u1"]}, {"dept_id_list": "1"}]

    def test_everybody_is_one_notice(self):
        assert targets(agent_id=1, to={"users": ["@all"]}) == [{"to_all_user": True}]


def request(said=None, number=0, **changes):
    channel = make("dingtalk_app", **changes)
    content = channel.compose(said or text("disk_full", "> db1"), "0193a1b2c3d4e5f6")
    made = channel.build(message(content, target=channel.targets[number]), NOW)
    return channel.carrying(made, "T/+"), orjson.loads(made.body)


class TestRequests:
    def test_to_people_by_the_robot(self):
        made, body = request(**ONE)
        assert made.url == "https://api.dingtalk.com/v1.0/robot/oToMessages/batchSend"
        assert made.headers["x-acs-dingtalk-access-token"] == "T/+"
        param = '{"title":"disk_full","text":"#### disk_full\\n\\n> db1"}'
        assert body == {"robotCode": KEY, "userIds": ["u1"], "msgKey": "sampleMarkdown", "msgParam": param}

    def test_to_a_group_by_a_robot_of_another_code(self):
        made, body = request(robot_code="r1", to={"conversations": ["cid1"]})
        assert made.url == "https://api.dingtalk.com/v1.0/robot/groupMessages/send"
        assert (body["robotCode"], body["openConversationId"]) == ("r1", "cid1")

    def test_a_notice_with_its_token_in_the_query_and_a_word_of_its_own(self):
        made, body = request(**NOTICES)
        assert made.url == "https://oapi.dingtalk.com/topapi/message/corpconversation/asyncsend_v2?access_token=T%2F%2B"
        assert "x-acs-dingtalk-access-token" not in made.headers
        markdown = {"title": "disk_full", "text": "#### disk_full\n\n> db1\n\n#c3d4e5f6"}
        msg = {"msgtype": "markdown", "markdown": markdown}
        assert body == {"agent_id": AGENT, "to_all_user": False, "userid_list": "u1,u2", "msg": msg}

    def test_everybody(self):
        assert request(agent_id=1, to={"users": ["@all"]})[1]["to_all_user"] is True

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            (ONE, {"msgKey": "sampleText", "msgParam": '{"content":"t\\n*x* ?"}'}),
            (NOTICES, {"msg": {"msgtype": "text", "text": {"content": "t\n*x* ?\n#c3d4e5f6"}}}),
        ],
    )
    def test_plain_text(self, changes, said):
        _, body = request(text("t", "*x* \x07", plain=True), **changes)
        assert said.items() <= body.items()

    @pytest.mark.parametrize("plain", [False, True])
    def test_people_are_named_and_nobody_is_mentioned(self, plain):
        people = Mentions((mention(ZHANG), mention(PHONE)), everyone=True)
        _, body = request(replace(text("t", "b", plain=plain), mentions=people), **ONE)
        assert orjson.loads(body["msgParam"])["content" if plain else "text"].endswith("b\n\n@张三 @phone")
        assert "at" not in body

    def test_many_names_are_cut(self):
        people = tuple(replace(mention(PHONE), name="名" * 60 + str(number)) for number in range(50))
        channel = make("dingtalk_app", **NOTICES)
        assert 0 < channel.weigh_mentions(Mentions(people), True) <= 256

    def test_stored_is_what_a_notice_says_and_counted_is_what_is_sent(self):
        for changes, most in ((ONE, 15000), (NOTICES, 2048)):
            channel = make("dingtalk_app", **changes)
            stored = channel.compose(text(), "0193a1b2c3d4e5f6")
            body = orjson.loads(channel.build(message(stored, target=channel.targets[0]), NOW).body)
            counted = body["msgParam"].encode() if "msgParam" in body else orjson.dumps(body["msg"])
            assert channel.fill(stored) == (len(counted), most)
            assert list(orjson.loads(stored)) == ["msgtype", "markdown"]
