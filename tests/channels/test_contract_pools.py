"""Who posts of every kind, by whom it is counted; and several robots in one group, each one by itself."""

import orjson
import pytest
from channel_examples import CANARY, EXAMPLES, POOLS, answer, make, message, text
from channel_forms import FORMS
from stand_in import NOW, StandIn

from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError
from receiver.reading import read
from receiver.sandbox import Sandbox, pages_app
from receiver.staging import Stage

NOVEMBER, DECEMBER = 1_796_054_399.0, 1_796_054_400.0
"""The last second of November 2026 in China, and the first of December."""
each_kind = pytest.mark.parametrize("kind", CHANNELS)
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
each_pool = pytest.mark.parametrize("kind", POOLS)


def pool(kind, **changes):
    return make(kind, **POOLS[kind], **changes)


@each_form
def test_a_channel_is_its_own_and_only_member(form):
    channel = make(form.kind, **form.changes)
    assert channel.members == (channel,)


def test_every_kind_that_can_be_a_pool_has_an_example():
    assert {kind for kind in CHANNELS if "keys" in CHANNELS[kind].Settings.model_fields} == set(POOLS)


@each_kind
def test_only_what_takes_one_event_a_body_is_never_merged(kind):
    assert make(kind).merges is (kind != "webhook")


@each_form
def test_the_provider_is_the_platform_or_the_host_in_its_place(form):
    platform = {"webhook": "hook.example"}.get(form.kind, form.kind.partition("_")[0])
    assert make(form.kind, **form.changes).provider == platform
    assert make(form.kind, **form.changes, base_url="http://proxy.example:8443/chat").provider == "proxy.example"


def test_a_robot_of_another_cloud_has_another_provider():
    lark, feishu = (f"https://{host}/open-apis/bot/v2/hook/x" for host in ("open.larksuite.com", "open.feishu.cn"))
    found = [make("feishu_bot", token=None, url=url).provider for url in (lark, feishu)]
    assert found == ["open.larksuite.com", "feishu"]


@each_kind
def test_a_month_is_counted_where_the_provider_or_the_configuration_counts(kind):
    metered = kind.startswith("dingtalk")
    assert make(kind).month(NOVEMBER) == ("2026-11" if metered else "")
    assert make(kind, limits={"monthly": 0}).month(NOVEMBER) == ("2026-11" if metered else "")
    assert [make(kind, limits={"monthly": 9}).month(at) for at in (NOVEMBER, DECEMBER)] == ["2026-11", "2026-12"]


@each_pool
def test_each_member_is_the_robot_by_itself(kind):
    channel = pool(kind)
    first, second = channel.members
    assert (first.name, first.kind, first.client, first.members) == ("ops", kind, channel.client, (first,))
    assert first.credential == make(kind).credential
    assert second.identity[0] == f"{CANARY}-2"
    assert channel.members is channel.members


@each_pool
def test_a_pool_is_known_by_its_first_member(kind):
    channel = pool(kind)
    first, second = channel.members
    assert (
        (channel.credential, channel.identity)
        == (first.credential, first.identity)
        != (
            second.credential,
            second.identity,
        )
    )
    assert not channel.settings.keys == first.settings.keys == ()


@each_pool
def test_each_member_has_the_limits_of_the_channel(kind):
    assert [member.windows for member in pool(kind).members] == [CHANNELS[kind].rates] * 2
    limited = pool(kind, limits={"rate": "5/10s", "monthly": 7})
    assert {str(rate) for member in limited.members for rate in member.windows} == {"5/10s"}
    assert [member.settings.limits for member in limited.members] == [limited.settings.limits] * 2


@each_pool
def test_all_members_say_the_same(kind):
    channel = pool(kind)
    assert {member.compose(text(), "0193") for member in channel.members} == {channel.compose(text(), "0193")}
    assert len({member.build(message(), NOW).url for member in channel.members}) == 2


@each_pool
def test_no_key_of_a_pool_shows(kind):
    channel = pool(kind)
    requests = [member.build(message(channel.compose(text(), "0193")), NOW) for member in channel.members]
    shown = [channel.settings, channel, *channel.members, *requests, *(one.credential for one in channel.members)]
    assert CANARY not in f"{shown!r} {channel.settings!s} {channel.settings.model_dump_json()}"


@each_pool
def test_no_key_of_a_pool_stands_in_an_error(kind):
    channel = pool(kind)
    echoed = " ".join(secret for member in channel.members for secret in member.identity if secret)
    for judge in (channel, *channel.members):
        with pytest.raises(DeliveryError) as raised:
            judge.check(answer(orjson.dumps({"errcode": 40035, "errmsg": echoed, "code": 9499, "msg": echoed})))
        assert CANARY not in raised.value.detail


@each_pool
async def test_the_members_post_into_one_group_each_at_its_own_rate(kind):
    stand_in = StandIn()
    channel = stand_in.channel(kind, **POOLS[kind])
    for number in range(20):
        for member in channel.members:
            content = channel.compose(text(), f"0193{number}")
            await member.send(message(content, f"0193{number}"), stand_in.sandbox.clock())
        stand_in.sandbox.clock.advance(1)
    assert stand_in.sandbox.worst_window(kind, "ops", 60) == 40
    assert stand_in.sandbox.violations == []


@each_pool
async def test_the_sandbox_shows_one_group(kind, aiohttp_client):
    stand_in = StandIn()
    channel = stand_in.channel(kind, **POOLS[kind])
    for member in channel.members:
        await member.send(message(channel.compose(text(), "0193"), "0193"), NOW)
    page = await aiohttp_client(pages_app(stand_in.sandbox))
    groups = (await (await page.get("/bubbles")).json())["groups"]
    assert groups == [{"kind": kind, "name": "ops", "count": 2}]


@each_pool
def test_a_stage_knows_every_member(kind):
    sandbox = Sandbox()
    Stage(sandbox, None, 1).expect([pool(kind), make(kind, name="other", **{next(iter(EXAMPLES[kind])): "other"})])
    assert [(robot.name, robot.credential) for robot in sandbox.robots] == [
        ("ops", CANARY),
        ("ops", f"{CANARY}-2"),
        ("other", "other"),
    ]


@pytest.mark.parametrize(("limits", "monthly"), [({}, None), ({"monthly": 0}, None), ({"monthly": 3}, 3)])
def test_the_stand_in_of_dingtalk_takes_as_many_posts_a_month_as_are_configured(limits, monthly):
    sandbox = Sandbox()
    Stage(sandbox, None, 1).expect([pool("dingtalk_robot", limits=limits)])
    assert [robot.monthly for robot in sandbox.robots] == [monthly] * 2


@each_pool
def test_a_message_of_a_pool_can_be_read(kind):
    channel = pool(kind)
    found = read(channel, message(channel.compose(text("Disk full"), "0193"), "0193"), NOW)
    assert (found.refusal, found.faults, "Disk full" in found.title + found.text) == ("", (), True)
