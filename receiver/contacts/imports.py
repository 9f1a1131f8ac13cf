"""Contacts from a file of their own: a YAML list, or CSV by hand or as the WeCom and DingTalk consoles export it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from receiver.contacts.directory import shown
from receiver.contacts.lists import entries_of_yaml
from receiver.contacts.reading import Entry, Findings
from receiver.contacts.settings import ContactSettings
from receiver.contacts.tables import entries_of_csv
from receiver.errors import ConfigError, Fault
from receiver.settings import Misfit

_LARGEST = 16 * 1024 * 1024
_MOST_FAULTS = 100
_READERS = {".yaml": entries_of_yaml, ".yml": entries_of_yaml, ".csv": entries_of_csv, ".tsv": entries_of_csv}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_KNOWN = ", ".join(ContactSettings.model_fields)
_RULES = {
    "missing": "is required",
    "extra_forbidden": f"is not a key that is known here; known are {_KNOWN}",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}


class Listed(NamedTuple):
    """A contact and the line it begins on."""

    contact: ContactSettings
    line: int


def read_contacts(path: str | os.PathLike[str]) -> list[Listed]:
    """The contacts in a file, in its order; its ending tells the format: .yaml, .yml, .csv or .tsv.

    YAML is a list as under `contacts`. CSV is UTF-8 (with or without a mark), GB18030, or UTF-16 with a mark; its
    header names the columns in any order: `name` and ids, or the Chinese ones of the WeCom and DingTalk consoles.
    ConfigError names all that is wrong, each with its line: names given twice, ids that cannot be, formulas, workbooks.
    """
    name, findings = Path(path).name, Findings()
    found = list(_contacts(_entries(Path(path), findings), findings))
    _check_names(found, findings)
    if findings.found:
        findings.found.sort(key=lambda finding: finding.line or 0)
        faults = [Fault(f"{name}: {each.key}" if each.key else name, *each[1:]) for each in findings.found]
        more = [Fault(name, f"holds {len(faults) - _MOST_FAULTS} more faults")] if len(faults) > _MOST_FAULTS else []
        raise ConfigError(faults[:_MOST_FAULTS] + more)
    return found


def _entries(path: Path, findings: Findings) -> Iterator[Entry]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        findings.add("", f"cannot be read: {getattr(error, 'strerror', None) or 'not a file'}")
        return
    ending = path.suffix.lower()
    if content.startswith(_WORKBOOKS) or ending in (".xlsx", ".xls"):
        findings.add("", "is an Excel workbook; save it as CSV (comma separated, UTF-8) and name that file")
    elif len(content) > _LARGEST:
        findings.add("", "is larger than 16 MiB")
    elif ending not in _READERS:
        findings.add("", f"must end in one of {', '.join(_READERS)}")
    else:
        yield from _READERS[ending](content, findings)


def _contacts(entries: Iterator[Entry], findings: Findings) -> Iterator[Listed]:
    for entry in entries:
        try:
            yield Listed(ContactSettings.model_validate(entry.values), entry.line)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                _explain(each, entry, findings)


def _explain(error: ErrorDetails, entry: Entry, findings: Findings) -> None:
    """One of pydantic's errors in words; in a table by the heading of the column."""
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        for place, rule in cause.faults:
            findings.add(entry.key((*error["loc"], *place)), rule, entry.line_of((*error["loc"], *place)))
        return
    offered = shown(error["input"]) if isinstance(error["input"], str) else None
    rule = str(cause) if cause is not None else _RULES.get(error["type"], error["msg"])
    findings.add(entry.key(error["loc"]), rule, entry.line_of(error["loc"]), offered)


def _check_names(found: list[Listed], findings: Findings) -> None:
    first: dict[str, Listed] = {}
    for each in found:
        if (taken := first.setdefault(each.contact.name, each)) is not each:
            rule = f"is also the name on line {taken.line}; names must differ"
            findings.add("name", rule, each.line, each.contact.name)
