"""What a storm was only counted of comes as a file once there is room, and nobody waits for it."""

from __future__ import annotations

import asyncio
import csv
import io
import threading

import pytest
from leaping import leaping
from storm_account import Account
from storm_bodies import One
from storms import Storm, robot

from receiver.delivery import listing
from receiver.errors import StoreUnavailable
from receiver.model import MessageState
from receiver.sandbox import Fault
from receiver.settings import Rate
from receiver.store.base import Query

FEW = robot(limits={"rate": "6/62s"})
CALM = 200.0
KEYS = [f"693a91f{number}-7aoc-4bc4-97a0-0ec2sifa5aaa" for number in range(2)]


async def stormed(storm, number=400, calm=CALM, first=0):
    """What becomes of so many alerts at once, and of some time after it."""
    await storm.rain([[One(one) for one in range(at, at + 20)] for at in range(first, first + number, 20)], 1)
    await storm.over()
    await asyncio.sleep(calm)
    account = Account(storm)
    account.check()
    return account


def uploads(storm):
    return [seen for seen in storm.sandbox.requests if "upload" in seen.target]


def files(storm):
    return [posted for posted in storm.sandbox.messages if posted.msgtype == "file"]


def listed(storm):
    """The instances in the only file that was uploaded."""
    [seen] = uploads(storm)
    text = seen.body.decode().partition("\r\n\r\n\ufeff")[2].rpartition("\r\n--")[0]
    return {row["instance"] for row in csv.DictReader(io.StringIO(text, newline=""))}


@leaping
@pytest.mark.parametrize("settings", [FEW, robot(keys=KEYS, limits={"rate": "3/62s"})], ids=["a robot", "a pool"])
async def test_all_that_was_only_counted_is_listed_in_one_file(tmp_path, settings):
    async with Storm(tmp_path, settings) as storm:
        account = await stormed(storm)
        counted = {one.owed.instance for one in account.told if one.detail == "count"}
        assert len(counted) > 200
        assert counted <= listed(storm)
        [file] = files(storm)
        assert file.plain.startswith("file alerts-20260921-22")
        assert storm.sandbox.violations == account.errors == []


@leaping
async def test_what_is_told_by_itself_comes_without_a_file(tmp_path):
    async with Storm(tmp_path) as storm:
        account = await stormed(storm, 60)
        assert account.share("count") == 0
        assert uploads(storm) == []


@leaping
async def test_it_waits_until_the_window_has_room_to_spare(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm)
        [file] = files(storm)
        before = [posted.at for posted in storm.sandbox.messages if file.at - 62 < posted.at < file.at]
        assert len(before) <= 6 - listing.SPARE
        assert storm.sandbox.worst_window("wecom_robot", "infra", 62) <= 6


async def lists(storm):
    """All lists as they stand in records, with the attempts to send them."""
    page, _ = await storm.store.records(Query(limit=1000))
    records = [await storm.store.record(one.delivery.id) for one in page]
    return [
        (message, [attempt for attempt in record.attempts if attempt.message_id == message.id])
        for record in records
        for message in record.messages
        if not message.number
    ]


@leaping
async def test_it_stands_in_the_record_of_the_digest(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm)
        found = await lists(storm)
        assert found
        for message, [attempt] in found:
            assert (message.state, attempt.provider_code) == (MessageState.SENT, "0")
            assert message.content.startswith(b'{"msgtype":"file","file":{"name":"alerts-')
            assert not message.tells


@leaping
@pytest.mark.parametrize("step", ["infra/upload", "infra"], ids=["the upload", "the post"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("not_found"),
        Fault("reset"),
        Fault("html", 502),
        Fault("answer", body='{"errcode":93000,"errmsg":"invalid webhook url"}'),
        Fault("answer", body='{"errcode":45001,"errmsg":"media size out of limit"}'),
        Fault("answer", body='{"errcode":45009,"errmsg":"api freq out of limit"}'),
        Fault("blackhole"),
    ],
    ids=["404", "reset", "502", "no robot", "too large", "too many", "blackhole"],
)
async def test_a_list_that_does_not_arrive_is_nothing_to_what_it_lists(tmp_path, step, fault):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        storm.sandbox.fault(step, fault)
        await asyncio.sleep(CALM)
        standing = storm.dispatcher.senders["infra"].standing
        assert (standing.state.state, standing.state.failures) == ("enabled", 0)
        assert set(Account(storm).states) == {"sent"}
        assert {(one.state, len(attempts)) for one, attempts in await lists(storm)} == {(MessageState.FAILED, 1)}


@leaping
async def test_after_one_that_did_not_arrive_none_is_made_for_a_while(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        storm.sandbox.fault("infra/upload", Fault("not_found"), None)
        await stormed(storm)
        await stormed(storm, first=1000)
        assert len(uploads(storm)) == 1
        storm.sandbox.clear_faults()
        await asyncio.sleep(900)
        await stormed(storm, first=2000)
        assert len(uploads(storm)) == 2


@leaping
async def test_a_robot_that_was_too_fast_rests_after_a_list_too(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        storm.sandbox.fault("infra/upload", Fault("answer", body='{"errcode":45009,"errmsg":"api freq out of limit"}'))
        await storm.when(lambda: uploads(storm))
        await storm.accept(One(9000))
        await storm.over()
        assert storm.sandbox.messages[-1].at - uploads(storm)[0].at >= 60


@leaping
async def test_nobody_waits_for_a_list(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        storm.sandbox.fault("infra/upload", Fault("blackhole"))
        await storm.when(lambda: uploads(storm))
        await storm.accept(One(9000))
        await storm.over()
        assert storm.sandbox.messages[-1].at - uploads(storm)[0].at < 2


@leaping
async def test_a_store_that_is_away_costs_the_list_and_no_slot(tmp_path, monkeypatch):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        tried = []

        async def away(*of):
            tried.append(of)
            raise StoreUnavailable("the disk is full")

        monkeypatch.setattr(storm.store, "begin", away)
        await storm.when(lambda: tried, every=0.02)
        window = storm.dispatcher.senders["infra"].standing.pool.members[0].window
        assert window.used([Rate(1, 0.5)], storm.now()) == (0, 1)
        assert uploads(storm) == []


@leaping
async def test_it_is_made_beside_the_loop(tmp_path, monkeypatch):
    async with Storm(tmp_path, FEW) as storm:
        made, lists = [], storm.dispatcher.senders["infra"]._kit.planner.lists
        make = lists.made
        monkeypatch.setattr(lists, "made", lambda *of: made.append(threading.current_thread().name) or make(*of))
        await stormed(storm)
        assert [name.partition("_")[0] for name in made] == ["aside"]


@leaping
async def test_the_service_ends_when_the_list_that_is_on_its_way_has_arrived(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        storm.sandbox.fault("infra/upload", Fault("delay", seconds=2.0))
        await storm.when(lambda: uploads(storm))
        await storm.dispatcher.drain(5.0)
        assert len(files(storm)) == 1
        assert {one.state for one, _ in await lists(storm)} == {MessageState.SENT}


@leaping
async def test_after_a_crash_no_delivery_goes_on_with_a_list(tmp_path):
    async with Storm(tmp_path, FEW) as storm:
        await stormed(storm, calm=0)
        storm.sandbox.fault("infra/upload", Fault("blackhole"))
        await storm.when(lambda: uploads(storm))
        await storm.crash()
        await asyncio.sleep(CALM)
        assert len(uploads(storm)) == 1
        assert set(Account(storm).states) == {"sent"}
