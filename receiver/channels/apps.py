"""What the providers' apps have in common: each call carries a token, which is fetched with the app's secret."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar, TypeVar

from receiver.channels.base import Channel, Confirmation, digest
from receiver.channels.tokens import Token, TokenRefused, Tokens
from receiver.errors import DeliveryError, Misconfigured, Throttled, Unavailable
from receiver.http import Client, Request, Response
from receiver.model import Message
from receiver.settings import Rate

T = TypeVar("T")

_SHOWN, _LONGEST = 10, 64
"""How many ids words name, and how many characters of each."""


class App(Channel):
    """A channel that posts as an app. A subclass says how its token is asked for and where a call carries it."""

    margin: ClassVar[float]
    """Seconds before its end that a token is refreshed."""

    def __init__(self, settings: Any, client: Client) -> None:
        super().__init__(settings, client)
        asked = self.token_request()
        same = digest(asked.url, asked.body.decode())  # the same app at the same place
        self._tokens = client.common(f"token {same}", lambda: Tokens(self.margin))

    @abstractmethod
    def token_request(self) -> Request:
        """The request that asks for a token."""

    @abstractmethod
    def read_token(self, response: Response) -> Token:
        """The token that was answered; raises the DeliveryError the answer means otherwise."""

    def token_of(self, response: Response) -> Token:
        """The token that was answered. What refuses to give one refuses for good, unless it asks for patience."""
        try:
            return self.read_token(response)
        except (Misconfigured, Throttled, Unavailable):
            raise
        except DeliveryError as error:
            refusal = Misconfigured(error.detail, http_status=error.http_status, code=error.code)
        raise refusal

    @abstractmethod
    def carrying(self, request: Request, token: str) -> Request:
        """`request` with the token where the provider looks for it."""

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post `message` once; once more with a new token if the token was refused."""
        return await self.call(self.build(message, now), self.check)

    async def call(self, request: Request, judge: Callable[[Response], T]) -> T:
        """What `judge` makes of the answer to `request`. TokenRefused out of `judge` has it asked once more."""
        try:
            return await self._call(request, judge)
        except TokenRefused:
            pass
        try:
            return await self._call(request, judge)
        except TokenRefused as error:
            refusal = error.meaning
        raise refusal

    async def _call(self, request: Request, judge: Callable[[Response], T]) -> T:
        token = await self._tokens.get(self._fetch)
        response = await self.client.send(self.carrying(request, token))
        try:
            return judge(response)
        except TokenRefused:
            self._tokens.drop(token)
            raise

    async def _fetch(self) -> Token:
        try:
            token = self.token_of(await self.client.send(self.token_request()))
        except Unavailable as error:
            error.ambiguous = False  # whatever became of this request, no message was posted
            raise
        if not token.value or len(token.value) > 4096 or not token.value.isprintable() or token.seconds <= 0:
            raise Unavailable(f"{self.kind}: the answer to the request for a token holds none")
        return token


class Pace:
    """An exact sliding window in memory, for what is limited beside the credential: one chat, one user."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=rate.count)
        self._turn = asyncio.Lock()

    async def wait(self) -> None:
        """Return when one more is allowed, in the order of asking; it is counted as of now."""
        async with self._turn:
            if len(self._taken) == self._rate.count:
                await asyncio.sleep(max(0.0, self._taken[0] + self._rate.per - self._clock()))
            self._taken.append(self._clock())


def shares(ids: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """`ids`, each once, in lists of at most `most`."""
    known = list(dict.fromkeys(ids))
    return [tuple(known[start : start + most]) for start in range(0, len(known), most)]


def listed(ids: Iterable[str]) -> str:
    """The first ids of many, in words."""
    known = list(ids)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(who[:_LONGEST] for who in known[:_SHOWN]) + more


def ids_in(answer: Mapping[str, Any], name: str) -> list[str]:
    """The ids listed under `name`, whatever else a provider may have answered."""
    found = answer.get(name)
    return [str(who) for who in found if isinstance(who, str | int)] if isinstance(found, list) else []
