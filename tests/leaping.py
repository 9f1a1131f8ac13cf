"""A loop whose time passes as the machine's does while there is work, and leaps over every wait: hours in seconds."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

_QUIET = 0.0005
"""Seconds without anything to read after which nothing is on its way: all sockets are of this machine."""


class _Selector(selectors.DefaultSelector):
    """Waits as long as it is told while threads are at work, else leaps ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0
        self.busy = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout <= _QUIET or self.busy:
            return super().select(timeout)
        ready = super().select(_QUIET)
        if not ready:
            self.ahead += timeout - _QUIET
        return ready


class Leaping(asyncio.SelectorEventLoop):
    """Everything that is awaited takes its time on the loop's own clock, whatever it takes on the wall."""

    def __init__(self) -> None:
        self._waits = _Selector()
        super().__init__(self._waits)

    def time(self) -> float:
        return super().time() + self._waits.ahead

    def stay(self, work: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """Let time pass as it does until `work`, which a thread is doing, is done."""
        self._waits.busy += 1
        work.add_done_callback(self._done)
        return work

    def _done(self, _: object) -> None:
        self._waits.busy -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        return self.stay(super().run_in_executor(executor, func, *args))


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """What `main` comes to, on a loop of its own."""
    with asyncio.Runner(loop_factory=Leaping) as runner:
        return runner.run(main)


def leaping(test: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A test that runs on such a loop; its fixtures are none of that loop's."""

    @functools.wraps(test)
    def outer(*args: Any, **kwargs: Any) -> Any:
        return run(test(*args, **kwargs))

    return outer
