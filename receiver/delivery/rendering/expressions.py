"""Regular expressions in templates: RE2's, in linear time, with Go's replacements."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import re2

from receiver.delivery.rendering.bounds import Budget
from receiver.delivery.rendering.markup import text_of
from receiver.errors import TemplateError

_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> Any:
    try:
        return re2.compile(pattern)
    except re2.error as error:
        raise TemplateError(f"bad regular expression {pattern!r}: {_words(error)}") from None


def _words(error: Exception) -> str:
    word = error.args[0] if error.args else ""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


def match(text: object, pattern: str) -> bool:
    """Does the RE2 `pattern` occur in `text`?"""
    return _pattern(pattern).search(text_of(text)) is not None


def re_replace_all(budget: Budget) -> Callable[[object, str, str], str]:
    """`reReplaceAll`: RE2, with Go's `$1` and `${name}` in the replacement."""

    def re_replace(text: object, pattern: str, replacement: str) -> str:
        value, compiled = text_of(text), _pattern(pattern)
        pieces, end = [], 0
        for found in compiled.finditer(value):
            budget.charge(1)
            piece = value[end : found.start()] + _GROUP.sub(partial(_expanded, found), replacement)
            budget.text(len(piece))
            pieces.append(piece)
            end = found.end()
        return "".join([*pieces, value[end:]])

    return re_replace


def _expanded(found: Any, group: re.Match[str]) -> str:
    name = group[1] or group[2]
    if name is None:
        return "$"
    try:
        return found[int(name) if name.isdecimal() else name] or ""
    except (IndexError, KeyError):
        return ""
