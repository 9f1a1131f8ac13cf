"""`${VAR}` and `${VAR:-default}` in the values of the configuration; `$$` is a plain dollar sign."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\{))")


@dataclass(slots=True)
class Expanded:
    """A text after its variables were put in: their values, and a rule for each one that could not be."""

    text: str = ""
    values: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def expand(text: str, environ: Mapping[str, str]) -> Expanded:
    """Put the variables in. A default stands in for one that is not set or empty, as in a shell."""
    expanded = Expanded()

    def value(found: re.Match[str]) -> str:
        dollar, variable, default, open_brace = found.groups()
        if dollar:
            return "$"
        if open_brace:
            expanded.broken.append("holds ${ without a variable; write ${NAME}, ${NAME:-default}, or $${ to mean ${")
            return ""
        if variable not in environ and default is None:
            expanded.broken.append(f"needs the environment variable {variable}, which is not set and has no default")
        expanded.values.append(environ.get(variable) or default or "")
        return expanded.values[-1]

    expanded.text = _VARIABLE.sub(value, text)
    return expanded
