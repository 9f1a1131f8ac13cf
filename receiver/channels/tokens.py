"""An app's access token: fetched once for all who need it, refreshed before it ends, dropped only if it is refused."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from receiver.errors import DeliveryError, Misconfigured

REFUSED_FOR = 60.0
"""Seconds for which a refused credential is not tried again: providers ban addresses that keep trying."""


class Token(NamedTuple):
    """What a provider gave: the token and for how many seconds it lives."""

    value: str
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
        self._fetching: asyncio.Task[str] | None = None
        self._refusal: tuple[float, Misconfigured] | None = None
        self.known: deque[str] = deque(maxlen=4)
        """The latest tokens: what must not appear in any record or log."""

    async def get(self, fetch: Fetch) -> str:
        """A token that lives, by `fetch` if there is none. Raises what `fetch` raises."""
        left = self._ends_at - self._clock()
        if self._value and left > self._margin:
            return self._value
        if self._fetching is None:
            self._refuse_again()
            self._fetching = asyncio.create_task(self._fetch(fetch))
            self._fetching.add_done_callback(self._fetched)
        if self._value and left > 0:
            return self._value
        return await asyncio.shield(self._fetching)

    def drop(self, value: str) -> None:
        """Forget `value`, which the provider refused, unless another one took its place meanwhile."""
        if value == self._value:
            self._value, self._ends_at = "", 0.0

    async def _fetch(self, fetch: Fetch) -> str:
        asked_at = self._clock()
        try:
            value, seconds = await fetch()
        except Misconfigured as error:
            self._refusal = (self._clock(), error)
            raise
        self._value, self._ends_at = value, asked_at + seconds
        self.known.append(value)
        return value

    def _fetched(self, task: asyncio.Task[str]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # whoever waited has it; an early refresh that failed is tried again with the next message

    def _refuse_again(self) -> None:
        """Raise the refusal of a moment ago."""
        if self._refusal is None or self._clock() - self._refusal[0] > REFUSED_FOR:
            self._refusal = None
            return
        error = self._refusal[1]
        raise Misconfigured(error.detail, http_status=error.http_status, code=error.code, reason=error.reason)


class TokenRefused(DeliveryError):
    """The provider does not take the token (any more): fetched again once, then what it means is raised."""

    def __init__(self, meaning: DeliveryError) -> None:
        super().__init__(meaning.detail, http_status=meaning.http_status, code=meaning.code, reason=meaning.reason)
        self.meaning = meaning
