"""POST /api/v1/render: the messages an event would become, before anything is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
import orjson
from aiohttp import web

from receiver.delivery.preview import Preview, Shown, Unknown, Wanted
from receiver.errors import BadPayload
from receiver.web.answers import answer, refusal
from receiver.web.bodies import whole
from receiver.web.middleware import rule

_MOST_WAITING = 8
_NOTHING = msgspec.Raw(b"null")


class Render:
    """Shows what would go out. `make` takes a while, and is called in a thread, for one request at a time.

    It gets the Unix time, and raises Unknown for a name that nothing has, BadPayload for an event that cannot be
    understood.
    """

    def __init__(self, make: Callable[[Wanted, float], Preview]) -> None:
        self._make = make
        self._turn = asyncio.Lock()
        self._waiting = 0

    def routes(self) -> list[web.RouteDef]:
        """The one path of this face."""
        return [web.post("/api/v1/render", self.render)]

    @rule("viewer")
    async def render(self, request: web.Request) -> web.Response:
        """The messages with their bytes, their text as people read it, and what is wrong with them."""
        if self._waiting >= _MOST_WAITING:
            return refusal(503, "unavailable", "too many previews are being made")
        self._waiting += 1
        try:
            body = await whole(request)
            async with self._turn:
                return await asyncio.to_thread(self._answer, body)
        finally:
            self._waiting -= 1

    def _answer(self, body: bytes) -> web.Response:
        try:
            return answer(told(self._make(wanted(body), time.time())))
        except Unknown as error:
            return refusal(400, f"unknown_{error.noun}", str(error))
        except BadPayload as error:
            return refusal(400, "badBody", str(error))
        except ValueError as error:
            return refusal(400, "bad_request", str(error))


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request; the event stays as it was written."""

    event: msgspec.Raw = _NOTHING
    channel: str | None = None
    kind: str | None = None
    template: str | None = None
    language: str | None = None


_DECODE = msgspec.json.Decoder(_Asked).decode


def wanted(body: bytes) -> Wanted:
    """What a request asks for. ValueError, with a sentence, for one that is not understood."""
    try:
        asked = _DECODE(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)[:500]) from None
    if "" in (asked.channel, asked.kind, asked.template, asked.language):
        raise ValueError("a name must not be empty")
    if (asked.channel is None) == (asked.kind is None):
        raise ValueError("name either a channel or a kind")
    names = (asked.channel, asked.kind, asked.template, asked.language)
    return Wanted(_event(bytes(asked.event)), *(name or "" for name in names))


def _event(given: bytes) -> bytes:
    """The event as it would be posted: a string holds it, anything else is it."""
    if given in (b"", b"null"):
        raise ValueError("event is missing: the body as Alertmanager or Grafana would post it")
    if not given.startswith(b'"'):
        return given
    try:
        return msgspec.json.decode(given, type=str).encode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"event is no valid string: {error}") from None


def told(preview: Preview) -> dict[str, Any]:
    """A preview as the API and the command line show it in JSON."""
    return {
        "messages": [_message(shown) for shown in preview.messages],
        "kind": preview.kind,
        "template": preview.template,
        "language": preview.language,
        "warnings": list(preview.warnings),
    }


def _message(shown: Shown) -> dict[str, Any]:
    message, readable = shown.message, shown.readable
    return {
        "number": message.number,
        "total": message.total,
        "target": message.target,
        "content": _content(message.content),
        "text": readable.text,
        "title": readable.title,
        "bytes": shown.used,
        "limit": shown.limit,
        "mentions": list(readable.mentions),
        "links": list(readable.links),
    }


def _content(content: bytes) -> Any:
    """The JSON object or list that a wire body is, else its text."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict | list) else content.decode("utf-8", "replace")
