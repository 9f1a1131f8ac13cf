"""A loop on which time stands still until it is set by hand: whoever waits for a moment waits for nothing else."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE = 20.0
"""Seconds on the wall in which every thread has done what it was given."""


class _Selector(selectors.DefaultSelector):
    """Waits for threads that are at work; else it says that there is nothing to do, and waits for nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = 0
        self.idle: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if self.busy:
            ready = super().select(_PATIENCE)
            assert ready, "a thread does not come to an end"
            return ready
        self.idle()
        return []


class Standstill(asyncio.SelectorEventLoop):
    """Its clock is the Unix time `now`, which nobody but `advance` and `jump` moves."""

    def __init__(self, now: float) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)
        self._waits.idle = self.stop
        self._clock_resolution = 1e-6  # of Unix seconds; what is due now is done now
        self.now = now

    def time(self) -> float:
        return self.now

    def stay(self, work: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """Wait for `work`, which a thread is doing, before it is said that there is nothing to do."""
        self._waits.busy += 1
        work.add_done_callback(self._done)
        return work

    def _done(self, _: object) -> None:
        self._waits.busy -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        return self.stay(super().run_in_executor(executor, func, *args))

    def rest(self) -> None:
        """Go on until everybody waits for a moment to come."""
        self.run_forever()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        """What `doing` comes to, now; an error if it would take time."""
        found = self.run_until_complete(doing)
        self.rest()
        return found

    def advance(self, seconds: float) -> None:
        """Let so much time pass, moment by moment."""
        end = self.now + seconds
        while (at := self._next()) is not None and at <= end:
            self.now = max(self.now, at)
            self.rest()
        self.now = end
        self.rest()

    def jump(self, seconds: float) -> None:
        """Be so much later at once, as after a sleep of the machine."""
        self.now += seconds
        self.rest()

    def _next(self) -> float | None:
        scheduled = self._scheduled  # type: ignore[attr-defined]
        return min((handle.when() for handle in scheduled if not handle.cancelled()), default=None)
