"""The functions of templates, each by a table: expression, what it prints."""

from __future__ import annotations

import re
from datetime import UTC
from pathlib import Path

import pytest
from jinja2 import DictLoader
from rendering_samples import NOW, batch, channel, made, template

from receiver.delivery.rendering import facts, views
from receiver.delivery.rendering.environment import TemplateEnvironment
from receiver.delivery.rendering.filters import equip
from receiver.delivery.rendering.markup import web_url
from receiver.delivery.rendering.numbers import number
from receiver.delivery.rendering.samples import alert
from receiver.delivery.rendering.times import spoken
from receiver.errors import TemplateError

LABELS = "{'b': '2', 'alertname': 'X', 'a': '1'}"
TEXTS = [
    ("'aBc' | toUpper", "ABC"),
    ("'aBc' | toLower", "abc"),
    ("'disk FULL on db1' | title", "Disk Full On Db1"),
    ("' x ' | trimSpace", "x"),
    ("['a', 'b'] | join('-')", "a-b"),
    ("join('-', ['a', 'b'])", "a-b"),
    ("[{'n': 'a'}, {'n': 'b'}] | join(', ', attribute='n')", "a, b"),
    ("'db1' | match('^db')", "true"),
    ("match('^web', 'db1')", "false"),
    ("'a b+c' | urlQueryEscape", "a+b%2Bc"),
    ("'a+b%2Bc' | urlUnescape", "a b+c"),
    ("'db-12.example' | reReplaceAll('db-([0-9]+).*', 'host ${1}')", "host 12"),
    ("reReplaceAll('(?P<n>b+)', '<$n>', 'abbc') | replace('<', '(')", "a(bb>c"),
    ("'aaa' | reReplaceAll('a', '$$')", "$$$"),
    ("'abc' | reReplaceAll('', '-')", "-a-b-c-"),
    ("stringSlice('a', 'b') | join('/')", "a/b"),
    ("list(1, 2) | append(3) | join(',')", "1,2,3"),
    ("append(list(1), 2) | join(',')", "1,2"),
    ("dict('a', 1).a", "1"),
    ("dict(a=2).a", "2"),
    ("{'a': none, 'b': 'ü'} | toJson", '{"a":null,"b":"ü"}'),
    ("'a?b>' | base64encode", "YT9iPg=="),
    ("'YT9iPg==' | base64decode", "a?b>"),
    (f"{LABELS} | SortedPairs | pairs", "alertname=X, a=1, b=2"),
    (f"{LABELS} | Remove(['a', 'alertname']) | pairs", "b=2"),
    (f"{LABELS} | Remove('a') | Names | join(',')", "alertname,b"),
    (f"{LABELS} | Values | join(',')", "X,1,2"),
    (f"({LABELS} | SortedPairs)[1].Name", "a"),
    ("'db1.example.com:9100' | stripPort", "db1.example.com"),
    ("'[::1]:9100' | stripPort", "::1"),
    ("'db1' | stripPort", "db1"),
    ("'db1.example.com:9100' | stripDomain", "db1:9100"),
    ("'10.0.0.1:9100' | stripDomain", "10.0.0.1:9100"),
    ("len('abc')", "3"),
    ("'%s is %.1f%%' | format('x', 12.34)", "x is 12.3%"),
    ("'{:>4}'.format(7)", "   7"),
    ("[3, 1] | sum", "4"),
    ("2.567 | round(1)", "2.6"),
    ("2.1 | round(method='ceil')", "3.0"),
    ("'a\\nb' | indent(2) | lines('/')", "a/\xa0\xa0b"),
    ("{'x': 'https://a.example', 'y': '', 'z': 'javascript:1'} | links(' ')", "[x](https://a.example)"),
]
NUMBERS = [
    ("humanize", 0, "0"),
    ("humanize", "NaN", "NaN"),
    ("humanize", "+Inf", "+Inf"),
    ("humanize", 1234567, "1.235M"),
    ("humanize", -999, "-999"),
    ("humanize", 0.00123, "1.23m"),
    ("thousands", 999, "999"),
    ("thousands", "1234567.9", "1,234,567"),
    ("thousands", "-Inf", "-Inf"),
    ("humanize1024", 1, "1"),
    ("humanize1024", 1048576, "1Mi"),
    ("humanize1024", "-2048", "-2ki"),
    ("humanizePercentage", 0.1234567, "12.35%"),
    ("humanizeDuration", 0, "0s"),
    ("humanizeDuration", 93784, "1d 2h 3m 4s"),
    ("humanizeDuration", 3600, "1h 0m 0s"),
    ("humanizeDuration", 65, "1m 5s"),
    ("humanizeDuration", 12.3456, "12.35s"),
    ("humanizeDuration", 0.0123, "12.3ms"),
    ("humanizeDuration", 0.0000005, "500ns"),
    ("humanizeDuration", -65, "-1m 5s"),
    ("humanizeDuration", "NaN", "NaN"),
    ("humanizeTimestamp", 1763600000, "2025-11-20 08:53:20"),
    ("toDuration", 90, "1m 30s"),
    ("parseDuration", "1h30m", "1h 30m 0s"),
]
STAMPS = [
    ("2025-11-20T00:00:00Z", "2025-11-20 08:00:00"),
    ("2025-11-20T00:00:00.123456789Z", "2025-11-20 08:00:00"),
    ("2025-11-19T19:00:00-05:00", "2025-11-20 08:00:00"),
    ("2026-05-27 15:36:00.112013015 +0000 UTC m=+8560.28", "2026-05-27 23:36:00"),
    ("2026-05-27 15:36:00 +0800 CST", "2026-05-27 15:36:00"),
    ("0001-01-01T00:00:00Z", "-"),
    ("0001-01-01T00:00:00+08:00", "-"),
    ("0001-01-01T00:00:00-05:00", "-"),
    ("1970-01-01T00:00:00Z", "-"),
    ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
    ("", "-"),
    ("soon", "-"),
    (None, "-"),
    (1763600000, "2025-11-20 08:53:20"),
    (True, "-"),
]
LAYOUTS = [
    ("2006-01-02 15:04:05", "2025-01-09 04:05:06"),
    ("Mon, 02 Jan 2006 15:04:05 MST", "Thu, 09 Jan 2025 04:05:06 CST"),
    ("Monday January 2 _2 06", "Thursday January 9  9 25"),
    ("3:04PM 03:04 pm", "4:05AM 04:05 am"),
    ("1/2 15:4:5", "1/9 04:5:6"),
    ("15:04:05.000 -07:00", "04:05:06.789 +08:00"),
    ("05.999999 -0700 -07 Z07:00", "06.789 +0800 +08 +08:00"),
    ("%Y/%m/%d %H%%", "2025/01/09 04%"),
    ("没有", "没有"),
]


@pytest.mark.parametrize(("expression", "expected"), TEXTS)
def test_texts_and_lists(tmp_path, expression, expected):
    assert made(tmp_path, "{{ (" + expression + ") }}", "feishu_bot") == expected


@pytest.mark.parametrize(("name", "value", "expected"), NUMBERS)
def test_numbers(tmp_path, name, value, expected):
    assert made(tmp_path, f"{{{{ {value!r} | {name} }}}}").lstrip() == expected


@pytest.mark.parametrize(("stamp", "expected"), STAMPS)
def test_stamps_show_on_the_readers_clock(tmp_path, stamp, expected):
    facts = batch(alert(startsAt=stamp))
    assert made(tmp_path, "{{ alerts[0].startsAt | date }}", facts=facts) == expected


@pytest.mark.parametrize(("layout", "expected"), LAYOUTS)
def test_layouts(tmp_path, layout, expected):
    facts = batch(alert(startsAt="2025-01-08T20:05:06.789Z"), message=layout)
    assert made(tmp_path, "{{ date(message, alerts[0].startsAt) }}", facts=facts) == expected


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_year_one_is_no_time_in_any_zone(tmp_path, zone):
    facts = batch(alert(startsAt="0001-01-01T00:00:00Z"))
    assert made(tmp_path, "{{ alerts[0].startsAt | tz('" + zone + "') | date }}", facts=facts) == "-"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("alerts[0].startsAt | tz('America/New_York') | date('15:04 MST')", "19:00 EST"),
        ("now | date", "2025-11-20 08:53:20"),
        ("alerts[0].startsAt | since", "53m 19s"),
        ("alerts[0].startsAt | since | humanizeDuration", "53m 19s"),
        ("'' | since", ""),
        ("1763600000 | toTime | date('15:04')", "08:53"),
        ("'2017-12-31' | toDate('2006-01-02') | date('02.01.06')", "31.12.17"),
        ("toDate('2006-01-02', 'x') | date", "-"),
        ("mustToDate('2006-01-02 15:04 -07:00', '2017-12-31 10:00 +08:00') | date", "2017-12-31 10:00:00"),
        ("alerts[0].duration", "53分钟"),
        ("'2025-11-20T15:59:59Z' | until(alerts[0].startsAt)", "23:59:59"),
        ("'2025-11-20T16:00:00Z' | until(alerts[0].startsAt)", "2025-11-21 00:00:00"),
        ("until('', '')", "-"),
        ("alerts[0].seconds | int", "3199"),
    ],
)
def test_times(tmp_path, expression, expected):
    assert made(tmp_path, "{{ " + expression + " }}") == expected


@pytest.mark.parametrize(
    ("length", "zh", "en"),
    [
        (0, "0秒", "0s"),
        (59, "59秒", "59s"),
        (60, "1分钟", "1m"),
        (599, "9分钟59秒", "9m 59s"),
        (659, "10分钟", "10m"),
        (3725, "1小时2分钟", "1h 2m"),
        (90000, "1天1小时", "1d 1h"),
        (86400 * 400, "400天", "400d"),
    ],
)
def test_how_long_as_one_says_it(length, zh, en):
    assert (spoken(length, "zh"), spoken(length, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        ("'x' | humanize", "'x' is no number"),
        ("'(' | reReplaceAll('(', '')", "bad regular expression '('"),
        ("'x' | match('(?=x)')", "bad regular expression"),
        ("'x' | date('%Q') ~ (now | date('%Q'))", "%Q is no directive"),
        ("now | tz('Mars/Olympus')", "there is no time zone 'Mars/Olympus'"),
        ("mustToDate('2006', 'x')", "'x' does not fit '2006'"),
        ("parseDuration('soon')", "must be a duration"),
        ("dict('a')", "needs a value for each key"),
        ("toUpper()", "a function needs a value"),
        ("'a' | base64decode", "this is no base64"),
    ],
)
def test_what_cannot_be_done_says_why(tmp_path, expression, cause):
    rendering = template(tmp_path, "{{ " + expression + " }}").render(channel(), batch(alert()), NOW)
    assert cause in rendering.failed


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        (" http://a.example ", "http://a.example"),
        ("HTTP://[::1]:9090/", "HTTP://[::1]:9090/"),
        (
            "http://a.example/a b(c)<d>\"e'[f]`*\\|^{}",
            "http://a.example/a%20b%28c%29%3Cd%3E%22e%27%5Bf%5D%60%2A%5C%7C%5E%7B%7D",
        ),
        ("http://a.example/%41%zz%", "http://a.example/%41%25zz%25"),
        ("http://a.example/磁\u202e\n", "http://a.example/%E7%A3%81%E2%80%AE"),
        ("http://a.example/磁\u202e\nx", "http://a.example/%E7%A3%81%E2%80%AE%0Ax"),
        ("http://a.example/&#41;x", "http://a.example/&%2341;x"),
        ("http://good.example@evil.example/", ""),
        ("http://good.example\\@evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("//a.example", ""),
        ("/relative", ""),
        ("?orgId=1", ""),
        ("https://", ""),
        ("data:text/html,x", ""),
        ("http://a.example/" + "x" * 9000, ""),
    ],
)
def test_links_go_to_the_web_and_nowhere_else(url, expected):
    assert web_url(url) == expected


def test_a_link_is_markdown_in_markup_and_words_in_plain_text(tmp_path):
    text = "{{ link('a]b', 'https://a.example/(x)') }}{{ 'c' | link('x:') }}"
    assert made(tmp_path, text, "dingtalk_robot") == "[a]b](https://a.example/%28x%29)c"
    there = template(tmp_path, text, "default/plain.j2")
    (plain,) = there.render(channel(), batch(alert()), NOW, plain=True).texts
    assert plain.body == "a]b https://a.example/%28x%29c"


def test_functions_raise_template_errors_only():
    with pytest.raises(TemplateError):
        number("10" * 4000 + "x")


def test_every_name_a_template_can_use_is_documented():
    environment = TemplateEnvironment(DictLoader({}), str)
    equip(environment, "plain", UTC)
    documented = set(re.findall(r"\w+", (Path(__file__).parents[2] / "docs" / "templates.md").read_text("utf-8")))
    known = {*environment.filters, *environment.globals, *views.KEYS, *facts.KEYS}
    assert not facts.KEYS & {*environment.globals}, "a function hides a variable"
    beside = {"_steps", "d", "count", "e", "escape", "urlquery", "cycler", "joiner", "namespace", "range"}
    assert known - documented - beside == set()
