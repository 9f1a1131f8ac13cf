"""SQLite: a database that an earlier version made, with what it had, is brought up to date."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from store.facts import NOW, begin, deliver, ended, give

from receiver.model import Card, Carried, MessageState, State
from receiver.store.base import Query
from receiver.store.connection import connect
from receiver.store.disk import create_private
from receiver.store.migrations import known, migrate
from receiver.store.packing import pack
from receiver.store.sqlite import SqliteStore, open_sqlite

DELIVERY = (
    "insert into delivery values (?, ?, 'infra', 'wecom_robot', 'default', '/', 'g', 'normal', ?, ?, ?, ?, null, '', 1,"
    " 1, null, null, 0, 0)"
)
MESSAGE = "insert into message values (?, ?, 'infra', ?, 1, 1, 0, ?, '[0]', ?, ?)"
FIRST, SECOND = 1, 2


def fill(db: sqlite3.Connection) -> None:
    """A delivery that was sent, and one whose message was being posted when the process died."""
    for seq, state, message in ((1, "sent", "sent"), (2, "sending", "sending")):
        db.execute(
            "insert into event values (?, ?, 'am', '/webhook', '[]', ?, ?)", (seq, f"e{seq}", NOW, pack(b"{}" * 900))
        )
        db.execute(DELIVERY, (seq << 16, f"d{seq}", state, NOW, NOW, NOW))
        db.execute(MESSAGE, (seq, f"m{seq}", pack(b"hello"), message, NOW, NOW if message == "sent" else None))
        db.execute("insert into carries values (?, 0, ?)", (seq, seq << 16))
    db.execute("insert into attempt values (1, 1, ?, 0.5, 200, '0', '')", (NOW,))
    db.execute("insert into channel values ('infra', 'stopped', 'robot removed', 0, ?, 'abc')", (NOW,))


def made(path: Path, version: int) -> Path:
    """A database of the first version that was brought up to date until `version`."""
    create_private(path)
    db = connect(path, "writer")
    migrate(db, NOW, known("sqlite")[:FIRST])
    fill(db)
    migrate(db, NOW, known("sqlite")[:version])
    db.close()
    return path


@pytest.fixture(params=[FIRST, SECOND])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return made(tmp_path / "x.db", request.param)


async def opened(path: Path) -> SqliteStore:
    return await open_sqlite(path, ballast=0, clock=lambda: NOW)


def columns(path: Path, table: str) -> set[str]:
    with sqlite3.connect(path) as db:
        return {row[1] for row in db.execute(f"pragma table_info({table})")}


async def test_the_old_database_is_an_old_one(old: Path) -> None:
    assert "alerts" in columns(old, "message")
    assert columns(old, "usage") == set()
    await (await opened(old)).close()
    assert {"target", "updates", "provider_id"} <= columns(old, "message")
    assert "alerts" not in columns(old, "message")
    assert {"alerts", "detail"} <= columns(old, "carries")
    assert {"detail", "told_by", "stands_in"} <= columns(old, "delivery")
    assert {"note"} <= columns(old, "attempt")


async def test_what_it_had_is_all_there(old: Path) -> None:
    store = await opened(old)
    record = await store.record("d1")
    assert record is not None
    assert (record.delivery.state, record.event.body) == (State.SENT, b"{}" * 900)
    [message], [attempt] = record.messages, record.attempts
    assert (message.id, message.content, message.state) == ("m1", b"hello", MessageState.SENT)
    assert (message.target, message.updates, message.provider_id, attempt.note) == ("", "", "", "")
    assert (await store.channels())["infra"].reason == "robot removed"
    await store.close()


async def test_what_was_under_way_goes_on(old: Path) -> None:
    store = await opened(old)
    [work] = await store.owed("infra")
    assert (work.delivery.id, [message.id for message in work.messages]) == ("d2", ["m2"])
    assert (work.refused, work.reached, work.notes, work.messages[0].retried) == ("", False, (), True)
    assert (work.told, work.seq, work.messages[0].carries) == (frozenset(), 2 << 16, (Carried("d2", (0,)),))
    await store.settle(ended(work.messages[0]))
    assert await store.owed("infra") == []
    await store.close()


PART = (
    "insert into message (id, channel, content, number, total, plain, state, alerts, updates)"
    " values (?, 'infra', ?, ?, 4, 1, ?, ?, ?)"
)


async def test_a_message_keeps_its_positions(tmp_path: Path) -> None:
    """Of one delivery a part was sent, one was refused, one said that an older one is old, and one was left."""
    old = made(tmp_path / "x.db", SECOND)
    with sqlite3.connect(old) as db:
        parts = (("sent", [0, 7]), ("failed", [3]), ("sent", []), ("planned", [4, 5]))
        for number, (state, alerts) in enumerate(parts, 3):
            updates = "" if alerts else "om_1"
            db.execute(PART, (f"m{number}", pack(b"part"), number, state, json.dumps(alerts), updates))
            db.execute("insert into carries values (?, 0, ?)", (number, 2 << 16))
    db.close()
    store = await opened(old)
    [work] = await store.owed("infra")
    assert [(one.id, one.carries) for one in work.messages] == [
        ("m2", (Carried("d2", (0,)),)),
        ("m6", (Carried("d2", (4, 5)),)),
    ]
    assert (work.told, bool(work.refused), work.reached, work.delivery.detail) == ({0, 7, 3}, True, True, "full")
    await store.close()


async def test_what_was_told_was_told_in_full(old: Path) -> None:
    store = await opened(old)
    records, _ = await store.records(Query())
    assert {record.delivery.id: record.delivery.detail for record in records} == {"d1": "full", "d2": ""}
    await store.close()


async def test_what_is_new_works(old: Path) -> None:
    store = await opened(old)
    card = Card("infra", "h", "", 1, "om_1", NOW)
    sent = await begin(store, await give(store, group="h"), target='{"touser":"a"}')
    await store.settle(ended(sent, card=card))
    assert await store.cards("infra", "h") == [card]
    await store.close()


async def test_each_step_is_taken_once(old: Path) -> None:
    for _ in range(2):
        store = await opened(old)
        await deliver(store, await give(store, group="h"))
        await store.close()
    with sqlite3.connect(old) as db:
        steps = db.execute("select number, checksum from migration order by number").fetchall()
    assert steps == [(step.number, step.checksum) for step in known("sqlite")]


async def test_an_old_and_a_new_database_have_the_same_schema(old: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh.db"
    for path in (old, fresh):
        await (await opened(path)).close()
    schemas = []
    for path in (old, fresh):
        with sqlite3.connect(path) as db:
            schemas.append(db.execute("select type, name, sql from sqlite_master order by name").fetchall())
    assert schemas[0] == schemas[1]
