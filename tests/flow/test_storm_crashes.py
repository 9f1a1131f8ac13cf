"""A storm through crashes and a provider that fails: all is told once, in order, and the window is kept."""

from __future__ import annotations

import asyncio
import random

import pytest
from leaping import leaping
from storm_account import Account, rained
from storm_bodies import One
from storms import Storm, robot

from receiver.sandbox import Fault

PHASES = ("begin", "post", "settle")
FAULTS = (
    Fault("answer", 502),
    Fault("answer", body='{"errcode":-1,"errmsg":"system busy"}'),
    Fault("answer", body='{"errcode":45009,"errmsg":"api freq out of limit"}'),
    Fault("html", 403),
    Fault("lost"),
    Fault("reset"),
    Fault("blackhole"),
    Fault("truncate"),
    Fault("trickle"),
)


def mixed(chance, number):
    """Notifications of 40 instances in 8 groups, some of several alerts, that fire and end by chance."""
    versions, found = dict.fromkeys(range(40), 0), []
    for _ in range(number):
        group = chance.randrange(8)
        members = chance.sample(range(group, 40, 8), chance.choice([1, 1, 2, 5]))
        together = []
        for instance in members:
            versions[instance] += 1
            together.append(One(instance, chance.choice(["firing", "resolved"]), versions[instance], f"g{group}"))
        found.append(together)
    return found


@leaping
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [1, 4])
async def test_a_crash_in_each_phase_of_a_send_loses_nothing(tmp_path, phase, number):
    async with Storm(tmp_path) as storm:
        crashing = asyncio.create_task(storm.crash_at(phase, number))
        await storm.rain(map(One, range(300)), 10)
        await crashing
        account = await rained(storm)
        assert account.waits()[-1] <= 62 + 60


@leaping
@pytest.mark.parametrize("seed", range(4))
async def test_a_random_mix_with_crashes_keeps_order_and_window(tmp_path, seed):
    chance = random.Random(seed)
    async with Storm(tmp_path, robot("one"), robot("two", language="en", limits={"tell_within": "20s"})) as storm:
        raining = asyncio.create_task(storm.rain(mixed(chance, 400), 200))
        for _ in range(5):
            await asyncio.sleep(chance.uniform(0, 40))
            await storm.crash_at(chance.choice(PHASES), chance.randrange(1, 4))
        await raining
        account = await rained(storm)
        assert storm.crashes == 5
        assert {one.detail for one in account.told} >= {"full"}


@leaping
@pytest.mark.parametrize("seed", range(3))
async def test_a_random_mix_with_a_provider_that_fails_is_told_once(tmp_path, seed):
    chance = random.Random(seed)
    async with Storm(tmp_path, robot(limits={"gather": chance.choice(["0s", "1s"])})) as storm:
        raining = asyncio.create_task(storm.rain(mixed(chance, 200), 300))
        for _ in range(4):
            await asyncio.sleep(chance.uniform(0, 60))
            for fault in chance.sample(FAULTS, 3):
                storm.sandbox.fault("wecom_robot", fault)
        await raining
        await storm.over()
        account = Account(storm)
        account.check(repeated=len(account.errors))


@leaping
async def test_what_may_have_arrived_is_sent_again_as_it_was_whatever_is_answered_to_that(tmp_path):
    async with Storm(tmp_path) as storm:
        for fault in (Fault("lost"), Fault("answer", body='{"errcode":-1,"errmsg":"system busy"}')):
            storm.sandbox.fault("wecom_robot", fault)
        await storm.accept(*map(One, range(5)))
        await asyncio.sleep(4)
        await storm.rain(map(One, range(5, 65)), 10)
        await storm.over()
        Account(storm).check(repeated=1)
