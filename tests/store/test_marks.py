"""Marks of any length: what is over is forgotten, whatever lasts longer beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from store.conftest import SqliteEngine
from store.facts import event

from receiver.store.base import Mark, Store

DAY = 86400.0


@pytest.fixture
async def engine(tmp_path: Path):
    engine = SqliteEngine(tmp_path)
    await engine.open()
    yield engine
    await engine.close()


def kept(engine: SqliteEngine) -> list[str]:
    with sqlite3.connect(engine.path) as db:
        return [scope for (scope,) in db.execute("select scope from mark order by seq")]


async def take(engine: SqliteEngine, *marks: Mark) -> bool:
    """Take in an event with marks; whether it is a duplicate."""
    store: Store = engine.store  # type: ignore[assignment]
    return (await store.accept(event(engine.now), [], marks)).duplicate


async def forget(engine: SqliteEngine) -> None:
    await engine.store.prune(0.0)  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [1, 255, 256, 257, 600])
async def test_long_marks_keep_no_short_ones_alive(engine: SqliteEngine, number: int) -> None:
    long = [Mark(f"long{one}", "", DAY) for one in range(number)]
    await take(engine, *long)
    await take(engine, *(Mark(f"short{one}", "", 120.0) for one in range(700)))
    engine.now += 121
    for _ in range(4):
        await forget(engine)
    assert kept(engine) == [mark.scope for mark in long]
    assert [await take(engine, one) for one in (long[0], long[-1])] == [True, True]


async def test_what_lives_is_kept_behind_long_marks(engine: SqliteEngine) -> None:
    await take(engine, Mark("long", "", DAY))
    await take(engine, Mark("over", "", 120.0))
    engine.now += 121
    await take(engine, Mark("young", "", 120.0))
    await forget(engine)
    assert kept(engine) == ["long", "young"]
    assert await take(engine, Mark("young", "", 120.0))


async def test_a_long_mark_ends_too(engine: SqliteEngine) -> None:
    await take(engine, Mark("long", "", DAY))
    engine.now += DAY + 1
    await forget(engine)
    assert kept(engine) == []
    assert not await take(engine, Mark("long", "", DAY))


async def test_a_long_mark_is_remembered_through_a_restart(engine: SqliteEngine) -> None:
    await take(engine, Mark("long", "", DAY))
    engine.now += DAY - 1
    await forget(engine)
    await engine.reopen()
    assert await take(engine, Mark("long", "", DAY))


async def test_long_marks_that_are_about_to_end_keep_no_short_ones_alive(engine: SqliteEngine) -> None:
    await take(engine, Mark("long", "", DAY))
    engine.now += DAY - 600
    await take(engine, Mark("short", "", 120.0))
    engine.now += 121
    await forget(engine)
    assert kept(engine) == ["long"]
