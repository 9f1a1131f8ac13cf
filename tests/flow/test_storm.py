"""A storm of any size is told in time and in few messages, and nothing of it is lost."""

from __future__ import annotations

import asyncio

import pytest
from leaping import leaping
from storm_account import Account, rained
from storm_bodies import One
from storms import NOW, Storm, robot

QUICK = 0.5
"""Seconds that a message takes at most on a busy machine if it has nothing to wait for."""


def some(severity, number, first=0):
    """So many alerts of one severity."""
    found = (One(n) for n in range(first, first + 100 * number))
    return [one for one in found if one.severity == severity][:number]


@leaping
@pytest.mark.parametrize(("number", "seconds"), [(10, 5), (300, 10), (1000, 30), (2000, 20)])
async def test_everything_is_told_in_time_and_in_few_messages(tmp_path, number, seconds):
    async with Storm(tmp_path) as storm:
        account = await rained(storm, map(One, range(number)), seconds)
        assert len(account.told) == number
        assert account.waits()[-1] <= 60
        assert len(storm.sandbox.messages) <= 40


@leaping
async def test_what_fits_into_one_window_is_told_in_full(tmp_path):
    async with Storm(tmp_path) as storm:
        account = await rained(storm, map(One, range(60)), 10)
        assert account.share("full") == 1
        assert account.waits()[-1] <= 1 + QUICK
        assert len(storm.sandbox.messages) <= 12


@leaping
async def test_without_a_bound_everything_is_told_in_full_messages_that_are_full(tmp_path):
    async with Storm(tmp_path, robot(limits={"tell_within": 0})) as storm:
        account = await rained(storm, map(One, range(600)), 20)
        fills = [storm.channels[0].fill(posted.raw) for posted in storm.sandbox.messages]
        assert account.share("full") == 1
        full = -(-sum(used for used, _ in fills) // 4096)
        assert len(fills) <= full * 1.05 + 1
        assert storm.sandbox.messages[-1].at - NOW <= 62 * ((full - 1) // 20) * 1.05


@leaping
async def test_a_lone_alert_on_a_quiet_channel_goes_out_at_once(tmp_path):
    async with Storm(tmp_path) as storm:
        for number in range(5):
            await storm.accept(One(number))
            await asyncio.sleep(300)
        account = await rained(storm, [], 0)
        assert len(storm.sandbox.messages) == 5
        assert account.waits()[-1] < QUICK


@leaping
@pytest.mark.parametrize(("gather", "fewest", "most"), [("1s", 2, 5), ("0s", 9, 10)])
async def test_alerts_in_a_row_share_a_message_if_they_may_be_waited_for(tmp_path, gather, fewest, most):
    async with Storm(tmp_path, robot(limits={"gather": gather})) as storm:
        account = await rained(storm, map(One, range(10)), 3)
        assert fewest <= len(storm.sandbox.messages) <= most
        assert account.waits()[-1] <= 1 + QUICK


@leaping
async def test_the_critical_ones_are_told_first_and_in_full(tmp_path):
    async with Storm(tmp_path) as storm:
        await storm.rain(some("warning", 400), 10)
        before = len(storm.sandbox.messages)
        await storm.rain(some("critical", 5, 10_000), 0)
        account = await rained(storm, [], 0)
        urgent = {(one.post, one.detail) for one in account.told if one.owed.urgency == "high"}
        assert urgent == {(before, "full")}


@leaping
async def test_detail_steps_down_in_a_storm_and_comes_back_after_it(tmp_path):
    async with Storm(tmp_path) as storm:
        account = await rained(storm, map(One, range(3000)), 30)
        assert account.share("count") > 0
        later = Account(storm).told[-1].post
        account = await rained(storm, map(One, range(3000, 3005)), 1)
        assert {one.detail for one in account.told if one.post > later} == {"full"}


@leaping
async def test_what_was_told_short_is_on_record_as_such(tmp_path):
    async with Storm(tmp_path) as storm:
        account = await rained(storm, map(One, range(1500)), 20)
        assert {one.owed.seq: one.detail for one in account.told} == account.details
        assert set(account.details.values()) > {"full"}
