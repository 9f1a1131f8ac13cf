"""Matchers, held against what Alertmanager 0.34's own two parsers answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from receiver.matching import BadExpression, Matcher, MatcherList, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo=bar", [("foo", "=", "bar")]),
        ('foo="bar"', [("foo", "=", "bar")]),
        ("foo!=bar", [("foo", "!=", "bar")]),
        ("foo=~bar.*", [("foo", "=~", "bar.*")]),
        ('foo!~"bar.*"', [("foo", "!~", "bar.*")]),
        (' foo = "bar" ', [("foo", "=", "bar")]),
        ('{foo="bar"}', [("foo", "=", "bar")]),
        (' {foo="bar"} ', [("foo", "=", "bar")]),
        ('{foo = "bar", dings != "bums", }', [("foo", "=", "bar"), ("dings", "!=", "bums")]),
        ("foo=bar,dings!=bums", [("foo", "=", "bar"), ("dings", "!=", "bums")]),
        ('{a="b",c=~"d"}', [("a", "=", "b"), ("c", "=~", "d")]),
        ('{foo="bar,quux", job="job1"}', [("foo", "=", "bar,quux"), ("job", "=", "job1")]),
        (r'{quote="She said: \"Hi, ladies!\""}', [("quote", "=", 'She said: "Hi, ladies!"')]),
        (r'q != "\"" , c !~ "foo,bar" , ', [("q", "!=", '"'), ("c", "!~", "foo,bar")]),
        ("", []),
        ("{}", []),
        ("{ }", []),
    ],
)
def test_the_common_syntax(text, expected):
    assert [(m.name, m.op, m.value) for m in parse(text)] == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("job=", ""),
        ('job=""', ""),
        (r"foo=bar\n", "bar\n"),
        (r"foo=bar\t", r"bar\t"),
        ("foo=bar\\", "bar\\"),
        (r"foo=bar\\", "bar\\"),
        (r"foo=bar\"", 'bar"'),
        (r'foo="\d+"', r"\d+"),
        ("tricky==~~", "=~~"),
        (r"trickier==\\=\=\"", r'=\=\="'),
        ("foo=bar}}", "bar}"),
        ("foo=!bar", "!bar"),
        ("foo='", "'"),
        ("foo=a b", "a b"),
        ('foo="a\nb"', "a\nb"),
    ],
)
def test_what_the_classic_parser_alone_accepts(text, value):
    assert [m.value for m in parse(text)] == [value]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("foo🙂=bar", "foo🙂", "bar"),
        ("threshold.name=cpu", "threshold.name", "cpu"),
        ('团队="数据库"', "团队", "数据库"),
        ('"foo"="bar"', "foo", "bar"),
        ('{"label with spaces"="x"}', "label with spaces", "x"),
        (r'"a\"b\\c\n"="x"', 'a"b\\c\n', "x"),
        (r'"foo"="\xf0\x9f\x99\x82"', "foo", "🙂"),
        (r'"foo"="\U0001f642\u00e9\101\t"', "foo", "🙂éA\t"),
        ("a-b=c", "a-b", "c"),
        ("0day=x", "0day", "x"),
        ("a.b\u202f=\u202fx", "a.b", "x"),
    ],
)
def test_what_the_utf8_parser_alone_accepts(text, name, value):
    assert parse(text) == (Matcher(name, "=", value),)


def test_where_the_parsers_disagree_the_classic_one_is_right():
    assert parse(r'foo="\xf0\x9f"') == (Matcher("foo", "=", r"\xf0\x9f"),)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("foo", "expected an operator (=, !=, =~ or !~) at the end"),
        ("foo!bar", "expected != or !~ at character 4"),
        ("=bar", "expected a label name at character 1, found ="),
        (",", "expected a label name at character 1, found ,"),
        ("a.b=", "expected a value at the end"),
        ("{a.b=c", "expected a comma or a closing brace at the end"),
        ("a.b=c}", "expected an opening brace first at character 6, found }"),
        ("a.b=c d", "expected a comma or the end at character 7, found d"),
        ("{a.b=c} d", "expected a comma or the end at character 9, found d"),
        ('"a', "a double quote is not closed at character 1"),
        ("a.b='c'", "' must stand within double quotes at character 5"),
        (r'"a"="\w"', r"holds an escape that is none"),
        ('"a"="b\nc"', "holds an escape that is none"),
        (r'"a"="\xf0\x9f"', "is not valid UTF-8"),
        (r'"a"="\ud800"', "is not valid UTF-8"),
        (r'"a"="\400"', "is not valid UTF-8"),
        ('job="value', "a double quote is not closed at character 5"),
        ('foo=~"a("', 'the regular expression "a(" is not valid: missing )'),
        ("foo=~a**", 'the regular expression "a**" is not valid: bad repetition operator: **'),
        ("foo!~(?=x)", 'the regular expression "(?=x)" is not valid: invalid perl operator'),
    ],
)
def test_what_neither_accepts_is_explained(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse(text)


def test_re2_does_not_write_to_stderr(capfd):
    with pytest.raises(BadExpression):
        Matcher("a", "=~", "(")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("matcher", "value", "expected"),
    [
        (Matcher("a", "=", "x"), "x", True),
        (Matcher("a", "=", "x"), "X", False),
        (Matcher("a", "!=", "x"), "x", False),
        (Matcher("a", "!=", "x"), "y", True),
        (Matcher("a", "=~", "db|infra"), "infra", True),
        (Matcher("a", "=~", "db|infra"), "infrastructure", False),
        (Matcher("a", "=~", "db|infra"), "mydb", False),
        (Matcher("a", "=~", "web-[0-9]+"), "web-12", True),
        (Matcher("a", "=~", "web-[0-9]+"), "web-12 ", False),
        (Matcher("a", "=~", "a.c"), "a\nc", False),
        (Matcher("a", "=~", "(?i)CRIT.*"), "critical", True),
        (Matcher("a", "=~", "."), "数", True),
        (Matcher("a", "=~", r"\d"), "１", False),
        (Matcher("a", "=~", "a$"), "a\n", False),
        (Matcher("a", "=~", ".*"), "", True),
        (Matcher("a", "=~", ".+"), "", False),
        (Matcher("a", "!~", "db|infra"), "web", True),
        (Matcher("a", "!~", "db|infra"), "db", False),
        (Matcher("a", "=~", ".*x"), "\udcff", False),
    ],
)
def test_matching(matcher, value, expected):
    assert matcher.matches({"a": value}) is expected
    assert matcher.matches({"a": value}) is expected  # and from memory


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [('a=""', True), ("a!=x", True), ("a=x", False), ("a=~x|", True), ("a=~.+", False), ("a!~x", True)],
)
def test_a_missing_label_is_the_empty_string(matcher, expected):
    assert parse(matcher)[0].matches({"b": "x"}) is expected


def test_a_hostile_pattern_takes_linear_time():
    matcher = Matcher("a", "=~", "(a+)+$")
    assert not matcher.matches({"a": "a" * 50_000 + "!"})


def test_the_memory_of_verdicts_is_bounded():
    matcher = Matcher("a", "=~", "x.*")
    for number in range(10_000):
        matcher.matches({"a": f"x{number}"})
    assert len(matcher._test._known) <= 4096


def test_matchers_are_values():
    assert Matcher("a", "=~", "b.c") == parse('a=~"b.c"')[0]
    assert len({Matcher("a", "=", "b"), Matcher("a", "=", "b")}) == 1
    with pytest.raises(AttributeError):
        Matcher("a", "=", "b").value = "c"


def test_an_unknown_operator_is_refused():
    with pytest.raises(ValueError, match="is no operator"):
        Matcher("a", "==", "b")


@pytest.mark.parametrize(
    ("matcher", "text"),
    [
        (Matcher("a", "=", 'b"\\\n'), r'a="b\"\\\n"'),
        (Matcher("团队", "!=", "db"), '团队!="db"'),
        (Matcher("with space", "=~", "\x00\té\u202f"), '"with space"=~"\\x00\\té\\u202f"'),
    ],
)
def test_printed_as_alertmanager_prints(matcher, text):
    assert str(matcher) == text


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["=", "!="]), st.text())
def test_what_is_printed_is_read_back(name, op, value):
    matcher = Matcher(name, op, value.encode("utf-8", "replace").decode())
    assert parse(str(matcher)) == (matcher,)


@given(st.text(alphabet='ab=~!{},"\\\n \tn团.|(', max_size=24))
def test_any_text_is_parsed_or_refused_with_a_sentence(text):
    matchers, refusal = (), ""
    try:
        matchers = parse(text)
    except ValueError as error:
        refusal = str(error) or "nothing said"
    assert refusal != "nothing said"
    assert all(parse(str(each)) == (each,) for each in matchers)


def test_a_settings_list_is_flattened():
    adapter = TypeAdapter(MatcherList)
    assert adapter.validate_python(['{a="b",c="d"}', "e=f"]) == parse("a=b,c=d,e=f")
    assert adapter.validate_python([Matcher("a", "=", "b")]) == parse("a=b")
    assert adapter.dump_python(parse("a=b,c=~d")) == ['a="b"', 'c=~"d"']


@pytest.mark.parametrize("wrong", ["foo", "a=~(", 5, None, ["a=b"]])
def test_a_settings_list_says_which_entry_is_wrong(wrong):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(MatcherList).validate_python(["a=b", wrong])
    assert [error["loc"] for error in refused.value.errors()] == [(1,)]
