"""WeCom's app: its settings, the fewest calls to all receivers, whom they did not reach, one token, every code."""

import asyncio

import orjson
import pytest
from channel_examples import CANARY, answer, make, settings
from pydantic import ValidationError
from wecom_office import CARD, CHAT, CORP, KIND

from receiver.channels.base import Confirmation
from receiver.channels.tokens import Token, TokenRefused
from receiver.channels.wecom_codes import CODES, TOKEN_CODES, UPDATE_CODES
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable
from receiver.sandbox import Fault


class TestSettings:
    @pytest.mark.parametrize(
        ("offered", "says"),
        [
            ({"to": None}, "needs one of to and chat_id"),
            ({"chat_id": "c1"}, "is given beside to; keep one"),
            ({"to": {}}, "at least one of users, departments and tags"),
            ({"to": {"users": ["@all", "u1"]}}, "nobody beside @all"),
            ({"to": {"users": ["@all"], "tags": [1]}}, "nobody beside @all"),
            ({"to": {"departments": ["@all"]}}, "must be an id"),
            ({"to": {"users": ["u1|u2"]}}, "must be an id"),
            ({"to": {"users": ["u 1"]}}, "must be an id"),
            ({"to": {"users": ["u\u200b1"]}}, "must be an id"),
            ({"to": {"users": [""]}}, "must be an id"),
            ({"to": {"users": ["u" * 65]}}, "must be an id"),
            ({**CHAT, "format": "template_card"}, "no cards can be sent into group chats"),
            ({"agent_id": 0}, "greater than 0"),
            ({"secret": ""}, "at least 1"),
            ({"secret": None}, "Field required"),
        ],
    )
    def test_wrong_ones_are_explained(self, offered, says):
        with pytest.raises(ValidationError, match=says) as refused:
            settings(KIND, **offered)
        assert CANARY not in str(refused.value)

    def test_numbers_are_ids_and_a_file_holds_the_secret(self, tmp_path):
        (tmp_path / "secret").write_text("from-a-file\n")
        made = settings(KIND, secret=None, secret_file=str(tmp_path / "secret"), to={"departments": [2], "tags": [7]})
        assert made.targets() == ('{"toparty":"2","totag":"7"}',)
        assert made.secret.get_secret_value() == "from-a-file"

    def test_the_host_is_wecoms_unless_another_is_set(self):
        assert make(KIND).token_request().url.startswith("https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=ww0")
        assert make(KIND, base_url="https://proxy.example/w").token_request().url.startswith("https://proxy.example/w/")


class TestTargets:
    def test_the_fewest_calls_that_reach_all(self):
        to = {"users": [f"u{n}" for n in range(2500)], "departments": range(150), "tags": ["t1", "t1"]}
        calls = [orjson.loads(target) for target in make(KIND, to=to).targets]
        assert [{name: ids.count("|") + 1 for name, ids in call.items()} for call in calls] == [
            {"touser": 1000, "toparty": 100, "totag": 1},
            {"touser": 1000, "toparty": 50},
            {"touser": 500},
        ]
        assert "|".join(call["touser"] for call in calls).split("|") == to["users"]

    def test_everyone_is_one_call(self):
        assert make(KIND, to={"users": ["@all"]}).targets == ('{"touser":"@all"}',)

    async def test_2500_users_are_all_accounted_for(self, office):
        users = [f"u{n}" for n in range(2500)]
        channel = office.app(to={"users": users}, members={"users": users[:1500], "unlicensed": ["u2400"]})
        first, second, third = await office.post(channel)
        assert first.note == ""
        assert second.note.startswith("not reached: users u1500, u1501, u1502")
        assert second.note.endswith("and 490 more")
        assert (type(third), third.code) == (Unreachable, "0")
        assert [len(one.to) for one in office.sandbox.messages] == [1000, 500]
        assert [body["agentid"] for body in office.bodies("message/send")] == [1000002] * 3


class TestReached:
    MEMBERS = {"users": ["U1", "u2"], "departments": ["1"], "tags": ["t1"], "unlicensed": ["u5"]}  # noqa: RUF012

    async def test_who_is_not_reached_is_noted(self, office):
        to = {"users": ["U1", "U3", "u4", "u5"], "departments": ["1", "7"], "tags": ["t9"]}
        (confirmed,) = await office.post(office.app(to=to, members=self.MEMBERS))
        note = "not reached: users u3, u4; departments 7; tags t9; without licence: u5"
        assert confirmed == Confirmation(200, "0", note)
        assert office.sandbox.messages[0].to == ("U1", "1")

    @pytest.mark.parametrize("users", [["u3"], ["u3", "u5"], ["u5"]])
    async def test_a_channel_that_reaches_nobody_cannot_work(self, office, users):
        (error,) = await office.post(office.app(to={"users": users}, members=self.MEMBERS))
        assert type(error) is Misconfigured
        assert users[0] in error.detail

    async def test_where_others_are_reached_it_is_passed_over(self, office):
        to = {"users": [f"n{n}" for n in range(1000)] + ["U5"]}
        members = {"users": ["u2"], "unlicensed": ["U5"]}
        unknown, unlicensed = await office.post(office.app(to=to, members=members))
        assert (type(unknown), unknown.code, type(unlicensed), unlicensed.code) == (
            Unreachable,
            "81013",
            Unreachable,
            "0",
        )
        assert len(unknown.detail) <= 500

    async def test_an_odd_answer_about_receivers_is_no_reason_to_fail(self):
        odd = b'{"errcode":0,"invaliduser":7,"invalidparty":["3",null,{}],"unlicenseduser":"|\\u0000|"}'
        assert make(KIND).check(answer(odd)).note == "not reached: departments 3; without licence: \ufffd"


class TestToken:
    async def test_a_hundred_posts_at_once_fetch_one(self, office):
        channels = [office.app(**CHAT, name=f"c{n}") for n in range(4)]
        outcomes = await asyncio.gather(*(office.post(one, message_id=f"{n}") for n in range(25) for one in channels))
        assert outcomes == [[Confirmation(200, "0")]] * 100
        assert (office.fetches, len(office.sandbox.messages)) == (1, 100)

    async def test_a_revoked_one_is_fetched_again_once(self, office):
        channel = office.app(**CHAT)
        await office.post(channel)
        office.sandbox.revoke_tokens(KIND, CORP)
        outcomes = await asyncio.gather(*(office.post(channel, message_id=f"{n}") for n in range(20)))
        assert outcomes == [[Confirmation(200, "0")]] * 20
        assert (office.fetches, len(office.sandbox.messages)) == (2, 21)

    async def test_one_that_has_ended_is_fetched_again(self, office):
        channel = office.app()
        await office.post(channel)
        office.sandbox.clock.advance(7200)
        assert await office.post(channel, message_id="2") == [Confirmation(200, "0")]
        assert office.fetches == 2

    @pytest.mark.parametrize(("code", "meaning"), [(40014, Unavailable), (42001, Unavailable), (40001, Misconfigured)])
    async def test_refused_twice_it_means_what_the_code_means(self, office, code, meaning):
        channel = office.app()
        office.sandbox.fault(f"{KIND}/send", Fault("answer", body=f'{{"errcode":{code},"errmsg":"no"}}'), None)
        (error,) = await office.post(channel)
        assert (type(error), error.code, len(office.bodies("message/send"))) == (meaning, str(code), 2)
        office.sandbox.violations.clear()  # the sandbox cannot know that its token was refused on order

    async def test_a_wrong_secret_is_tried_once_a_minute_only(self, office):
        channel = office.app()
        office.sandbox.unregister(KIND, CORP)
        office.sandbox.register(KIND, CORP, secret="another")
        for _ in range(3):
            (error,) = await office.post(channel)
            assert (type(error), error.code) == (Misconfigured, "40001")
        assert len([one for one in office.sandbox.requests if "gettoken" in one.target]) == 1

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ('{"errcode":-1}', Unavailable),
            ('{"errcode":45009,"errmsg":"api freq out of limit"}', Throttled),
            ('{"errcode":40013,"errmsg":"invalid corpid"}', Misconfigured),
            ('{"errcode":60020}', Misconfigured),
            ('{"errcode":12345,"errmsg":"new"}', Misconfigured),
            ("<html>", Unavailable),
        ],
    )
    async def test_what_the_endpoint_answers(self, office, body, expected):
        office.sandbox.fault(f"{KIND}/token", Fault("answer", body=body))
        (error,) = await office.post(office.app())
        assert type(error) is expected
        assert office.bodies("message/send") == []

    @pytest.mark.parametrize(
        "body", ["{}", '{"access_token":7,"expires_in":7200}', '{"access_token":"t","expires_in":"x"}']
    )
    async def test_an_answer_without_one_is_not_used(self, office, body):
        office.sandbox.fault(f"{KIND}/token", Fault("answer", body=f'{{"errcode":0,{body[1:]}'.replace(",}", "}")))
        (error,) = await office.post(office.app())
        assert (type(error), error.ambiguous) == (Unavailable, False)

    def test_it_is_read_with_its_life(self):
        made = make(KIND).token_of(answer('{"errcode":0,"errmsg":"ok","access_token":"t0","expires_in":7200}'))
        assert made == Token("t0", 7200)


class TestAnswers:
    @pytest.mark.parametrize("code", CODES)
    def test_every_row_of_the_table_is_its_class(self, code):
        with pytest.raises(DeliveryError) as raised:
            make(KIND).check(answer(f'{{"errcode":{code},"errmsg":"head, hint: [1], from ip: 192.0.2.1"}}'))
        error = raised.value
        assert (type(error) is TokenRefused) == (code in TOKEN_CODES)
        assert type(getattr(error, "meaning", error)) is CODES[code].error
        assert (error.code, error.http_status, "from ip: 192.0.2.1" in error.detail) == (code, 200, True)
        assert CODES[code].source

    @pytest.mark.parametrize("code", UPDATE_CODES)
    async def test_every_row_of_the_other_table_counts_for_updates_only(self, office, code):
        office.sandbox.fault(f"{KIND}/update", Fault("answer", body=f'{{"errcode":{code}}}'))
        (error,) = await office.post(office.app(**CARD), updates="code-1")
        assert (type(error), error.code) == (Unchangeable, code)
        with pytest.raises(Rejected):
            make(KIND).check(answer(f'{{"errcode":{code}}}'))

    def test_too_many_calls_rest_a_minute(self):
        with pytest.raises(Throttled) as raised:
            make(KIND).check(answer('{"errcode":45009}'))
        assert raised.value.retry_after == 60
