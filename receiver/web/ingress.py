"""POST /webhook: authenticate, bound, accept, answer. 2xx only after the commit; 503, never 429."""

from __future__ import annotations

import asyncio
import zlib

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from receiver import logs
from receiver.auth import Senders, Signed
from receiver.errors import BadPayload, StoreUnavailable
from receiver.intake.pipeline import UNKNOWN, Accepted, Intake, Posting, UnknownChannel
from receiver.metrics import Metrics
from receiver.web.answers import answer, refusal
from receiver.web.middleware import rule

READ_SECONDS = 8.0
"""How long a body may take to arrive; with the closing of the connection it stays below 10 s."""
MOST_AT_ONCE = 1024
"""Bodies being taken in at once; more are asked to come back."""
MOST_BYTES_AT_ONCE = 64 * 1024**2
"""Their decoded bytes together, or twice the largest body if that is more."""

_log = logs.get("web")
_LENGTH: web.RequestKey[int] = web.RequestKey("length", int)


class _Crowded(Exception):
    """All bodies together are larger than there is room for."""


class Ingress:
    """Takes webhooks. `draining` is set while the service is going down."""

    def __init__(self, intake: Intake, senders: Senders, metrics: Metrics, max_body: int) -> None:
        self.draining = False
        self._intake = intake
        self._senders = senders
        self._metrics = metrics
        self._max_body = max_body
        self._busy = 0
        self._room = max(MOST_BYTES_AT_ONCE, 2 * max_body)
        self._taken = 0

    def routes(self) -> list[web.RouteDef]:
        """POST and PUT on each path a sender may be pointed at."""
        paths = ("/webhook", "/webhook/alertmanager", "/webhook/grafana")
        return [define(path, self.post) for path in paths for define in (web.post, web.put)]

    @rule("sender")
    async def post(self, request: web.Request) -> web.Response:
        """Take one body in."""
        if self.draining or self._busy >= MOST_AT_ONCE:
            why = "the service is going down" if self.draining else "too many bodies are being taken in"
            return self._refuse(503, "unavailable", why)
        self._busy += 1
        try:
            return await self._take(request)
        finally:
            self._busy -= 1
            self._taken -= request.get(_LENGTH, 0)

    async def _take(self, request: web.Request) -> web.Response:
        source = None if self._senders.open else self._senders.by_header(request.headers)
        if source is None and not self._senders.open and not self._senders.wants_signature:
            return self._refuse(401, "unauthorized", "the Authorization header names no sender that is configured")
        body = await self._read(request, source or UNKNOWN)
        if isinstance(body, web.Response):
            return body
        signed = None
        if source is None and not self._senders.open:
            signed = self._senders.signed(request.headers, body, self._intake.now())
            if signed is None:
                return self._refuse(401, "unauthorized", "neither a token, a password nor a valid signature was sent")
            source = signed.name
        return await self._accept(request, body, source or "", signed)

    async def _read(self, request: web.Request, source: str) -> bytes | web.Response:
        if (request.content_length or 0) > self._max_body:
            return self._too_large(source)
        try:
            if request.content.is_eof():  # it came with the head: nothing to wait for
                return await self._whole(request)
            async with asyncio.timeout(READ_SECONDS):
                return await self._whole(request)
        except HTTPRequestEntityTooLarge:
            return self._too_large(source)
        except _Crowded:
            return self._refuse(503, "unavailable", "too many bytes are being taken in", source)
        except TimeoutError:
            return self._refuse(503, "unavailable", f"the body did not arrive within {READ_SECONDS:g} s", source)
        except (web.RequestPayloadError, ContentEncodingError, zlib.error):
            return self._refuse(400, "badBody", "the body is not what its headers say (encoding or length)", source)

    async def _whole(self, request: web.Request) -> bytes:
        """The decoded body. `request.read` would decode up to the limit at a time, and keep several such pieces."""
        pieces, length = [], 0
        while piece := await request.content.readany():
            pieces.append(piece)
            self._taken += len(piece)
            request[_LENGTH] = length = length + len(piece)
            if length > self._max_body:
                raise HTTPRequestEntityTooLarge(self._max_body)
            if self._taken > self._room:
                raise _Crowded
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _accept(self, request: web.Request, body: bytes, source: str, signed: Signed | None) -> web.Response:
        channels = tuple(request.query.getall("channel", ())) if request.query_string else ()
        posting = Posting(source, request.path, body, channels, request.headers, signed)
        try:
            return _accepted(await self._intake.accept(posting))
        except BadPayload as error:
            return self._refuse(400, "badBody", str(error), source or UNKNOWN)
        except UnknownChannel as error:
            return self._refuse(400, "unknown_channel", str(error), source or UNKNOWN, reason="badBody")
        except StoreUnavailable as error:
            return self._refuse(503, "unavailable", str(error), source or UNKNOWN)

    def _too_large(self, source: str) -> web.Response:
        return self._refuse(413, "tooLarge", f"the body is larger than {self._max_body} bytes", source)

    def _refuse(
        self, status: int, word: str, sentence: str, source: str = UNKNOWN, *, reason: str | None = None
    ) -> web.Response:
        self._metrics.events_rejected.labels(source, reason or word).inc()
        if status != 503:  # of those there may be a thousand a second, and their sender comes back
            _log.warning("a webhook was refused", source=source, status=status, reason=sentence)
        response = refusal(status, word, sentence)
        if status in (401, 413, 503):
            response.force_close()
        return response


def _accepted(accepted: Accepted) -> web.Response:
    receipt = accepted.receipt
    deliveries = [{"id": d.id, "channel": d.channel, "state": d.state} for d in receipt.deliveries]
    told = {"id": receipt.event_id, "duplicate": receipt.duplicate, "alerts": accepted.alerts, "deliveries": deliveries}
    return answer(told, 202)
