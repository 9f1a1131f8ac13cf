"""Whom a message of each kind mentions, as the sandbox reads it; and that mentions never push it over its limit."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from channel_examples import make, message, text
from hypothesis import given
from hypothesis import strategies as st
from mention_samples import MAIL, PHONE, ZHANG, mention, pinged

from receiver.channels.registry import CHANNELS
from receiver.http import Http, HttpSettings
from receiver.model import Mention, Mentions
from receiver.sandbox import Sandbox, provider_app

KINDS = ("wecom_robot", "dingtalk_robot", "feishu_bot")
LIMITS = {"wecom_robot": (4096, 2048), "dingtalk_robot": (18000,) * 2, "feishu_bot": (20000,) * 2}
HERE, ONLY_MOBILE, NAMELESS = mention(ZHANG), mention(PHONE), mention(MAIL)


@pytest.fixture
async def post(aiohttp_server):
    """Sends one text by a channel of a kind to the sandbox; what people see of it. No violation is left behind."""
    sandbox = Sandbox()
    server = await aiohttp_server(provider_app(sandbox))
    http = Http(HttpSettings(), trusted=[("127.0.0.1", server.port)])

    async def post(kind, plain=False, *people, everyone=False, **words):
        channel = make(kind, http.client(), base_url=f"http://127.0.0.1:{server.port}")
        credential, secret = channel.identity
        sandbox.register(kind, credential, secret=secret)
        said = replace(text(plain=plain, **words), mentions=Mentions(people, everyone))
        await channel.send(message(channel.compose(said, "0193")), sandbox.clock())
        return sandbox.messages[-1]

    yield post
    await http.close()
    assert sandbox.violations == []


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_person_with_all_ids_is_pinged_once(kind, plain, post):
    assert (await post(kind, plain, HERE)).mentions == tuple(pinged(kind, "张三"))


@pytest.mark.parametrize("kind", KINDS)
async def test_everybody_at_once_in_plain_text(kind, post):
    posted = await post(kind, True, HERE, ONLY_MOBILE, NAMELESS, everyone=True)
    assert set(posted.mentions) == pinged(kind, "张三", "phone", "all")
    assert "@ma_il" in posted.plain


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_who_has_no_id_there_is_named_and_not_pinged(kind, plain, post):
    posted = await post(kind, plain, NAMELESS)
    assert posted.mentions == ()
    assert "@ma_il" in posted.plain


@pytest.mark.parametrize("kind", ["dingtalk_robot", "feishu_bot"])
async def test_everybody_at_once_in_markup(kind, post):
    posted = await post(kind, False, HERE, ONLY_MOBILE, everyone=True)
    assert set(posted.mentions) == pinged(kind, "张三", "phone", "all")


async def test_wecoms_markdown_holds_userids_only(post):
    mentions = Mentions((HERE, ONLY_MOBILE, NAMELESS), everyone=True)
    posted = await post("wecom_robot", False, *mentions.people, everyone=True)
    assert posted.mentions == ("ZhangSan",)
    assert make("wecom_robot").beside(mentions) == Mentions((ONLY_MOBILE,), everyone=True)


def test_wecoms_userids_that_have_no_room_are_mentioned_beside():
    people = tuple(Mention(f"p{number}", wecom=f"{number:064d}") for number in range(50))
    channel = make("wecom_robot")
    beside = channel.beside(Mentions(people)).people
    content = orjson.loads(channel.compose(replace(text(), mentions=Mentions(people)), "1"))["markdown"]["content"]
    assert 0 < len(beside) < 50
    assert [person for person in people if f"<@{person.wecom}>" in content] == [*people[: 50 - len(beside)]]
    assert beside == people[50 - len(beside) :]


@pytest.mark.parametrize("kind", ["dingtalk_robot", "feishu_bot", "webhook"])
def test_other_kinds_mention_nobody_beside(kind):
    assert not make(kind).beside(Mentions((HERE, ONLY_MOBILE), everyone=True))


@pytest.mark.parametrize("plain", [False, True])
def test_a_webhook_ignores_mentions(plain):
    channel, mentions = make("webhook"), Mentions((HERE,), everyone=True)
    said = text(body='{"a": 1}', plain=plain)
    assert channel.compose(replace(said, mentions=mentions), "1") == channel.compose(said, "1")
    assert channel.weigh_mentions(mentions, plain) == 0


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", CHANNELS)
def test_without_mentions_nothing_changes(kind, plain):
    channel = make(kind)
    assert channel.weigh_mentions(Mentions(), plain) == 0
    assert b"entioned" not in channel.compose(text(plain=plain), "1")
    assert b'"at"' not in channel.compose(text(plain=plain), "1")


HOSTILE = '<@all> <at id=all></at> <at user_id="all"></at> @13900002222 @all <@ZhangSan>'


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_values_beside_a_mention_ping_nobody_more(kind, plain, post):
    body = HOSTILE if plain else CHANNELS[kind].escape(HOSTILE)
    posted = await post(kind, plain, HERE, title=HOSTILE, body=body)
    assert posted.mentions == tuple(pinged(kind, "张三"))


# A template's own markup may be left open; the ping must survive it.
@pytest.mark.parametrize("body", ["> quoted", "- item", "[label](", '<font color="info">', "**bold"])
@pytest.mark.parametrize("kind", KINDS)
async def test_markup_before_a_mention_does_not_swallow_it(kind, body, post):
    assert (await post(kind, False, HERE, body=body)).mentions == tuple(pinged(kind, "张三"))


ids = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True) | st.just("x" * 64)
names = st.from_regex(r"\w[\w.-]{0,63}", fullmatch=True) | st.just("😀".join("名" * 32)) | st.just("_" * 64)
people = st.lists(st.builds(Mention, names, ids, ids, ids, ids), max_size=8).flatmap(
    lambda some: st.sampled_from([1, 7]).map(lambda times: (some * times)[:50])
)


def size(kind, composed):
    body = orjson.loads(composed)
    return len(body[body["msgtype"]]["content"].encode()) if kind == "wecom_robot" else len(composed)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(
    people=people,
    everyone=st.booleans(),
    unit=st.sampled_from(["a", "漢", '"', "😀\n", "<&"]),
    title=st.text(max_size=60),
)
def test_mentions_never_push_a_message_over_its_limit(kind, plain, people, everyone, unit, title):
    channel, mentions = make(kind), Mentions(tuple(people), everyone)
    room = channel.room(plain) - channel.weigh_mentions(mentions, plain)
    body = unit * ((room - channel.weigh(title)) // channel.weigh(unit))
    said = replace(text(title, body, plain=plain), mentions=mentions)
    composed = channel.build(message(channel.compose(said, "0193a1b2c3d4e5f6a7b8c9d0e1f2")), 1e9).body
    assert room > 1000
    assert size(kind, composed) <= LIMITS[kind][plain]
