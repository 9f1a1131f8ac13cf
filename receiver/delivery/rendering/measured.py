"""What Grafana measured, in few words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from receiver.delivery.rendering.markup import text_of

_BRACKET = re.compile(r"[\[\]]")
_CAPTURED = re.compile(r"\b(?:var|metric)='([^']*)'")
_MEASURED = re.compile(r"\bvalue=(\S+)")


def measured(alert: Mapping[str, Any]) -> str:
    """Grafana's values as `B=95, C=1`; none where there is a `reason`: then they are old, or -1 for want of any."""
    if alert.get("reason"):
        return ""
    values = alert.get("values")
    if isinstance(values, dict) and values:
        return ", ".join([_named(name, value) for name, value in values.items()])
    text = text_of(alert.get("valueString"))
    return ", ".join([_named(name, value) for name, value in _captures(text)]) if text else ""


def _captures(text: str) -> Iterator[tuple[str, str]]:
    """The names and values in Grafana's `[ var='B' labels={…} value=95 ], …`: in one pass, however long it is."""
    for capture in _BRACKET.split(text):
        end = 0
        while (name := _CAPTURED.search(capture, end)) and (value := _MEASURED.search(capture, name.end())):
            yield name[1], value[1]
            end = value.end()


def _named(name: str, value: object) -> str:
    return f"{name}={_short(value)}" if name else _short(value)


def _short(value: object) -> str:
    """A fraction to six digits, all else as it is."""
    text = text_of(value)
    if "." not in text:
        return text
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text
