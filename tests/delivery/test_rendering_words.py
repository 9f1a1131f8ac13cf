"""What a message says of its alerts: each fact once, in the order in which it is needed at night."""

from __future__ import annotations

import re

import pytest
from channel_forms import FORMATS
from rendering_samples import NOW, batch, channel, made, renderer

from receiver.delivery.rendering.samples import alert

SHIPPED = renderer()
ENGLISH = renderer(language="en")
GRAFANA = "https://grafana.example"
RECORD = "https://receiver.example/records/1"
RESOLVED = {"status": "resolved", "endsAt": "2025-11-20T00:10:00Z"}
RULE = {
    "dashboardURL": f"{GRAFANA}/d/1",
    "panelURL": f"{GRAFANA}/d/1?viewPanel=2",
    "generatorURL": f"{GRAFANA}/rule/1",
    "silenceURL": f"{GRAFANA}/silence/new",
    "imageURL": f"{GRAFANA}/1.png",
}
FORMS = [form for form in FORMATS if form.kind != "webhook"]
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


def body(facts, language="zh", kind="wecom_robot", **changes):
    return renderer(language=language).render(channel(kind, **changes), facts, NOW).texts[0].body


def whole(text):
    """All that one reads of a text."""
    beside = [*text.extras.fields, *text.extras.buttons, ("", text.extras.image)]
    return "\n".join([text.title, text.body, *(f"{first}：{second}" for first, second in beside)])


def grafana(*alerts, **changes):
    return batch(*alerts, format="grafana", record_url=RECORD, **changes)


@each_form
@pytest.mark.parametrize(("language", "words"), [("zh", ("恢复时的值", "20分钟")), ("en", ("Value now", "20m"))])
def test_a_resolved_alert_says_what_ended_how_long_it_lasted_and_the_value_now(form, language, words):
    ended = alert(status="resolved", endsAt="2025-11-20T00:20:30Z", values={"B": 12.5})
    there = channel(form.kind, **form.changes)
    (text,) = renderer(language=language).render(there, grafana(ended), NOW).texts
    told = whole(text)
    for word in ("DiskFull", "disk of db1 is full", "db1:9100", "B=12.5", *words):
        assert word in told


@pytest.mark.parametrize("status", ["firing", "resolved"])
@pytest.mark.parametrize("reason", ["MissingSeries", "NoData", "Error", "Paused", "Updated", "RuleDeleted", "Odd"])
def test_values_that_were_not_measured_are_not_shown(status, reason):
    annotations = {"summary": "s", "grafana_state_reason": reason}
    one = alert(status=status, endsAt="2025-11-20T00:10:00Z", annotations=annotations, values={"B": -1})
    for facts in (grafana(one), grafana(one, one)):
        for language, words in (("zh", ("恢复原因", "触发原因")), ("en", ("Why resolved", "Why firing"))):
            said = body(facts, language)
            assert "B=-1" not in said
            assert words[status == "firing"] in said


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("MissingSeries", "数据序列消失", "series gone"),
        ("NoData, KeepLast", "没有数据，状态保持", "no data, last state kept"),
        ("Odd", "Odd", "Odd"),
    ],
)
def test_why_an_alert_is_in_its_state(tmp_path, reason, zh, en):
    facts = grafana(alert(annotations={"grafana_state_reason": reason}))
    assert f"触发原因：{zh}\n" in body(facts)
    assert f"Why firing: {en}\n" in body(facts, "en")
    assert made(tmp_path, "{{ alerts[0].reason }}|{{ alerts[0].why }}", facts=facts) == f"{reason}|{zh}"


@pytest.mark.parametrize(
    ("labels", "instance", "others"),
    [
        ({"instance": "db1:9100", "team": "db"}, "db1:9100", "team=db"),
        ({"node": "n1", "instance": "10.0.0.1:8080", "pod": "p"}, "10.0.0.1:8080", "node=n1, pod=p"),
        ({"hostname": "h1"}, "h1", ""),
        ({"instance": "", "host": "h1"}, "h1", "instance="),
        ({"pod": "p", "priority": "P1"}, "", "pod=p"),
        ({}, "", ""),
    ],
)
def test_the_instance_stands_out_of_the_labels(tmp_path, labels, instance, others):
    facts = batch(alert(labels={"alertname": "A", "severity": "critical", **labels}))
    assert (
        made(tmp_path, "{{ alerts[0].instance }}|{{ alerts[0].others | pairs }}", facts=facts) == f"{instance}|{others}"
    )


def test_the_links_of_a_lone_alert_stand_in_the_order_of_their_use():
    annotations = {"summary": "s", "runbook_url": "https://wiki.example/r"}
    said = body(grafana(alert(annotations=annotations, **RULE)), link="https://wiki.example/duty")
    words = re.findall(r"\[([^\]]*)\]\(http", said)
    assert words == ["处理手册", "仪表盘", "面板", "查看规则", "静默", "截图", "推送记录", "查看详情"]


@each_form
@pytest.mark.parametrize("ended", [0, 2])
def test_what_is_alike_is_said_once_a_group(form, ended):
    annotations = {"description": "all of them", "runbook_url": "https://wiki.example/r"}
    alerts = [
        alert(
            labels={"alertname": "A", "team": "db", "n": str(n)},
            annotations={**annotations, "summary": f"s{n}"},
            **RULE,
        )
        for n in range(4)
    ]
    alerts = [{**one, **(RESOLVED if n < ended else {})} for n, one in enumerate(alerts)]
    (text,) = SHIPPED.render(channel(form.kind, **form.changes), grafana(*alerts), NOW).texts
    told = whole(text)
    for said in (*RULE.values(), RECORD, "https://wiki.example/r", "team=db", "all of them"):
        assert len(re.findall(re.escape(said) + r"(?![\w?/.])", told)) == 1


def test_what_differs_between_alerts_is_no_link_of_the_group():
    alerts = [
        alert(labels={"alertname": "A", "n": str(n)}, **{k: f"{u}/{n}" for k, u in RULE.items()}) for n in range(2)
    ]
    said = body(grafana(*alerts))
    for word in ("仪表盘", "面板", "静默"):
        assert word not in said
    assert said.count("截图") == 1
    assert f"{GRAFANA}/1.png/0" in said


def test_the_links_of_a_group_are_those_of_what_fires():
    gone = alert(labels={"alertname": "A", "n": "0"}, **RESOLVED, dashboardURL=f"{GRAFANA}/d/9")
    said = body(grafana(gone, alert(labels={"alertname": "A", "n": "1"}, **RULE)))
    assert f"[仪表盘]({GRAFANA}/d/1)" in said
    assert f"[静默]({GRAFANA}/silence/new)" in said
    assert f"{GRAFANA}/d/9" not in said


def test_a_group_of_alertmanager_is_silenced_by_what_it_has_in_common():
    one, other = (alert(labels={"alertname": "A", "team": "db", "n": str(n)}) for n in range(2))
    assert "[静默本组](http://alertmanager.example:9093/#/silences/new?filter=%7Balertname%3D%22A%22%2C%20team" in body(
        batch(one, other)
    )
    ended = body(batch({**one, **RESOLVED}, {**other, **RESOLVED}))
    assert "静默" not in ended


def test_the_description_of_what_is_over_is_told_as_past_or_not_at_all():
    ended = alert(**RESOLVED)
    assert "> 告警时：97% of / is used\n> since this night" in body(batch(ended))
    assert "When it fired: 97%" in body(batch(ended), "en")
    other = alert(labels={"alertname": "DiskFull", "n": "1"}, annotations={"summary": "s"})
    assert "97%" not in body(batch(ended, other))


@pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
@pytest.mark.parametrize("alerts", [1, 3])
def test_the_record_is_linked_once_at_the_end(form, alerts):
    facts = batch(*[alert(labels={"alertname": "A", "n": str(n)}) for n in range(alerts)], record_url=RECORD)
    (text,) = SHIPPED.render(channel(form.kind, **form.changes), facts, NOW).texts
    if text.extras.buttons:
        assert text.extras.buttons[-1] == ("推送记录", RECORD)
        assert RECORD not in text.body
    else:
        assert text.body.rstrip().endswith(f"\n[推送记录]({RECORD})")
        assert text.body.count(RECORD) == 1


@pytest.mark.parametrize(
    ("kind", "changes", "shown"),
    [
        ("wecom_robot", {}, f"[截图]({GRAFANA}/1.png)"),
        ("wecom_robot", {"format": "markdown_v2"}, f"![截图]({GRAFANA}/1.png)"),
        ("dingtalk_robot", {}, f"![截图]({GRAFANA}/1.png)"),
        ("feishu_bot", {}, f"[截图]({GRAFANA}/1.png)"),
    ],
)
@pytest.mark.parametrize("alerts", [1, 3])
def test_the_image_of_grafana(kind, changes, shown, alerts):
    facts = grafana(*[alert(labels={"alertname": "A", "n": str(n)}, **RULE) for n in range(alerts)])
    said = body(facts, kind=kind, **changes)
    assert said.count(shown) == said.count(".png") == 1


@pytest.mark.parametrize(
    ("severity", "zh"), [("Critical", "严重"), ("page", "紧急"), ("warn", "警告"), ("notice", "通知"), ("P0", "P0")]
)
def test_severities_in_the_words_of_the_reader(severity, zh):
    facts = batch(alert(labels={"alertname": "A", "severity": severity}))
    assert f"· {zh} ·" in SHIPPED.render(channel(), facts, NOW).texts[0].title
    assert f"· {severity} ·" in ENGLISH.render(channel(), facts, NOW).texts[0].title


@pytest.mark.parametrize(
    ("kind", "changes", "coloured"),
    [
        ("wecom_robot", {}, True),
        ("wecom_robot", {"format": "markdown_v2"}, False),
        ("dingtalk_robot", {}, False),
        ("feishu_bot", {}, True),
    ],
)
def test_signs_stand_for_colours_only_where_there_are_none(kind, changes, coloured):
    other = alert(labels={"alertname": "B", "severity": "info"})
    (text,) = SHIPPED.render(channel(kind, **changes), batch(alert(), other), NOW).texts
    assert [sign in text.body for sign in "🔴🔵"] == [not coloured] * 2
    assert text.title.startswith("🔴") is not coloured
