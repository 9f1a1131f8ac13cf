"""How channels are looked after beside being sent to: whatever goes wrong, again and again, and until the end."""

from __future__ import annotations

import asyncio

import pytest
from scripted import Post, Scripted
from stage import eventually
from structlog.testing import capture_logs

from receiver.delivery import dispatch
from receiver.delivery.retry import MAX_AGE_FIRING
from receiver.delivery.watch import GATHERING
from receiver.errors import Rejected, StoreUnavailable, Unavailable
from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.store.base import Query


@pytest.fixture
async def post(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatch, "_EVERY", 0.01)
    post = Post(tmp_path, Scripted())
    await post.open()
    yield post
    await post.close()


@pytest.mark.parametrize(
    ("part", "error"), [("_relief", ValueError), ("_watch", KeyError), ("_watch", StoreUnavailable)]
)
async def test_an_error_ends_one_check_only(post, monkeypatch, part, error):
    calls = []

    async def check(now):
        calls.append(now)
        raise error("broken")

    await post.dispatcher.drain(1.0)
    monkeypatch.setattr(getattr(post.dispatcher, part), "check", check)
    with capture_logs() as logged:
        post.dispatcher.start()
        await eventually(lambda: len(calls) > 2, 5.0)
    assert {one["log_level"] for one in logged} == {"warning" if error is StoreUnavailable else "error"}


async def test_when_the_service_ends_nothing_is_looked_after_any_more(post, monkeypatch):
    calls = []

    async def check(now):
        calls.append(now)

    await post.dispatcher.drain(1.0)
    monkeypatch.setattr(post.dispatcher._watch, "check", check)
    post.dispatcher.start()
    await eventually(lambda: calls, 5.0)
    await post.dispatcher.drain(1.0)
    calls.clear()
    await asyncio.sleep(0.1)
    assert calls == []


async def grow_too_old(post):
    """Have one delivery tried, and too old before the next try."""
    post.channel.will("", Unavailable("down"))
    owed = await post.give({"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}, "fingerprint": "2"})
    await post.put_off(owed)
    post.later(MAX_AGE_FIRING)
    await eventually(lambda: ended(post, owed), 5.0)


async def ended(post, owed):
    return (await post.delivery(owed)).state in (State.FAILED, State.EXPIRED)


async def notices(post):
    page, _ = await post.store.records(Query())
    return [record.event.body.decode() for record in page if record.event.path == "notice"]


async def test_people_are_told_of_what_grew_too_old(post):
    await grow_too_old(post)
    assert await notices(post) == []
    post.later(GATHERING)
    [body] = await eventually(lambda: notices(post), 5.0)
    assert "1 of its deliveries (alerts: 2)" in body


async def test_they_are_told_at_the_latest_when_the_service_ends(post):
    await grow_too_old(post)
    await post.dispatcher.drain(5.0)
    assert len(await notices(post)) == 1


async def test_what_is_sent_again_goes_out_at_once(post, monkeypatch):
    monkeypatch.setattr(dispatch, "_SLICE", 1)
    post.channel.will("", *[Rejected("no")] * 4)
    owed = [await post.give({"labels": {"alertname": f"A{number}"}}, group=str(number)) for number in range(2)]
    for name in owed:
        await post.until(name, State.FAILED)
    again = await post.dispatcher.resend([*owed, "nothing"])
    assert [(one.id, one.state, one.manual) for one in again] == [(name, State.QUEUED, True) for name in owed]
    for name in owed:
        await post.until(name, State.SENT)


async def test_of_a_channel_that_is_gone_nothing_has_to_be_woken(post):
    event = StoredEvent(new_id(post.now), "am", post.now, b"[]")
    owed = Delivery("d1", event.id, "gone", "scripted", "default", "", "g", "normal", State.HELD, post.now, post.now)
    await post.store.accept(event, [owed], [])
    assert [one.id for one in await post.dispatcher.resend(["d1"])] == ["d1"]
