"""What every face answers with: JSON, times in RFC 3339, errors as a word and a sentence."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from receiver import model

RETRY_AFTER = "5"
"""Seconds, as the header of every 503."""


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def refusal(status: int, word: str, sentence: str) -> web.Response:
    """An error: `{"error": word, "detail": sentence}`; a 503 says when to come back, a 401 how to ask."""
    response = answer({"error": word, "detail": sentence}, status)
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="alert-receiver", charset="UTF-8"'
    return response


def instant(at: float | None) -> str | None:
    """A moment as JSON has it, null where there is none."""
    return None if at is None else model.instant(at)
