"""Every engine: the record, its pages and filters, and how it is forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from store.facts import NOW, begin, deliver, event, give, message, owed, owes, state_of

from receiver.model import State
from receiver.store.base import Mark, Query, Store


async def found(store: Store, **query: Any) -> list[str]:
    page, _ = await store.records(Query(**query))
    return [record.delivery.id for record in page]


async def test_records_are_newest_first(store: Store) -> None:
    given = [await give(store, now=NOW + number) for number in (0, 5, 3)]
    assert await found(store) == [given[1].id, given[2].id, given[0].id]


async def test_a_page_holds_deliveries_and_events(store: Store) -> None:
    taken = event(body=b"whole")
    delivery = owed(taken)
    await store.accept(taken, [delivery], [])
    (record,), cursor = await store.records(Query())
    assert (record.delivery, record.event, record.messages, record.attempts, cursor) == (delivery, taken, (), (), None)


async def test_pages_are_stable_while_more_comes_in(store: Store) -> None:
    given = [(await give(store, now=NOW + number // 3)).id for number in range(10)]
    seen, cursor = [], None
    while not seen or cursor:
        page, cursor = await store.records(Query(limit=3, cursor=cursor))
        seen += [record.delivery.id for record in page]
        await give(store, now=NOW + 100)
    assert seen == given[::-1]


async def test_a_full_last_page_has_no_next(store: Store) -> None:
    for _ in range(4):
        await give(store)
    _, cursor = await store.records(Query(limit=2))
    _, cursor = await store.records(Query(limit=2, cursor=cursor))
    assert cursor is None


@pytest.mark.parametrize(
    "cursor", ["x", "!!", "bnVsbA", "WzEsMl0", "W10", "eyJhIjoxfQ", "你好", "WzEuMCwgMiwgM10", "WzEuMCwgLTFd", "=" * 9]
)
async def test_a_bad_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await store.records(Query(cursor=cursor))
    with pytest.raises(ValueError, match="cursor"):
        await store.quarantined(cursor=cursor)


@pytest.fixture
async def mixed(store: Store) -> dict[str, str]:
    """Four records by name."""
    a = await give(store, "infra", template="default", now=NOW, body=b'{"alertname": "DiskFull", "p": "100%_"}')
    b = await give(store, "duty", template="short", now=NOW + 1, route="team=DB", body='{"s": "磁盘"}'.encode())
    c = await give(store, "infra", "h", template="short", now=NOW + 2, body=json.dumps({"s": "内存 <b>"}).encode())
    d = await give(store, "audit", template="default", now=NOW + 3, state=State.DROPPED, body=b"\xff\xfe\x00nul")
    await deliver(store, a, content='{"text": "Root 分区"}'.encode())
    return {a.id: "a", b.id: "b", c.id: "c", d.id: "d"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "dcba"),
        ({"channel": ("infra",)}, "ca"),
        ({"channel": ("infra", "audit")}, "dca"),
        ({"template": ("short",)}, "cb"),
        ({"state": ("queued",)}, "cb"),
        ({"state": ("sent", "dropped")}, "da"),
        ({"channel": ("infra",), "template": ("short",)}, "c"),
        ({"channel": ("nobody",)}, ""),
        ({"since": NOW + 1}, "dcb"),
        ({"until": NOW + 1}, "ba"),
        ({"since": NOW + 1, "until": NOW + 2}, "cb"),
        ({"q": "diskfull"}, "a"),
        ({"q": "DISKFULL"}, "a"),
        ({"q": "AUDIT"}, "d"),
        ({"q": "short"}, "cb"),
        ({"q": "team=db"}, "b"),
        ({"q": "磁盘"}, "b"),
        ({"q": "内存"}, "c"),
        ({"q": "root 分区"}, "a"),
        ({"q": "0%_"}, "a"),
        ({"q": "%"}, "a"),
        ({"q": "d_s"}, ""),
        ({"q": "nul"}, "d"),
        ({"q": "' or 1=1 --"}, ""),
        ({"q": "\ud800"}, ""),
        ({"q": "a\0"}, ""),
        ({"q": "x" * 100_000}, ""),
    ],
)
async def test_filters(store: Store, mixed: dict[str, str], query: dict[str, Any], expected: str) -> None:
    assert "".join(mixed[delivery] for delivery in await found(store, **query)) == expected


async def test_go_escapes_are_found(store: Store) -> None:
    delivery = await give(store, body=rb'{"s": "cpu \u003e 90 \u0026 rising"}')
    assert await found(store, q="CPU > 90 & rising") == [delivery.id]


async def test_a_record_that_is_none(store: Store) -> None:
    assert await store.record("nobody") is None


async def test_a_record_shows_messages_and_attempts_in_order(store: Store) -> None:
    delivery = await give(store)
    first = await begin(store, delivery, content=b"one")
    second = message(delivery, content=b"two", number=2)
    await store.begin([second], second.id, "key", NOW)
    record = await store.record(delivery.id)
    assert record is not None
    assert [one.content for one in record.messages] == [b"one", b"two"]
    assert [one.id for one in record.messages] == [first.id, second.id]


async def test_what_owes_nothing_is_forgotten_after_its_time(store: Store) -> None:
    old, young = await give(store), await give(store, now=NOW + 10)
    for delivery in (old, young):
        await deliver(store, delivery)
    assert await store.prune(NOW + 5) == 1
    assert await store.record(old.id) is None
    assert await state_of(store, young) is State.SENT
    assert await store.prune(NOW + 5) == 0


async def test_what_is_owed_is_never_forgotten(store: Store) -> None:
    taken = event()
    queued, sent = owed(taken), owed(taken, "other")
    await store.accept(taken, [queued, sent], [])
    await deliver(store, sent)
    sending = await give(store, group="h")
    await begin(store, sending)
    assert await store.prune(NOW + 1e6) == 0
    assert await owes(store) == [queued.id, sending.id]
    assert await state_of(store, sent) is State.SENT


async def test_what_was_held_too_long_is_expired_then_forgotten(store: Store) -> None:
    delivery, young = await give(store, state=State.HELD, reason="paused"), await give(store, now=NOW + 10)
    await store.hold("infra", "stopped")
    assert await store.prune(NOW + 5) == 0
    record = await store.record(delivery.id)
    assert record is not None
    assert (record.delivery.state, record.delivery.reason) == (State.EXPIRED, "paused")
    assert await state_of(store, young) is State.HELD
    assert await store.prune(NOW + 5) == 1
    assert await store.record(delivery.id) is None


async def test_pruning_is_limited(store: Store) -> None:
    for number in range(130):
        await give(store, group=str(number), state=State.DROPPED)
    await give(store)
    assert [await store.prune(NOW + 1, 60) for _ in range(4)] == [60, 60, 10, 0]


async def test_a_message_stays_while_it_carries_anything(store: Store) -> None:
    old, young = await give(store, group="old"), await give(store, group="young", now=NOW + 10)
    digest = message(old, young, content=b"both")
    await store.begin([digest], digest.id, "key", NOW)
    await deliver(store, old)
    assert await store.prune(NOW + 5) == 1
    (work,) = await store.owed("infra")
    assert [(one.content, one.deliveries) for one in work.messages] == [(b"both", (young.id,))]


async def test_a_forgotten_event_is_no_longer_repeated(engine, store: Store) -> None:
    taken = event()
    await store.accept(taken, [], [Mark("scope", "", 120)])
    assert await store.prune(NOW + 1) == 1
    store = await engine.reopen()
    await give(store, now=NOW + 1)
    again = event(NOW + 2)
    assert not (await store.accept(again, [], [Mark("scope", "", 120)])).duplicate


async def test_a_page_of_large_events_is_short(store: Store) -> None:
    given = [await give(store, group=str(number), body=b"x" * 12_000_000) for number in range(5)]
    page, cursor = await store.records(Query(limit=5))
    rest, end = await store.records(Query(limit=5, cursor=cursor))
    assert (len(page), len(rest), end) == (3, 2, None)
    assert [record.delivery.id for record in (*page, *rest)] == [delivery.id for delivery in reversed(given)]
