"""A digest: each alert in one line, all others in numbers, in the shipped look of its platform."""

from __future__ import annotations

import re

import pytest
from channel_forms import FORMATS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rendering_samples import CREDENTIALS, NOW, batch, channel, renderer, template

from receiver.delivery.rendering import Batch
from receiver.delivery.rendering.counts import counted
from receiver.delivery.rendering.samples import alert, event

RECORD = "https://receiver.example/records/1"
ENDED = {"status": "resolved", "endsAt": "2025-11-20T00:21:00Z"}
SHIPPED = renderer()
ENGLISH = renderer(language="en")
FORMS = [form for form in FORMATS if form.kind != "webhook"]
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
each_language = pytest.mark.parametrize("language", ["zh", "en"])


def one(name="DiskFull", severity="critical", instance="db1:9100", **changes):
    labels = {"alertname": name, "severity": severity, "instance": instance, **changes.pop("labels", {})}
    return alert(labels={key: value for key, value in labels.items() if value is not None}, **changes)


def digest(lines=(), others=(), most=40, **changes):
    given = {"record_url": RECORD, **changes}
    return Batch(event(*lines, *others), list(lines), digest=True, counts=counted(others, most), **given)


def told(facts, own=SHIPPED, kind="wecom_robot", plain=False, **changes):
    rendering = own.render(channel(kind, **changes), facts, NOW, plain=plain)
    assert rendering.failed == ""
    return rendering.texts


def rows(facts, **more):
    """The lines of its alerts and of its counts."""
    (text,) = told(facts, **more)
    return [line for line in text.body.split("\n") if "**" in line]


def many(number, name="HighCPU", **changes):
    return [one(name, instance=f"web-{n}", **changes) for n in range(number)]


@pytest.mark.parametrize(
    ("lines", "others", "zh", "en"),
    [
        ([one()], many(9299) + many(40, **ENDED), "告警 9,300 · 恢复 40", "FIRING 9,300 · RESOLVED 40"),
        ([], many(2), "告警 2", "FIRING 2"),
        ([one(**ENDED)], many(1, **ENDED), "恢复 2", "RESOLVED 2"),
        ([], [], "无告警内容", "NO ALERTS"),
    ],
)
def test_the_title_has_the_sum_of_lines_and_numbers(lines, others, zh, en):
    facts = digest(lines, others)
    assert told(facts)[0].title.startswith(f"[{zh}]")
    assert told(facts, ENGLISH)[0].title.startswith(f"[{en}]")


def test_the_title_names_the_gravest_first():
    lines = [one("Slow", "warning"), one("Over", **ENDED)]
    facts = digest(lines, [*many(2, severity="warning"), *many(3, "Down"), *many(1, "Note", severity="info")])
    (text,) = told(facts)
    assert text.title == "[告警 7 · 恢复 1] Down, Slow, HighCPU … · 严重"
    assert (text.severity, text.status) == ("critical", "firing")


def test_a_digest_of_what_is_over_is_green():
    (text,) = told(digest([one(**ENDED)], many(2, **ENDED)), kind="dingtalk_robot")
    assert text.title.startswith("🟢 [恢复 3]")
    assert (text.severity, text.status) == ("critical", "resolved")
    assert "🔴" not in text.body


@pytest.mark.parametrize(
    ("alerts", "where"),
    [
        ([one()], ["db1:9100"]),
        ([one(), one(instance="db2")], ["db1:9100", "db2"]),
        ([one(labels={"d": "sda"}), one(labels={"d": "sdb"})], ["db1:9100 d=sda", "db1:9100 d=sdb"]),
        ([one(labels={"d": "sda"}), one("Other")], ["db1:9100", "db1:9100"]),
        ([one(instance=None, labels={"pod": f"p{n}", "job": "j"}) for n in (1, 2)], ["pod=p1", "pod=p2"]),
        ([one(instance=None, labels={"job": "a", "ns": "b"})], ["job=a, ns=b"]),
        ([one(instance=None, labels={"job": "a", "ns": "b"}), one("B", labels={"ns": "b"})], ["job=a", "db1:9100"]),
        (
            [one(labels={"d": d, "m": m, "x": "1"}) for d, m in (("a", "p"), ("a", "q"), ("b", "p"))],
            ["db1:9100 d=a m=p", "db1:9100 d=a m=q", "db1:9100 d=b m=p"],
        ),
        ([one(), one()], ["db1:9100", "db1:9100"]),
        ([one(instance=None)], [""]),
    ],
)
def test_a_line_says_what_tells_an_alert_from_its_namesakes(alerts, where):
    shown = [re.search(r"\*\*.*?\*\*(.*?) · ", row)[1].strip() for row in rows(digest(alerts))]
    assert shown == where


def test_a_line_of_an_alert_without_a_name_has_its_summary():
    nameless = alert(labels={"pod": "p"}, annotations={"summary": "pod p is gone\nfor good"})
    (row,) = rows(Batch(event(nameless, groupLabels={}), [nameless], digest=True))
    assert "**pod p is gone** pod=p · 53分钟" in row


COUNTED = [
    (
        many(3020),
        "告警 3,020（instance 共 3,020 个：web-0、web-1、web-2 …）",
        "3,020 firing (instance: web-0, web-1, web-2 … 3,020 in all)",
    ),
    (many(2), "告警 2（instance：web-0、web-1）", "2 firing (instance: web-0, web-1)"),
    (many(1, **ENDED), "恢复 1（instance：web-0）", "1 resolved (instance: web-0)"),
    ([one("HighCPU", instance=None)], "告警 1", "1 firing"),
    (
        [one("HighCPU", told_by="sms"), *many(1, told_by="sms", **ENDED)],
        "告警 1 · 恢复 1（instance：db1:9100、web-0）；已由 sms 代为通知",
        "1 firing · 1 resolved (instance: db1:9100, web-0). Already told by sms",
    ),
]


@pytest.mark.parametrize(("others", "zh", "en"), COUNTED)
def test_a_count_says_how_many_and_what_differs(others, zh, en):
    facts = digest([one("Other")], others)
    assert rows(facts)[-1].endswith(f"**HighCPU**：{zh}")
    assert rows(facts, own=ENGLISH)[-1].endswith(f"**HighCPU**: {en}")


def test_the_rest_is_one_count():
    others = [one(f"A{n}", ("warning", "info")[n % 2]) for n in range(1200)]
    assert rows(digest([], others, 2))[-1].endswith("其他</font> **1,199 种**：告警 1,199（A10、A100、A1000 …）")


@each_language
@each_form
def test_a_line_takes_little(form, language):
    there = {"kind": form.kind, "language": language, **form.changes}
    lines = [one("KubeDeploymentReplicasMismatch", instance=f"10.0.12.{n}:8080") for n in range(20)]
    bodies = ["".join(text.body for text in told(digest(lines[:n]), **there)) for n in (10, 20)]
    few, more = map(channel(**there).weigh, bodies)
    assert 60 <= (more - few) / 10 <= 110


@pytest.mark.parametrize("plain", [False, True])
@each_language
@each_form
def test_a_long_digest_is_split_between_lines(form, language, plain):
    lines = [one("DiskFull", instance=f"line-{n}.") for n in range(400)]
    others = [one(f"Count{n}.") for n in range(40)]
    there = {"kind": form.kind, "language": language, **form.changes}
    texts = told(digest(lines, others, waiting=3), plain=plain, **there)
    whole = "\n".join(text.body for text in texts)
    assert re.findall(r"line-(\d+)\.", whole) == [str(n) for n in range(400)]
    assert sorted(map(int, re.findall(r"Count(\d+)\.", whole))) == list(range(40))
    assert [place for text in texts for place in text.alerts] == list(range(400))
    for text in texts:
        assert sorted(map(int, re.findall(r"line-(\d+)\.", text.body))) == list(text.alerts)
        assert channel(**there).weigh(text.title + text.body) <= channel(**there).room(plain)


@each_form
def test_the_list_is_behind_the_link_and_nothing_else_is(form):
    annotations = {"summary": "s", "runbook_url": "https://wiki.example/r"}
    (text,) = told(digest([one(annotations=annotations)], many(2), waiting=288), kind=form.kind, **form.changes)
    said = text.body + str(text.extras.buttons)
    assert re.findall(r"https?://[^\s)']+", said) == [RECORD]
    assert "另有 288 条告警排队，稍后发送" in text.body


def test_a_template_of_ones_own_is_not_asked(tmp_path):
    for name in (
        "mine/wecom_robot",
        "mine/title",
        "mine/plain",
        "default/wecom_robot",
        "default/plain",
        "default/title",
    ):
        own = template(tmp_path, "MINE {{ 1 // 0 }}", f"{name}.j2")
    facts = digest([one()], many(3))
    for plain in (False, True):
        there = {"template": "mine", "header": "HEAD", "footer": "FOOT"}
        (text,) = told(facts, own, plain=plain, **there)
        assert text == told(facts, plain=plain, header="HEAD", footer="FOOT")[0]
        assert text.body.startswith("HEAD\n")
        assert text.body.endswith("\nFOOT")


def test_the_look_of_apps_is_the_shipped_one_too(tmp_path):
    own = template(tmp_path, "MINE", "default/feishu_bot.j2")
    assert told(digest([one()]), own, "feishu_app") == told(digest([one()]), kind="feishu_app")
    assert told(batch(one()), own, "feishu_app")[0].body == "MINE"


@pytest.mark.parametrize("name", ["mine/digest.zh.j2", "mine/digest.j2"])
def test_words_of_ones_own(tmp_path, name):
    base, foot = "{% extends 'default/digest.zh.j2' %}", "{% block foot %}FOOT{% endblock %}"
    count = "{% block count %}{{ count.name }}:{{ paint[count.colour] }}\n{% endblock %}"
    own = template(tmp_path, base + foot + count, name)
    (said,) = told(digest([one()], many(2)), own, "dingtalk_robot", template="mine")
    assert said.body.startswith("🔴 严重 **DiskFull** db1:9100 · 53分钟  \n")
    assert said.body.endswith("按名称计数：  \nHighCPU:🔴 \n\nFOOT")
    assert "FOOT" not in told(digest([one()]), own, "dingtalk_robot")[0].body


def test_a_title_of_ones_own(tmp_path):
    template(tmp_path, "{{ firing_count }} of {{ subject }}", "mine/digest_title.j2")
    own = template(
        tmp_path, "{{ digest }}{{ counts[0].firing }}{% for a in alerts %}{{ a.where }}{% endfor %}", "mine/digest.j2"
    )
    (text,) = told(digest([one()], many(2)), own, template="mine")
    assert (text.title, text.body) == ("3 of DiskFull, HighCPU", "true2db1:9100")


@each_language
def test_a_failing_template_leaves_lines_and_numbers(tmp_path, language):
    own = template(tmp_path, "{{ 1 // 0 }}", "mine/digest.j2")
    others = [*many(3000), *many(20, **ENDED), one("Other"), one("Third")]
    facts = digest([one(labels={"d": "sda"}), one(labels={"d": "sdb"}, changes=2)], others, 2, waiting=288)
    rendering = own.render(channel(template="mine", language=language), facts, NOW)
    assert rendering.failed == "mine/digest.j2:1: ZeroDivisionError: integer division or modulo by zero"
    (text,) = rendering.texts
    assert text.plain
    assert text.alerts == (0, 1)
    for words in ("db1:9100 d=sda", "db1:9100 d=sdb", "3,000", "20] critical HighCPU instance: web-0", "288", RECORD):
        assert words in text.body


def test_check_renders_digests_too(tmp_path):
    own = template(tmp_path, "ok\n{{ 1 // 0 }}", "mine/digest.j2")
    template(tmp_path, "{{ heading }}", "mine/wecom_robot.j2")
    (fault,) = own.check([channel(template="mine")])
    assert (fault.path, fault.line) == ("mine/digest.j2", 2)


@pytest.mark.parametrize("preset", ["default", "slack", "teams", "generic"])
def test_a_webhook_has_its_own_document(preset):
    facts = digest([one()], many(2))
    (text,) = told(facts, kind="webhook", template=preset)
    assert "DiskFull" in text.body
    assert preset == "default" or "HighCPU" in text.body


HOSTILE = st.sampled_from([
    "<@all>", "<at id=all></at>", "&lt;at id=all>", "[x](http://evil.example)", "](http://evil.example)", "\n# h",
    "\n\n> q", "**", "`", "\u202e", "\x1e", "\x1f", "|", "</font>", "磁盘", "x" * 70, "", "{{ 1 }}",
])  # fmt: skip
VALUES = st.lists(HOSTILE | st.text(max_size=6), max_size=4).map("".join)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMS), st.booleans(), st.lists(VALUES, min_size=6, max_size=6), st.integers(1, 3))
def test_hostile_values_change_only_the_words(form, plain, values, most):
    name, severity, label, value, summary, told_by = values
    labels = {"alertname": name, "severity": severity, label: value, "instance": summary}
    lines = [alert(labels=labels, annotations={"summary": summary}, told_by=told_by), alert(labels={label: value})]
    facts = digest(lines, [{**lines[0], "in_place_of": value}, lines[1], alert(labels={"alertname": value})], most)
    there = channel(form.kind, **form.changes)
    for text in told(facts, plain=plain, kind=form.kind, **form.changes):
        said = text.title + text.body
        assert not re.search(r"<\s*/?\s*(@|at\b)", said, re.IGNORECASE)
        assert plain or there.takes or set(re.findall(r"\]\(([^)]*)\)", text.body)) <= {RECORD}
        assert not re.search(r"^#|[\u202a-\u202e\x1b\x1e\x1f]", text.body, re.MULTILINE)
        assert text.body.count("\n") <= 12
        assert there.weigh(text.title) + there.weigh(text.body) <= there.room(plain)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_an_endless_value_takes_no_more_than_its_place(kind):
    giant = "漢<" * 40_000
    lines = [alert(labels={"alertname": giant, "severity": giant, giant: giant, "instance": giant})]
    facts = digest(lines, [*lines, alert(labels={"alertname": giant})])
    assert kind == "webhook" or sum(len(text.body) for text in told(facts, kind=kind)) < 1500
