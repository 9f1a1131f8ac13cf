"""Texts made fit to be shown: nothing invisible, nothing that breaks out of its line, nothing over its room."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import orjson
import regex

UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
"""Control, bidi, zero-width and tag characters and lone surrogates: the inside of a character class."""

BREAK = " ↵ "
"""What stands for a line break within a value: seen, but unable to begin a heading, a quote or a list."""

OPENING = r"\[(?=[^\[\]]*\](?:[(\[:]|\Z))"
"""The bracket of a link's text: left alone, it would go with the closing bracket of a link that follows."""

ENTITY = r"&(?=#|lt|gt|LT|GT|[A-Za-z0-9]+;)"
"""An ampersand that could begin a character reference; those of a URL's query mostly do not."""

_UNSEEN = re.compile(f"[{UNSEEN}]")
_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_BREAK = re.compile(f"[ \t]*[{_LINE_ENDS}][ \t{_LINE_ENDS}]*")
_INVISIBLE = re.compile("[\xad\u180e\u200b-\u200d\u2060-\u2065\ufeff\U000e0000-\U000e007f]+")
_PLAIN_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c]")
_PLAIN_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")


def cleaned(value: str) -> str:
    """`value` on one line: line breaks as BREAK, control and bidi characters as U+FFFD, zero-width ones removed."""
    if not _UNSEEN.search(value):
        return value
    one_line = _BREAK.sub(BREAK, value.strip(_LINE_ENDS)).replace("\t", " ")
    return _UNSEEN.sub("\ufffd", _INVISIBLE.sub("", one_line))


def plain(text: str) -> str:
    """`text` with its line breaks, but no control or bidi characters; never longer than before in UTF-8."""
    if not _UNSEEN.search(text):
        return text
    return _PLAIN_BIDI.sub("\ufffd", _PLAIN_CONTROL.sub("?", _INVISIBLE.sub("", text)))


def fitted(text: str, room: int, weigh: Callable[[str], int], shape: Callable[[str], str]) -> str:
    """`shape(text)` if it weighs at most `room`, else that of the longest beginning of `text` that fits, with `…`."""
    whole = shape(text)
    if weigh(whole) <= room:
        return whole
    signs = regex.findall(r"\X", text)
    low, high = 0, len(signs)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if weigh(shape("".join(signs[:middle])) + "…") <= room else (low, middle - 1)
    return shape("".join(signs[:low])) + "…" if low else ""


def preview(title: str) -> str:
    """The line a phone shows before the message is opened: at most 64 characters of `title`."""
    line = cleaned(title)
    return line if len(line) <= 64 else line[:63] + "…"


def wire(body: object) -> bytes:
    """`body` as JSON in UTF-8."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # a lone surrogate
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def utf8(text: str) -> int:
    """The bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def json_bytes(text: str) -> int:
    """The bytes of `text` inside a JSON string; additive over concatenation."""
    try:
        return len(orjson.dumps(text)) - 2
    except orjson.JSONEncodeError:
        return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2
