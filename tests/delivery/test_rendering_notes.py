"""What is said of alerts that waited or that another channel tells: once if it is the same for all, else with each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from channel_forms import FORMATS
from rendering_samples import NOW, batch, channel, made, renderer, template

from receiver.delivery.rendering.samples import alert

ENDED = {"status": "resolved", "endsAt": "2025-11-20T00:10:00Z"}
FORMS = [form for form in FORMATS if form.kind != "webhook"]
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
each_language = pytest.mark.parametrize("language", ["zh", "en"])
CHANGED = [
    ({}, 1, "等待发送期间恢复后再次触发", "Resolved and fired again while it waited"),
    (ENDED, 1, "等待发送期间触发并恢复", "Fired and resolved while it waited"),
    ({}, 2, "等待发送期间状态变化 2 次", "Changed state 2 times while it waited"),
    (ENDED, 31, "等待发送期间状态变化 31 次", "Changed state 31 times while it waited"),
]
TOLD = {"zh": "已由 phone 代为通知", "en": "Already told by phone"}
STANDS_IN = {"zh": "代 infra 发送", "en": "Sent in place of infra"}
WAITING = {"zh": "另有 1,288 条告警排队，稍后发送", "en": "1,288 more queued, to follow"}


def body(facts, language="zh", kind="wecom_robot", plain=False, **changes):
    rendering = renderer(language=language).render(channel(kind, **changes), facts, NOW, plain=plain)
    assert rendering.failed == ""
    return "\n".join(text.body for text in rendering.texts)


def numbered(number, **changes):
    return alert(labels={"alertname": "A", "n": str(number)}, **changes)


@pytest.mark.parametrize(("state", "changes", "zh", "en"), CHANGED)
@each_form
def test_how_often_an_alert_changed_while_it_waited(form, state, changes, zh, en):
    waited = alert(changes=changes, **state)
    for facts in (batch(waited), batch(waited, numbered(1))):
        for language, words in (("zh", zh), ("en", en)):
            assert body(facts, language, form.kind, **form.changes).count(words) == 1


@pytest.mark.parametrize("plain", [False, True])
@each_language
@each_form
def test_which_channel_told_of_an_alert_or_is_stood_in_for(form, language, plain):
    for key, words in (("told_by", TOLD), ("in_place_of", STANDS_IN)):
        name = words[language].split()[-1 if language == "en" else 1]
        lone = alert(**{key: name})
        assert body(batch(lone), language, form.kind, plain, **form.changes).count(words[language]) == 1


@each_language
def test_what_all_have_alike_is_said_once_at_the_top(language):
    facts = batch(*(numbered(n, told_by="phone", in_place_of="infra") for n in range(3)))
    first, *_ = body(facts, language).split("\n")
    assert TOLD[language] in first
    assert STANDS_IN[language] in first
    assert body(facts, language).count("phone") == 1


def test_what_differs_is_said_with_each():
    facts = batch(numbered(1, told_by="phone"), numbered(2, told_by="sms"), numbered(3))
    head, *alerts = body(facts).split('<font color="warning">')
    assert [("phone" in told, "sms" in told) for told in alerts] == [(True, False), (False, True), (False, False)]
    assert "代为通知" not in head


@each_language
@each_form
@pytest.mark.parametrize("alerts", [1, 3])
def test_how_many_wait_stands_at_the_end(form, language, alerts):
    facts = replace(batch(*map(numbered, range(alerts))), waiting=1288)
    said = body(facts, language, form.kind, **form.changes)
    assert said.count(WAITING[language]) == 1
    assert said.rindex(WAITING[language]) > said.rindex("disk of db1" if alerts > 1 else "since this night")


def test_nothing_is_said_of_what_did_not_wait(tmp_path):
    text = "{{ waiting }}{{ notes | length }}{% for a in alerts %}{{ a.changes }}{{ a.told_by }}{{ a.notes | length }}"
    facts = batch(alert(), alert(changes=0, told_by="", in_place_of=""))
    assert made(tmp_path, text + "{% endfor %}", facts=facts) == "000000"


@pytest.mark.parametrize("name", ["<@all>", "](http://evil.example)", "{0}{1.__class__}", "x" * 9000, ["a"], 7])
def test_a_channel_with_a_hostile_name(name):
    said = body(batch(alert(told_by=name, in_place_of=name, changes=name)), link="https://ours.example/")
    assert "<@" not in said
    assert "](http://evil" not in said
    assert len(said) < 1000


@each_language
def test_the_built_in_text_says_it_too(tmp_path, language):
    broken = template(tmp_path, "{{ 1 // 0 }}")
    facts = replace(batch(alert(changes=2, told_by="phone"), numbered(1, told_by="phone")), waiting=1288)
    (text,) = broken.render(channel(language=language), facts, NOW).texts
    for words in (TOLD[language], WAITING[language], CHANGED[2][2 if language == "zh" else 3]):
        assert text.body.count(words) == 1
