"""How a delivery goes on where messages that stand are replaced in place, or are told to count no more."""

from __future__ import annotations

import json

import pytest
from scripted import OK, THREE
from stage import eventually

from receiver.channels.base import Confirmation, Updating
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable
from receiver.model import MessageState, State

FIRING, RESOLVED = {"fingerprint": "1"}, {"fingerprint": "1", "status": "resolved", "endsAt": "2025-11-20T00:10:00Z"}
SENT, FAILED, DISCARDED = MessageState.SENT, MessageState.FAILED, MessageState.DISCARDED


@pytest.fixture
async def kept(course):
    """A channel whose first message stands and can be updated."""

    async def start(*names):
        one = await course(*names)
        one.channel.updating = Updating(14 * 86400.0)
        for number, name in enumerate(names):
            one.channel.will(name, Confirmation(200, "0", provider_id=f"om_{number}"))
        await one.until(await one.give(FIRING), State.SENT)
        return one

    return start


def updates(one):
    return [message.updates for message in one.channel.sent]


async def test_a_change_replaces_what_stands(kept):
    one = await kept("a")
    await one.until(await one.give(RESOLVED), State.SENT)
    assert updates(one) == ["", "om_0"]
    [card] = await one.store.cards("infra", "g")
    assert (card.provider_id, card.live, card.updates) == ("om_0", False, 1)


async def test_what_cannot_be_changed_any_more_is_posted_anew(kept):
    one = await kept("a")
    one.channel.will("a", Unchangeable("the message is gone"), Confirmation(200, "0", provider_id="om_new"))
    record = await one.until(await one.give(RESOLVED), State.SENT)
    assert updates(one) == ["", "om_0", ""]
    assert one.channel.sent[1].content == one.channel.sent[2].content
    assert [message.state for message in record.messages] == [FAILED, SENT]
    assert record.delivery.reason == ""
    assert [card.provider_id for card in await one.store.cards("infra", "g")] == ["om_new"]


@pytest.fixture
async def muted(kept):
    """A channel on which two of three messages stand for nothing any more with the next notification."""
    one = await kept("a")
    one.channel.will("a", *(Confirmation(200, "0", provider_id=f"om_{n}") for n in range(3)))
    await one.until(await one.give(*THREE), State.SENT)
    one.channel.script.clear()
    one.channel.sent.clear()
    return one


@pytest.mark.parametrize("error", [Rejected("refused"), Unchangeable("too old"), Unreachable("nobody")])
async def test_a_muted_update_that_is_refused_changes_nothing(muted, error):
    muted.channel.will("a", OK, error, OK)
    record = await muted.until(await muted.give(RESOLVED), State.SENT)
    said = [json.loads(message.content)["muted"] for message in muted.channel.sent]
    assert said == [False, True, True]
    assert (record.delivery.reason, muted.failures, muted.standing.state.failures) == ("", 0, 0)


@pytest.mark.parametrize("error", [Rejected("refused"), Unchangeable("too old"), Unreachable("nobody")])
async def test_a_muted_update_that_was_refused_is_not_made_again(muted, error):
    muted.channel.will("a", OK, error, error)
    await muted.until(await muted.give(FIRING), State.SENT)
    muted.channel.sent.clear()
    await muted.until(await muted.give({"fingerprint": "2"}), State.SENT)
    assert [json.loads(message.content)["muted"] for message in muted.channel.sent] == [False]


async def failed(one, owed, times):
    record = await one.store.record(owed)
    return record.delivery.state is State.QUEUED and sum(bool(attempt.error) for attempt in record.attempts) == times


async def test_the_next_alerts_do_not_wait_long_for_a_muted_update(muted):
    muted.channel.will("a", OK, *[Unavailable("down")] * 9)
    owed = await muted.give(RESOLVED)
    for tries in (1, 2, 3):
        await eventually(lambda tries=tries: failed(muted, owed, tries), 5.0)
        muted.later(40)
    record = await muted.until(owed, State.SENT)
    assert (record.delivery.reason, muted.failures) == ("", 0)


async def test_a_muted_update_that_cannot_be_made_until_it_is_too_old_changes_nothing(muted):
    muted.channel.will("a", OK, Unavailable("down"))
    owed = await muted.give(RESOLVED)
    await muted.put_off(owed)
    muted.later(24 * 3600.0)
    record = await muted.until(owed, State.SENT)
    assert (record.delivery.reason, muted.failures) == ("", 0)


async def test_a_muted_update_alone_has_reached_nobody(muted):
    muted.channel.will("a", Unreachable("a: no such user"))
    await muted.until(await muted.give(RESOLVED), State.HELD, "stopped")
    assert len(muted.channel.sent) == 1


async def test_a_muted_update_before_a_stop_has_reached_nobody_after_a_restart(muted):
    muted.channel.will("a", Rejected("bad card"), Rejected("bad text"), Throttled("slow down", retry_after=60))
    owed = await muted.give(*THREE)
    await muted.until(owed, State.QUEUED, "bad text")
    await muted.restart()
    muted.channel.will("a", OK, Misconfigured("no such app"))
    muted.later(61)
    record = await muted.until(owed, State.HELD, "stopped")
    assert [message.state for message in record.messages if message.state is not DISCARDED] == [SENT]
    await muted.enable()
    record = await muted.until(owed, State.SENT)
    assert {"A0", "A1", "A2"} <= {json.loads(message.content)["title"] for message in muted.channel.arrived[-6:]}


async def test_plain_text_replaces_nothing_and_what_stood_says_so(kept):
    one = await kept("a")
    one.words.failed = True
    await one.until(await one.give(RESOLVED), State.SENT)
    assert updates(one) == ["", "", "om_0"]
    assert json.loads(one.channel.sent[-1].content)["muted"]


async def test_a_notice_is_never_shown_by_changing_an_older_one(kept):
    one = await kept("a")
    for names in ("1", "2"):
        await one.until(await one.give({"fingerprint": names}, path="notice"), State.SENT)
    assert updates(one) == ["", "", ""]


async def test_plain_text_stands_for_nothing_that_could_be_updated(kept):
    one = await kept("a")
    one.channel.will("a", Rejected("bad card"), Confirmation(200, "0", provider_id="om_text"))
    await one.until(await one.give({**FIRING, "startsAt": "2026-01-01T00:00:00Z"}), State.SENT)
    assert [card.provider_id for card in await one.store.cards("infra", "g")] == ["om_0"]
