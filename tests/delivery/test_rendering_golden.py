"""The shipped messages as files to be read: `pytest tests/delivery/test_rendering_golden.py --snapshot-update`, then
look at the difference in tests/delivery/golden. Each file is what one form says in one language."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from channel_forms import FORMATS
from rendering_samples import NOW, batch, channel, renderer

from receiver.delivery.rendering import Batch
from receiver.delivery.rendering.counts import counted
from receiver.delivery.rendering.samples import alert, event

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


def waited_one():
    return told_late(alert(**ENDED, changes=1, told_by="phone"), waiting=12)


def waited():
    return told_late(
        alert(labels={**LABELS, "instance": "db1"}, changes=4, in_place_of="infra"),
        alert(labels={**LABELS, "instance": "db2"}, changes=1, in_place_of="infra", told_by="phone"),
        alert(labels={**LABELS, "instance": "db3"}, **ENDED, changes=1, in_place_of="infra"),
        waiting=1288,
    )


def told_late(*alerts, waiting):
    return replace(batch(*alerts, record_url=RECORD), waiting=waiting)


def in_short(name, severity, instance, **changes):
    more = changes.pop("labels", {})
    labels = {"alertname": name, "severity": severity, "instance": instance, "cluster": "lab", **more}
    return alert(labels=labels, annotations={"summary": f"{name} of {instance}"}, **changes)


def digest():
    lines = [
        in_short("DiskFull", "critical", "db1:9100", labels={"device": "sda1"}),
        in_short("DiskFull", "critical", "db1:9100", labels={"device": "sdb1"}, changes=3),
        in_short("Down", "warning", "web-7.prod.example:9100", **ENDED, changes=1, told_by="phone"),
    ]
    return in_numbers(lines, waiting=288)


def in_numbers(lines, **changes):
    """A digest of `lines`, and of thousands of others."""
    ended = {True: ENDED, False: {}}
    counts = [in_short("HighCPU", "critical", f"db-{n}:9100", **ended[n >= 3000]) for n in range(3020)]
    counts += [in_short("PodNotReady", "warning", "ksm:8080", labels={"pod": f"web-{n}"}) for n in range(4)]
    counts += [in_short(f"Odd{n % 12}", ("info", "warning")[n % 2], "x", told_by="phone") for n in range(300)]
    return Batch(event(*lines, *counts), lines, RECORD, digest=True, counts=counted(counts, 3), **changes)


def digest_of_numbers():
    return in_numbers([], test=True)


def digest_of_what_was_told():
    lines = [in_short("Down", "critical", f"db{n}", told_by="phone", **ENDED) for n in (1, 2)]
    counts = counted([in_short("HighCPU", "critical", "x", told_by="phone", **ENDED)], 3)
    return Batch(event(*lines), lines, RECORD, digest=True, counts=counts)


CASES = (one, group, resolved, grafana, grafana_group, bare, hostile, storm, waited_one, waited)
DIGESTS = (digest, digest_of_numbers, digest_of_what_was_told)
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
    cases = [case for case in CASES if case is not storm] if form.startswith("webhook") else [*CASES, *DIGESTS]
    text = "\n\n\n".join(told(case, form, language) for case in cases) + "\n"
    file = GOLDEN / f"{form}.{language}.txt"
    if pytestconfig.option.update_snapshots:
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_there_is_no_file_of_what_is_no_more():
    assert {file.name for file in GOLDEN.iterdir()} == {f"{form}.{lang}.txt" for form in FORMS for lang in ("zh", "en")}
