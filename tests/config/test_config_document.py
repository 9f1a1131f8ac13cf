"""YAML as the configuration reads it: lines, duplicates, aliases, variables, and files that are none."""

from __future__ import annotations

import pytest

from receiver.config import load
from receiver.config.document import Unreadable, read
from receiver.errors import ConfigError


def data(text, **environ):
    document = read(text.encode(), environ)
    assert document.findings == []
    return document.data


def findings(text, **environ):
    document = read(text.encode(), environ)
    return [
        (finding.place, finding.rule, finding.line or document.line(finding.place)) for finding in document.findings
    ]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1", 1),
        ("-5", -5),
        ("0", 0),
        ("007", "007"),
        ("1.50", "1.50"),
        ("0x1F", "0x1F"),
        ("1:30", "1:30"),
        ("2026-01-31", "2026-01-31"),
        ("9" * 30, "9" * 30),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("null", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ("!!str 5", "5"),
        ("=", "="),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_what_a_value_is(word, value):
    assert data(f"a: {word}\n") == {"a": value}


@pytest.mark.parametrize("key", ["on", "yes", "null", "1", "true"])
def test_a_key_is_always_text(key):
    assert data(f"{key}: x") == {key: "x"}


def test_anchors_and_merges():
    assert data("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: {<<: [*a, {z: 4}]}") == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "x": 1},
        "c": {"x": 1, "y": 2},
        "d": {"x": 1, "y": 2, "z": 4},
    }


def test_lines():
    document = read(b"a:\n  b: 1\n  c:\n    - x\n    - {d: 2,\n       e: 3}\n", {})
    places = [("a",), ("a", "b"), ("a", "c"), ("a", "c", 0), ("a", "c", 1), ("a", "c", 1, "d"), ("a", "c", 1, "e")]
    assert [document.line(place) for place in places] == [1, 2, 3, 4, 5, 5, 6]
    assert document.line(("a", "c", 1, "missing")) == 5


@pytest.mark.parametrize(
    ("text", "place", "line", "rule"),
    [
        ("a: 1\nb: 2\na: 3\n", ("a",), 3, "is given twice, first on line 1"),
        ("a:\n  - x: 1\n    x: 1\n", ("a", 0, "x"), 3, "is given twice, first on line 2"),
        ("a: &a [1, *a]", ("a", 1), 1, "is an alias of something that holds it"),
        ("a: &a {<<: *a}", ("a",), 1, "can only merge (<<) another mapping"),
        ("a: {<<: 5}", ("a",), 1, "can only merge (<<) another mapping"),
        ("a:\n  {[1]: 2}", ("a",), 2, "has a key that is not text"),
        ("a: !!python/object/apply:os.system [id]", ("a",), 1, "tags are not supported"),
        ("a: !secret x", ("a",), 1, "has the tag !secret; tags are not supported"),
    ],
)
def test_faults_of_the_document(text, place, line, rule):
    [(found, sentence, where)] = findings(text)
    assert (found, where) == (place, line)
    assert rule in sentence


@pytest.mark.parametrize(
    ("content", "line", "rule"),
    [
        (b"", None, "is empty"),
        (b"# only a comment\n", None, "is empty"),
        (b"- a\n- b\n", 1, "must be a mapping of keys to values"),
        (b"just words", 1, "must be a mapping of keys to values"),
        (b"a: 1\nb: \xff\n", 2, "is not UTF-8 text"),
        (b"a: 1\nb: [1,\nc: 2\n", 4, "is not valid YAML: did not find expected ',' or ']'"),
        (b"a: 1\nb: [1,\nc: 2\n", 4, "while parsing a flow sequence that began on line 2"),
        (b"a: 1\n\tb: 2\n", 2, "is not valid YAML"),
        (b"a: *nobody\n", 1, "is not valid YAML: found undefined alias"),
        (b"a: 1\n---\nb: 2\n", 2, "is not valid YAML"),
        (b"a: \x00\n", None, "is not valid YAML"),
        (b"[" * 100_000, None, "is nested more than 64 levels deep"),
        (b"a: " + b"{b: " * 70, None, "is nested more than 64 levels deep"),
    ],
)
def test_what_is_no_document(content, line, rule):
    with pytest.raises(Unreadable) as refused:
        read(content, {})
    assert refused.value.finding.line == line
    assert rule in refused.value.finding.rule


@pytest.mark.parametrize("link", ["[*{0}, *{0}]", "{{<<: [*{0}, *{0}]}}"])
def test_aliases_cannot_grow_without_bound(link):
    bomb = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {link.format(f'a{n - 1}')}\n" for n in range(1, 40))
    with pytest.raises(Unreadable, match="aliases"):
        read(bomb.encode(), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ('"${A} and ${B}"', "one and two words"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("x${A}y", "xoney"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$A", "$A"),
        ("$2b$12$abc", "$2b$12$abc"),
        ("db$", "db$"),
        ("${REF}", "${A}"),
        ("${PORT:-8060}", "8060"),
        ("'${A}'", "one"),
    ],
)
def test_variables(text, value):
    assert data(f"a: {text}", A="one", B="two words", EMPTY="", REF="${A}") == {"a": value}


def test_variables_are_not_put_into_keys():
    assert data("'${A}': 1", A="one") == {"${A}": 1}


@pytest.mark.parametrize("text", ["${}", "${1}", "${A", "${A:?x}", "${A B}"])
def test_a_variable_that_is_none(text):
    [(place, rule, line)] = findings(f"\na: '{text}'")
    assert (place, line) == (("a",), 2)
    assert "holds ${ without a variable" in rule


def test_a_variable_that_is_not_set():
    assert findings("a:\n  - ${NONE}") == [
        (("a", 0), "needs the environment variable NONE, which is not set and has no default", 2)
    ]


@pytest.mark.parametrize(("name", "why"), [("missing.yaml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path, name, why):
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / name, {})
    assert [(fault.path, fault.rule) for fault in refused.value.faults] == [("(file)", f"cannot be read: {why}")]


def test_a_byte_order_mark_is_nothing():
    assert read(b"\xef\xbb\xbfa: 1", {}).data == {"a": 1}
