"""How a delivery goes on through its messages to several targets, whatever the provider answers."""

from __future__ import annotations

import asyncio
import json

import pytest
from scripted import OK, THREE, target
from stage import eventually

from receiver.channels.base import Confirmation
from receiver.delivery.retry import MAX_AGE_FIRING
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable
from receiver.model import MessageState, State

SENT, FAILED, DISCARDED = MessageState.SENT, MessageState.FAILED, MessageState.DISCARDED


def states(record):
    return [(json.loads(message.target)["to"], message.state) for message in record.messages]


async def test_every_target_gets_every_part_the_first_parts_first(course):
    one = await course("a", "b")
    record = await one.until(await one.give(*THREE), State.SENT)
    assert one.told == [(name, number) for number in (1, 2, 3) for name in "ab"]
    assert record.delivery.reason == ""


async def test_who_can_never_be_reached_is_named_and_the_others_get_it(course):
    one = await course("a", "b", "c")
    one.channel.will("b", Unreachable("b: no such user"))
    record = await one.until(await one.give(), State.SENT)
    assert record.delivery.reason == "b: no such user"
    assert states(record) == [("a", SENT), ("b", FAILED), ("c", SENT)]
    assert [(attempt.error, attempt.note) for attempt in record.attempts] == [
        ("", ""), ("b: no such user", "b: no such user"), ("", ""),
    ]  # fmt: skip


async def test_partial_success_is_no_failure(course):
    one = await course("a", "b")
    for _ in range(4):
        one.channel.will("b", Unreachable("b: no such user"))
        await one.until(await one.give(), State.SENT)
    assert (one.standing.state.state, one.standing.state.failures, one.failures) == ("enabled", 0, 0)


async def test_the_other_parts_for_who_cannot_be_reached_are_not_tried(course):
    one = await course("a", "b")
    one.channel.will("b", Unreachable("b: no such user"))
    record = await one.until(await one.give(*THREE), State.SENT)
    assert one.told == [("a", 1), ("b", 1), ("a", 2), ("a", 3)]
    assert states(record) == [("a", SENT), ("b", FAILED), *[("a", SENT), ("b", DISCARDED)] * 2]


async def test_a_channel_that_reaches_nobody_is_stopped_and_tries_everybody_of_then(course):
    one = await course("a", "b")
    for name in "ab":
        one.channel.will(name, Unreachable(f"{name}: no such user"))
    record = await one.until(owed := await one.give(), State.HELD)
    assert (record.delivery.reason, one.standing.state.state, one.standing.state.reason) == (
        "stopped", "stopped", "b: no such user",
    )  # fmt: skip
    assert states(record) == [("a", DISCARDED), ("b", DISCARDED)]
    one.channel.aim("c", "a")
    await one.enable()
    record = await one.until(owed, State.SENT)
    assert one.told[2:] == [("c", 1), ("a", 1)]
    assert record.delivery.reason == ""


async def test_a_refusal_for_one_and_nobody_else_to_reach_is_a_failure_and_stops_nothing(course):
    one = await course("a", "b")
    one.channel.will("a", Rejected("bad card"), Rejected("bad text"))
    one.channel.will("b", Unreachable("b: no such user"))
    record = await one.until(await one.give(), State.FAILED)
    assert (record.delivery.reason, one.standing.state.state, one.standing.state.failures) == ("bad text", "enabled", 1)


async def test_nothing_is_owed_twice_when_only_the_last_cannot_be_reached_after_a_restart(course):
    one = await course("a", "b", "c")
    one.channel.will("a", Unreachable("a: no such user"))
    one.channel.will("b", Throttled("slow down", retry_after=60))
    owed = await one.give()
    await one.until(owed, State.QUEUED, "a: no such user")
    await one.restart()
    one.channel.will("b", Unreachable("b: no such user"))
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert one.told == [("a", 1), ("b", 1), ("b", 1), ("c", 1)]
    assert record.delivery.reason == "a: no such user; b: no such user"


async def test_what_nobody_saw_is_planned_anew_when_the_channel_works_again(course):
    one = await course("a", "b")
    one.channel.will("a", Misconfigured("no such app"))
    record = await one.until(owed := await one.give(*THREE), State.HELD)
    assert {message.state for message in record.messages} == {DISCARDED}
    one.channel.aim("b")
    await one.enable()
    await one.until(owed, State.SENT)
    assert one.told == [("a", 1), ("b", 1), ("b", 2), ("b", 3)]


async def test_what_is_planned_anew_has_forgotten_what_was_refused_before(course):
    one = await course("a", "b")
    one.channel.will("a", Rejected("bad card"), Rejected("bad text"))
    one.channel.will("b", Misconfigured("no such app"))
    owed = await one.give()
    await one.until(owed, State.HELD)
    await one.enable()
    record = await one.until(owed, State.SENT)
    assert record.delivery.reason == ""


async def test_only_the_rest_goes_out_after_a_stop_when_a_part_has_arrived(course):
    one = await course("a", "b")
    one.channel.will("b", Misconfigured("no such app"))
    record = await one.until(owed := await one.give(*THREE), State.HELD)
    first, rest = record.messages[0], record.messages[1:]
    assert (first.state, {message.state for message in rest}) == (SENT, {MessageState.PLANNED})
    await one.restart()
    await one.enable()
    await one.until(owed, State.SENT)
    assert [message.id for message in one.channel.arrived] == [message.id for message in record.messages]


async def test_an_operator_who_disabled_the_channel_meanwhile_is_not_overruled(course):
    one = await course("a")
    begun, goes_on = asyncio.Event(), asyncio.Event()

    async def slow():
        begun.set()
        await goes_on.wait()
        return Misconfigured("no such app")

    one.channel.will("a", slow())
    owed = await one.give()
    await begun.wait()
    await one.dispatcher.senders["infra"].change("disabled", "disabled by an operator")
    goes_on.set()
    await one.until(owed, State.HELD, "disabled")
    assert (await one.store.channels())["infra"].reason == "disabled by an operator"
    assert one.dispatcher.held("infra") == "disabled"


async def test_whoever_is_configured_no_more_gets_no_more(course):
    one = await course("a", "b", "c")
    one.channel.will("b", Throttled("slow down", retry_after=60))
    owed = await one.give()
    await one.put_off(owed)
    await one.crash()
    one.channel.aim("a", "c")
    await one.open()
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert one.told == [("a", 1), ("b", 1), ("c", 1)]
    assert record.delivery.reason == 'configured no more: {"to":"b"}'
    assert states(record) == [("a", SENT), ("b", DISCARDED), ("c", SENT)]


async def test_a_delivery_ends_when_nobody_who_is_left_is_configured(course):
    one = await course("a", "b")
    one.channel.will("b", Throttled("slow down", retry_after=60))
    owed = await one.give()
    await one.put_off(owed)
    await one.crash()
    one.channel.aim("a")
    await one.open()
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert (one.told, record.delivery.reason) == ([("a", 1), ("b", 1)], 'configured no more: {"to":"b"}')


async def test_what_reached_nobody_goes_to_those_who_are_configured_now(course):
    one = await course("a")
    one.channel.will("a", Unavailable("down"))
    owed = await one.give()
    await one.put_off(owed)
    await one.crash()
    one.channel.aim("b", "c")
    await one.open()
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert one.told[1:] == [("b", 1), ("c", 1)]
    assert record.delivery.reason == ""


async def test_those_the_provider_was_too_busy_for_get_it_later_and_the_others_now(course):
    one = await course("a", "b|c")
    one.channel.will("b|c", Confirmation(200, "0", left=target("c"), wait=60.0))
    owed = await one.give(*THREE)
    now = [(names, number) for number in (1, 2, 3) for names in ("a", "b|c")]
    await eventually(lambda: len(one.told) == 6)
    one.later(59)
    await asyncio.sleep(0.1)
    assert one.told == now
    one.later(2)
    await one.until(owed, State.SENT)
    assert one.told == [*now, ("c", 1)]
    assert one.channel.sent[-1].content == one.channel.sent[1].content


async def test_those_who_were_left_are_not_forgotten_by_a_restart(course):
    one = await course("a|b")
    one.channel.will("a|b", Confirmation(200, "0", left=target("b"), wait=60.0, note="b: too busy"))
    owed = await one.give()
    await one.until(owed, State.QUEUED, "b: too busy")
    await one.restart()
    await asyncio.sleep(0.1)
    assert one.told == [("a|b", 1)]
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert (one.told, record.delivery.reason) == ([("a|b", 1), ("b", 1)], "b: too busy")


async def test_those_who_are_left_until_it_is_too_old_are_named(course):
    one = await course("a|b")
    one.channel.will("a|b", Confirmation(200, "0", left=target("b"), wait=MAX_AGE_FIRING))
    record = await one.until(await one.give(), State.SENT)
    assert record.delivery.reason == 'not reached in time: {"to":"b"}'


@pytest.mark.parametrize(("wait", "then"), [(0.0, 1.0), (-5.0, 1.0), (2000.0, 900.0)])
async def test_no_wait_is_shorter_or_longer_than_it_can_be(course, wait, then):
    one = await course("a|b")
    one.channel.will("a|b", Confirmation(200, "0", left=target("b"), wait=wait, note="b: too busy"))
    record = await one.until(await one.give(), State.QUEUED, "b: too busy")
    assert record.delivery.due_at == pytest.approx(one.now + then, abs=0.5)


async def test_whom_a_confirmation_names_stands_in_the_record(course):
    one = await course("a", "b")
    one.channel.will("a", Confirmation(200, "0", note="u7 is not visible"))
    one.channel.will("b", Confirmation(200, "0", note="u9 is not visible"))
    record = await one.until(await one.give(), State.SENT)
    assert record.delivery.reason == "u7 is not visible; u9 is not visible"
    assert [attempt.note for attempt in record.attempts] == ["u7 is not visible", "u9 is not visible"]
    assert one.standing.state.failures == 0


async def test_a_note_survives_a_hold_and_an_error_of_our_own_is_none(course, monkeypatch):
    one = await course("a", "b")
    one.channel.will("a", Confirmation(200, "0", note="u7 is not visible"))
    one.channel.will("b", Misconfigured("no such app"))
    owed = await one.give()
    await one.until(owed, State.HELD)
    begin, broken = one.store.begin, [RuntimeError("nobody thought of this")]

    async def stumbles(*args):
        if broken:
            raise broken.pop()
        return await begin(*args)

    monkeypatch.setattr(one.store, "begin", stumbles)
    await one.enable()
    await one.until(owed, State.QUEUED, "internal error")
    one.later(61)
    record = await one.until(owed, State.SENT)
    assert record.delivery.reason == "u7 is not visible"


async def test_a_message_that_changes_nothing_and_cannot_be_changed_was_refused(course):
    one = await course("a")
    one.channel.will("a", Unchangeable("what?"), Unchangeable("what?"))
    record = await one.until(await one.give(), State.FAILED)
    assert (record.delivery.reason, one.told) == ("what?", [("a", 1), ("a", 1)])


async def test_a_refused_part_fails_the_delivery_whatever_else_arrives(course):
    one = await course("a", "b")
    one.channel.will("a", Rejected("bad card"), Rejected("bad text"))
    one.channel.will("b", Throttled("slow down", retry_after=60))
    owed = await one.give()
    await one.until(owed, State.QUEUED, "bad text")
    await one.restart()
    one.later(61)
    record = await one.until(owed, State.FAILED)
    assert (one.told[-1], record.delivery.reason, one.standing.state.failures) == (("b", 1), "bad text", 1)


async def test_plain_text_goes_to_whom_the_refused_message_was_for_before_the_next_part(course):
    one = await course("a", "b")
    one.channel.will("b", Rejected("bad card"), Throttled("slow down", retry_after=60))
    owed = await one.give(*THREE)
    await one.put_off(owed)
    await one.restart()
    one.later(61)
    record = await one.until(owed, State.SENT)
    got = [message for message in one.channel.arrived if message.target == target("b")]
    assert got[0].plain
    assert [message.number for message in got] == sorted(message.number for message in got)
    assert {message.total for message in record.messages} == {record.messages[0].total}


async def test_a_plain_text_that_cannot_be_made_ends_the_delivery(course, monkeypatch):
    one = await course("a")
    one.channel.will("a", Rejected("bad card"))
    monkeypatch.setattr(one.dispatcher.senders["infra"]._kit.planner, "instead", lambda *_: 1 / 0)
    record = await one.until(await one.give(), State.FAILED)
    assert (record.delivery.reason, len(record.attempts)) == ("bad card", 1)


async def test_what_was_partly_sent_is_not_said_to_be_never_tried(course):
    one = await course("a", "b")
    goes_on = asyncio.Event()

    async def slow():
        await goes_on.wait()
        return OK

    one.channel.will("a", slow())
    owed = await one.give()
    await eventually(lambda: one.channel.sent)
    one.dispatcher.senders["infra"].close()
    goes_on.set()
    await asyncio.sleep(0.1)
    await one.crash()
    one.now += MAX_AGE_FIRING
    await one.open()
    await one.until(owed, State.FAILED, "too old")
