"""In a storm the window of a credential is one, whoever sends with it; that of a pool is the sum of its members'."""

from __future__ import annotations

import pytest
from leaping import leaping
from storm_account import Account, rained
from storm_bodies import One
from storms import Storm, robot

KEYS = [f"693a91f{number}-7aoc-4bc4-97a0-0ec2sifa5aaa" for number in range(3)]
IN_FULL = {"tell_within": 0}


@leaping
@pytest.mark.parametrize("number", [300, 1000])
async def test_two_channels_with_one_key_share_its_window(tmp_path, number):
    async with Storm(tmp_path, robot("one"), robot("two", language="en")) as storm:
        account = await rained(storm, map(One, range(number)), 10)
        assert len(account.told) == 2 * number
        assert account.fullest_slots == 20
        assert account.waits()[-1] <= 124


@leaping
@pytest.mark.parametrize(("robots", "seconds"), [(1, 62 * 4 + 15), (2, 62 * 2 + 15), (3, 62 + 15)])
async def test_a_pool_goes_as_fast_as_its_robots_together(tmp_path, robots, seconds):
    async with Storm(tmp_path, robot(keys=KEYS[:robots], limits=IN_FULL)) as storm:
        account = await rained(storm, map(One, range(1000)), 10)
        assert account.share("full") == 1
        assert account.waits()[-1] <= seconds


@leaping
async def test_a_pool_survives_the_loss_of_a_robot_and_tells_everything_once(tmp_path):
    async with Storm(tmp_path, robot(keys=KEYS[:2], limits=IN_FULL)) as storm:
        await storm.rain(map(One, range(300)), 5)
        storm.sandbox.unregister("wecom_robot", KEYS[0])
        await storm.rain(map(One, range(300, 600)), 5)
        await storm.over()
        account = Account(storm)
        account.check()
        assert len(account.errors) == 1


@leaping
@pytest.mark.parametrize("keys", [{"key": KEYS[0]}, {"keys": KEYS[:2]}])
async def test_states_of_one_group_keep_their_order(tmp_path, keys):
    """Each alert of a few groups fires, ends and fires again while there is no slot; the latest state is told."""
    async with Storm(tmp_path, robot(**keys)) as storm:
        states = [
            One(number % 30, "resolved" if number // 30 % 2 else "firing", number // 30, f"g{number % 3}")
            for number in range(900)
        ]
        account = await rained(storm, [One(n) for n in range(1000, 1300)] + states, 30)
        assert account.share("full") > 0
