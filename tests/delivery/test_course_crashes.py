"""How a delivery goes on when the service dies, whenever that is: in order, and what was confirmed never again."""

from __future__ import annotations

import asyncio

import pytest
from scripted import OK, THREE

from receiver.model import State

PHASES = [(what, number) for what in ("begin", "settle") for number in range(1, 7)]


@pytest.mark.parametrize(("what", "number"), PHASES)
async def test_after_a_crash_everything_arrives_in_order_and_nothing_twice(course, what, number):
    one = await course("a", "b")
    frozen = one.freeze(what, number)
    owed = await one.give(*THREE)
    await asyncio.wait_for(frozen.wait(), 5)
    await one.crash()
    posted = len(one.told)
    await one.open()
    record = await one.until(owed, State.SENT)
    planned = [message.id for message in record.messages]
    known = posted - (what == "settle")  # what was confirmed while the store stood still is not known to be
    assert len(planned) == 6
    assert [message.id for message in one.channel.sent] == [*planned[:posted], *planned[known:]]
    assert one.told[posted:] == [("ab"[n % 2], n // 2 + 1) for n in range(known, 6)]


@pytest.mark.parametrize("number", range(1, 7))
async def test_after_a_crash_while_posting_the_same_bytes_go_out_again(course, number):
    one = await course("a", "b")
    hangs = asyncio.Event()

    async def hang():
        hangs.set()
        await asyncio.sleep(3600)

    one.channel.will("ab"[(number - 1) % 2], *[OK] * ((number - 1) // 2), hang())
    owed = await one.give(*THREE)
    await asyncio.wait_for(hangs.wait(), 5)
    await one.restart()
    record = await one.until(owed, State.SENT)
    again = one.channel.sent[number - 1 : number + 1]
    assert (again[0].id, again[0].content, again[1].retried) == (again[1].id, again[1].content, True)
    assert [message.id for message in one.channel.arrived] == [message.id for message in record.messages]
