"""Values made fit to be shown: what cannot be seen or would deceive goes, what a platform would act on is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import ClassVar, Final
from urllib.parse import quote

import orjson
from jinja2 import Undefined

from receiver.channels.cleaning import cleaned
from receiver.errors import TemplateError

CUT: Final = "\x1e"
"""What `{{ cut }}` puts between the pieces of a message; no value can hold it."""

VALUE_LIMIT = 32 * 1024
"""How many characters of one value are ever shown; more than a message of any platform can hold."""

_CONTROL = re.compile("[\x1c-\x1f]")
_LINE_END = re.compile("\r\n?|[\n\x0b\x0c\x85\u2028\u2029]")
_PLAIN_TAG = re.compile(r"<(?=\s*/?\s*(?:@|at(?![a-z0-9])))", re.IGNORECASE)
_PLAIN_ENTITY = re.compile(r"&(?=lt;?|#0*60;?|#x0*3c;?)", re.IGNORECASE)
_SCHEME = re.compile(r"https?://(?:[^\s/?#\\@\[\]]+|\[[0-9a-f:.]+\](?::\d+)?)(?=[/?#]|$)", re.IGNORECASE)
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Safe(str):
    """Text that may stand in the output as it is.

    Only this very type is trusted. Every string method gives a plain str again, which is escaped once more.
    """

    __slots__ = ()


class Url(str):
    """A URL that `web_url` has made: it may be followed as it is, and is escaped like any text where it is shown."""

    __slots__ = ()
    LIMIT: ClassVar = 8192


def standing(text: object) -> str:
    """`text` as a template gives it to stand between values: only what could pass for a mark of ours is taken out."""
    given = text_of(text)
    return _standing(given) if len(given) < 64 else _CONTROL.sub("", given)


@lru_cache(maxsize=1024)
def _standing(text: str) -> str:
    return _CONTROL.sub("", text)


def lines_of(value: str) -> list[str]:
    """The lines of `value` that are not blank; an indent becomes no-break spaces, so that it makes no code block."""
    lines, value = [], value[:VALUE_LIMIT].replace("\t", "  ")
    one = [value]
    for line in one if value.splitlines() == one else _LINE_END.split(value):  # ten times as fast as to look for ends
        text = line.strip()
        if text:
            lines.append("\xa0" * min(len(line) - len(line.lstrip()), 8) + text)
    return lines


def defused(value: str) -> str:
    """`value` on one line of plain text, where some platforms still read `<@user>` and `<at ...>` as a mention."""
    value = cleaned(value)
    if "<" in value:
        value = _PLAIN_TAG.sub("＜", value)
    return _PLAIN_ENTITY.sub("＆", value) if "&" in value else value


def web_url(url: object) -> str:
    """`url` if it is http or https without credentials, all that could end a link percent-encoded; else empty."""
    if type(url) is Url:
        return url
    return _web_url(url if type(url) is str else text_of(url)) if url else ""


@lru_cache(maxsize=2048)
def _web_url(url: str) -> str:
    url = url.strip()
    host = _SCHEME.match(url)
    if host is None or len(url) > Url.LIMIT:
        return ""
    path = _LONE_PERCENT.sub("%25", url[host.end() :]).replace("&#", "&%23")
    name = host[0] if "[" in host[0] else quote(host[0], safe=":/%", errors="replace")
    made = name + quote(path, safe="/?#:@!$&+,;=~%", errors="replace")
    return Url(made) if len(made) <= Url.LIMIT else ""


def text_of(value: object) -> str:
    """Any value as text: null and missing as nothing, booleans as JSON says them, lists and objects as JSON.

    TemplateError when it would be larger than anything that can be shown.
    """
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, dict | list | tuple):
        return to_json(value)
    return str(value)


def to_json(value: object) -> str:
    """`value` as JSON; lone surrogates become U+FFFD, what JSON does not know its text."""
    measure(value)
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        return orjson.dumps(_mended(value), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _mended(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {text_of(_mended(key)): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    if isinstance(value, int | float | None):
        return value if not isinstance(value, int) or abs(value) < 2**53 else str(value)
    return text_of(value)


MEASURE = 32 * 1024 * 1024
_STEP = 32
"""What it takes, in characters, to go to a value."""
_LISTS = (list, tuple)


def measure(value: object, room: int = MEASURE, depth: int = 0) -> int:
    """What is left of `room` characters after `value`, to its depth; TemplateError when it does not fit."""
    if depth > 64:
        raise TemplateError("a value is nested too deeply")
    if isinstance(value, str):
        room -= len(value)
    elif isinstance(value, dict):
        room = _measured(value.values(), _measured(value, room, depth), depth)
    elif isinstance(value, _LISTS):
        room = _measured(value, room, depth)
    room -= _STEP
    if room < 0:
        raise TemplateError("a value is too large to be written out")
    return room


def _measured(items: Iterable[object], room: int, depth: int) -> int:
    for item in items:  # mostly texts
        room = room - len(item) - _STEP if type(item) is str else measure(item, room, depth + 1)
    return room


class Escaped(dict[str, str]):
    """Each text as it must stand in the output. What was escaped before is known: labels come back with every message.

    Long values are paid for by `charge` with their length, and end with `…` after `limit` characters.
    """

    def __init__(self, escape: Callable[[str], str], charge: Callable[[int], None], limit: int = VALUE_LIMIT) -> None:
        super().__init__()
        self._escape, self._charge, self._limit = escape, charge, limit

    def __missing__(self, value: str) -> str:
        if len(value) > 512:
            self._charge(min(len(value), self._limit))
            return self._escape(value if len(value) <= self._limit else value[: self._limit] + "…")
        if len(self) >= 8192:
            self.clear()
        escaped = self[value] = self._escape(value)
        return escaped


def escaping(known: Escaped) -> Callable[[object], str]:
    """The function that every output of a template goes through: a trusted text as it is, all else by `known`."""

    def escaped(value: object) -> str:
        kind = type(value)
        if kind is str:
            return known[value]  # type: ignore[index]
        if kind is Safe:
            return value  # type: ignore[return-value]
        if kind is int:
            return str(value)
        return known[text_of(value)]

    return escaped
