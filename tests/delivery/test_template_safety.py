"""S8, S9, S10: templates cannot eat the machine, cannot lose an alert, and never let a value act."""

from __future__ import annotations

import time

import orjson
import pytest
from rendering_samples import MARKED, NOW, batch, channel, made, renderer, template

from receiver.delivery.rendering import Batch
from receiver.delivery.rendering.samples import alert

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ alerts.__class__.__init__.__globals__ }}",
    "{{ alerts[0]._facts }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context.environment }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ ['__class__']|map(attribute='__class__')|list }}",
    "{{ '{0.__class__.__mro__}'.format(1) }}",
    "{{ '{0.__class__}'.format_map({'0': 1}) }}",
    "{{ [''.format][0].__self__.__class__ }}",
    "{{ link.__globals__ }}",
    "{{ toUpper.__code__ }}",
    "{{ now.__reduce__() }}",
    "{{ (alerts|map('join')|first).__class__ }}",
    "{% include '../../../etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{{ alerts.append(1) }}",
    "{{ alerts[0].update({'status': 'resolved'}) }}",
    "{{ alerts[0].labels.clear() }}",
]
RESOURCES = [
    "{{ 'a' * 10**9 }}",
    "{{ 10**9 * 'a' }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ 'a'.translate({97: 'b'}) }}",
    "{{ '%01000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%.1000000000f' % 1.0 }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=10**9) }}",
    "{{ '%01000000000d'|format(1) }}",
    "{{ 'a'|center(10**9) }}",
    "{{ 'a\na'|indent(10**9) }}",
    "{{ 'a'|replace('', 'b' * 10**6)|replace('b', 'c' * 10**6) }}",
    "{{ ('a' * 10**6)|replace('a', 'b' * 10**6) }}",
    "{{ ('a' * 10**5).replace('a', 'b' * 10**5) }}",
    "{{ ('a,' * 10**5).split(',')|join('b' * 10**6) }}",
    "{{ ('b' * 10**6).join(('a,' * 10**5).split(',')) }}",
    "{{ ('a' * 10**6)|reReplaceAll('a', 'b' * 1000) }}",
    "{{ [0] * 10**9 }}",
    "{{ [[0] * 10**6] * 10**3 }}",
    "{% set x = ['a' * 10**6] * 1000 %}{{ x }}",
    "{% set x = ['a' * 10**6] * 1000 %}{{ x|toJson }}",
    "{% set x = ['a' * 10**6] * 1000 %}{{ '%s' % [x] }}",
    "{% set x = ['a' * 10**6] * 1000 %}{{ x|string }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for i in range(10**5) %}{% for j in range(10**5) %}{% endfor %}{% endfor %}",
    "{% for i in range(10**5) %}{% for j in range(10**5) %}x{% endfor %}{% endfor %}",
    "{% set x = 'a' * 10**5 %}{% for i in range(10**5) %}{{ x }}{% endfor %}",
    "{% set n = namespace(x='a') %}{% for i in range(100) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x='a') %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = list(*n.x, *n.x) %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for i in range(100) %}{% set n.x = append(n.x, *n.x) %}{% endfor %}",
    "{% set n = namespace(x=[]) %}{% for i in range(10**5) %}{% set n.x = append(n.x, i) %}{% endfor %}",
    "{% set n = namespace(x=3) %}{% for i in range(100) %}{% set n.x = n.x * n.x %}{% endfor %}{{ n.x }}",
    "{{ 9**9**9**9 }}",
    "{{ 2|round(10**9, 'ceil') }}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% set x %}{% for i in range(10**5) %}{{ 'a' * 1000 }}{% endfor %}{% endset %}{{ x }}",
    "{% include 'default/other.j2' %}",
    "{% extends 'default/other.j2' %}",
    "{% import 'default/other.j2' as other %}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{{ [1]|batch(10**9, 'x')|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ 'a'|wordwrap(1, wrapstring='b' * 10**6) }}",
    "{{ lipsum(n=10**6) }}",
    "{{ now.strftime('%1000000000Y') }}",
    "{{ now|date('%1000000000Y') }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{% for i in range(10**5) %}{{ range(10**5)|sum }}{% endfor %}",
    "{% for i in range(10**5) %}{{ alerts|sort(attribute='name')|length }}{{ range(1000)|list|length }}{% endfor %}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_a_template_cannot_leave_the_sandbox(tmp_path, text):
    rendering = template(tmp_path, text + "|end").render(channel(), batch(alert()), NOW)
    assert rendering.failed or rendering.texts[0].body in ("|end", '［""］|end')  # undefined, alone or in a list


@pytest.mark.parametrize("text", RESOURCES)
def test_a_template_cannot_eat_the_machine(tmp_path, text):
    template(tmp_path, text.replace("other", "wecom_robot"), "default/other.j2")
    begin = time.process_time()
    rendering = template(tmp_path, text).render(channel(), batch(alert()), NOW)
    assert time.process_time() - begin < 2
    assert rendering.failed.startswith(("default/wecom_robot.j2", "default/other.j2"))
    assert "disk of db1 is full" in rendering.texts[0].body
    assert rendering.texts[0].plain


def test_a_template_is_stopped_after_its_second(tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("receiver.delivery.rendering.bounds.monotonic", lambda: float(next(clock)))
    rendering = template(tmp_path, "{% for i in range(9) %}{% endfor %}").render(channel(), batch(alert()), NOW)
    assert "takes too long" in rendering.failed


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{{ 'x' | nonsense }}", "default/wecom_robot.j2:1: No filter named 'nonsense'."),
        ("a\n{{ 1 // 0 }}", "default/wecom_robot.j2:2: ZeroDivisionError"),
        ("a\n{% if %}", "default/wecom_robot.j2:2: Expected an expression"),
        ("{% include 'default/none.j2' %}", "default/wecom_robot.j2: there is no template default/none.j2"),
        ("{% autoescape false %}{{ alerts }}{% endautoescape %}", "escaping cannot be switched off"),
    ],
)
def test_a_failing_template_is_named_and_the_alert_goes_out_as_plain_text(tmp_path, text, cause):
    rendering = template(tmp_path, text).render(channel(), batch(alert()), NOW)
    assert cause in rendering.failed
    assert [part.plain for part in rendering.texts] == [True]
    assert rendering.texts[0].title == "[告警] DiskFull · 严重"
    for word in ("DiskFull", "critical", "disk of db1 is full", "97% of / is used", "instance=db1:9100", "2025-11-20"):
        assert word in rendering.texts[0].body


def test_a_template_that_is_not_there_delivers_too():
    rendering = renderer().render(channel(template="nowhere"), batch(alert()), NOW)
    assert rendering.failed == "nowhere/wecom_robot.zh.j2: there is no such file"
    assert "disk of db1 is full" in rendering.texts[0].body


@pytest.mark.parametrize("kind", MARKED)
def test_alerts_that_are_odd_are_told_without_a_failure(kind):
    odd = alert(labels={"alertname": None, "n": 1, "l": ["a"], "items": "x", "é": ""}, annotations=None, startsAt=None)
    rendering = renderer().render(channel(kind), batch(odd, {"status": "firing"}), NOW)
    assert rendering.failed == ""
    assert "items=x" in rendering.texts[0].body


def test_an_event_that_is_broken_beyond_use_still_says_that_there_was_one():
    rendering = renderer().render(channel(), Batch({}, [None]), NOW)
    assert "TypeError" in rendering.failed
    assert rendering.texts[0].plain
    assert rendering.texts[0].title == "alert"


X = "<@all>"
FULL = "＜@all>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@oncall> {{ message }}", f"<@oncall> {FULL}"),
        ("{% macro m(x) %}<b>{{ x }}{% endmacro %}{{ m(message) }}", f"<b>{FULL}"),
        ("{% set x %}<b>{{ message }}{% endset %}{{ x }}", f"<b>{FULL}"),
        ("{% set x %}<b>{{ message }}{% endset %}{{ x ~ message }}", f"<b>{FULL}{FULL}"),
        ("{% set x %}<b>{% endset %}{{ message ~ x }}", f"{FULL}<b>"),
        ("{% set x %}<b>{% endset %}{{ x + message }}", f"<b>{FULL}"),
        ("{% set x %}<b>{% endset %}{{ message + x }}", f"{FULL}<b>"),
        ("{% set x %}<b>{% endset %}{{ [message, x] | join(message) }}", f"{FULL}{FULL}<b>"),
        ("{% set x %}<b>{% endset %}{{ x.join([message, message]) }}", f"{FULL}<b>{FULL}"),
        ("{% macro m() %}<i>{{ caller() }}{% endmacro %}{% call m() %}<b>{{ message }}{% endcall %}", f"<i><b>{FULL}"),
        ("{% filter lower %}<B>{{ message }}{% endfilter %}", f"＜b>{FULL}"),
        ("{% set x %}{{ message }}{% endset %}{{ x[0:1] ~ x }}", f"＜{FULL}"),
        ("{{ message | default('') }}{{ nothing | default('<b>') }}", f"{FULL}＜b>"),
        ("{{ '<%s>' % message }}", f"＜{FULL}>"),
        ("{{ '{}<'.format(message) }}", f"{FULL}＜"),
        ("{{ [message] }}", f'［"{FULL}"］'),
        ("{% filter urlUnescape %}%3C{{ message }}{% endfilter %}", f"＜{FULL}"),
        ("{{ message | e }}{{ message | escape }}", f"{FULL}{FULL}"),
        ("{{ message | safeHtml }}{{ message | safeUrl }}", f"{FULL}{FULL}"),
        ("{{ message | safe }}", X),
        ("{{ {'a': message} | pairs }}", f"a={FULL}"),
        ("{{ message | link(message) }}", FULL),
        ("{{ namespace(x=message).x }}", FULL),
        ("{% for x in [message] %}{{ loop.cycle(x, 'b') }}{% endfor %}", FULL),
        ("{{ joiner(message)() }}{% set j = joiner(message) %}{{ j() }}{{ j() }}", FULL),
        ("{{ message | base64encode | base64decode }}", FULL),
        ("{{ none }}{{ nothing }}{{ nothing.at.all }}{{ true }}{{ 5 }}", "true5"),
    ],
)
def test_a_value_is_escaped_whatever_way_it_takes(tmp_path, text, expected):
    assert made(tmp_path, text, facts=batch(alert(), message=X)) == expected


def test_blocks_of_a_parent_template_are_escaped_once(tmp_path):
    template(tmp_path, "{% block a %}<b>{{ message }}{% endblock %}", "default/base.j2")
    text = "{% extends 'default/base.j2' %}{% block a %}<i>{{ super() }}{% endblock %}"
    assert made(tmp_path, text, facts=batch(alert(), message=X)) == f"<i><b>{FULL}"


def test_macros_of_another_file_are_escaped_once(tmp_path):
    template(tmp_path, "{% macro m(x) %}<b>{{ x }}{{ x | date }}{% endmacro %}", "default/macros.j2")
    text = "{% import 'default/macros.j2' as macros %}{{ macros.m(message) }}"
    assert made(tmp_path, text, facts=batch(alert(), message=X)) == f"<b>{FULL}-"


def test_a_webhook_body_stays_json_whatever_the_values(tmp_path):
    text = '{"text": "{{ message }}", "list": {{ [message] | tojson }}}'
    quoted = 'a"b\\c\nd\x1e'
    assert orjson.loads(made(tmp_path, text, "webhook", batch(alert(), message=quoted))) == {
        "text": quoted,
        "list": [quoted],
    }


@pytest.mark.parametrize("text", ["var='' ", "var='", "metric=''value= ", "[ var='B' ", "value=1 ", "var='B' value=1 "])
def test_what_grafana_captured_is_read_in_one_pass(text):
    begun = time.process_time()
    rendering = renderer().render(channel(), batch(alert(valueString=text * 50_000)), NOW)
    assert rendering.failed == ""
    assert time.process_time() - begun < 2
