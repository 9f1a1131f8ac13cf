"""What the settings expect where: the keys they know at a place, and whether what stands there is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from receiver.channels.robots import Key
from receiver.config.findings import Place
from receiver.settings import holds_secret, secret_twins

_SECRET_KEY = re.compile(r".*(?:key|token|secret|password|url|credentials)", re.IGNORECASE | re.DOTALL)


class Outline:
    """The settings' types, laid over the data of one document."""

    def __init__(self, root: type[BaseModel], data: Any) -> None:
        self._root = root
        self._data = data

    def keys(self, place: Place) -> list[str]:
        """The keys known at a place, each secret's `_file` key among them."""
        types, data = self._follow(place)
        sections = [each for each in types if _is_section(each) and _suits(each, data)]
        return sorted({key for section in sections for key in keys_of(section)})

    def is_secret(self, place: Place) -> bool:
        """Whether the value at a place, or one around it, must not be shown."""
        keys = [part for part in place if isinstance(part, str)]
        if any(_SECRET_KEY.fullmatch(key) for key in keys) or any(key.lower().endswith("headers") for key in keys):
            return True
        on_the_way = [each for end in range(1, len(place) + 1) for each in self._follow(place[:end])[0]]
        named = place and str(place[-1]).endswith("_file")
        return any(holds_secret(each) or (_is_pool(each) and not named) for each in on_the_way)

    def drop_tags(self, location: Place) -> Place:
        """A validator's location without the parts that are no keys of the document: the union's choice, a function.

        A secret that was read from a file is found under the key that named the file.
        """
        place: Place = ()
        data = self._data
        for part in location:
            if not _has(data, part) and isinstance(data, Mapping):
                part = f"{part}_file"
            if _has(data, part) and not (isinstance(data, Mapping) and part == data.get("kind")):
                place = (*place, part)
                data = _step(data, part)
        return place

    def _follow(self, place: Place) -> tuple[list[Any], Any]:
        types, data = list(_members(self._root)), self._data
        for part in place:
            types = [inner for each in types for inner in _below(each, part, data)]
            data = _step(data, part)
        return types, data


def sections(root: type[BaseModel]) -> list[type[BaseModel]]:
    """Every section of the settings, each once."""
    found = [root]
    for section in found:
        for field in section.model_fields.values():
            found += [inner for inner in _sections_in(field.annotation) if inner not in found]
    return found


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    for each in _members(annotation):
        if _is_section(each):
            yield each
        for argument in get_args(each):
            yield from _sections_in(argument)


def keys_of(section: type[BaseModel]) -> Iterator[str]:
    """The keys a section may have."""
    for name, field in section.model_fields.items():
        yield field.alias or name
    yield from (twin for _, twin in secret_twins(section))


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, Mapping):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)


def _step(data: Any, part: str | int) -> Any:
    return data[part] if _has(data, part) else None


def _members(annotation: Any) -> Iterator[Any]:
    """The types a value may have: unions opened, annotations dropped."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation


def _below(annotation: Any, part: str | int, data: Any) -> Iterator[Any]:
    """The types of what is under `part` in a value of one type."""
    arguments = get_args(annotation)
    if _is_section(annotation):
        if isinstance(part, str) and _suits(annotation, data):
            yield from _field(annotation, part)
    elif isinstance(part, int) and arguments and not _is_mapping(annotation):
        yield from _members(arguments[0])
    elif isinstance(part, str) and _is_mapping(annotation) and len(arguments) == 2:
        yield from _members(arguments[1])


def _field(section: type[BaseModel], key: str) -> Iterator[Any]:
    for name, field in section.model_fields.items():
        if key in (name, field.alias):
            yield from _members(field.annotation)
    if key in {twin for _, twin in secret_twins(section)}:
        yield str


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_pool(annotation: Any) -> bool:
    """Whether it is the robots of a pool, written as plain texts or not: all there is secret, but paths of files."""
    return any(_is_section(each) and issubclass(each, Key) for each in get_args(annotation))


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _suits(section: type[BaseModel], data: Any) -> bool:
    """Whether a section can be meant by `data`: one of a union by `kind` only if the kind is its own."""
    field = section.model_fields.get("kind")
    if field is None or not isinstance(data, Mapping):
        return True
    kinds = get_args(field.annotation)
    return not kinds or data.get("kind") in kinds
