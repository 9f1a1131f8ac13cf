"""One suite for every engine: `engine` opens the store under test, `store` is it, open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store.facts import NOW

from receiver.store.base import Store
from receiver.store.sqlite import open_sqlite


class SqliteEngine:
    """Opens the same database again and again; `now` is what its clock says."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "receiver.db"
        self.now = NOW
        self.store: Store | None = None

    async def open(self) -> Store:
        self.store = await open_sqlite(self.path, ballast=0, clock=lambda: self.now)
        return self.store

    async def close(self) -> None:
        if self.store is not None:
            await self.store.close()

    async def reopen(self) -> Store:
        await self.close()
        return await self.open()


ENGINES = {"sqlite": SqliteEngine}


@pytest.fixture(params=list(ENGINES))
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = ENGINES[request.param](tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def store(engine: SqliteEngine) -> Store:
    return await engine.open()
