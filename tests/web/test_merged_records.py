"""Where every alert of a digest went: what a record's messages told, of which deliveries, and how fully."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stage import eventually

from receiver.model import Carried, Message, MessageState, State
from receiver.store.base import Move, Settlement


@pytest.fixture
async def desk(face):
    return await face()


async def tell(desk, message, *carried, state=MessageState.SENT):
    """Have a message kept that tells this of deliveries of a channel that does not send itself."""
    store = desk.service.store
    await store.begin([Message(message, "gone", b"text", carried)], message, "", store.now())
    least = {one.delivery: one.detail for one in carried}
    moves = tuple(Move(name, State.SENT, detail=detail, sent_at=store.now()) for name, detail in least.items())
    await store.settle(Settlement(message, state, None, moves))


async def test_a_record_says_how_fully_and_by_what_it_was_told(desk):
    one, other = [await desk.owe("A", "B", "C", channel="gone", group=group) for group in "ab"]
    await tell(desk, "m1", Carried(one, (0, 2), "full"), Carried(one, (1,), "count"), Carried(other, (0,), "line"))
    record = await desk.get(f"/api/v1/records/{one}")
    [message] = record["messages"]
    assert message["deliveries"] == 2
    assert message["carries"] == [{"alerts": [0, 2], "detail": "full"}, {"alerts": [1], "detail": "count"}]
    assert (record["detail"], record["told_by"], record["stands_in"]) == ("count", None, None)


async def test_what_was_not_told_has_no_detail(desk):
    owed = await desk.owe("A", channel="gone", state=State.HELD, reason="disabled")
    record = await desk.get(f"/api/v1/records/{owed}")
    assert (record["detail"], record["messages"]) == (None, [])


async def test_a_stand_in_and_what_it_stands_in_for_name_each_other(desk):
    name = await desk.owe("A", channel="gone", state=State.HELD, reason="stopped")
    owed = (await desk.service.store.record(name)).delivery
    await desk.service.store.hand_over([replace(owed, id="stand-in", channel="wecom", stands_in=name)])
    [record] = (await desk.get("/api/v1/records?channel=wecom"))["items"]
    assert (record["id"], record["stands_in"], record["told_by"]) == ("stand-in", name, None)
    assert (await desk.get(f"/api/v1/records/{name}"))["told_by"] == "wecom"


async def test_all_that_a_message_tells_is_listed_page_by_page(desk):
    owed = [await desk.owe(f"A{number}", "B", channel="gone", group=f"g{number}") for number in range(5)]
    await tell(desk, "m1", *(Carried(name, (0, 1) if name == owed[0] else (0,), "line") for name in owed))
    path, found, cursor = f"/api/v1/records/{owed[3]}/merged?limit=2", [], ""
    while cursor is not None:
        answer = await desk.get(path + (f"&cursor={cursor}" if cursor else ""))
        found, cursor = found + answer["items"], answer["next_cursor"]
        assert len(answer["items"]) <= 2
    assert [one["id"] for one in found] == owed
    assert {(one["message_id"], one["detail"], one["state"]) for one in found} == {("m1", "line", "sent")}
    names = [[alert["labels"]["alertname"] for alert in one["alerts"]] for one in found]
    assert names == [["A0", "B"], ["A1"], ["A2"], ["A3"], ["A4"]]


async def test_of_a_record_without_messages_nothing_is_merged(desk):
    owed = await desk.owe("A", channel="gone", state=State.HELD, reason="disabled")
    assert await desk.get(f"/api/v1/records/{owed}/merged") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("path", "status"),
    [("nothing/merged", 404), ("{id}/merged?limit=0", 400), ("{id}/merged?cursor=x", 400), ("{id}/merged?q=x", 400)],
)
async def test_what_is_not_there_and_what_is_not_understood(desk, path, status):
    owed = await desk.owe("A", channel="gone", state=State.HELD, reason="disabled")
    assert (await desk.ask("GET", "/api/v1/records/" + path.replace("{id}", owed)))[0] == status


async def test_a_real_digest_is_listed_whole(desk):
    owed = [await desk.owe(f"Alert{number}", group=f"g{number}", state=State.FAILED) for number in range(40)]
    await desk.ask("POST", "/api/v1/records/send", {})
    await eventually(lambda: all_sent(desk))
    found = set()
    for name in owed:
        found |= {one["id"] for one in (await desk.get(f"/api/v1/records/{name}/merged"))["items"]}
    assert found == set(owed)


async def all_sent(desk):
    return not (await desk.get("/api/v1/records?state=failed&state=queued&state=sending"))["items"]
