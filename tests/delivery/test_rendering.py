"""What a Renderer promises: every alert told, each message within its room, values that cannot act."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from rendering_samples import CREDENTIALS, MARKED, NOW, batch, channel, made, renderer, template

from receiver.delivery.rendering import Batch, DisplaySettings
from receiver.delivery.rendering.samples import alert

SHIPPED = renderer()
LIMITS = {"wecom_robot": 4096, "dingtalk_robot": 20000, "feishu_bot": 20000}
PINGS = [
    "<@all>",
    "<at id=all></at>",
    "<AT ID=all>",
    "&lt;at id=all&gt;",
    "&#60;@all&#62;",
    "<\u200b@all>",
    "@13800001111",
]
LINKS = ["[x](http://evil.example)", "](http://evil.example)", "![a](http://evil.example/p.png)", "[", "<", "\\"]
SIGNS = [
    "`",
    "**",
    "\u202e",
    "\x1b[31m",
    "\n# h",
    "\n> q",
    "\x1e",
    "<font color='red'>",
    "👨\u200d👩\u200d👧",
    "磁盘",
    "x" * 300,
]
NASTY = st.sampled_from([*PINGS, *LINKS, *SIGNS])
VALUES = st.lists(NASTY | st.text(max_size=8), max_size=6).map("".join)


def body_length(kind, text):
    sent = orjson.loads(channel(kind).compose(text, "0" * 28))
    if kind == "wecom_robot":
        return len(sent[sent["msgtype"]]["content"].encode())
    return len(orjson.dumps(sent))


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize("plain", [False, True])
def test_three_hundred_alerts_are_split_and_none_is_lost(kind, plain):
    alerts = [alert(annotations={"summary": f"alert-{i}. 磁盘 {'x' * (i % 90)}"}) for i in range(300)]
    texts = SHIPPED.render(channel(kind), batch(*alerts), NOW, plain=plain).texts
    told = re.findall(r"alert-(\d+)", "".join(text.body for text in texts))
    assert told == [str(i) for i in range(300)]
    cue = "🔴 " if kind == "dingtalk_robot" else ""
    assert [text.title for text in texts] == [
        f"{cue}[告警 300] DiskFull · 严重 ({n}/{len(texts)})" for n in range(1, len(texts) + 1)
    ]
    assert max(body_length(kind, text) for text in texts) <= (2048 if plain and kind == "wecom_robot" else LIMITS[kind])
    assert [position for text in texts for position in text.alerts] == list(range(300))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(MARKED),
    st.booleans(),
    st.lists(st.tuples(VALUES, st.integers(0, 6000), st.booleans()), min_size=1, max_size=12),
    st.sampled_from(["", "https://receiver.example/records/1"]),
)
def test_no_alert_is_lost_and_every_part_fits(kind, plain, drawn, record_url):
    alerts = [
        alert(
            status="resolved" if ended else "firing",
            annotations={"summary": f"id{position}.", "description": value + "y" * length},
            labels={"alertname": "A", "n": value},
        )
        for position, (value, length, ended) in enumerate(drawn)
    ]
    rendering = SHIPPED.render(channel(kind), batch(*alerts, record_url=record_url), NOW, plain=plain)
    assert rendering.failed == ""
    if len(alerts) == 1:
        assert "id0." in rendering.texts[0].title
    else:
        assert all(sum(f"id{i}." in text.body for text in rendering.texts) == 1 for i in range(len(alerts)))
    for text in rendering.texts:
        weigh, room = channel(kind).weigh, channel(kind).room(plain)
        assert weigh(text.title) + weigh(text.body) <= room


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(MARKED), VALUES, VALUES, VALUES, st.integers(0, 5000))
def test_hostile_values_never_yield_a_mention_or_a_link(kind, first, second, third, length):
    hostile = alert(
        labels={"alertname": first, "severity": second, third: first, "b": second},
        annotations={"summary": second, "description": third + "z" * length + first, "runbook_url": third},
        generatorURL=first,
    )
    event = batch(hostile, alert(labels={"alertname": third, "x": second}), externalURL="")
    for text in SHIPPED.render(channel(kind), event, NOW).texts:
        assert not re.search(r"<\W*@|<\W*at\b", text.body, re.IGNORECASE)
        targets = re.findall(r"(?<!\\)\]\(([^)]*)\)?", text.body)
        assert set(targets) <= {"http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1"}
        assert not re.search(r"^#|^> ?[>#]|[\u202a-\u202e\x1b\x1e]", text.body, re.MULTILINE)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MARKED), VALUES, VALUES)
def test_plain_text_and_titles_cannot_ping(kind, name, value):
    event = batch(alert(labels={"alertname": name, "a": value}, annotations={"summary": value}))
    for text in SHIPPED.render(channel(kind), event, NOW, plain=True).texts:
        assert not re.search(r"<\s*/?\s*(@|at\b)", text.title + text.body, re.IGNORECASE)


@pytest.mark.parametrize("kind", MARKED)
def test_one_alert_of_any_size_is_delivered_in_one_message(kind):
    giant = alert(annotations={"summary": "full", "description": "<b>[磁盘]* 👨‍👩‍👧 " * 60_000})
    record = batch(giant, record_url="https://receiver.example/records/7")
    (text,) = SHIPPED.render(channel(kind), record, NOW).texts
    assert body_length(kind, text) <= LIMITS[kind]
    assert body_length(kind, text) > LIMITS[kind] * 0.8
    assert "…（内容过长，已截断，全文见[推送记录](https://receiver.example/records/7)）" in text.body
    if "buttons" not in channel(kind).takes:
        assert "[静默](http://alertmanager.example" in text.body
        assert text.body.rstrip().endswith("\n[推送记录](https://receiver.example/records/7)")


def test_without_a_record_page_the_cut_says_how_much_is_missing():
    (text,) = renderer(language="en").render(channel(), batch(alert(annotations={"summary": "x" * 9000})), NOW).texts
    assert re.search(r"… \(cut, about 5\d{3} bytes more\)\n+\[Source\]", text.body)


def test_a_font_and_bold_that_are_open_at_the_cut_are_closed(tmp_path):
    text = made(tmp_path, '<font color="warning">**{{ "x" * 9000 }}**</font>')
    assert re.search(r'^<font color="warning">\*\*x+\*\*</font>\n…', text)


def test_the_head_stands_once_and_short_ones_on_every_part(tmp_path):
    alerts = [alert(annotations={"summary": "s" * 1500}) for _ in range(5)]
    text = "HEAD\n{% for a in alerts %}{{ cut }}{{ a.summary }}\n{% endfor %}{{ cut }}FOOT"
    texts = template(tmp_path, text).render(channel(), batch(*alerts), NOW).texts
    assert [part.body.startswith("HEAD\n") for part in texts] == [True, True, True]
    assert [part.body.endswith("FOOT") for part in texts] == [False, False, True]


def test_a_template_without_cuts_is_one_piece(tmp_path):
    rendering = template(tmp_path, "{{ alerts | length }} alerts").render(channel(), batch(alert(), alert()), NOW)
    assert [(text.body, text.alerts) for text in rendering.texts] == [("2 alerts", (0, 1))]


def test_a_title_is_bounded_and_one_line():
    name = "磁盘\n已满" * 100
    (text,) = SHIPPED.render(channel(), batch(alert(labels={"alertname": name})), NOW).texts
    assert len(text.title.encode()) <= 200
    assert text.title.endswith("…")
    assert "\n" not in text.title


def test_alerts_of_a_delivery_only(tmp_path):
    event = batch(alert(labels={"alertname": "A"}), alert(labels={"alertname": "B"}, status="resolved")).event
    part = Batch(event, event["alerts"][1:])
    text = "{{ status }} {{ alerts | length }} {{ commonLabels | toJson }}"
    (told,) = template(tmp_path, text, "default/wecom_robot.j2").render(channel(), part, NOW).texts
    assert told.body == 'resolved 1 {"alertname":"B"}'
    assert (told.status, told.title) == ("resolved", "[已恢复] B · disk of db1 is full")


def test_firing_before_resolved_and_the_most_severe_first(tmp_path):
    def one(name, severity, status="firing"):
        return alert(status=status, labels={"alertname": name, "severity": severity})

    event = batch(
        one("r", "critical", "resolved"), one("i", "info"), one("o", "odd"), one("w", "warning"), one("c", "P0")
    )
    text = "{% for a in alerts %}{{ a.name }}{% endfor %} {{ severity }} {{ alerts.firing | length }}"
    assert made(tmp_path, text, facts=event) == "cwoir P0 4"


def test_the_webhook_body_is_alertmanagers_with_the_source():
    event = batch(alert(), alert(labels={"alertname": "B"}))
    (text,) = SHIPPED.render(channel("webhook", header="h"), Batch(event.event, event.alerts[:1]), NOW).texts
    body = orjson.loads(text.body)
    assert body["version"] == "4"
    assert body["source"] == "alertmanager"
    assert [one["labels"]["alertname"] for one in body["alerts"]] == ["DiskFull"]
    assert body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z"
    assert body["commonLabels"] == alert()["labels"]


def test_a_webhook_of_thousands_of_alerts_stays_one_document():
    event = batch(*[alert(labels={"alertname": str(i)}) for i in range(5000)])
    (text,) = SHIPPED.render(channel("webhook"), event, NOW).texts
    assert len(orjson.loads(text.body)["alerts"]) == 5000


def test_header_footer_and_link_of_the_channel():
    there = channel(header="**SRE 组**", footer="<@zhangsan>", link="https://wiki.example/duty")
    (text,) = SHIPPED.render(there, batch(alert()), NOW).texts
    assert text.body.startswith("**SRE 组**\n")
    assert text.body.endswith("[查看详情](https://wiki.example/duty)\n<@zhangsan>")


def test_the_language_of_the_channel_wins():
    (text,) = SHIPPED.render(channel(language="en"), batch(alert(), test=True), NOW).texts
    assert text.title == "[TEST] [FIRING] DiskFull · critical · disk of db1 is full"


def test_the_time_zone_of_the_settings():
    (text,) = renderer(timezone="America/New_York").render(channel(), batch(alert()), NOW).texts
    assert "开始时间：2025-11-19 19:00:00" in text.body


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValidationError, match="there is no time zone 'Mars/Olympus'"):
        DisplaySettings(timezone="Mars/Olympus")


@pytest.mark.parametrize(
    ("files", "language", "expected"),
    [
        (["default/wecom_robot.zh.j2", "default/wecom_robot.j2"], "zh", "default/wecom_robot.zh.j2"),
        (["default/wecom_robot.zh.j2", "default/wecom_robot.j2"], "en", "default/wecom_robot.j2"),
        (["default/wecom_robot.j2"], "zh", "default/wecom_robot.j2"),
    ],
)
def test_the_configured_directory_comes_first(tmp_path, files, language, expected):
    for name in files:
        template(tmp_path, name, name)
    (text,) = renderer(tmp_path).render(channel(language=language), batch(alert()), NOW).texts
    assert text.body == expected


def test_title_and_plain_fall_back_to_the_default_template(tmp_path):
    own = template(tmp_path, "body", "mine/wecom_robot.j2")
    (text,) = own.render(channel(template="mine"), batch(alert()), NOW).texts
    assert text.title == "[告警] DiskFull · 严重 · disk of db1 is full"
    template(tmp_path, "mine {{ severity }}", "mine/title.j2")
    own = template(tmp_path, "plainly {{ message }}", "mine/plain.zh.j2")
    (text,) = own.render(channel(template="mine"), batch(alert(), message="<@all>"), NOW, plain=True).texts
    assert (text.title, text.body, text.plain) == ("mine critical", "plainly ＜@all>", True)


def test_a_template_is_compiled_once(tmp_path):
    there = template(tmp_path, "first")
    there.render(channel(), batch(alert()), NOW)
    template(tmp_path, "second")
    assert there.render(channel(), batch(alert()), NOW).texts[0].body == "first"


def test_check_finds_nothing_wrong_with_what_is_shipped():
    assert SHIPPED.check([channel(kind, language=lang) for kind in CREDENTIALS for lang in ("zh", "en")]) == []


def test_check_names_file_line_and_cause_once(tmp_path):
    template(tmp_path, "ok\n{{ 'x' | nonsense }}", "a/wecom_robot.j2")
    there = template(tmp_path, "ok\nok\n{% for a in alerts.resolved %}{{ 1 // 0 }}{% endfor %}", "a/title.j2")
    faults = there.check([channel(template="a"), channel(template="a"), channel(template="none")])
    assert [(fault.path, fault.line, fault.rule) for fault in faults] == [
        ("a/wecom_robot.j2", 2, "No filter named 'nonsense'."),
        ("a/title.j2", 3, "ZeroDivisionError: integer division or modulo by zero"),
        ("none/wecom_robot.zh.j2", None, "there is no such file"),
    ]


def test_check_tells_every_bad_template_of_a_channel(tmp_path):
    for noun in ("wecom_robot", "plain", "title"):
        there = template(tmp_path, "{{ 1 // 0 }}", f"a/{noun}.j2")
    assert [fault.path for fault in there.check([channel(template="a")])] == [
        "a/title.j2",
        "a/wecom_robot.j2",
        "a/plain.j2",
    ]


def test_check_wants_json_where_json_is_promised(tmp_path):
    there = template(tmp_path, '{"text": {{ subject }}}', "default/webhook.j2")
    assert [fault.path for fault in there.check([channel("webhook")])] == ["default/webhook.j2"]
    assert there.check([channel("webhook", content_type="text/plain")]) == []


def test_silence_links_are_escaped_for_alertmanager_and_the_url(tmp_path):
    labels = {"alertname": 'a"b\\c', "threshold.name": "x y"}
    text = made(tmp_path, "{{ alerts[0].silence_url | safe }}", facts=batch(alert(labels=labels)))
    assert text == (
        "http://alertmanager.example:9093/#/silences/new?filter="
        "%7Balertname%3D%22a%5C%22b%5C%5Cc%22%2C%20%22threshold.name%22%3D%22x%20y%22%7D"
    )


def test_the_values_of_older_grafanas_are_read_from_a_text():
    old = alert(valueString="[ metric='cpu' labels={a=b} value=77 ], [ var='B0' metric='m' labels={} value=null ]")
    assert "当前值：cpu=77, B0=null" in SHIPPED.render(channel(), batch(old), NOW).texts[0].body


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"valueString": "[ metric='' labels={} value=14151.331895396988 ]"}, "14151.3"),
        ({"values": {"": 0.000123456789, "B": 12}}, "0.000123457, B=12"),
        ({"values": {"A": 14151331895, "B": None, "C": "1.2.3"}}, "A=14151331895, B=, C=1.2.3"),
    ],
)
def test_values_are_short_and_the_unnamed_have_no_name(given, shown):
    assert f"当前值：{shown}\n" in SHIPPED.render(channel(), batch(alert(**given)), NOW).texts[0].body


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("length", "times"), [(40, 0), (60, 1), (400, 1)])
def test_a_summary_stands_in_full_in_the_title_or_in_the_body(kind, plain, length, times):
    summary = "磁盘" * (length // 2)
    (text,) = SHIPPED.render(channel(kind), batch(alert(annotations={"summary": summary})), NOW, plain=plain).texts
    assert text.body.count(summary) == times
    assert (summary in text.title) is not bool(times)
    assert "磁盘" * 20 in text.title
    assert "告警" not in text.body


def test_a_name_that_fills_the_title_leaves_the_rest_to_the_body():
    named = alert(labels={"alertname": "N" * 300, "severity": "critical"})
    (text,) = SHIPPED.render(channel(), batch(named), NOW).texts
    assert text.body.startswith('<font color="warning">严重</font> **disk of db1 is full**')


def test_what_a_title_of_ones_own_leaves_out_the_body_says(tmp_path):
    own = template(tmp_path, "oncall: {{ subject }}", "default/title.j2")
    (text,) = own.render(channel(), batch(alert(status="resolved", endsAt="2025-11-20T00:10:00Z")), NOW).texts
    assert text.body.startswith('<font color="info">已恢复</font> **disk of db1 is full**')


@pytest.mark.parametrize(
    ("severities", "cues"),
    [
        (("critical", "critical"), ["告警", "告警"]),
        (("info", "Warning", "critical"), ["严重", "警告", "提示"]),
        (("P1", ""), ["P1", "告警"]),
    ],
)
def test_severities_that_differ_are_told_of_each(severities, cues):
    alerts = [alert(labels={"alertname": "A", "severity": severity, "n": severity}) for severity in severities]
    (text,) = SHIPPED.render(channel(), batch(*alerts), NOW).texts
    assert re.findall(r'"warning">(.*?)</font>', text.body) == cues


def test_the_cue_in_a_card_has_the_colour_of_the_severity():
    names = ("page", "warning", "odd", "info")
    alerts = [alert(labels={"alertname": "A", "severity": name}) for name in names]
    ended = alert(status="resolved", endsAt="2025-11-20T00:10:00Z")
    (text,) = SHIPPED.render(channel("feishu_bot"), batch(*alerts, ended), NOW).texts
    assert re.findall("<font color='(.*?)'>", text.body) == ["red", "orange", "orange", "blue", "green"]


@pytest.mark.parametrize(("sender", "word"), [("alertmanager", "查看指标"), ("grafana", "查看规则")])
def test_the_link_says_where_it_leads(sender, word):
    assert f"[{word}](http" in SHIPPED.render(channel(), batch(alert(), format=sender), NOW).texts[0].body
