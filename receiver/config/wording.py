"""Rules in plain sentences, for each error that pydantic can report on the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import get_args

from pydantic import StringConstraints
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from receiver.channels.base import ChannelName

_NAME = "must be at most 63 letters, digits, dots, dashes or underscores, a letter or digit first"
_PATTERNS = {each.pattern: _NAME for each in get_args(ChannelName) if isinstance(each, StringConstraints)}
_PYDANTIC = frozenset(get_args(ErrorType))
_PREFIXES = {
    "ip_any_network": "must be a network like 10.0.0.0/8",
    "ip_v4_network": "must be a network like 10.0.0.0/8",
    "ip_v6_network": "must be a network like fd00::/8",
    "ip_": "must be an IP address",
    "url_": "must be an address like https://example.com/path",
    "int_": "must be a whole number",
    "float_": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_": "must be a number",
    "bool_": "must be true or false",
    "string_type": "must be text; put it in quotes if it looks like something else",
    "string_sub_type": "must be text",
    "bytes_": "must be text",
    "path_type": "must be the path of a file",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "iterable_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "mapping_type": "must be a mapping of keys to values",
    "model_": "must be a mapping of keys to values",
    "none_required": "must be empty",
    "missing": "is required",
    "timezone_": "must be a time zone like Asia/Shanghai",
    "date": "must be a date or time like 2026-01-31T08:00:00Z",
    "time": "must be a time like 08:30 or a duration like 5m",
}
_TEMPLATES = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}
_STRUCTURE = re.compile(r"(?:list|tuple|set|frozen_set|iterable|dict|mapping)_type|model_.*|missing|union_tag_.*")


def rule(error: ErrorDetails) -> str:
    """The rule that was broken, as a sentence that follows the key."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", "is not valid"))
    if kind in ("literal_error", "enum"):
        return _choice(str(context.get("expected", "")))
    if _is_left_empty(error):
        return "has no value"
    if kind == "string_pattern_mismatch" and context.get("pattern") in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if kind in _TEMPLATES:
        return _TEMPLATES[kind].format_map(context)
    return next((words for prefix, words in _PREFIXES.items() if kind.startswith(prefix)), _unknown(error))


def shows_value(error: ErrorDetails) -> bool:
    """Whether the offered value helps: not where a whole section is missing or something else stands in its place."""
    return not _STRUCTURE.fullmatch(error["type"]) and not _is_left_empty(error)


def _is_left_empty(error: ErrorDetails) -> bool:
    """Whether nothing stands behind the key of a text."""
    return error["type"] == "string_type" and error["input"] is None


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The rule about a key that is none, with the nearest one that is."""
    known = list(known)
    near = get_close_matches(key, known, 1, 0.6)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none'}"
    return f"is not a key that is known here; {hint}"


def unknown_kind(kind: object, kinds: Iterable[str]) -> str:
    """The rule about a channel's kind that is none."""
    kinds = list(kinds)
    near = get_close_matches(str(kind), kinds, 1, 0.6)
    return f"must be one of {', '.join(kinds)}" + (f"; did you mean {near[0]}?" if near else "")


def _choice(expected: str) -> str:
    choices = re.findall(r"'([^']*)'", expected)
    return f"must be one of {', '.join(choices)}" if len(choices) > 1 else f"must be {(choices or [expected])[0]}"


def _unknown(error: ErrorDetails) -> str:
    """A room's own kind of error speaks for itself; one of pydantic's that the tables lack does not."""
    return "is not a valid value" if error["type"] in _PYDANTIC else error["msg"]
