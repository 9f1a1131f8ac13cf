"""An app's access token: fetched once for all who need it, refreshed before it ends, dropped only if it is refused."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from receiver.errors import DeliveryError, Misconfigured

REST = 60.0
"""Seconds between two early fetches, and before a refused credential is tried again: providers ban who keeps asking."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a provider gave: the token and for how many seconds it lives."""

    value: str = field(repr=False)
    seconds: float


Fetch = Callable[[], Awaitable[Token]]


class Tokens:
    """The token of one app, shared by all its channels. `margin` is how many seconds before its end it is refreshed.

    Fetches never overlap. While an old token still lives, it is used until the new one is there.
    """

    def __init__(self, margin: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._margin = margin
        self._clock = clock
        self._value = ""
        self._ends_at = 0.0
        self._fetching: asyncio.Task[Token] | None = None
        self._fetched_at = -REST
        self._failure: Exception | None = None
        self.known: deque[str] = deque(maxlen=4)
        """The latest tokens: what must not appear in any record or log."""

    async def get(self, fetch: Fetch) -> str:
        """A token that lives, by `fetch` if there is none. Raises what `fetch` raises."""
        now, error = self._clock(), self._failure
        left, rested = self._ends_at - now, now - self._fetched_at >= REST
        if self._value and left > 0:
            if left <= self._margin and rested:
                self._begin(fetch)
            return self._value
        if isinstance(error, Misconfigured) and not rested:
            raise Misconfigured(error.detail, http_status=error.http_status, code=error.code, reason=error.reason)
        return (await asyncio.shield(self._begin(fetch))).value

    def drop(self, value: str) -> None:
        """Forget `value`, which the provider refused, unless another one took its place meanwhile."""
        if value == self._value:
            self._value, self._ends_at = "", 0.0

    def _begin(self, fetch: Fetch) -> asyncio.Task[Token]:
        """The fetch under way, or else a new one."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(fetch))
            self._fetching.add_done_callback(self._fetched)
        return self._fetching

    async def _fetch(self, fetch: Fetch) -> Token:
        asked_at, self._failure = self._clock(), None
        try:
            token = await fetch()
        except Exception as error:
            self._failure = error
            raise
        finally:
            self._fetched_at = self._clock()
        self._value, self._ends_at = token.value, asked_at + token.seconds
        self.known.append(token.value)
        return token

    def _fetched(self, task: asyncio.Task[Token]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody waits for an early refresh


class TokenRefused(DeliveryError):
    """The provider does not take the token (any more): fetched again once, then what it means is raised."""

    def __init__(self, meaning: DeliveryError) -> None:
        super().__init__(meaning.detail, http_status=meaning.http_status, code=meaning.code, reason=meaning.reason)
        self.meaning = meaning
