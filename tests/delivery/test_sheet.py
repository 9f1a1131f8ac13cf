"""The alerts of a digest as a sheet: what spreadsheets make of it, and that none of it does anything there."""

import csv
import io
from time import thread_time
from zoneinfo import ZoneInfo

import pytest
from rendering_samples import alert, channel, renderer

from receiver.delivery.rendering.sheet import MOST, sheet

CHINA = ZoneInfo("Asia/Shanghai")
FIRST, LAST = ["status", "severity", "alertname"], ["summary", "startsAt", "endsAt", "labels"]


def one(number=0, status="firing", summary="CPU 使用率过高", starts="2026-09-21T04:04:05.678Z", ends="", **labels):
    named = {"alertname": "HighCPU", "severity": "warning", "instance": f"db-{number}:9100", **labels}
    made = alert(status=status, labels=named, annotations={"summary": summary}, startsAt=starts)
    return {**made, "endsAt": ends}


def read(text):
    """The rows as a spreadsheet reads them, without the mark before them."""
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))


def rows(*alerts, language="zh", **more):
    return read(sheet(alerts, CHINA, language, **more))


def test_an_alert_is_a_row_beneath_the_names_of_the_columns():
    found = rows(one(1, job="node"), one(2, "resolved", ends="2026-09-21T04:14:00Z"))
    assert found[0] == [*FIRST, "instance", "job", *LAST]
    said = "alertname=HighCPU, severity=warning, instance=db-1:9100, job=node"
    assert found[1] == [
        *("firing", "warning", "HighCPU", "db-1:9100", "node", "CPU 使用率过高", "2026-09-21 12:04:05", "", said),
    ]
    assert found[2][-2] == "2026-09-21 12:14:00"


def test_what_fires_comes_first_and_the_most_severe_first():
    states = [("resolved", "critical"), ("firing", "info"), ("firing", "warning"), ("firing", "critical")]
    found = rows(*(one(number, status, severity=severity) for number, (status, severity) in enumerate(states)))
    assert [tuple(row[:2]) for row in found[1:]] == [states[place] for place in (3, 2, 1, 0)]


def test_labels_that_many_have_are_columns_and_all_are_told():
    common = {f"label{number}": "x" for number in range(20)}
    alerts = [one(number, **common) for number in range(19)] + [one(19, rare="yes")]
    header, *found = rows(*alerts)
    assert header[3:-4] == ["instance", *sorted(common)[:7]]
    assert found[-1][-1].endswith("rare=yes")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "' =1+1"),
        ("\r\n=1+1", "'=1+1"),
        (" \u200b=1+1", "' =1+1"),
        ("\ufeff=1+1", "'=1+1"),
        ("＝1+1", "'＝1+1"),
        ('a",=1+1,"b', 'a",=1+1,"b'),
        ('"=1+1"', '"=1+1"'),
        ("a\n=1+1", "a ↵ =1+1"),
        ("a;=1+1", "a;'=1+1"),
        ('a; "=1+1";b', 'a;\' "=1+1";b'),
        ("abc\u202etxt", "abc\ufffdtxt"),
        ("a\ud800", "a\ufffd"),
        ("x" * 5000, "x" * 4096 + "…"),
        ("a-b", "a-b"),
        ("", ""),
    ],
)
def test_no_cell_does_anything(value, shown):
    found = rows(one(summary="s", instance=value, **{"=label": value}))
    assert found[0][3:5] == ["instance", "'=label"]
    assert found[1][3:5] == [shown, shown]


@pytest.mark.parametrize("value", ["a;=1+1", 'a";=1+1;"b', "a;\t=1+1", "a; ; -1", ";;@x", "+1;+1"])
def test_no_cell_does_anything_where_semicolons_separate_them(value):
    text = sheet([one(1, summary=value, note=value)], CHINA, "zh")
    for cell in text.replace(",", ";").split(";"):
        assert not cell.strip(' "').startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "另有 {} 条告警未列出"), ("en", "{} more alerts are not listed")]
)
def test_what_has_no_room_is_counted(language, said):
    alerts = [one(number) for number in range(100)]
    text = sheet(alerts, CHINA, language, more=7, most=5000)
    *listed, end = read(text)
    assert len(text.encode()) <= 5000
    assert 10 < len(listed) < 100
    assert end == [said.format(100 + 1 - len(listed) + 7)]
    assert rows(*alerts, language=language, more=7)[-1] == [said.format(7)]


def test_the_largest_is_as_large_as_it_may_be():
    text = sheet([one(number, summary="磁" * 4000) for number in range(500)], CHINA, "zh")
    assert MOST - 15_000 < len(text.encode()) <= MOST


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_it_is_named_for_when_it_was_made_where_its_readers_are(zone):
    name, text = renderer(timezone=zone).sheet(channel(), [one(1)], 1_790_000_000.0)
    clock = {"Asia/Shanghai": "20260921-2213", "America/New_York": "20260921-1013"}[zone]
    assert name == f"alerts-{clock}.csv"
    assert "2026-09-21 " in text


def test_ten_thousand_alerts_are_listed_in_no_time():
    stamps = [f"2026-09-21T04:{number // 60:02}:{number % 60:02}.678Z" for number in range(3600)]
    alerts = [one(number, starts=stamps[number % 3600], job="node", pod=f"app-{number}") for number in range(10_000)]
    took = []
    for _ in range(3):
        begun = thread_time()
        text = sheet(alerts, CHINA, "zh")
        took.append(thread_time() - begun)
    assert text.count("\r\n") == 10_001
    assert min(took) < 0.15
