"""Time that tests push forward, so that windows, bans and expiries need no sleep."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Unix seconds: what `source` says, plus what was advanced."""

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time by `seconds`; everything it judges by time follows."""
        self._ahead += seconds
