import asyncio
import threading
import time

from receiver.delivery.aside import LARGE, Aside


async def test_small_work_is_done_at_once_and_here():
    assert await Aside().run(threading.get_ident, size=1) == threading.get_ident()


async def test_large_work_does_not_stop_the_loop():
    work = asyncio.create_task(Aside().run(lambda: time.sleep(0.3) or threading.get_ident(), size=LARGE))
    longest, last = 0.0, time.perf_counter()
    while not work.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    assert await work != threading.get_ident()
    assert longest < 0.2


async def test_what_comes_meanwhile_waits_its_turn():
    aside, done = Aside(), []
    await asyncio.gather(
        aside.run(lambda: time.sleep(0.1) or done.append("large"), size=LARGE),
        aside.run(lambda: done.append("small"), size=1),
    )
    assert done == ["large", "small"]
