"""The shipped templates for custom webhooks: whatever the values, a document that Slack, Teams or a tool can read."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rendering_samples import NOW, batch, channel, renderer, template

from receiver.delivery.rendering.samples import alert, batches

SHIPPED = renderer()
PRESETS = ("slack", "teams", "generic")
RECORD = "https://receiver.example/records/1"
SIGNS = [
    "<!channel>",
    "<@U123>",
    "<http://evil.example|login>",
    "[x](http://evil.example)",
    '"',
    "\\",
    "&amp;",
    "\n* h",
    "|",
]
VALUES = st.lists(
    st.sampled_from([*SIGNS, "\x00\x1f", "\u202e", "\ud800", "磁盘", "x" * 900]) | st.text(max_size=9)
).map("".join)


def made(preset, facts, language="zh", own=SHIPPED):
    rendering = own.render(channel("webhook", template=preset, language=language), facts, NOW)
    assert rendering.failed == ""
    (text,) = rendering.texts
    return orjson.loads(text.body)


def walk(value):
    """Every object within `value`."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from walk(item)


def hostile(name, value, text):
    labels = {"alertname": name, "severity": value, name: value, "instance": text}
    one = alert(labels=labels, annotations={"summary": value, "description": text, "runbook_url": name})
    return [one, alert(status="resolved", endsAt="2025-11-20T00:21:00Z", labels={"x": name}, generatorURL=text)]


each_preset = pytest.mark.parametrize("preset", PRESETS)
any_values = given(VALUES, VALUES, VALUES, st.integers(1, 2), st.sampled_from(["zh", "en"]))
bounded = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@each_preset
@any_values
@bounded
def test_whatever_the_values_it_is_json(preset, name, value, text, count, language):
    facts = batch(*hostile(name, value, text)[:count], record_url=RECORD, externalURL=text)
    assert isinstance(made(preset, facts, language), dict)


@pytest.mark.parametrize("before", range(6))
def test_slack_cuts_no_entity_in_two(before):
    long = alert(annotations={"summary": "full", "description": "x" * before + "<" * 2000})
    body = made("slack", batch(long, record_url=RECORD), "en")
    (said,) = (one["text"] for one in walk(body) if one.get("type") == "mrkdwn" and "…" in one["text"])
    assert 2990 < len(said) <= 3000
    assert not re.search(r"&(?!lt;)", said)


@any_values
@bounded
def test_slack_links_and_mentions_nothing_of_a_value(name, value, text, count, language):
    body = made("slack", batch(*hostile(name, value, text)[:count], record_url=RECORD), language)
    texts = [one["text"] for one in walk(body) if one.get("type") == "mrkdwn"]
    assert all(one["verbatim"] for one in walk(body) if one.get("type") == "mrkdwn")
    ours = r"<https?://(?:prometheus|alertmanager|receiver)\.example[^<>|]*\|[^<>|]*>"
    for said in [*texts, body["text"]]:
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;|$|\w{1,3}…)", re.sub(ours, "", said))


@any_values
@bounded
def test_slack_takes_it(name, value, text, count, language):
    body = made("slack", batch(*hostile(name, value, text)[:count], record_url=RECORD), language)
    assert 0 < len(body["blocks"][0]["text"]["text"]) <= 150
    for block in (block for attachment in body["attachments"] for block in attachment["blocks"]):
        assert 0 < len(block.get("text", {}).get("text", "x")) <= 3000
        assert 0 < len(block.get("fields", [1])) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", ()))


@any_values
@bounded
def test_teams_reads_no_markdown_and_takes_it(name, value, text, count, language):
    alerts = hostile(name, value, text)[:count] * (1 if count == 1 else 20)
    body = made("teams", batch(*alerts, record_url=RECORD), language)
    assert not [one for one in walk(body) if one.get("type") in ("TextBlock", "FactSet")]
    assert all(one["url"].startswith("http") for one in walk(body) if one.get("type") == "Action.OpenUrl")
    assert all("\n" not in one["text"] for one in walk(body) if one.get("type") == "TextRun")
    assert len(orjson.dumps(body)) <= 28 * 1024


@each_preset
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_sample_is_told_and_the_check_finds_nothing(preset, language):
    there = channel("webhook", template=preset, language=language)
    assert SHIPPED.check([there]) == []
    for sample in batches():
        assert made(preset, sample, language)


@each_preset
def test_of_a_storm_as_much_as_there_is_room_for(preset):
    alerts = [alert(labels={"alertname": "A", "n": str(n)}, annotations={"summary": f"id{n}."}) for n in range(300)]
    body = made(preset, batch(*alerts, record_url=RECORD))
    told = orjson.dumps(body).decode()
    most = {"slack": 40, "teams": 10, "generic": 300}[preset]
    assert {f"id{n}." in told for n in range(most)} == {True}
    assert (f"另有 {300 - most} 条告警未列出" in told) is (most < 300)
    assert RECORD in told


@pytest.mark.parametrize(
    ("severity", "slack", "teams"),
    [("critical", "#d92d20", "attention"), ("warning", "#f79009", "warning"), ("info", "#1570ef", "accent")],
)
def test_the_colour_is_that_of_the_severity(severity, slack, teams):
    facts = batch(alert(labels={"alertname": "A", "severity": severity}))
    assert made("slack", facts)["attachments"][0]["color"] == slack
    assert made("teams", facts)["attachments"][0]["content"]["body"][0]["style"] == teams


def test_what_is_over_is_green():
    facts = batch(alert(status="resolved", endsAt="2025-11-20T00:21:00Z"))
    assert made("slack", facts)["attachments"][0]["color"] == "#12b76a"
    assert made("teams", facts)["attachments"][0]["content"]["body"][0]["style"] == "good"


def test_links_are_slacks_own_and_buttons_of_teams():
    annotations = {"summary": "s", "runbook_url": "https://wiki.example/r?a=1&b=2"}
    facts = batch(alert(annotations=annotations, generatorURL=""), externalURL="", record_url=RECORD)
    *_, links = made("slack", facts)["attachments"][0]["blocks"]
    assert links["text"]["text"] == f"<https://wiki.example/r?a=1&amp;b=2|处理手册> · <{RECORD}|推送记录>"
    actions = made("teams", facts, "en")["attachments"][0]["content"]["actions"]
    assert [(action["title"], action["url"]) for action in actions] == [
        ("Runbook", "https://wiki.example/r?a=1&b=2"),
        ("Record", RECORD),
    ]


def test_the_flat_document():
    one = alert(values={"B": 95.5}, imageURL="https://grafana.example/i.png")
    ended = alert(status="resolved", endsAt="2025-11-20T00:21:00Z", startsAt="0001-01-01T00:00:00Z")
    body = made("generic", batch(one, ended, truncatedAlerts=3, record_url=RECORD, format="grafana"), "en")
    assert (body["title"], body["status"], body["severity"]) == (
        "[FIRING 1 · RESOLVED 1] DiskFull · critical",
        "firing",
        "critical",
    )
    assert (body["firing"], body["resolved"], body["not_listed"], body["record_url"]) == (1, 1, 3, RECORD)
    assert "[FIRING] disk of db1 is full\n" in body["text"]
    first, second = body["alerts"]
    assert (first["starts_at"], first["ends_at"], first["seconds"]) == ("2025-11-20T08:00:00+08:00", None, 3200)
    assert (second["starts_at"], second["ends_at"], second["seconds"]) == (None, "2025-11-20T08:21:00+08:00", None)
    assert (first["value"], first["image_url"]) == ("B=95.5", "https://grafana.example/i.png")


def test_a_document_may_quote_the_plain_text_of_ones_own(tmp_path):
    template(tmp_path, '{{ {"text": text, "pieces": pieces} | tojson }}', "mine/webhook.j2")
    template(tmp_path, "<{{ message }}>{{ {'a': 1} | fields }}", "mine/plain.j2")
    body = made("mine", batch(alert(), message='"<@x>\\'), own=renderer(tmp_path))
    assert body["text"] == '<"＜@x>\\>a: 1'
    assert body["pieces"] == {
        "head": "",
        "alerts": ['<"＜@x>\\>'],
        "foot": "",
        "fields": [["a", "1"]],
        "buttons": [],
        "image": "",
    }


@pytest.mark.parametrize("noun", ["plain", "title", "wecom_robot"])
def test_only_a_document_quotes_the_plain_text(tmp_path, noun):
    own = template(tmp_path, "[{{ text }}{{ pieces.alerts | length }}]", f"mine/{noun}.j2")
    if noun != "wecom_robot":
        own = template(tmp_path, "body", "mine/wecom_robot.j2")
    rendering = own.render(channel(template="mine"), batch(alert()), NOW, plain=noun == "plain")
    assert rendering.failed == ""
    assert "[0]" in rendering.texts[0].title + rendering.texts[0].body


def test_a_plain_text_that_quotes_itself_is_empty_there(tmp_path):
    template(tmp_path, '{{ {"text": text} | tojson }}', "mine/webhook.j2")
    template(tmp_path, "[{{ text }}]", "mine/plain.j2")
    assert made("mine", batch(alert()), own=renderer(tmp_path)) == {"text": "[]"}


def test_a_broken_plain_text_breaks_what_quotes_it_and_nothing_is_lost(tmp_path):
    own = template(tmp_path, "{{ 1 // 0 }}", "slack/plain.j2")
    rendering = own.render(channel("webhook", template="slack"), batch(alert()), NOW)
    assert rendering.failed.startswith("slack/plain.j2:1: ZeroDivisionError")
    assert "disk of db1 is full" in rendering.texts[0].body
