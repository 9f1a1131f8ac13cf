"""From a file to Settings, or to everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from receiver.channels.registry import CHANNELS
from receiver.config import wording
from receiver.config.checks import check
from receiver.config.document import Document, Unreadable, read
from receiver.config.findings import Finding, Nothing, Place
from receiver.config.outline import Outline
from receiver.config.people import People
from receiver.config.redaction import Redaction
from receiver.config.settings import Settings
from receiver.errors import ConfigError, Fault
from receiver.settings import Misfit


def load(
    path: str | os.PathLike[str],
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in a YAML file. ConfigError names all that is wrong with it, and never a secret.

    `environ` has the values of `${VAR}`; `overrides` (from flags, by path: `server.listen`) win over the file.
    """
    try:
        document = read(Path(path).read_bytes(), environ)
    except OSError as error:
        raise ConfigError([Fault("(file)", f"cannot be read: {error.strerror or 'not a file'}")]) from None
    except Unreadable as error:
        raise ConfigError([Fault("(file)", error.finding.rule, error.finding.line)]) from None
    for key, value in (overrides or {}).items():
        _override(document, tuple(key.split(".")), value)
    return settings_of(document, Path(path).parent)


def settings_of(document: Document, folder: Path) -> Settings:
    """The settings in a document whose paths are relative to `folder`. ConfigError as `load`."""
    settings: Settings | None = None
    found: list[Finding] = []
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        outline = Outline(Settings, document.data)
        for each in error.errors(include_url=False):
            found += _findings(each, outline, document)
    people = People(document.data, folder)
    found += [*check(document.data), *people.findings]
    findings = document.findings + [finding for finding in found if finding.place not in document.broken]
    if findings or people.faults or settings is None:
        raise ConfigError(Redaction(document).faults(_distinct(findings)) + people.faults)
    return settings.model_copy(update={"contacts": (*settings.contacts, *(each.contact for each in people.listed))})


def format_faults(path: str | os.PathLike[str], faults: Iterable[Fault]) -> str:
    """One line a fault: `config.yaml:12: channels[0].key: is required`."""
    return "\n".join(_line(os.fspath(path), fault) for fault in faults)


def _line(path: str, fault: Fault) -> str:
    where = f"{path}:{fault.line}" if fault.line else path
    offered = f" (offered: {fault.offered})" if fault.offered is not None else ""
    return f"{where}: {fault.path}: {fault.rule}{offered}"


def _override(document: Document, place: Place, value: str) -> None:
    data = document.data
    for part in place[:-1]:
        if not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    data[place[-1]] = value
    document.lines[place] = 0  # on none
    for remembered in (document.written, document.filled):
        remembered.pop(place, None)
    document.findings = [finding for finding in document.findings if finding.place != place]


def _findings(error: ErrorDetails, outline: Outline, document: Document) -> Iterator[Finding]:
    location: Place = tuple(error["loc"])
    if error["type"] == "default_factory_not_called":
        return  # the value it depends on has a fault of its own
    if error["type"] == "extra_forbidden":
        place = outline.drop_tags(location)
        yield Finding(place, wording.unknown_key(str(place[-1]), outline.keys(place[:-1])))
    elif error["type"] == "missing":
        place = outline.drop_tags(location[:-1])
        yield Finding((*place, location[-1]), _missing(outline, place, str(location[-1])))
    elif error["type"].startswith("union_tag"):
        yield _kind(outline.drop_tags(location), document)
    else:
        yield from _faulty_values(error, outline.drop_tags(location), document)


def _missing(outline: Outline, place: Place, key: str) -> str:
    twin = f"{key}_file"
    return f"is required (or {twin})" if twin in outline.keys(place) else "is required"


def _kind(place: Place, document: Document) -> Finding:
    channel = document.at(place)
    if not isinstance(channel, dict):
        return Finding(place, "must be a mapping of keys to values")
    if "kind" not in channel:
        return Finding((*place, "kind"), f"is required: one of {', '.join(CHANNELS)}")
    return Finding((*place, "kind"), wording.unknown_kind(channel["kind"], CHANNELS), channel["kind"])


def _faulty_values(error: ErrorDetails, place: Place, document: Document) -> Iterator[Finding]:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Misfit):
        for below, rule in cause.faults:
            yield Finding((*place, *below), rule, _value(document, (*place, *below)))
    else:
        offered = _value(document, place) if wording.shows_value(error) else Nothing
        yield Finding(place, wording.rule(error), offered)


def _value(document: Document, place: Place) -> Any:
    """The value at a place, unless it is a section or is not there."""
    try:
        value = document.at(place)
    except KeyError:
        return Nothing
    return Nothing if isinstance(value, dict | list) else value


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each fault once."""
    seen: set[tuple[Place, str]] = set()
    kept: list[Finding] = []
    for finding in findings:
        if (finding.place, finding.rule) not in seen:
            seen.add((finding.place, finding.rule))
            kept.append(finding)
    return kept
