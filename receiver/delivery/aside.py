"""Where long work is done: beside the loop, which has others to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")

LARGE = 256 * 1024
"""Bytes of an event's body, some 300 alerts: less is rendered within a few milliseconds."""

SLOW = 0.05
"""Seconds of work that the loop should not be kept from its others again."""

_QUICK = 50
"""How many works in a row have to be quick before they are done at once again."""


class Aside:
    """Does long work in a thread of its own, one after the other. Nothing small waits for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._wary: dict[str, int] = {}

    async def run(self, work: Callable[[], T], *, size: int, channel: str = "") -> T:
        """What `work` makes: at once if it is small, else in the thread when its turn comes.

        Small work of a `channel` goes there, too, from the first that was slow until there was none for long.
        """
        if size >= LARGE:
            return await self._beside(work)
        timed = partial(self._timed, work, channel)
        return await self._beside(timed) if channel in self._wary else timed()

    def close(self) -> None:
        """End the thread once it has done what it is doing; what waits for it is cancelled."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _beside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _timed(self, work: Callable[[], T], channel: str) -> T:
        begun = perf_counter()
        try:
            return work()
        finally:
            if channel:
                self._remember(channel, perf_counter() - begun)

    def _remember(self, channel: str, took: float) -> None:
        left = _QUICK if took > SLOW else self._wary.get(channel, 0) - 1
        if left > 0:
            self._wary[channel] = left
        else:
            self._wary.pop(channel, None)
