"""Contacts as a YAML list; every value is taken as text, so that no number loses its zeros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from receiver.contacts.reading import Entry, Findings, Place

_DEEPEST = 8
_NOTHING = ("", "~", "null", "Null", "NULL")


class _Refused(Exception):
    """YAML that is not read: the rule, and the line."""

    def __init__(self, rule: str, line: int) -> None:
        super().__init__(rule)
        self.line = line


def entries_of_yaml(content: bytes, findings: Findings) -> Iterator[Entry]:
    """Each contact of the list; what is no list of mappings is noted."""
    try:
        root = _composed(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        findings.add("", "is not UTF-8 text", content.count(b"\n", 0, error.start) + 1)
    except _Refused as error:
        findings.add("", str(error), error.line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        findings.add("", f"is not valid YAML: {error.problem or error.context}", mark.line + 1 if mark else None)
    except yaml.YAMLError:
        findings.add("", "is not valid YAML: it holds a character that YAML does not allow")
    else:
        yield from _listed(root, findings)


def _composed(text: str) -> yaml.Node | None:
    """The document's node; it is small and has no circle."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):  # composing recurses in C: never too deep
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _Refused("is nested too deep", _line(event))
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("holds an alias; aliases are not supported here", _line(event))
    root: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    return root


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _listed(root: yaml.Node | None, findings: Findings) -> Iterator[Entry]:
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        findings.add("", "must be a list of contacts", root.start_mark.line + 1)
        return
    for node in root.value:
        lines: dict[Place, int] = {}
        values = _plain(node, (), lines, findings)
        yield Entry(values, node.start_mark.line + 1, lines=lines)


def _plain(node: yaml.Node, place: Place, lines: dict[Place, int], findings: Findings) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, findings)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, (*place, number), lines, findings) for number, each in enumerate(node.value)]
    plain = isinstance(node, yaml.ScalarNode) and node.style in (None, "")
    return None if plain and node.value in _NOTHING else node.value


def _mapping(node: yaml.MappingNode, place: Place, lines: dict[Place, int], findings: Findings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            findings.add("contact", "has a key that is not text", line)
        elif key.value in found:
            findings.add(key.value, "is given twice", line)
        else:
            found[key.value] = _plain(value, (*place, key.value), lines, findings)
            lines[(*place, key.value)] = line
    return found
