"""What messages carry, and the plain texts in the place of those that were refused: the same alerts, told as fully."""

from __future__ import annotations

import random
from collections import Counter, deque

import pytest
from drained import Drain
from owed_samples import NOW, cpu, owed, planner

from receiver.delivery.bundle import Bundle
from receiver.delivery.coalescing import coalesce
from receiver.delivery.planning import Telling
from receiver.model import Carried, Message

KINDS = ("wecom_robot", "dingtalk_robot", "feishu_bot", "wecom_app", "feishu_app", "dingtalk_app")


def backlog(seed, number=60):
    chance = random.Random(seed)
    severities = ["critical", "warning", "info"]

    def some():
        return [
            cpu(chance.randrange(150), chance.choice(severities), status=chance.choice(["firing", "resolved"]))
            for _ in range(chance.choice([1, 1, 2, 7]))
        ]

    return [owed(at, *some(), group=f"g{at % 9}") for at in range(number)]


def carries(messages):
    return Counter(
        (one.delivery, at, one.detail) for message in messages for one in message.carries for at in one.alerts
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("taken", [0, 17, 19])
def test_the_plain_text_tells_what_the_refused_message_told(kind, taken):
    drained = Drain(kind, taken=taken)
    bundle = drained.next(backlog(taken))
    for message in list(bundle.messages):
        plain = drained.planner.instead(bundle, message, "1", NOW)
        assert carries(plain).keys() == carries([message]).keys()
        assert {(one.number, one.total, one.target, one.plain) for one in plain} == {
            (message.number, message.total, message.target, True)
        }
        assert all(used <= limit for used, limit in (drained.channel.fill(one.content) for one in plain))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [1, 40, 400])
def test_a_group_is_told_whole_each_alert_in_one_part(kind, number):
    plan = planner(kind)
    due = [owed(1, *map(cpu, range(number)), group="g"), owed(2, *map(cpu, range(number // 2, number + 9)), group="g")]
    messages = plan.whole(due, NOW)
    assert carries(messages) == {(one.id, at, "full"): len(plan.channel.targets) for one in due for at in one.positions}
    assert [message.number for message in messages[:: len(plan.channel.targets)]] == list(
        range(1, messages[0].total + 1)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_is_left_is_told_and_an_event_without_alerts_is_too(kind):
    plan = planner(kind)
    part, nothing = owed(1, *map(cpu, range(5)), told=frozenset({0, 3})), owed(2)
    assert carries(plan.whole([part], NOW)).keys() == {("d1", at, "full") for at in (1, 2, 4)}
    assert {message.carries for message in plan.whole([nothing], NOW)} == {(Carried("d2"),)}


def test_what_is_counted_is_carried_by_each_message_that_shows_the_numbers():
    [line], counted = Drain().next([owed(1, cpu(1))]).owed, [owed(2, cpu(2)), owed(3, cpu(3))]
    telling = Telling([line, *counted], coalesce([line]), digest=True, counted=coalesce(counted))
    assert telling.carried([0]) == (
        Carried("d1", (0,), "line"),
        Carried("d2", (0,), "count"),
        Carried("d3", (0,), "count"),
    )
    assert telling.carried([]) == telling.carried([0])[1:]


def test_a_message_that_tells_nothing_by_itself_is_retold_as_all_that_is_left():
    plan = planner()
    due = [owed(1, cpu(1)), owed(2, cpu(2), cpu(3), told=frozenset({0}))]
    ping = Message("m", "infra", b"", (Carried("d1"),), 2, 2)
    told = carries(plan.instead(Bundle(due, deque()), ping, None, NOW))
    assert told.keys() == {("d1", 0, "full"), ("d2", 1, "full")}


def test_the_state_that_was_told_is_told_again_though_a_later_one_came():
    plan = planner()
    first, second = owed(1, cpu(1), group="g"), owed(2, cpu(1, status="resolved"), group="g")
    [message] = plan.whole([first], NOW)
    [plain] = plan.instead(Bundle([first, second], deque()), message, None, NOW)
    assert plain.deliveries == ("d1",)
    assert "告警" in plain.content.decode()
