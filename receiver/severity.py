"""What the words of a severity label mean: how severe, how urgent, in which colour. One table for every room."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.model import Priority

UNKNOWN = 3
"""The rank of a word that is not known: between warning and info."""
RANKS: Mapping[str, int] = {
    **dict.fromkeys(("critical", "fatal", "emergency", "disaster", "page", "p0", "紧急", "致命", "灾难", "严重"), 0),
    **dict.fromkeys(("high", "p1", "高"), 1),
    **dict.fromkeys(("error", "major", "warning", "warn", "average", "medium", "minor", "p2", "警告", "中"), 2),
    **dict.fromkeys(("info", "information", "informational", "notice", "low", "p3", "提示", "通知", "信息", "低"), 4),
    **dict.fromkeys(("none", "debug", "p4", "p5"), 5),
}
"""How severe a word is, 0 the most; words in lower case."""

_PRIORITIES: tuple[Priority, ...] = ("high", "high", "normal", "normal", "low", "low")
_COLOURS = ("red", "red", "orange", "orange", "blue", "blue")


def rank(word: str) -> int:
    """How severe the word of a severity label is, 0 the most, in any case."""
    return RANKS.get(word.lower(), UNKNOWN)


def priority(labels: Mapping[str, str]) -> Priority:
    """How urgent an alert with these labels is: high, normal or low."""
    return _PRIORITIES[rank(labels.get("severity", ""))]


def colour(word: str) -> str:
    """The colour of a severity that fires: red, orange or blue."""
    return _COLOURS[rank(word)]
