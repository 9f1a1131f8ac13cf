"""The shipped messages as files, reviewed by eye: pytest --snapshot-update, then read the diff."""

from __future__ import annotations

import pytest
from rendering_samples import CREDENTIALS, NOW, batch, channel, renderer

from receiver.delivery.rendering.samples import alert

HOSTILE = (
    "[login](http://evil.example) <@all> <at id=all></at> # h\n> q \u202egnp.exe \x1b[31mred\x1b[0m `c` **b** &lt;at"
)
RECORD = "https://receiver.example/records/1"


def one():
    return batch(alert(), record_url=RECORD)


def group():
    labels = {"alertname": "DiskFull", "team": "db", "cluster": "lab"}
    return batch(
        alert(
            status="resolved", labels={**labels, "instance": "db3", "severity": "warning"}, endsAt="2025-11-20T00:21Z"
        ),
        alert(labels={**labels, "instance": "db1", "severity": "warning"}, annotations={"summary": "db1 磁盘将满"}),
        alert(labels={**labels, "instance": "db2", "severity": "critical"}, annotations={"message": "db2 磁盘已满"}),
        truncatedAlerts=3,
    )


def grafana():
    return batch(
        alert(
            labels={"alertname": "High CPU", "grafana_folder": "Infra", "instance": "web1"},
            annotations={"summary": "CPU of web1 is high", "runbook_url": "https://wiki.example/cpu?a=(b)"},
            silenceURL="https://grafana.example/alerting/silence/new?alertmanager=grafana&matcher=instance%3Dweb1",
            dashboardURL="https://grafana.example/d/abc?orgId=1",
            panelURL="https://grafana.example/d/abc?orgId=1&viewPanel=2",
            generatorURL="https://grafana.example/alerting/grafana/uid/view",
            values={"B": 95.123456789, "C": 1},
            valueString="[ var='B' labels={} value=95.123456789 ]",
        ),
        format="grafana",
        title="[FIRING:1] High CPU Infra",
        groupLabels={"alertname": "High CPU"},
        externalURL="https://grafana.example/",
    )


def bare():
    return batch(
        alert(labels={}, annotations={}, startsAt="0001-01-01T00:00:00Z", generatorURL=""),
        groupLabels={},
        externalURL="",
        test=True,
    )


def hostile():
    labels = {"alertname": HOSTILE, "severity": HOSTILE, "instance": HOSTILE}
    changed = alert(
        labels=labels, annotations={"summary": HOSTILE, "description": HOSTILE}, generatorURL="javascript:x"
    )
    return batch(changed, externalURL="http://a.example/) [x](http://evil.example")


@pytest.mark.parametrize("make", [one, group, grafana, bare, hostile], ids=lambda make: make.__name__)
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", [*CREDENTIALS, "plain"])
def test_shipped_templates(snapshot, form, language, make):
    kind = "wecom_robot" if form == "plain" else form
    rendering = renderer(language=language).render(channel(kind), make(), NOW, plain=form == "plain")
    assert rendering.failed == ""
    assert "\n=====\n".join(f"{text.title}\n-----\n{text.body}" for text in rendering.texts) == snapshot
