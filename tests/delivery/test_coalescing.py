"""What is owed several times is told once: which line each alert becomes, and what is said of how it came to it."""

from collections import Counter
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from owed_samples import NOW, cpu, owed

from receiver.delivery.coalescing import carried, coalesce, lines_of, merged, sharing, urgencies

ALERTS = st.builds(
    cpu,
    st.integers(0, 5),
    st.sampled_from(["critical", "warning", "info"]),
    status=st.sampled_from(["firing", "resolved"]),
)
CHANGES = st.fixed_dictionaries(
    {
        "priority": st.sampled_from(["high", "normal", "low"]),
        "released_at": st.integers(0, 3).map(lambda age: NOW - age),
        "told_by": st.sampled_from(["", "duty"]),
        "in_place_of": st.sampled_from(["", "ops"]),
        "told": st.sampled_from([frozenset(), frozenset({0})]),
    }
)


@st.composite
def backlogs(draw):
    events = draw(st.lists(st.tuples(st.lists(ALERTS, max_size=6), CHANGES), max_size=8))
    return [owed(number, *alerts, **changes) for number, (alerts, changes) in enumerate(events)]


def sources(lines):
    return [(one.id, position) for line in lines for one, position in line.sources]


def identity(alert):
    return alert["fingerprint"], *sorted(alert["labels"].items())


@given(backlogs())
def test_every_alert_that_is_owed_is_of_one_line(due):
    assert Counter(sources(coalesce(due))) == Counter((one.id, position) for one in due for position in one.left)


@given(backlogs())
def test_a_line_is_one_alert_in_its_latest_state(due):
    lines = coalesce(due)
    assert len({identity(line.alert) for line in lines}) == len(lines)
    for line in lines:
        states = [one.event["alerts"][position] for one, position in line.sources]
        assert {identity(one) for one in states} == {identity(line.alert)}
        assert (line.alert["status"], line.event) == (states[-1]["status"], line.sources[-1][0].event)


@given(backlogs())
def test_it_is_said_how_often_the_state_changed(due):
    for line in coalesce(due):
        told = "".join(one.event["alerts"][position]["status"][0] for one, position in line.sources)
        assert line.alert.get("changes", 0) == told.count("fr") + told.count("rf")


@given(backlogs())
def test_the_most_urgent_come_first_then_the_oldest(due):
    lines = coalesce(due)
    places = [(line.urgency, line.since) for line in lines]
    assert places == sorted(places)
    for line in lines:
        assert line.since == min(one.delivery.released_at for one, _ in line.sources)
        assert line.urgency == min(urgencies(one)(one.event["alerts"][position]) for one, position in line.sources)


@given(backlogs())
def test_what_is_marked_is_a_copy(due):
    before = deepcopy([one.event for one in due])
    coalesce(due)
    for one in due:
        told = {line.alert.get("told_by", "") for line in lines_of(one, one.left)}
        assert told <= {one.delivery.told_by}
    assert [one.event for one in due] == before


@given(backlogs())
def test_what_is_carried_is_all_that_the_lines_are_of(due):
    found = carried(coalesce(due), "line")
    assert {one.delivery: list(one.alerts) for one in found} == {one.id: one.left for one in due if one.left}
    assert len(found) == len({one.delivery for one in found})


@given(backlogs(), st.lists(st.integers(1, 4), min_size=8, max_size=8))
def test_no_more_deliveries_share_a_message_than_may(due, most):
    for one, number in zip(due, most, strict=False):
        one.most = number
    found = sharing(coalesce(due))
    together = {one.id: one.most for line in found for one, _ in line.sources}
    assert bool(found) == any(one.left for one in due)
    assert len(found) == 1 or all(len(together) <= number for number in together.values())


@given(backlogs())
def test_all_may_be_told_together_until_something_is_refused(due):
    lines = coalesce(due)
    assert list(sharing(lines)) == lines


def test_equal_fingerprints_of_different_labels_are_different_alerts():
    twins = [{**cpu(number), "fingerprint": "same"} for number in range(3)]
    assert len(coalesce([owed(1, *twins), owed(2, *twins)])) == 3


def test_an_alert_that_stands_twice_in_an_event_is_told_once():
    [line] = coalesce([owed(1, cpu(1), cpu(1, status="resolved"))])
    assert (line.alert["status"], line.alert["changes"], sources([line])) == ("resolved", 1, [("d1", 0), ("d1", 1)])


def test_what_was_told_before_is_no_change():
    [line] = coalesce([owed(1, cpu(1), told=frozenset({0})), owed(2, cpu(1, status="resolved"))])
    assert ("changes" in line.alert, sources([line])) == (False, [("d2", 0)])


def test_a_stand_in_is_marked_only_where_nobody_else_owes_the_alert():
    alone, beside = owed(1, cpu(1), in_place_of="ops"), owed(2, cpu(2), in_place_of="ops")
    lines = coalesce([alone, beside, owed(3, cpu(2))])
    assert [line.alert.get("in_place_of") for line in lines] == ["ops", None]


@pytest.mark.parametrize(
    ("priority", "expected"),
    [("high", [0, 0]), ("low", [2, 2]), ("normal", [1, 2])],
    ids=["the route says high", "the route says low", "as the alerts are"],
)
def test_the_route_decides_where_it_says_other_than_the_alerts(priority, expected):
    due = [owed(1, cpu(1, "warning"), cpu(2, "info"), priority=priority)]
    assert [line.urgency for line in coalesce(due)] == expected


def test_the_alerts_of_other_channels_do_not_decide():
    [line] = coalesce([owed(1, cpu(1, "critical"), cpu(2, "info"), alerts=(1,), priority="low")])
    assert line.urgency == 2
    [line] = coalesce([owed(1, cpu(1, "critical"), cpu(2, "info"), alerts=(1,), priority="high")])
    assert line.urgency == 0


@given(backlogs())
def test_lines_of_one_event_are_told_as_that_event(due):
    for one in due:
        if one.left:
            assert merged(coalesce([one])) is one.event


def test_lines_of_several_events_say_what_these_share():
    first, second = owed(1, cpu(1, status="resolved")), owed(2, cpu(2))
    first.event.update(groupKey="one", title="first", truncatedAlerts=2)
    second.event.update(groupKey="two", truncatedAlerts=3)
    lines = coalesce([first, second])
    event = merged(lines)
    assert event["alerts"] == [line.alert for line in lines]
    assert (event["status"], event["truncatedAlerts"], event["receiver"]) == ("firing", 5, "web.hook")
    assert (event["title"], event["groupKey"], event["groupLabels"]) == ("", "", {})
    assert event.keys() == first.event.keys()


def test_only_these_positions_of_these_deliveries():
    due = [owed(1, cpu(1), cpu(2)), owed(2, cpu(3))]
    assert sources(coalesce(due, {"d1": (1,)})) == [("d1", 1)]
