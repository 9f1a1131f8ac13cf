"""Alerts as numbers: by name and severity, the gravest first, with what tells them from each other."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.delivery.rendering.counts import Count, counted
from receiver.delivery.rendering.samples import alert


def one(name="A", severity="critical", status="firing", **labels):
    return alert(labels={"alertname": name, "severity": severity, **labels}, status=status)


def shown(counts):
    return [(count.name, count.severity, count.firing, count.resolved) for count in counts]


def test_what_fires_comes_first_then_the_gravest_then_the_most():
    alerts = [
        *[one("Info", "info")] * 9,
        *[one("Ended", "critical", "resolved")] * 5,
        *[one("Few")] * 2,
        *[one("Many")] * 3,
        one("Many", "warning"),
        one("Many", status="resolved"),
        one("Also")
    ]  # fmt: skip
    assert shown(counted(alerts, 9)) == [
        ("Many", "critical", 3, 1),
        ("Few", "critical", 2, 0),
        ("Also", "critical", 1, 0),
        ("Many", "warning", 1, 0),
        ("Info", "info", 9, 0),
        ("Ended", "critical", 0, 5),
    ]


@pytest.mark.parametrize(
    ("alerts", "label", "distinct", "values"),
    [
        ([one(instance=f"db{n}", pod="p") for n in range(7)], "instance", 7, ("db0", "db1", "db2", "db3", "db4")),
        ([one(instance="ksm", pod=f"p{n}") for n in range(2)], "pod", 2, ("p0", "p1")),
        ([one(a=str(n), node=str(n), pod=str(n)) for n in range(2)], "node", 2, ("0", "1")),
        ([one(zone=str(n), area=str(n)) for n in (3, 1)], "area", 2, ("3", "1")),
        ([one(team="db")], "team", 1, ("db",)),
        ([one(priority="P1"), one(priority="P2")], "", 0, ()),
        ([one(pod="p"), one()], "pod", 1, ("p",)),
    ],
)
def test_the_label_that_differs_most(alerts, label, distinct, values):
    (count,) = counted(alerts, 9)
    assert (count.label, count.distinct, count.values) == (label, distinct, values)


def test_more_than_there_may_be_are_the_rest():
    alerts = [one(f"A{n}", ("warning", "info")[n % 2], pod="p") for n in range(20)]
    ended = [one("A7", "info", "resolved"), one("A8", "critical")]
    *others, rest = counted([*alerts, *ended], 4)
    assert [count.name for count in others] == ["A8", "A0", "A10"]
    assert (rest.name, rest.rest, rest.firing, rest.resolved, rest.severity) == ("", 18, 18, 1, "warning")
    assert (rest.label, rest.distinct, rest.values) == ("", 0, ("A12", "A14", "A16", "A18", "A2"))


@pytest.mark.parametrize("most", [-1, 0, 1, 2, 3])
def test_never_more_than_are_asked_for_but_one(most):
    counts = counted([one("A"), one("B"), one("C")], most)
    assert len(counts) == max(1, most)
    assert sum(count.firing for count in counts) == 3
    assert counted([], most) == ()


def test_the_severity_may_stand_in_other_labels_and_the_name_may_be_missing():
    alerts = [alert(labels={"priority": "P1"}), alert(labels={"level": "warn"}), alert(labels={})]
    assert shown(counted(alerts, 9)) == [("", "P1", 1, 0), ("", "warn", 1, 0), ("", "", 1, 0)]


def test_which_channels_they_came_by_is_kept_if_it_is_the_same():
    told = [alert(told_by="phone", in_place_of=place) for place in ("a", "b")]
    (count,) = counted(told, 9)
    assert (count.told_by, count.in_place_of) == ("phone", "")
    *_, rest = counted([*told, one("B"), {**one("C"), "told_by": "phone"}], 1)
    assert rest.told_by == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
LABELS = JSON | st.dictionaries(st.sampled_from(["alertname", "severity", "instance", "", "\ud800"]), JSON)


@given(st.lists(st.fixed_dictionaries({"labels": LABELS, "status": JSON}, optional={"told_by": JSON})))
def test_whatever_the_labels_are_nothing_is_left_out(alerts):
    counts = counted(alerts, 3)
    assert sum(count.firing + count.resolved for count in counts) == len(alerts)
    assert all(type(text) is str for count in counts for text in (count.name, count.severity, *count.values))


def test_a_value_nested_too_deeply_is_one_like_others():
    deep = []
    for _ in range(200):
        deep = [deep]
    assert counted([one(a=deep), one(deep, deep)], 9)[0] == Count("A", "critical", 1, 0, "a", 1, ("…",))


def test_ten_thousand_take_no_time():
    alerts = [one(f"A{n % 40}", instance=f"db{n}", pod=f"p{n}", team="db", cluster="lab") for n in range(10_000)]
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        counted(iter(alerts), 40)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.06
