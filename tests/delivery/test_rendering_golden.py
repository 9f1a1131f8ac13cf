"""The shipped messages as files to be read: `pytest tests/delivery/test_rendering_golden.py --snapshot-update`, then
look at the difference in tests/delivery/golden. Each file is what one form says in one language."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from channel_forms import FORMATS
from rendering_samples import NOW, batch, channel, renderer

from receiver.delivery.rendering.samples import alert

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    "[login](http://evil.example) <@all> <at id=all></at> # h\n> q \u202egnp.exe \x1b[31mred\x1b[0m `c` **b** &lt;at"
)
RECORD = "https://receiver.example/records/1"
GRAFANA = "https://grafana.example"
LABELS = {"alertname": "DiskFull", "team": "db", "cluster": "lab"}
ENDED = {"status": "resolved", "endsAt": "2025-11-20T00:21:00Z"}


def one():
    annotations = {**alert()["annotations"], "runbook_url": "https://wiki.example/disk-full"}
    return batch(alert(annotations=annotations), record_url=RECORD)


def group():
    return batch(
        alert(labels={**LABELS, "instance": "db3", "severity": "warning"}, **ENDED),
        alert(labels={**LABELS, "instance": "db1", "severity": "warning"}, annotations={"summary": "db1 磁盘将满"}),
        alert(
            labels={**LABELS, "instance": "db2", "severity": "critical"},
            annotations={"message": "db2 磁盘已满", "description": "剩余 0 字节\n写入已停止"},
        ),
        truncatedAlerts=3,
        record_url=RECORD,
    )


def resolved():
    return batch(alert(**ENDED), record_url=RECORD)


def grafana_alert(instance, **changes):
    return alert(
        labels={"alertname": "High CPU", "grafana_folder": "Infra", "instance": instance, "severity": "warning"},
        annotations={"summary": f"CPU of {instance} is high", "runbook_url": "https://wiki.example/cpu?a=(b)"},
        silenceURL=f"{GRAFANA}/alerting/silence/new?alertmanager=grafana&matcher=instance%3D{instance}",
        dashboardURL=f"{GRAFANA}/d/abc?orgId=1",
        panelURL=f"{GRAFANA}/d/abc?orgId=1&viewPanel=2",
        generatorURL=f"{GRAFANA}/alerting/grafana/uid/view",
        imageURL=f"{GRAFANA}/images/{instance}.png",
        **{"values": {"B": 95.123456789, "C": 1}, **changes},
    )


def grafana_batch(*alerts):
    event = {"format": "grafana", "groupLabels": {"alertname": "High CPU"}, "externalURL": GRAFANA}
    return batch(*alerts, **event, record_url=RECORD)


def grafana():
    return grafana_batch(grafana_alert("web1"))


def grafana_group():
    gone = {"grafana_state_reason": "MissingSeries", "summary": "CPU of web4 is high"}
    return grafana_batch(
        grafana_alert("web1"),
        grafana_alert("web2"),
        grafana_alert("web3", **ENDED, values={"B": 12.5, "C": 0}),
        {**grafana_alert("web4", **ENDED, values={"B": -1, "C": -1}), "annotations": gone},
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


def storm():
    alerts = [
        alert(
            labels={**LABELS, "severity": "critical", "instance": f"db{i}"}, annotations={"summary": f"db{i} 磁盘已满"}
        )
        for i in range(300)
    ]
    return batch(*alerts, record_url=RECORD)


CASES = (one, group, resolved, grafana, grafana_group, bare, hostile, storm)
FORMS = {form.id: (form.kind, form.changes) for form in FORMATS}
FORMS |= {f"webhook-{preset}": ("webhook", {"template": preset}) for preset in ("slack", "teams", "generic")}
FORMS |= {"plain": ("wecom_robot", {})}


def shown(text):
    body = text.body
    if body.startswith("{"):
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    parts = [f"# {text.title}", body]
    for name, beside in (("fields", text.extras.fields), ("buttons", text.extras.buttons)):
        parts += ["\n".join([f"--- {name}", *(f"{first} | {second}" for first, second in beside)])] if beside else []
    parts += [f"--- image\n{text.extras.image}"] if text.extras.image else []
    return "\n\n".join(parts)


def told(case, form, language):
    kind, changes = FORMS[form]
    rendering = renderer(language=language).render(channel(kind, **changes), case(), NOW, plain=form == "plain")
    assert rendering.failed == ""
    first, *others = rendering.texts
    words = shown(first)
    if others:
        lines = words.split("\n")
        words = "\n".join([*lines[:20], "...", *lines[-6:], "", f"... and {len(others)} more messages"])
    return f"{f' {case.__name__} ':=^100}\n\n{words}"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form", FORMS)
def test_shipped_templates(form, language, pytestconfig):
    cases = [case for case in CASES if not (form.startswith("webhook") and case is storm)]
    text = "\n\n\n".join(told(case, form, language) for case in cases) + "\n"
    file = GOLDEN / f"{form}.{language}.txt"
    if pytestconfig.option.update_snapshots:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_there_is_no_file_of_what_is_no_more():
    assert {file.name for file in GOLDEN.iterdir()} == {f"{form}.{lang}.txt" for form in FORMS for lang in ("zh", "en")}
