"""What is wrong with a configuration before it is put into words that are safe to show."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""

_PLAIN_KEY = re.compile(r"[^\s.\[\]\"]+")


class Nothing:
    """Stands for a value that was not offered, where None is a value."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where, which rule, the value offered (Nothing where showing one would not help)."""

    place: Place
    rule: str
    offered: object = Nothing
    line: int | None = None


def name(place: Place) -> str:
    """A place as users read it: `channels[0].key`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text or "(file)"


def show(value: object) -> str:
    """A value as it may stand in a message: one line, not too long."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:97]}..."
