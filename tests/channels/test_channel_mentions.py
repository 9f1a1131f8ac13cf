"""Whom a message of each form mentions, as the sandbox reads it; and that mentions never push it over its limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest
from channel_examples import make, message, text
from channel_forms import FORMATS, FORMS, Form
from hypothesis import given, settings
from hypothesis import strategies as st
from mention_samples import MAIL, PHONE, ZHANG, meant, mention
from provider_counts import counted
from stand_in import StandIn

from receiver.sandbox import KINDS
from receiver.text import Mention, Mentions

ID = "0193a1b2c3d4e5f6a7b8c9d0e1f2"
HERE, ONLY_MOBILE, NAMELESS = mention(ZHANG), mention(PHONE), mention(MAIL)
SAID = [form for form in FORMS if form.kind in KINDS and form.kind != "webhook"]

each_form = pytest.mark.parametrize("form", SAID, ids=[form.id for form in SAID])
every_format = pytest.mark.parametrize("form", FORMATS, ids=[form.id for form in FORMATS])
every_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


def post(form, plain, *people, everyone=False, **words):
    """What people see of a text to the first target, and of the one beside it for whom it cannot mention."""
    stand_in = StandIn()
    channel = stand_in.channel(form.kind, **form.changes)
    mentions = Mentions(people, everyone)
    said = [replace(text(plain=plain, **words), mentions=mentions)]
    if beside := Mentions() if plain else channel.beside(mentions):
        said.append(replace(text("", "…", plain=True), mentions=beside))
    contents = [channel.compose(each, f"{ID}{number}") for number, each in enumerate(said)]
    messages = [message(content, f"m{n}", target=channel.targets[0]) for n, content in enumerate(contents)]
    posted = asyncio.run(stand_in.post(channel, messages))
    assert stand_in.sandbox.violations == []
    return posted


def pings(posted):
    return [who for one in posted for who in one.mentions]


@pytest.mark.parametrize("plain", [False, True])
@each_form
def test_a_person_with_all_ids_is_pinged_once(form, plain):
    assert pings(post(form, plain, HERE)) == [*meant(form, "张三")]


@pytest.mark.parametrize("plain", [False, True])
@each_form
def test_everybody_at_once(form, plain):
    told = pings(post(form, plain, HERE, ONLY_MOBILE, NAMELESS, everyone=True))
    assert (set(told), len(told)) == (meant(form, "张三", "phone", "all"), len(set(told)))


@pytest.mark.parametrize("plain", [False, True])
@each_form
def test_who_has_no_id_there_is_named_and_not_pinged(form, plain):
    (posted,) = post(form, plain, NAMELESS)
    assert posted.mentions == ()
    assert "@ma_il" in posted.plain


def test_wecoms_markdown_holds_userids_only():
    mentions = Mentions((HERE, ONLY_MOBILE, NAMELESS), everyone=True)
    first, second = post(Form("wecom_robot"), False, *mentions.people, everyone=True)
    assert (first.mentions, {*second.mentions}) == (("ZhangSan",), {"13900002222", "all"})
    assert make("wecom_robot").beside(mentions) == Mentions((ONLY_MOBILE,), everyone=True)


def test_wecoms_userids_that_have_no_room_are_mentioned_beside():
    people = tuple(Mention(f"p{number}", wecom=f"{number:064d}") for number in range(50))
    channel = make("wecom_robot")
    beside = channel.beside(Mentions(people)).people
    content = orjson.loads(channel.compose(replace(text(), mentions=Mentions(people)), "1"))["markdown"]["content"]
    assert 0 < len(beside) < 50
    assert [person for person in people if f"<@{person.wecom}>" in content] == [*people[: 50 - len(beside)]]
    assert beside == people[50 - len(beside) :]


@every_form
def test_only_wecom_mentions_somebody_beside(form):
    beside = make(form.kind, **form.changes).beside(Mentions((HERE, ONLY_MOBILE), everyone=True))
    assert not beside or form.kind.startswith("wecom")


@pytest.mark.parametrize("plain", [False, True])
def test_a_webhook_ignores_mentions(plain):
    channel, mentions = make("webhook"), Mentions((HERE,), everyone=True)
    said = text(body='{"a": 1}', plain=plain)
    assert channel.compose(replace(said, mentions=mentions), "1") == channel.compose(said, "1")
    assert channel.weigh_mentions(mentions, plain) == 0


@pytest.mark.parametrize("plain", [False, True])
@every_form
def test_without_mentions_nothing_changes(form, plain):
    channel = make(form.kind, **form.changes)
    assert channel.weigh_mentions(Mentions(), plain) == 0
    assert b"entioned" not in channel.compose(text(plain=plain), "1")
    assert b'"at"' not in channel.compose(text(plain=plain), "1")


HOSTILE = '<@all> <at id=all></at> <at user_id="all"></at> @13900002222 @all <@ZhangSan>'


@pytest.mark.parametrize("plain", [False, True])
@each_form
def test_values_beside_a_mention_ping_nobody_more(form, plain):
    body = HOSTILE if plain else make(form.kind, **form.changes).escape(HOSTILE)
    assert pings(post(form, plain, HERE, title=HOSTILE, body=body)) == [*meant(form, "张三")]


# A template's own markup may be left open; the ping must survive it.
@pytest.mark.parametrize("body", ["> quoted", "- item", "[label](", '<font color="info">', "**bold", "| a |", "```"])
@each_form
def test_markup_before_a_mention_does_not_swallow_it(form, body):
    assert pings(post(form, False, HERE, body=body)) == [*meant(form, "张三")]


ids = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", fullmatch=True) | st.just("x" * 64)
names = st.from_regex(r"\w[\w.-]{0,63}", fullmatch=True) | st.just("😀".join("名" * 32)) | st.just("_" * 64)
people = st.lists(st.builds(Mention, names, ids, ids, ids, ids), max_size=8).flatmap(
    lambda some: st.sampled_from([1, 7]).map(lambda times: (some * times)[:50])
)


@pytest.mark.parametrize("plain", [False, True])
@every_format
@settings(max_examples=25, deadline=None)
@given(
    people=people,
    everyone=st.booleans(),
    unit=st.sampled_from(["a", "漢", '"', "😀\n", "<&"]),
    title=st.text(max_size=60),
)
def test_mentions_never_push_a_message_over_its_limit(form, plain, people, everyone, unit, title):
    channel, mentions = make(form.kind, **form.changes), Mentions(tuple(people), everyone)
    room = channel.room(plain) - channel.weigh_mentions(mentions, plain)
    body = unit * ((room - channel.weigh(title)) // channel.weigh(unit))
    content = channel.compose(replace(text(title, body, plain=plain), mentions=mentions), ID)
    requests = [channel.build(message(content, ID, target=target), 1e9).body for target in channel.targets]
    sizes = [counted(form.kind, request) or channel.fill(content) for request in requests]
    assert room > 1000
    assert [size for size in sizes if size[0] > size[1]] == []
