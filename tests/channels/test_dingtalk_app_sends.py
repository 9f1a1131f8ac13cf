"""DingTalk's app before the sandbox: one token for all, people in twenties, groups, and who is left out."""

import asyncio

import orjson
import pytest
from channel_examples import CANARY, message, text
from dingtalk_stage import KEY, NOTICES, NOW, ONE, SECRET, TWO, say, staged

from receiver.errors import Misconfigured, Rejected, Unavailable, Unreachable

BATCH = "batchSend"


@pytest.fixture
async def stage(aiohttp_server, monkeypatch):
    async with staged(aiohttp_server, monkeypatch) as stage:
        yield stage


class TestToken:
    async def test_is_asked_for_the_new_way(self, stage):
        await say(stage.app(**ONE))
        assert stage.bodies("accessToken") == [{"appKey": KEY, "appSecret": SECRET}]

    async def test_one_for_a_hundred_at_once_and_for_both_apis(self, stage):
        channels = [stage.app(**ONE), stage.channel(**NOTICES), stage.channel(to={"conversations": ["cid1"]})]
        await asyncio.gather(*(say(channels[number % 3]) for number in range(100)))
        assert len(stage.messages) == 100
        assert stage.sandbox.token_fetches("dingtalk_app", KEY) == 1
        assert stage.sandbox.violations == []

    @pytest.mark.parametrize("changes", [ONE, NOTICES])
    async def test_a_revoked_one_is_fetched_anew_once(self, stage, changes):
        channel = stage.app(**changes)
        await say(channel)
        stage.sandbox.revoke_tokens("dingtalk_app", KEY)
        await asyncio.gather(*(say(channel) for _ in range(10)))
        assert len(stage.messages) == 11
        assert stage.sandbox.token_fetches("dingtalk_app", KEY) == 2

    async def test_one_that_is_never_taken_is_no_endless_loop(self, stage):
        channel = stage.app(**ONE)
        stage.fault("send", {"code": "InvalidAuthentication", "message": "不合法的access_token"}, 400, times=None)
        with pytest.raises(Unavailable, match="the token is not valid"):
            await say(channel)
        assert len(stage.bodies(BATCH)) == 2
        stage.sandbox.violations.clear()  # for the sandbox the token was good

    async def test_is_refreshed_before_it_ends(self, stage):
        channel = stage.app(**ONE)
        await say(channel)
        channel._tokens._ends_at -= 7000
        channel._tokens._fetched_at -= 7000
        stage.sandbox.clock.advance(7000)
        await say(channel)
        await say(channel)
        assert stage.sandbox.token_fetches("dingtalk_app", KEY) == 2
        assert stage.sandbox.violations == []

    async def test_wrong_credentials_stop_the_channel(self, stage):
        stage.app(**ONE)
        with pytest.raises(Misconfigured, match="app_key or app_secret is wrong") as raised:
            await say(stage.channel(app_secret=f"wrong{CANARY}", **ONE))
        assert CANARY not in raised.value.detail

    async def test_shows_in_no_error(self, stage):
        channel = stage.app(**TWO)
        await say(channel)
        token = channel._tokens.known[-1]
        stage.fault("send", {"code": token, "message": f"{SECRET} {token}"}, 400)
        with pytest.raises(Rejected) as raised:
            await say(channel, number=1)
        assert not [secret for secret in (token, SECRET) if secret in f"{raised.value.detail} {raised.value.code}"]


class TestRobot:
    async def test_45_users_are_three_calls(self, stage):
        users = [f"u{number}" for number in range(45)]
        channel = stage.app(to={"users": users})
        for number in range(3):
            assert (await say(channel, number=number)).note == ""
        assert [len(body["userIds"]) for body in stage.bodies(BATCH)] == [20, 20, 5]
        assert [who for shown in stage.messages for who in shown.to] == users
        assert stage.sandbox.violations == []

    async def test_a_group(self, stage):
        confirmed = await say(stage.app(to={"conversations": ["cid1"]}), text("t", "**b**"))
        assert (confirmed.status, confirmed.code, confirmed.note, confirmed.left) == (200, None, "", "")
        assert [(shown.to, shown.plain) for shown in stage.messages] == [(("cid1",), "t\nb")]

    async def test_some_are_unknown_and_some_are_to_get_it_again(self, stage):
        members = {"users": ["u1", "u3"], "flow_controlled": ["u3"]}
        channel = stage.app(to={"users": ["u1", "u2", "u3"]}, members=members)
        confirmed = await say(channel)
        assert confirmed.note == "not known to the app: u2"
        assert (orjson.loads(confirmed.left), confirmed.wait) == ({"userIds": ["u3"]}, 60)
        assert stage.messages[0].to == ("u1",)

    async def test_who_was_left_is_a_target_of_its_own(self, stage):
        channel = stage.app(to={"users": ["u1", "u3"]}, members={"flow_controlled": ["u3"]})
        left = (await say(channel)).left
        stage.sandbox.register("dingtalk_app", KEY, name="duty", secret=SECRET)
        await channel.send(message(channel.compose(text(), "0194"), "0194", target=left), NOW)
        assert [shown.to for shown in stage.messages] == [("u1",), ("u3",)]

    @pytest.mark.parametrize(("to", "error"), [(ONE["to"], Misconfigured), (TWO["to"], Unreachable)])
    async def test_nobody_is_known(self, stage, to, error):
        channel = stage.app(to=to, members={"users": []})
        with pytest.raises(error, match="not known to the app: u1") as raised:
            await say(channel, number=-1)
        assert type(raised.value) is error

    async def test_an_unknown_group_among_several(self, stage):
        channel = stage.app(to={"conversations": ["cid1", "cid2"]}, members={"conversations": ["cid1"]})
        await say(channel)
        with pytest.raises(Unreachable, match=r"invalid\.openConversationId"):
            await say(channel, number=1)

    async def test_all_busy_is_no_failure(self, stage):
        confirmed = await say(stage.app(members={"flow_controlled": ["u1"]}, **ONE))
        assert orjson.loads(confirmed.left) == {"userIds": ["u1"]}

    async def test_only_who_was_asked_for_gets_it_again(self, stage):
        channel, named = stage.app(to={"users": ["u1", "u2"]}), ["x", "u2", "u2", "u1", *map(str, range(30))]
        answer = {"processQueryKey": "k", "invalidStaffIdList": ["u1"], "flowControlledStaffIdList": named}
        stage.fault("send", answer)
        assert (await say(channel)).left == '{"userIds":["u2"]}'

    async def test_the_month_is_used_up(self, stage):
        channel = stage.app(monthly=1, **ONE)
        await say(channel)
        with pytest.raises(Misconfigured, match="wait for the next month"):
            await say(channel)

    @pytest.mark.parametrize("path", ["", "/nowhere"])
    async def test_a_base_url_that_leads_nowhere_stops_the_channel(self, stage, path):
        stage.app(**ONE)
        channel = stage.channel(base_url=f"{stage.url}{path}/topapi" if path else f"{stage.url}/oauth2", **ONE)
        with pytest.raises(Misconfigured):
            await say(channel)
