"""Where large batches are rendered: beside the loop, which has others to answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE = 256 * 1024
"""Bytes of an event's body, some 300 alerts: less is rendered within a few milliseconds."""


class Aside:
    """Does long work in a thread, one after the other: templates are rendered one at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[], T], *, size: int) -> T:
        """What `work` makes: at once if it is small and nothing is under way, else in a thread when its turn comes."""
        if size < LARGE and not self._turn.locked():
            return work()
        async with self._turn:
            return await asyncio.to_thread(work)
