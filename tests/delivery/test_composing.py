"""The next message out of all that is due: nothing lost, nothing twice, nothing too large, critical first."""

from __future__ import annotations

import random
import re

import pytest
from drained import Drain
from owed_samples import NOW, cpu, owed, unreadable
from rendering_samples import template as write

from receiver.errors import BadPayload

KINDS = ("wecom_robot", "dingtalk_robot", "feishu_bot", "wecom_app")
LIMITED = ("wecom_robot", "dingtalk_robot", "feishu_bot")
SEVERITIES = ("critical", "warning", "warning", "warning", "info")


def storm(number, *, groups=0, age=0.0, first=0, **changes):
    """So many deliveries of one alert each; one in five is critical, one is of low priority."""
    made = []
    for at in range(first, first + number):
        severity = SEVERITIES[at % 5]
        changes["priority"] = {"critical": "high", "info": "low"}.get(severity, "normal")
        group = f"g{at % groups}" if groups else ""
        alert = cpu(at, severity, name=f"A{at % 7}")
        made.append(owed(at, alert, group=group, released_at=NOW - age, created_at=NOW - age, **changes))
    return made


def mixed(seed, deliveries=40):
    """Deliveries of several alerts in a few groups, some of them in states that change, some without any alert."""
    chance = random.Random(seed)
    made = []
    for number in range(deliveries):
        alerts = [
            cpu(chance.randrange(60), chance.choice(SEVERITIES), status=chance.choice(["firing", "resolved"]))
            for _ in range(chance.choice([0, 1, 1, 3, 9]))
        ]
        made.append(owed(number, *alerts, group=f"g{chance.randrange(12)}", released_at=NOW - chance.random() * 20))
    return made


def owing(due):
    return {(one.id, position) for one in due for position in one.positions}


def shown(post):
    """The instances that a message names."""
    return set(re.findall(r"db-\d+:9100", post.text))


def instances(post):
    """The instances of the alerts that a message tells by themselves."""
    of = {one.id: one for one in post.of.owed}
    by_themselves = [one for one in post.message.carries if one.detail != "count"]
    alerts = [of[one.delivery].event["alerts"][at] for one in by_themselves for at in one.alerts]
    return {alert["labels"]["instance"] for alert in alerts}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("taken", [0, 19])
@pytest.mark.parametrize("number", [1, 30, 300, 2000])
def test_a_storm_is_told_whole_once_and_in_time(kind, taken, number):
    due = storm(number)
    drained = Drain(kind, taken).run(due)
    assert drained.told.keys() == owing(due)
    assert drained.latest <= 60.0
    assert all(instances(post) <= shown(post) for post in drained.posts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_owed_is_told_once(kind, seed):
    due = mixed(seed)
    drained = Drain(kind, taken=seed * 4 % 20).run(due)
    assert drained.told.keys() == owing(due)
    assert all(instances(post) <= shown(post) for post in drained.posts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_an_alert_never_goes_back_to_a_state_before(kind, seed):
    due = mixed(seed)
    drained = Drain(kind, taken=15).run(due)
    told = {}
    for number, post in enumerate(drained.posts):
        for one in post.message.carries:
            told.update({(one.delivery, at): number for at in one.alerts})
    for name, sources in _by_alert(due).items():
        places = [told[source] for source in sources]
        assert places == sorted(places), name


def _by_alert(due):
    found = {}
    for one in due:
        for position in one.positions:
            labels = one.event["alerts"][position]["labels"]
            found.setdefault((one.group, *labels.values()), []).append((one.id, position))
    return found


@pytest.mark.parametrize("kind", LIMITED)
def test_messages_of_short_alerts_are_nearly_full(kind):
    drained = Drain(kind).run(storm(400))
    assert drained.details == {"full"}
    assert all(post.fill >= 0.9 for post in drained.posts[:-1])


@pytest.mark.parametrize("kind", LIMITED)
def test_lines_fill_their_messages(kind):
    drained = Drain(kind, settings={"limits": {"tell_within": "20s", "rate": "4/62s"}}).run(storm(400, groups=40))
    assert drained.details <= {"full", "line", "count"}
    for post in drained.posts[:-1]:
        assert post.of.detail != "line" or post.fill >= 0.9


def test_the_critical_are_told_first_and_as_fully_as_may_be():
    drained = Drain(taken=8).run(storm(400))
    first, others = drained.posts[:4], drained.posts[4:]
    assert [post.of.detail for post in first] == ["full"] * 4
    assert {one for post in first for one in post.message.deliveries} == {f"d{number}" for number in range(0, 400, 5)}
    assert {post.of.detail for post in others} > {"line"}


def test_the_critical_are_told_by_themselves_while_messages_can_hold_them():
    drained = Drain(taken=14).run(storm(1000))
    assert "count" not in {drained.told[f"d{number}", 0][0] for number in range(0, 1000, 5)}
    assert drained.latest == 0.0


def test_the_older_of_equals_is_told_first():
    drained = Drain().run([*storm(60, first=60, age=0.0), *storm(60, age=30.0)])
    critical = [
        one.delivery for post in drained.posts for one in post.message.carries if int(one.delivery[1:]) % 5 == 0
    ]
    assert {int(one[1:]) < 60 for one in critical[:12]} == {True}


def test_as_the_backlog_shrinks_detail_returns():
    drained = Drain(taken=19)
    drained.run(storm(500))
    drained.now = drained.now + 120.0
    drained.run(storm(20, first=1000, age=-drained.now + NOW))
    assert drained.told["d1000", 0][0] == "full"
    assert drained.told["d499", 0][0] != "full"


@pytest.mark.parametrize("kind", KINDS)
def test_a_tell_within_of_nothing_tells_all_in_full(kind):
    drained = Drain(kind, taken=19, settings={"limits": {"tell_within": 0}}).run(storm(300))
    assert drained.details == {"full"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [3, 60, 900])
def test_what_was_held_comes_as_one_message(kind, number):
    due = [owed(at, cpu(at, name=f"A{at % 7}"), created_at=NOW - 9000) for at in range(number)]
    drained = Drain(kind).run(due)
    assert len(drained.posts) == 1
    assert drained.told.keys() == owing(due)


def test_a_held_group_of_more_than_a_message_is_still_one():
    due = [owed(at, cpu(at), group="g", created_at=NOW - 9000) for at in range(300)]
    assert len(Drain().run(due).posts) == 1


@pytest.mark.parametrize("change", [{"test": True}, {"empty": True}], ids=str)
def test_what_stands_by_itself_is_told_by_itself(change):
    alerts = [] if change.pop("empty", False) else [cpu(1)]
    due = [*storm(5), owed(7, *alerts, **change)]
    assert [one.id for one in Drain().next(due).owed] == ["d7"]


def test_a_webhook_is_told_each_delivery_by_itself_the_urgent_first():
    due = [owed(1, cpu(1), group="a", priority="low"), owed(2, cpu(2), group="b", priority="high"), *storm(3, first=3)]
    drained = Drain("webhook").run(due)
    assert [post.message.deliveries for post in drained.posts] == [("d2",), ("d5",), ("d3",), ("d1",), ("d4",)]


def test_what_stands_by_itself_does_not_go_ahead_of_its_group():
    first, second = owed(1, cpu(1), group="g"), owed(2, cpu(1, status="resolved"), group="g")
    second.most = 1
    assert Drain().next([first, second]).owed[0] is first
    assert [one.id for one in Drain("webhook").next([first, second]).owed] == ["d1"]


@pytest.mark.parametrize("most", [1, 2, 5])
@pytest.mark.parametrize("groups", [0, 1, 7])
@pytest.mark.parametrize("kind", ["wecom_robot", "feishu_app"])
def test_no_more_share_a_message_than_may(kind, groups, most):
    due = storm(40, groups=groups)
    for one in due[10:30]:
        one.most = most
    drained = Drain(kind, settings={"limits": {"rate": 0}} if kind == "feishu_app" else {}).run(due)
    assert drained.told.keys() == owing(due)
    careful = {one.id for one in due[10:30]}
    for post in drained.posts:
        assert len(post.message.deliveries) <= most or not careful & set(post.message.deliveries)


TEMPLATES = {
    "no cuts": "{% for alert in alerts %}{{ alert.instance }} is in trouble, says {{ alert.summary }}\n{% endfor %}",
    "its own cuts": "{% for a in alerts %}{{ a.instance }} {{ a.name }}\n{{ cut if loop.index is even }}{% endfor %}",
    "nothing of the alerts": "{{ alerts | length }} alerts",
    "that fails": "{{ 1 // 0 }}",
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("groups", [0, 1])
def test_with_a_template_of_somebodys_own_nothing_is_lost(tmp_path, name, groups):
    write(tmp_path, TEMPLATES[name])
    due = storm(150, groups=groups)
    drained = Drain(directory=tmp_path).run(due)
    assert drained.told.keys() == owing(due)
    if name in ("its own cuts", "that fails") or (name == "no cuts" and not groups):
        assert set().union(*map(shown, drained.posts)) == {f"db-{at}:9100" for at in range(150)}


def test_one_alert_that_no_message_holds_keeps_nobody_waiting():
    long = cpu(7)
    long["annotations"] = {"description": "x" * 30_000}
    due = [owed(7, long), *storm(30, first=10)]
    drained = Drain().run(due)
    assert drained.told.keys() == owing(due)


def test_words_that_look_like_a_cut_cost_messages_and_no_alert():
    hostile = cpu(7)
    hostile["annotations"] = {"summary": "… (cut, about 9 bytes more)"}
    due = [*storm(30, first=10), owed(7, hostile), *storm(30, first=50)]
    drained = Drain(settings={"language": "en"}).run(due)
    assert drained.told.keys() == owing(due)


def test_what_cannot_be_read_is_told_to_whoever_asks():
    with pytest.raises(BadPayload):
        Drain().next([*storm(3), unreadable(9)])
