"""What both formats of a contacts file come down to: entries with their lines, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Place = tuple[str | int, ...]


class Finding(NamedTuple):
    """One thing wrong: the key or column (empty for the file), the rule, the line, what was offered."""

    key: str
    rule: str
    line: int | None = None
    offered: str | None = None


@dataclass(slots=True)
class Findings:
    """Everything wrong with a file so far."""

    found: list[Finding] = field(default_factory=list)

    def add(self, key: str, rule: str, line: int | None = None, offered: str | None = None) -> None:
        self.found.append(Finding(key, rule, line, offered))


@dataclass(frozen=True, slots=True)
class Entry:
    """One contact as it stands in the file, not judged yet.

    `headings` are a table's own words for the fields, `lines` those of the values where they are known.
    """

    values: Any
    line: int
    headings: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[Place, int] = field(default_factory=dict)

    def key(self, place: Place) -> str:
        """A place as the file's author knows it: `rotation.members[1]`, `手机`; `contact` for the entry itself."""
        text = ""
        for part in place:
            text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{self.headings.get(part, part)}"
        return text or "contact"

    def line_of(self, place: Place) -> int:
        """The line of a value, or of the closest thing around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return self.line
