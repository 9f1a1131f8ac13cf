"""What a sender waits for: something new to send, or a change of what it is to do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

_LEAST = 0.005


class Waiting:
    """Waits of one sender. What happens between `look` and a wait for it ends that wait at once."""

    def __init__(self) -> None:
        self._awake = asyncio.Event()
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._awake.set()

    def turn(self) -> None:
        """What is to be done has changed: whatever is waited for, look again."""
        self._changed.set()
        self._awake.set()

    def look(self) -> None:
        """From now on it is looked at what there is."""
        self._awake.clear()

    async def for_news(self, seconds: float) -> None:
        """Wait for something new, or so many seconds."""
        await _wait(self._awake, seconds)

    async def for_change(self, seconds: float) -> None:
        """Wait for a change that is still to come, or so many seconds, deaf to what is new."""
        self._changed.clear()
        await _wait(self._changed, seconds)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, _LEAST)):
            await event.wait()
