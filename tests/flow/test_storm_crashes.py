"""A storm through crashes: whatever the phase of a send they come in, all is told, in order, and the window is kept."""

from __future__ import annotations

import asyncio
import random

import pytest
from leaping import leaping
from storm_account import rained
from storm_bodies import One
from storms import Storm, robot

PHASES = ("begin", "post", "settle")


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
