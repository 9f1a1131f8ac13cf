"""What was only counted is listed once, in its latest state, while it is news."""

import csv
import io

import orjson
import pytest
from owed_samples import NOW, cpu, owed, planner

from receiver.delivery.lists import MOST, NEWS, REST
from receiver.model import Carried, Message


def told(detail, *of):
    """A message that tells all alerts of the deliveries so."""
    carries = tuple(Carried(one.id, tuple(one.positions), detail) for one in of)
    return Message("m", "infra", b"{}", carries), list(of)


@pytest.fixture
def lists():
    return planner().lists


def listed(lists, now=NOW):
    """The list that is made: the records it stands in, and its rows."""
    made = lists.made(lists.take(), now)
    text = orjson.loads(made.content)["file"]["text"]
    return made.deliveries, list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def instances(rows):
    return [row["instance"] for row in rows]


@pytest.mark.parametrize("detail", ["full", "line"])
def test_what_was_told_by_itself_needs_no_list(lists, detail):
    lists.note(*told(detail, owed(1, cpu(1))), NOW)
    assert not lists.waits(NOW)


def test_what_was_counted_is_listed_beside_all_messages(lists):
    lists.note(*told("count", owed(1, cpu(1), cpu(2)), owed(2, cpu(3))), NOW)
    assert lists.waits(NOW)
    made = lists.made(lists.take(), NOW)
    assert (made.number, made.carries, made.target) == (0, (Carried("d1"),), "")
    assert not lists.waits(NOW)


def test_all_that_is_told_from_then_on_belongs_to_it(lists):
    lists.note(*told("full", owed(1, cpu(1))), NOW)
    lists.note(*told("count", owed(2, cpu(2))), NOW)
    lists.note(*told("line", owed(3, cpu(3))), NOW)
    lists.note(*told("count", owed(4, cpu(4))), NOW)
    records, rows = listed(lists)
    assert records == ("d2", "d4")
    assert instances(rows) == ["db-2:9100", "db-3:9100", "db-4:9100"]


def test_each_alert_is_listed_once_as_it_is_now(lists):
    lists.note(*told("count", owed(1, cpu(1), cpu(2)), owed(2, cpu(2, status="resolved"))), NOW)
    lists.note(*told("full", owed(3, cpu(1, status="resolved")), owed(4, cpu(2))), NOW)
    _, rows = listed(lists)
    assert [(row["instance"], row["status"]) for row in rows] == [("db-2:9100", "firing"), ("db-1:9100", "resolved")]


def test_only_what_the_message_told_is_listed(lists):
    message = Message("m", "infra", b"{}", (Carried("d1", (1,), "line"), Carried("d1", (2,), "count")))
    lists.note(message, [owed(1, cpu(1), cpu(2), cpu(3))], NOW)
    assert instances(listed(lists)[1]) == ["db-2:9100", "db-3:9100"]


def test_more_than_a_list_names_are_counted_in_it(lists):
    for first in range(0, MOST + 2000, 3000):
        lists.note(*told("count", owed(first, *(cpu(first + number) for number in range(3000)))), NOW)
    _, rows = listed(lists)
    assert len(rows) == MOST + 1
    assert rows[-1]["status"] == f"另有 {12_000 - MOST} 条告警未列出"


@pytest.mark.parametrize(("age", "waits"), [(-60.0, True), (NEWS - 1, True), (NEWS, False)])
def test_what_is_no_news_any_more_is_not_listed(lists, age, waits):
    lists.note(*told("count", owed(1, cpu(1))), NOW)
    assert lists.waits(NOW + age) is waits
    lists.note(*told("full", owed(2, cpu(2))), NOW + age)
    assert lists.waits(NOW) is waits


@pytest.mark.parametrize(("later", "waits"), [(0.0, False), (REST - 1, False), (REST, True), (-1.0, True)])
def test_after_one_that_did_not_arrive_there_is_none_for_a_while(lists, later, waits):
    lists.note(*told("count", owed(1, cpu(1))), NOW)
    lists.rest(NOW)
    assert not lists.waits(NOW)
    lists.note(*told("count", owed(2, cpu(2))), NOW + later)
    assert lists.waits(NOW + later) is waits


@pytest.mark.parametrize("kind", ["dingtalk_robot", "feishu_bot", "wecom_app", "webhook"])
def test_where_no_file_can_be_sent_nothing_is_kept_in_mind(kind):
    lists = planner(kind).lists
    lists.note(*told("count", owed(1, cpu(1))), NOW)
    assert not lists.waits(NOW)
