"""One matcher: a condition on one label, fast to ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import re2

Operator = Literal["=", "!=", "=~", "!~"]

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go calls a space (`unicode.IsSpace`); Python's `str.isspace` knows four more."""
RESERVED = re.escape(SPACES) + r"{}!=~,\\\"'`"
"""The characters that a word without quotes cannot hold, for a regular expression's set."""

_NEEDS_QUOTES = re.compile(rf"[{RESERVED}]")
_LITERALS = re.compile(r"[^\\.+*?()\[\]{}^$]*")
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 512
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class BadExpression(ValueError):
    """A regular expression that RE2 does not accept."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. BadExpression, a ValueError, when `=~` or `!~` have no regular expression.

    Regular expressions are Go's (RE2), match the whole value, and never take more than linear time.
    """

    name: str
    op: Operator
    value: str
    _test: Callable[[str], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_test", _test_for(self.op, self.value))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` satisfy this condition; a label that is missing is the empty string."""
        return self._test(labels.get(self.name, ""))

    def __str__(self) -> str:
        """The matcher as Alertmanager prints it; `parse` reads it back."""
        if not self.name or _NEEDS_QUOTES.search(self.name):
            return f"{_quoted(self.name)}{self.op}{_quoted(self.value)}"
        value = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.op}"{value}"'


def _test_for(op: str, value: str) -> Callable[[str], bool]:
    if op == "=":
        return value.__eq__
    if op == "!=":
        return value.__ne__
    if op not in ("=~", "!~"):
        raise ValueError(f"{op!r} is no operator; use =, !=, =~ or !~")
    if op == "=~" and _LITERALS.fullmatch(value):
        return frozenset(value.split("|")).__contains__
    return _Expression(value, negated=op == "!~")


class _Expression:
    """A compiled regular expression that remembers its verdicts on the values it has seen."""

    __slots__ = ("_known", "_negated", "_search")

    def __init__(self, pattern: str, negated: bool) -> None:
        self._search = _compiled(pattern).search
        self._negated = negated
        self._known: dict[str, bool] = {}

    def __call__(self, value: str) -> bool:
        known = self._known.get(value)
        return self._decide(value) if known is None else known

    def _decide(self, value: str) -> bool:
        verdict = (self._search(value.encode("utf-8", "replace")) is None) is self._negated
        if len(value) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[value] = verdict
        return verdict


def _compiled(pattern: str) -> Any:
    try:
        return re2.compile(b"^(?:%s)$" % pattern.encode(), _OPTIONS)
    except re2.error as error:
        why = _reason(pattern.encode()) or _text(error)
    except UnicodeEncodeError:
        why = "it is not valid UTF-8"
    raise BadExpression(f'the regular expression "{pattern}" is not valid: {why}')


def _reason(pattern: bytes) -> str:
    """What RE2 says of the pattern by itself; empty when it is only within the anchors that it is not valid."""
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        return _text(error)
    return ""


def _text(error: Exception) -> str:
    reason = error.args[0] if error.args else "not accepted"
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _quoted(text: str) -> str:
    """`text` as a Go literal in double quotes (`strconv.Quote`)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape(char) for char in escaped) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if 7 <= code <= 13:
        return "\\" + "abtnvfr"[code - 7]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
