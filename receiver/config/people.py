"""The contacts of a document and of the file it names, and every name under `mentions`: does it stand for someone?

Read from the plain data, as all checks between the sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from receiver.config.findings import Finding, Place
from receiver.contacts import Contacts, ContactSettings, Listed, read_contacts
from receiver.contacts.directory import nearest
from receiver.contacts.ids import mention_name
from receiver.errors import ConfigError, Fault

_PLACE = re.compile(r"contacts\[(\d+)\]\.(.+)")
_PART = re.compile(r"(\w+)|\[(\d+)\]")


class People:
    """The contacts `listed` in the file; `findings` about the document, `faults` of the file."""

    def __init__(self, data: Any, folder: Path) -> None:
        self.listed: list[Listed] = []
        self.findings: list[Finding] = []
        self.faults: list[Fault] = []
        self._own = _own(data)
        self._data = data
        file = data.get("contacts_file") if isinstance(data, dict) else None
        if isinstance(file, str) and file:
            self._read(folder / file)
        if not self.faults:  # else who knows whom the file would have named
            self._check(file)

    def _read(self, path: Path) -> None:
        try:
            self.listed = read_contacts(path)
        except ConfigError as error:
            self.faults = [_in_its_file(fault, path.name) for fault in error.faults]

    def _check(self, file: Any) -> None:
        contacts = Contacts([*self._own, *(each.contact for each in self.listed)], UTC)
        for fault in contacts.faults():
            self._place(fault, file)
        for place, mention in _mentions(self._data):
            if _is_a_name(mention) and not contacts.knows(mention):
                hint = nearest(mention, contacts.names)
                self.findings.append(Finding(place, f"must be the name of a contact{hint}", mention))

    def _place(self, fault: Fault, file: Any) -> None:
        """Put a fault between the contacts where its contact stands: in the document, or in the file."""
        found = _PLACE.fullmatch(fault.path)
        number, below = (int(found[1]), found[2]) if found else (0, fault.path)
        if number < len(self._own):
            parts = tuple(int(position) if position else key for key, position in _PART.findall(below))
            self.findings.append(Finding(("contacts", number, *parts), fault.rule, fault.offered))
        else:
            line = self.listed[number - len(self._own)].line
            self.faults.append(Fault(f"{Path(file).name}:{line}: {below}", fault.rule, offered=fault.offered))


def _own(data: Any) -> list[ContactSettings]:
    """The document's own contacts; one that has a fault keeps its place and its name."""
    entries = data.get("contacts") if isinstance(data, dict) else None
    return [_contact(entry, number) for number, entry in enumerate(_list(entries))]


def _contact(entry: Any, number: int) -> ContactSettings:
    try:
        return ContactSettings.model_validate(entry)
    except ValidationError:
        name = entry.get("name") if isinstance(entry, dict) else None
        return ContactSettings.model_construct(name=f"contacts[{number}]" if name is None else str(name))


def _in_its_file(fault: Fault, name: str) -> Fault:
    """The line is one of the contacts' file, not of the configuration: it belongs behind the file's name."""
    where = f"{name}:{fault.line}{fault.path.removeprefix(name)}" if fault.line else fault.path
    return Fault(where, fault.rule, offered=fault.offered)


def _is_a_name(value: Any) -> bool:
    """Whether a value can be a contact's name at all; what cannot be is a fault already, and everyone is nobody's."""
    try:
        return isinstance(value, str) and mention_name(value) != "@all"
    except ValueError:
        return False


def _mentions(data: Any) -> Iterator[tuple[Place, Any]]:
    """Each name under the `mentions` of the channels and the routes, and where it stands."""
    if isinstance(data, dict):
        for number, channel in enumerate(_list(data.get("channels"))):
            yield from _named(channel, ("channels", number))
        yield from _routed(data.get("route"), ("route",))


def _routed(route: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    yield from _named(route, place)
    for number, child in enumerate(_list(route.get("routes")) if isinstance(route, dict) else []):
        yield from _routed(child, (*place, "routes", number))


def _named(section: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    mentions, place = (section.get("mentions") if isinstance(section, dict) else None), (*place, "mentions")
    yield from _listed(mentions, place)
    if isinstance(mentions, dict):
        yield from _listed(mentions.get("names"), (*place, "names"))
        severities = mentions.get("by_severity")
        for severity, names in severities.items() if isinstance(severities, dict) else ():
            yield from _listed(names, (*place, "by_severity", severity))


def _listed(names: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    for number, name in enumerate(_list(names)):
        yield (*place, number), str(name) if type(name) is int else name


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
