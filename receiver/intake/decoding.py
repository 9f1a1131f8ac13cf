"""Bytes -> JSON values: the fast parser first, the tolerant one second, never an exception but BadPayload."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

from receiver.errors import BadPayload

DEPTH = 64
"""The deepest nesting a body may have."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> Any:
    """The JSON value of `body`.

    A BOM is skipped, lone surrogates become U+FFFD, NUL is removed, NaN, Infinity and numbers beyond a float read
    as null; of duplicate keys the last one counts. BadPayload when it is no JSON, not UTF-8, or nested deeper than
    DEPTH.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _clean(_tolerant(body))
    if b"\\u0000" in body:
        return _clean(value)
    if body.count(b"{") + body.count(b"[") > DEPTH:
        _refuse_depth(value)
    return value


def decode_exactly(body: bytes) -> Any:
    """As `decode`, but a whole number beyond 64 bits keeps every digit; slower."""
    return _clean(_tolerant(body.removeprefix(b"\xef\xbb\xbf")))


def _tolerant(body: bytes) -> Any:
    try:
        text = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise BadPayload(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        return json.loads(text, strict=False, parse_constant=_null, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise BadPayload(f"the JSON is nested deeper than {DEPTH}") from None
    except ValueError as error:
        raise BadPayload(f"the body is not JSON: {error}") from None


def _null(_: str) -> None:
    return None


def _float(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _int(digits: str) -> int | float | None:
    return int(digits) if len(digits) < 400 else _float(digits)


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH + 1):
        level = [item for item in level if type(item) is dict or type(item) is list]
        if not level:
            return
        level = [item for each in level for item in (each.values() if type(each) is dict else each)]
    raise BadPayload(f"the JSON is nested deeper than {DEPTH}")


def _clean(value: Any, depth: int = 0) -> Any:
    """`value` without NUL and lone surrogates; the same object where nothing had to change."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict | list) and depth >= DEPTH:
        raise BadPayload(f"the JSON is nested deeper than {DEPTH}")
    if isinstance(value, dict):
        return {_clean_text(key): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value


def _clean_text(text: str) -> str:
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))
