"""What was held, given up or grew too old is sent again by hand: one record, or all that filters find, as a digest."""

from __future__ import annotations

import pytest
from stage import eventually

from receiver.model import State
from receiver.web import filters, sending

SEND = "/api/v1/records/send"


@pytest.fixture
async def desk(face):
    return await face()


async def sent(desk, name):
    record = await desk.get(f"/api/v1/records/{name}")
    return record if record["state"] == "sent" else None


@pytest.mark.parametrize(("state", "reason"), [("failed", "refused"), ("expired", "too old"), ("held", "schedule")])
async def test_one_record_is_sent_again(desk, providers, state, reason):
    owed = await desk.owe("Disk", state=State(state), reason=reason)
    assert await desk.ask("POST", f"/api/v1/records/{owed}/send") == (200, {"sent": 1})
    record = await eventually(lambda: sent(desk, owed))
    assert (record["manual"], record["reason"], record["detail"]) == (True, "", "full")
    assert ["Disk" in told for told in providers.told("wecom")] == [True]


@pytest.mark.parametrize("state", ["sent", "dropped"])
async def test_what_has_another_state_is_not(desk, state):
    owed = await desk.owe("Disk", state=State(state))
    status, answer = await desk.ask("POST", f"/api/v1/records/{owed}/send")
    assert (status, answer["error"]) == (409, "conflict")
    assert state in answer["detail"]
    assert (await desk.get(f"/api/v1/records/{owed}"))["manual"] is False


async def test_what_is_not_there_is_not(desk):
    status, answer = await desk.ask("POST", "/api/v1/records/nothing/send")
    assert (status, answer["error"]) == (404, "not_found")


async def test_a_channel_that_does_not_send_sends_nothing_by_hand(desk):
    owed = await desk.owe("Disk", state=State.FAILED)
    gone = await desk.owe("Disk", state=State.FAILED, channel="gone")
    await desk.ask("POST", "/api/v1/channels/wecom/disable")
    for name in (owed, gone):
        assert (await desk.ask("POST", f"/api/v1/records/{name}/send"))[0] == 409
    assert await desk.ask("POST", SEND, {}) == (200, {"sent": 0})
    assert (await desk.get(f"/api/v1/records/{owed}"))["state"] == "failed"


async def test_without_filters_all_that_failed_is_sent_as_a_digest(desk, providers):
    failed = [await desk.owe(f"Alert{number}", group=f"g{number}", state=State.FAILED) for number in range(30)]
    expired = await desk.owe("Old", state=State.EXPIRED)
    assert await desk.ask("POST", SEND, {}) == (200, {"sent": 30})
    for name in failed:
        await eventually(lambda name=name: sent(desk, name))
    told = "\n".join(providers.told("wecom"))
    assert all(f"Alert{number}" in told for number in range(30))
    assert len(providers.told("wecom")) < 10
    assert (await desk.get(f"/api/v1/records/{expired}"))["state"] == "expired"


FILTERS = [
    ({"state": "expired"}, ["old"]),
    ({"state": ["held", "expired"]}, ["held", "old"]),
    ({"channel": "itsm"}, ["elsewhere"]),
    ({"channel": ["itsm", "wecom"], "q": "disk"}, ["disk"]),
    ({"template": "short"}, ["short"]),
    ({"since": "2026-01-01T00:00:00Z", "until": "2026-01-03T00:00:00+08:00"}, ["dated"]),
    ({"channel": [""]}, ["disk", "elsewhere", "short", "dated"]),
]


@pytest.mark.parametrize(("asked", "expected"), FILTERS)
async def test_filters_say_which(desk, asked, expected):
    owed = {
        "disk": await desk.owe("Disk", state=State.FAILED),
        "elsewhere": await desk.owe("Memory", state=State.FAILED, channel="itsm"),
        "short": await desk.owe("Load", state=State.FAILED, template="short"),
        "dated": await desk.owe("Power", state=State.FAILED, at=1_767_312_000.0),  # 2026-01-02
        "old": await desk.owe("Load", state=State.EXPIRED),
        "held": await desk.owe("Fan", state=State.HELD, reason="schedule"),
        "sent": await desk.owe("Net", state=State.SENT),
    }
    assert await desk.ask("POST", SEND, asked) == (200, {"sent": len(expected)})
    again = [name for name, one in owed.items() if (await desk.get(f"/api/v1/records/{one}"))["manual"]]
    assert sorted(again) == sorted(expected)


WRONG = [
    ({"state": "sent"}, "no state is named sent"),
    ({"state": []}, "state must be one of held, failed, expired"),
    ({"states": "failed"}, "states"),
    ({"limit": 5}, "limit"),
    ({"since": "yesterday"}, "since must be a time"),
    ({"channel": 5}, "channel"),
    ([], "object"),
    (None, "truncated"),
]


@pytest.mark.parametrize(("asked", "sentence"), WRONG)
async def test_what_cannot_be_understood_sends_nothing(desk, asked, sentence):
    owed = await desk.owe("Disk", state=State.FAILED)
    status, answer = await desk.ask("POST", SEND, asked)
    assert (status, answer["error"]) == (400, "bad_request")
    assert sentence in answer["detail"]
    assert (await desk.get(f"/api/v1/records/{owed}"))["state"] == "failed"


async def test_of_very_many_the_newest_are_sent_and_then_the_others(desk, monkeypatch):
    monkeypatch.setattr(sending, "AT_MOST", 3)
    now = desk.service.store.now()
    for number in range(5):
        await desk.owe(f"Alert{number}", state=State.FAILED, at=now - 5 + number)
    assert await desk.ask("POST", SEND, {}) == (200, {"sent": 3})
    left = (await desk.get("/api/v1/records?state=failed"))["items"]
    assert sorted(one["alerts"][0]["labels"]["alertname"] for one in left) == ["Alert0", "Alert1"]
    assert await desk.ask("POST", SEND, {}) == (200, {"sent": 2})


async def test_more_than_a_page_is_sent_at_once(desk, monkeypatch):
    monkeypatch.setattr(filters, "MOST", 2)
    for number in range(7):
        await desk.owe(f"Alert{number}", group=f"g{number}", state=State.FAILED)
    assert await desk.ask("POST", SEND, {}) == (200, {"sent": 7})
