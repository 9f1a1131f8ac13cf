"""Alertmanager's first matchers parser (`pkg/labels`): names of ASCII letters, values that need no quotes."""

from __future__ import annotations

import re
from typing import cast

from receiver.matching.matcher import SPACES, Matcher, Operator

_BLANK = "\t\n\f\r "  # what `\s` is in RE2
_HEAD = re.compile(rf"[{_BLANK}]*([a-zA-Z_:][a-zA-Z0-9_:]*)[{_BLANK}]*(=~|=|!=|!~)")
_ESCAPE = re.compile(r'\\(["\\n])')
_TO_QUOTE = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of `text`, with or without braces around it. ValueError if this parser does not take it."""
    return tuple(_matcher(part) for part in _parts(text.removeprefix("{").removesuffix("}")))


def _parts(body: str) -> list[str]:
    """Cut at the commas outside of quotes. A comma leaves a pending backslash pending: so it does in Alertmanager."""
    parts, start, quoted, escaped = [], 0, False, False
    for position, char in enumerate(body):
        if char == ",":
            if not quoted:
                parts.append(body[start:position])
                start = position + 1
            continue
        if char == '"' and not escaped:
            quoted = not quoted
        escaped = char == "\\" and not escaped
    last = body[start:].strip(SPACES)
    return [*parts, last] if last else parts


def _matcher(part: str) -> Matcher:
    head = _HEAD.match(part)
    if head is None:
        raise ValueError(f"{part!r} is not a matcher")
    return Matcher(head[1], cast("Operator", head[2]), _value(part[head.end() :].strip(_BLANK)))


def _value(raw: str) -> str:
    quoted = raw.startswith('"')
    inner = raw[1:] if quoted else raw
    to_quote = _TO_QUOTE.match(inner)
    if quoted and to_quote is not None and to_quote.end() == len(inner):
        inner = inner[:-1]
    elif quoted or to_quote is not None:
        raise ValueError("a double quote within the value must be escaped")
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], inner)
