"""What a record says of each message: whom it is for, what it replaces, whom it did not reach."""

from __future__ import annotations

import aiohttp
import pytest
from stage import eventually, notification

from receiver.model import Attempt, Card, Carried, Delivery, Message, MessageState, State, StoredEvent
from receiver.store.base import Move, Settlement

NOW = 1_790_000_000.0


@pytest.fixture
async def page(face):
    """The service in this process with a record of a channel that it does not have; asks for the record."""
    one = await face()
    event = StoredEvent("e", "am", NOW, b'{"alerts": []}')
    owed = Delivery("d", "e", "app", "wecom_app", "default", "route", "g", "normal", State.QUEUED, NOW, NOW)
    await one.service.store.accept(event, [owed], [])

    async def record(name="d"):
        async with aiohttp.ClientSession() as session, session.get(f"{one.url}/api/v1/records/{name}") as response:
            assert response.status == 200
            return await response.json()

    record.store, record.face = one.service.store, one
    return record


def message(number, **fields):
    return Message(f"m{number}", "app", b"hello", (Carried("d"),), number, 2, **fields)


async def plan(page, *messages):
    await page.store.begin(messages, messages[0].id, "", NOW)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"touser":"张三|b","toparty":"1"}', {"touser": "张三|b", "toparty": "1"}),
        ('{"userIds":["u1","u2"]}', {"userIds": ["u1", "u2"]}),
        ("", None),
        ("no JSON", "no JSON"),
    ],
)
async def test_whom_a_message_is_for_is_shown_as_the_object_it_is(page, written, shown):
    await plan(page, message(1, target=written))
    assert [one["target"] for one in (await page())["messages"]] == [shown]


async def test_what_a_message_replaces_and_what_it_is_called(page):
    await plan(page, message(1, updates="om_1"), message(2))
    card = Card("app", "g", "", 1, "om_1", NOW)
    await page.store.settle(Settlement("m1", MessageState.SENT, Attempt("m1", NOW, 0.1, 200, "0"), card=card))
    first, second = (await page())["messages"]
    assert (first["updates"], first["provider_id"]) == ("om_1", "om_1")
    assert (second["updates"], second["provider_id"], second["state"]) == (None, None, "planned")


async def test_whom_a_try_did_not_reach(page):
    await plan(page, message(1), message(2))
    note, ended = "u7 is not visible", Move("d", State.SENT, "u7 is not visible", sent_at=NOW)
    attempt = Attempt("m1", NOW, 0.1, 200, "0", note=note)
    await page.store.settle(Settlement("m1", MessageState.SENT, attempt, (ended,), discarded=("m2",)))
    record = await page()
    assert [(one["error"], one["note"]) for one in record["attempts"]] == [("", note)]
    assert (record["state"], record["reason"]) == ("sent", note)
    assert [one["state"] for one in record["messages"]] == ["sent", "discarded"]


async def test_a_robots_message_is_for_no_one_in_particular(page):
    status, answer = await post(page)
    assert status == 202
    for owed in answer["deliveries"]:
        record = await eventually(lambda owed=owed: sent(page, owed["id"]))
        assert {(one["target"], one["updates"]) for one in record["messages"]} == {(None, None)}
        assert [one["note"] for one in record["attempts"]] == [""] * len(record["attempts"])


async def post(page):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{page.face.url}/webhook", json=notification("Disk")) as response,
    ):
        return response.status, await response.json()


async def sent(page, name):
    record = await page(name)
    return record if record["state"] == "sent" else None
