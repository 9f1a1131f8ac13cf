"""What one more alert costs in a message: its own texts, and little beside them."""

from __future__ import annotations

import pytest
from channel_forms import FORMATS
from rendering_samples import NOW, batch, channel, renderer

from receiver.delivery.rendering.samples import alert

MOST = 300
"""Bytes, as the platform counts them, beyond what only this alert says."""
LONG = "http://prometheus.example.com:9090/graph?g0.expr=" + "x" * 350
SHORT = "https://grafana.example.com/alerting/grafana/cdf3k2x9q1/view"
RESOLVED = {"status": "resolved", "endsAt": "2026-11-20T00:10:00Z"}
NO_DATA = {"grafana_state_reason": "MissingSeries, KeepLast"}
FORMS = [form for form in FORMATS if form.kind != "webhook"]
CASES = {
    "long links": {"url": LONG},
    "short links": {"url": SHORT},
    "values": {"url": SHORT, "values": {f"B{i}": i * 1.23456789 for i in range(20)}, "severity": "warning"},
    "resolved": {"url": SHORT, "values": {f"B{i}": i * 1.23456789 for i in range(20)}, **RESOLVED},
    "gone": {"url": LONG, "annotations": NO_DATA, **RESOLVED},
    "no data": {"url": SHORT, "annotations": NO_DATA},
}


def one(number, url, annotations=None, severity="critical", **changes):
    """An alert that has nothing in common with the others but its name."""
    own = {
        "summary": f"the disk of db{number} is full",
        "description": f"only {number} bytes are left",
        "runbook_url": f"{url}{number}" if url == LONG else f"https://wiki.example.com/runbooks/disk-full-{number}",
    }
    return alert(
        labels={"alertname": "DiskFull", "instance": f"db{number}:9100", "device": f"sd{number}", "severity": severity},
        annotations={**own, **(annotations or {})},
        generatorURL=f"{url}{number}",
        silenceURL=f"{LONG}{number}",
        dashboardURL=f"{LONG}{number}",
        panelURL=f"{LONG}{number}",
        imageURL=f"{LONG}{number}.png",
        **changes,
    )


def weight(there, alerts, language):
    texts = renderer(language=language).render(there, batch(*alerts, record_url=LONG), NOW).texts
    return sum(there.weigh(text.body) for text in texts)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
def test_an_alert_costs_little_beyond_its_own_texts(form, language, case):
    there = channel(form.kind, **form.changes)
    others = [one(number, LONG, severity="info") for number in range(2)]
    added = one(5, **CASES[case])
    said = added["annotations"]["summary"] + added["annotations"]["description"]
    own = len("instancedb5:9100devicesd5" + said)
    grown = weight(there, [*others, added], language) - weight(there, others, language)
    assert 50 < grown <= own + MOST


@pytest.mark.parametrize(("url", "times"), [(LONG, 0), (SHORT, 2)])
def test_links_stand_with_an_alert_only_if_they_are_short(url, times):
    (text,) = renderer().render(channel(), batch(one(1, url), one(2, url)), NOW).texts
    assert text.body.count("查看指标") == text.body.count("处理手册") == times
    assert "静默" not in text.body.replace("静默本组", "")


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
def test_a_lone_alert_with_long_links_is_one_message(form, language, plain):
    there = channel(form.kind, **form.changes)
    lone = batch(one(1, LONG), record_url=f"https://receiver.example/{LONG}"[:400])
    (text,) = renderer(language=language).render(there, lone, NOW, plain=plain).texts
    assert "only 1 bytes are left" in text.body
    assert "已截断" not in text.body
    assert "(cut" not in text.body
