"""Feishu's app against the sandbox on a port: tokens, receivers, the pace, cards replaced in place, refusals."""

import asyncio
import time
from dataclasses import replace

import orjson
import pytest
from channel_examples import CANARY, answer, make, message, settings, text
from pydantic import ValidationError

from receiver.channels.tokens import Token
from receiver.errors import (
    DeliveryError,
    Misconfigured,
    Rejected,
    Throttled,
    Unavailable,
    Unchangeable,
    Unreachable,
)
from receiver.http import Http, HttpSettings
from receiver.sandbox import Fault, Sandbox, feishu_app, provider_app
from receiver.text import Mentions

CHAT = "oc_a0553eda9014c201e6969b478895c230"
ALL = {
    "open_ids": ["ou_84aad35d084aa403a838cf73ee18467"],
    "user_ids": ["4c87bec3"],
    "union_ids": ["on_94a1ee5551019f18cd73d9f111898cf2"],
    "emails": ["zhangsan@example.com"],
    "chat_ids": [CHAT],
}
TWO = {"chat_ids": [CHAT, "oc_2"]}
IDS = iter(range(10**6))


class Stage:
    """The sandbox, and channels of one app that post there."""

    def __init__(self, port, sandbox):
        self.sandbox, self._url = sandbox, f"http://127.0.0.1:{port}"
        self.http = Http(HttpSettings(), trusted=[("127.0.0.1", port)])
        self.app = sandbox.register("feishu_app", "cli_a1b2c3d4e5f6", name="sre", secret=CANARY)

    def channel(self, **changes):
        return make("feishu_app", self.http.client(), base_url=self._url, **changes)

    @property
    def shown(self):
        return list(self.sandbox.messages)

    def sent(self, confirmed):
        """What the sandbox knows of a card."""
        return self.app.sent[confirmed.provider_id]


@pytest.fixture
async def stage(aiohttp_server):
    sandbox = Sandbox()
    server = await aiohttp_server(provider_app(sandbox))
    stage = Stage(server.port, sandbox)
    yield stage
    await stage.http.close()
    assert sandbox.violations == []


def posting(channel, said=None, *, target="", **changes):
    """A message of `channel` with an id of its own."""
    composed = channel.compose(said or text(), "")
    return message(composed, f"{next(IDS):028d}", target=target or channel.targets[0], **changes)


async def send(channel, said=None, **changes):
    return await channel.send(posting(channel, said, **changes), time.time())


async def refused(channel, said=None, **changes):
    with pytest.raises(DeliveryError) as raised:
        await send(channel, said, **changes)
    return raised.value


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({"to": {}}, "must name at least one of open_ids"),
            ({"to": None}, "Field required"),
            ({"to": {"open_ids": ["on_1"]}}, "must be an open_id"),
            ({"to": {"union_ids": ["ou_1"]}}, "must be a union_id"),
            ({"to": {"chat_ids": ["ou_1"]}}, "must be a chat_id"),
            ({"to": {"chat_ids": ["oc_1?x"]}}, "must be a chat_id"),
            ({"to": {"user_ids": ["oc_1"]}}, "must be a user_id"),
            ({"to": {"emails": ["zhangsan"]}}, "must be an e-mail address"),
            ({"to": {"mobiles": ["1"]}}, "Extra inputs"),
            ({"app_id": "a1b2"}, "must be an App ID"),
            ({"app_id": None}, "Field required"),
            ({"app_secret": ""}, "at least 1"),
            ({"http_config": {"basic_auth": {"username": "u", "password": "p"}}}, "in which the app's token goes"),
            ({"http_config": {"http_headers": {"authorization": "x"}}}, "in which the app's token goes"),
        ],
    )
    def test_refuses(self, changes, rule):
        with pytest.raises(ValidationError, match=rule) as raised:
            settings("feishu_app", **changes)
        assert CANARY not in str(raised.value)

    def test_each_receiver_is_one_target_once(self):
        channel = make("feishu_app", to={"chat_ids": ["oc_1", "oc_2", "oc_1"], "emails": ["a@example.com"]})
        assert channel.targets == (
            '{"receive_id_type":"email","receive_id":"a@example.com"}',
            '{"receive_id_type":"chat_id","receive_id":"oc_1"}',
            '{"receive_id_type":"chat_id","receive_id":"oc_2"}',
        )

    def test_the_host_is_feishus_unless_it_is_said(self):
        for base, host in ((None, "https://open.feishu.cn"), ("https://open.larksuite.com",) * 2):
            channel = make("feishu_app", base_url=base)
            assert channel.token_request().url == f"{host}/open-apis/auth/v3/tenant_access_token/internal"

    def test_the_app_and_its_host_make_the_credential(self):
        others = ({}, {"app_id": "cli_2"}, {"app_secret": "x"}, {"base_url": "https://open.larksuite.com"})
        assert len({make("feishu_app", **changes).credential for changes in others}) == 4
        assert make("feishu_app", to=ALL).credential == make("feishu_app").credential


class TestRequests:
    def test_a_card_is_json_within_json(self):
        channel = make("feishu_app", to=ALL)
        request = channel.build(posting(channel, target=channel.targets[3]), 1e9)
        body = orjson.loads(request.body)
        assert request.url == "https://open.feishu.cn/open-apis/im/v1/messages?receive_id_type=email"
        assert (request.method, body.pop("uuid").isdecimal()) == ("POST", True)
        content = orjson.loads(body.pop("content"))
        assert body == {"receive_id": "zhangsan@example.com", "msg_type": "interactive"}
        assert content["config"]["update_multi"] is True

    def test_an_update_holds_the_card_alone(self):
        channel = make("feishu_app")
        request = channel.build(posting(channel, updates="om_1/x"), 1e9)
        assert (request.method, request.url[-30:]) == ("PATCH", "/open-apis/im/v1/messages/om_1%2Fx"[-30:])
        assert [*orjson.loads(request.body)] == ["content"]

    def test_a_text_replaces_nothing(self):
        channel = make("feishu_app")
        assert channel.build(posting(channel, text(plain=True), updates="om_1"), 1e9).method == "POST"

    @pytest.mark.parametrize("plain", [False, True])
    def test_fill_counts_the_whole_request(self, plain):
        channel = make("feishu_app", to=ALL)
        said = text('漢"\\' * 9, "<&\n" * 99, plain=plain)
        sizes = [len(channel.build(posting(channel, said, target=each), 1e9).body) for each in channel.targets]
        assert channel.fill(channel.compose(said, "")) == (max(sizes), 150_000 if plain else 30_000)

    @pytest.mark.parametrize(
        ("said", "sent"),
        [
            ("[VPN](http://e.example)", "[VPN)(http://e.example)"),
            ("<b>x</B> <u>y", "(b>x(/B> (u>y"),
            ("a < b <bar> a[0] (x)", "a < b <bar> a[0] (x)"),
            ('<at user_id="all">', '(at user_id="all">'),
        ],
    )
    def test_a_text_holds_no_markup_of_others(self, said, sent):
        composed = orjson.loads(make("feishu_app").compose(text("", said, plain=True), "1"))
        assert composed["content"]["text"] == sent


@pytest.mark.parametrize("sort", ALL)
async def test_every_sort_of_receiver_is_reached(stage, sort):
    confirmed = await send(stage.channel(to={sort: ALL[sort]}))
    assert [posted.to for posted in stage.shown] == [tuple(ALL[sort])]
    assert (confirmed.status, confirmed.code) == (200, "0")
    assert confirmed.provider_id.startswith("om_")


class TestTokens:
    async def test_a_hundred_sends_at_once_need_one(self, stage, monkeypatch):
        monkeypatch.setattr(feishu_app, "_LIMITS", ((1000, 1.0),))
        channels = [stage.channel(to={"chat_ids": [f"oc_{number}" for number in range(20)]}) for _ in range(2)]
        sends = [send(channel, target=target) for channel in channels for target in channel.targets * 2]
        await asyncio.gather(*sends, *(send(channels[0], target=target) for target in channels[0].targets))
        assert len(stage.shown) == 100
        assert stage.sandbox.token_fetches("feishu_app", "cli_a1b2c3d4e5f6") == 1

    async def test_one_that_was_revoked_is_fetched_again_and_the_message_arrives(self, stage):
        channel = stage.channel()
        await send(channel)
        stage.sandbox.revoke_tokens("feishu_app", "cli_a1b2c3d4e5f6")
        await send(channel)
        assert len(stage.shown) == 2
        assert stage.sandbox.token_fetches("feishu_app", "cli_a1b2c3d4e5f6") == 2

    async def test_one_that_is_refused_twice_is_left_for_later(self, stage):
        stage.sandbox.fault("feishu_app/send", Fault("answer", 400, '{"code":99991663,"msg":"Invalid"}'), 2)
        error = await refused(stage.channel())
        assert (type(error), error.code) == (Unavailable, "99991663")
        assert [seen.status for seen in stage.sandbox.requests] == [200, 400, 200, 400]
        stage.sandbox.violations.clear()  # the token was good: the fault says otherwise

    async def test_a_wrong_secret_stops_the_channel_and_is_not_tried_over_and_over(self, stage):
        channel = stage.channel(app_secret="wrong")
        for _ in range(3):
            error = await refused(channel)
            assert (type(error), error.code, error.http_status) == (Misconfigured, "10015", 200)
        assert len(stage.sandbox.requests) == 1

    @pytest.mark.parametrize(
        ("code", "status", "expected"),
        [
            *(("10003", 200, Misconfigured), ("10014", 200, Misconfigured), ("424242", 200, Misconfigured)),
            *(("99991663", 200, Misconfigured), ("230001", 400, Misconfigured)),
            *(("99991400", 429, Throttled), ("2200", 500, Unavailable), ("424242", 503, Unavailable)),
        ],
    )
    def test_what_else_may_come_of_asking_for_one(self, code, status, expected):
        with pytest.raises(DeliveryError) as raised:
            make("feishu_app").token_of(answer(f'{{"code":{code},"msg":"no"}}', status, x_ogw_ratelimit_reset="7"))
        assert (type(raised.value), raised.value.code) == (expected, code)
        assert expected is not Throttled or raised.value.retry_after == 7

    @pytest.mark.parametrize(
        ("body", "token"),
        [
            ('{"code":0,"tenant_access_token":"t-1","expire":7200}', Token("t-1", 7200.0)),
            ('{"code":0,"tenant_access_token":["t-1"],"expire":"7200"}', Token("", 0.0)),
            ('{"code":0}', Token("", 0.0)),
        ],
    )
    def test_what_a_good_answer_holds(self, body, token):
        assert make("feishu_app").token_of(answer(body)) == token


class TestOnce:
    async def test_an_answer_that_was_lost_does_not_bring_the_message_twice(self, stage):
        channel = stage.channel()
        stage.sandbox.fault("feishu_app/send", Fault("lost"))
        one = posting(channel)
        with pytest.raises(Unavailable) as raised:
            await channel.send(one, time.time())
        assert raised.value.ambiguous
        confirmed = await channel.send(one, time.time())
        assert len(stage.shown) == 1
        assert stage.sent(confirmed).number == stage.shown[0].id

    async def test_ten_for_one_chat_wait_for_their_turn(self, stage):
        channels, begun = [stage.channel(name=name) for name in ("a", "b")], time.monotonic()
        await asyncio.gather(*(send(channel) for channel in channels * 5))
        assert len(stage.shown) == 10
        assert time.monotonic() - begun >= 1.1
        assert stage.sandbox.worst_window("feishu_app", "sre", 1.0) <= 5

    async def test_receivers_do_not_wait_for_each_other(self, stage):
        channel, begun = stage.channel(to=ALL), time.monotonic()
        await asyncio.gather(*(send(channel, target=target) for target in channel.targets * 4))
        assert len(stage.shown) == 20
        assert time.monotonic() - begun < 1.0


class TestUpdates:
    async def test_a_card_is_replaced_in_place(self, stage):
        channel = stage.channel()
        confirmed = await send(channel)
        again = await send(channel, text(status="resolved"), updates=confirmed.provider_id)
        (shown,) = stage.shown
        assert (shown.updates, shown.content.accent, again.provider_id) == (1, "green", "")

    async def test_a_text_cannot_be(self, stage):
        assert (await send(stage.channel(), text(plain=True))).provider_id == ""
        assert stage.shown[0].msgtype == "text"

    async def test_one_that_a_person_took_back_is_posted_anew(self, stage):
        channel = stage.channel()
        stage.sent(confirmed := await send(channel)).recalled = True
        error = await refused(channel, updates=confirmed.provider_id)
        assert (type(error), error.code) == (Unchangeable, "230011")

    async def test_one_older_than_two_weeks_is_posted_anew(self, stage):
        channel = stage.channel()
        stage.sent(confirmed := await send(channel)).at -= 15 * 86400
        error = await refused(channel, updates=confirmed.provider_id)
        assert (type(error), error.code) == (Unchangeable, "230031")

    async def test_one_that_nobody_knows_is_posted_anew(self, stage):
        error = await refused(stage.channel(), updates="om_unknown")
        assert (type(error), error.code) == (Unchangeable, "230001")

    async def test_six_in_a_second_wait_for_their_turn(self, stage):
        channel = stage.channel()
        confirmed = await send(channel)
        await asyncio.gather(*(send(channel, updates=confirmed.provider_id) for _ in range(6)))
        assert stage.shown[0].updates == 6

    def test_for_two_weeks_as_often_as_need_be(self):
        updating = make("feishu_app").updating
        assert (updating.seconds, updating.times) == (14 * 86400, None)


class TestRefusals:
    async def test_who_is_not_in_a_chat(self, stage):
        stage.app.members["chat_ids"] = frozenset([CHAT])
        channel = stage.channel(to=TWO)
        assert type(await refused(channel, target=channel.targets[1])) is Unreachable
        assert type(await refused(stage.channel(to={"chat_ids": ["oc_2"]}))) is Misconfigured

    async def test_a_card_that_may_not_mention_all_says_so(self, stage):
        stage.app.at_all = False
        channel = stage.channel()
        error = await refused(channel, replace(text(), mentions=Mentions(everyone=True)))
        assert (type(error), error.code in channel.everyone_refused) == (Rejected, True)

    async def test_a_card_over_the_limit(self, stage):
        assert (await refused(stage.channel(), text(body="x" * 30_000))).code == "230025"

    async def test_the_month_is_used_up(self, stage):
        stage.app.monthly = 0
        assert type(await refused(stage.channel())) is Misconfigured

    async def test_too_many_from_others_in_the_chat(self, stage):
        for _ in range(5):
            stage.sandbox.platform("/open-apis/im/").chats.take(CHAT, time.time(), ((5, 1.0),))
        error = await refused(stage.channel(to={"chat_ids": [CHAT]}))
        assert (type(error), error.code) == (Throttled, "230020")
        stage.sandbox.violations.clear()  # our own pace was kept

    async def test_no_secret_in_any_word_about_it(self, stage):
        channel = stage.channel()
        await send(channel)
        (token,) = [each.value for each in stage.app.tokens]
        said = orjson.dumps({"code": 230001, "msg": f"{token} {CANARY}"}).decode()
        stage.sandbox.fault("feishu_app/send", Fault("answer", 400, said))
        error = await refused(channel)
        request = channel.carrying(channel.build(posting(channel), 1e9), token)
        shown = f"{error.detail} {request!r} {channel!r} {channel.settings!r} {channel.token_request()!r}"
        assert (CANARY in shown, token in shown) == (False, False)
        assert request.headers["Authorization"] == f"Bearer {token}"
