"""Faults that can be shown to anyone: what is secret, or may be, is masked wherever it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from receiver.config.document import Document
from receiver.config.findings import Finding, Nothing, Place, name, show
from receiver.config.outline import Outline
from receiver.config.settings import Settings
from receiver.errors import Fault

_MASK = "***"
_SHORTEST = 6
"""Shorter secrets are masked where they are offered, but not looked for within sentences."""


class Redaction:
    """Turns findings into faults, knowing every secret of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._outline = Outline(Settings, document.data)
        found = {text for text in self._secrets(document.data, ()) if len(text) >= _SHORTEST}
        self._known = sorted(found, key=len, reverse=True)

    def faults(self, findings: Iterable[Finding]) -> list[Fault]:
        """The faults in the order of the file."""
        made = [self._fault(finding) for finding in findings]
        return sorted(made, key=lambda fault: fault.line or 0)

    def _fault(self, finding: Finding) -> Fault:
        line = finding.line or self._document.line(finding.place) or None
        rule = self._scrubbed(finding.rule, finding.place)
        return Fault(self._scrubbed(name(finding.place), ()), rule, line, self._offered(finding))

    def _offered(self, finding: Finding) -> str | None:
        if finding.offered is Nothing:
            return None
        if self._outline.is_secret(finding.place):
            return _MASK
        return self._scrubbed(show(self._document.written.get(finding.place, finding.offered)), ())

    def _scrubbed(self, text: str, place: Place) -> str:
        """`text` without the document's secrets, and without the variables put into the value that it is about."""
        filled = [value for value in self._document.filled.get(place, ()) if len(value) >= _SHORTEST]
        for secret in (*self._known, *filled):
            text = text.replace(secret, _MASK)
        return text

    def _secrets(self, value: Any, place: Place) -> Iterator[str]:
        if isinstance(value, dict | list):
            for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._secrets(inner, (*place, part))
        elif isinstance(value, str | int) and place and self._outline.is_secret(place):
            yield str(value)
