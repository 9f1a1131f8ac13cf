"""YAML as the configuration reads it: plain data, and the line each value stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from receiver.config.findings import Finding, Place
from receiver.config.variables import expand

_DEEPEST = 64
_MOST_VALUES = 200_000
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for value in (True, False) for word in (str(value), str(value).lower(), str(value).upper())
}
_CORE = "tag:yaml.org,2002:"
_TEXT = f"{_CORE}str"
_TAGS = frozenset(("str", "int", "float", "bool", "null", "timestamp", "value", "seq", "map"))


class Unreadable(Exception):
    """The file cannot be taken for a document at all."""

    def __init__(self, rule: str, line: int | None = None) -> None:
        super().__init__(rule)
        self.finding = Finding((), rule, line=line)


@dataclass(slots=True)
class Document:
    """A configuration file's content.

    `written` holds, for values in which variables were put, the text with the variables; `filled` what was put in.
    `broken` are the places whose value could not be had: there is no use in judging them.
    """

    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    written: dict[Place, str] = field(default_factory=dict)
    filled: dict[Place, list[str]] = field(default_factory=dict)
    broken: set[Place] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def line(self, place: Place) -> int | None:
        """The line of a value, or of the closest thing around it."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None

    def at(self, place: Place) -> Any:
        """The value at a place; KeyError when there is none."""
        value = self.data
        for part in place:
            try:
                value = value[part]
            except (TypeError, IndexError) as error:
                raise KeyError(part) from error
        return value


def read(content: bytes, environ: Mapping[str, str]) -> Document:
    """The document in `content`, its variables expanded. Unreadable when it is none."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from None
    root = _composed(text)
    if root is None:
        raise Unreadable("is empty")
    if not isinstance(root, yaml.MappingNode):
        raise Unreadable("must be a mapping of keys to values", root.start_mark.line + 1)
    reading = _Reading(environ)
    reading.document.data = reading.value(root, ())
    return reading.document


def _composed(text: str) -> yaml.Node | None:
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # composing recurses in C: never too deep
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise Unreadable(f"is nested more than {_DEEPEST} levels deep")
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"is not valid YAML: {_explained(error)}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError:
        raise Unreadable("is not valid YAML: it holds a character that YAML does not allow") from None
    return root


def _explained(error: yaml.MarkedYAMLError) -> str:
    if error.context is None or error.context_mark is None:
        return str(error.problem)
    return f"{error.problem} {error.context} that began on line {error.context_mark.line + 1}"


class _Reading:
    """One pass over the nodes of a document."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.document = Document()
        self._environ = environ
        self._around: list[yaml.Node] = []
        self._values = 0

    def value(self, node: yaml.Node, place: Place) -> Any:
        self._count()
        self.document.lines.setdefault(place, node.start_mark.line + 1)
        if any(node is each for each in self._around):
            return self._refuse(place, "is an alias of something that holds it")
        if node.tag.removeprefix(_CORE) not in _TAGS:
            return self._refuse(place, f"has the tag {node.tag}; tags are not supported")
        self._around.append(node)
        found = self._content(node, place)
        self._around.pop()
        return found

    def _content(self, node: yaml.Node, place: Place) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*place, number)) for number, each in enumerate(node.value)]
        return self._scalar(node, place)

    def _count(self) -> None:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise Unreadable(f"holds more than {_MOST_VALUES} values once its aliases are followed")

    def _refuse(self, place: Place, rule: str) -> None:
        self.document.findings.append(Finding(place, rule))
        self.document.broken.add(place)

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        expanded = expand(node.value, self._environ)
        for rule in expanded.broken:
            self._refuse(place, rule)
        if expanded.text != node.value:
            self.document.written[place] = node.value
            self.document.filled[place] = expanded.values
            return expanded.text
        return _resolved(node.value) if getattr(node, "style", None) in (None, "") and node.tag != _TEXT else node.value

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in self._pairs(node, place):
            below = (*place, key.value)
            self.document.lines[below] = key.start_mark.line + 1
            found[key.value] = self.value(value, below)
        return found

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """The entries, each key once; what `<<` brings in comes last and only where the mapping itself has nothing."""
        first: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.document.findings.append(Finding(place, "has a key that is not text", line=line))
            elif key.tag == f"{_CORE}merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif key.value in first:
                rule = f"is given twice, first on line {first[key.value]}"
                self.document.findings.append(Finding((*place, key.value), rule, line=line))
            else:
                first[key.value] = line
                yield key, value
        yield from self._merged(merged, place, set(first))

    def _merged(
        self, nodes: list[yaml.Node], place: Place, taken: set[str]
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for node in nodes:
            self._count()
            if not isinstance(node, yaml.MappingNode) or any(node is each for each in self._around):
                self._refuse(place, "can only merge (<<) another mapping")
                continue
            self._around.append(node)
            for key, value in self._pairs(node, place):
                if key.value not in taken:
                    taken.add(key.value)
                    yield key, value
            self._around.pop()


def _resolved(text: str) -> Any:
    """What a plain word stands for: nothing, true, false, a whole number, else itself.

    YAML 1.1's other words (yes, on, 0123, 1:30) stay text; the settings read them where they mean something.
    """
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
