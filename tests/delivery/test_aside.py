import asyncio
import threading
import time

import pytest

from receiver.delivery.aside import _QUICK, LARGE, SLOW, Aside

HERE = threading.get_ident


@pytest.fixture
def aside():
    aside = Aside()
    yield aside
    aside.close()


def slowly():
    time.sleep(SLOW * 1.5)
    return HERE()


async def longest_pause(work):
    """How long nothing else was done while `work` went on, and what it made."""
    task = asyncio.ensure_future(work)
    longest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    return longest, await task


async def test_small_work_is_done_at_once_and_here(aside):
    assert await aside.run(HERE, size=1) == HERE()


async def test_large_work_does_not_stop_the_loop(aside):
    longest, thread = await longest_pause(aside.run(lambda: time.sleep(0.3) or HERE(), size=LARGE))
    assert thread != HERE()
    assert longest < 0.2


async def test_small_work_waits_for_no_large_one(aside):
    done = []
    await asyncio.gather(
        aside.run(lambda: time.sleep(0.1) or done.append("large"), size=LARGE),
        aside.run(lambda: done.append("small"), size=1, channel="ops"),
    )
    assert done == ["small", "large"]


async def test_large_work_is_done_one_after_the_other(aside):
    begun = []
    works = [lambda n=n: begun.append(n) or time.sleep(0.02) or begun.append(n) for n in range(3)]
    await asyncio.gather(*(aside.run(work, size=LARGE, channel="ops") for work in works))
    assert begun == [0, 0, 1, 1, 2, 2]


async def test_a_slow_channel_stops_the_loop_once_at_most(aside):
    assert await aside.run(slowly, size=1, channel="ops") == HERE()
    longest, thread = await longest_pause(aside.run(lambda: time.sleep(0.3) or HERE(), size=1, channel="ops"))
    assert thread != HERE()
    assert longest < 0.2
    assert await aside.run(HERE, size=1, channel="other") == HERE()


async def test_a_channel_that_was_quick_for_long_is_trusted_again(aside):
    await aside.run(slowly, size=1, channel="ops")
    threads = [await aside.run(HERE, size=1, channel="ops") for _ in range(_QUICK + 1)]
    assert [thread == HERE() for thread in threads] == [False] * _QUICK + [True]


async def test_slow_work_in_between_begins_the_count_anew(aside):
    await aside.run(slowly, size=1, channel="ops")
    works = [*[HERE] * (_QUICK - 1), slowly, *[HERE] * _QUICK]
    assert HERE() not in [await aside.run(work, size=1, channel="ops") for work in works]


async def test_large_work_says_nothing_of_the_channel(aside):
    await aside.run(slowly, size=LARGE, channel="ops")
    assert await aside.run(HERE, size=1, channel="ops") == HERE()


async def test_work_that_fails_slowly_is_slow(aside):
    def fail():
        slowly()
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await aside.run(fail, size=1, channel="ops")
    assert await aside.run(HERE, size=1, channel="ops") != HERE()


async def test_what_is_under_way_is_finished_when_it_closes():
    aside, begun = Aside(), threading.Event()
    going = asyncio.ensure_future(aside.run(lambda: begun.set() or time.sleep(0.1) or "done", size=LARGE))
    waiting = asyncio.ensure_future(aside.run(lambda: "never", size=LARGE))
    await asyncio.to_thread(begun.wait)
    aside.close()
    assert await going == "done"
    with pytest.raises(asyncio.CancelledError):
        await waiting
