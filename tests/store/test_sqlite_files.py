"""SQLite: its files, who holds them, and which databases are refused."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from store.facts import NOW, give, owes

from receiver.errors import ConfigError, StoreLocked, StoreUnavailable
from receiver.store import open_store
from receiver.store.base import StorageSettings
from receiver.store.disk import Ballast, free_space
from receiver.store.migrations import Migration, known, migrate
from receiver.store.sqlite import open_sqlite

OPEN = """
import asyncio, sys
from pathlib import Path
from receiver.store.sqlite import open_sqlite

async def main():
    await open_sqlite(Path(sys.argv[1]))
    print("open", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_a_relative_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await (await open_store(StorageSettings(url="sqlite:///data/x.db"))).close()
    assert (tmp_path / "data" / "x.db").is_file()


async def test_an_absolute_url_with_odd_letters(tmp_path: Path) -> None:
    path = tmp_path / "a b%20?#é.db"
    await (await open_store(StorageSettings(url=f"sqlite:///{path}"))).close()
    assert path.is_file()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:////", "x.db", "mysql://u:hunter2@h/d", ""])
async def test_a_bad_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"storage\.url") as raised:
        await open_store(StorageSettings(url=url))
    assert "hunter2" not in str(raised.value)


async def test_only_the_owner_may_read(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = tmp_path / "data" / "x.db"
        store = await open_sqlite(path, ballast=65536)
        await give(store)
        assert mode(path.parent) == 0o700
        names = {file.name for file in path.parent.iterdir()}
        assert names == {"x.db", "x.db-wal", "x.db-shm", "x.db.lock", "x.db.ballast"}
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}
        await store.close()
    finally:
        os.umask(old)


async def test_a_closed_store_leaves_no_log(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db", ballast=0)
    await give(store)
    await store.close()
    await store.close()
    assert {file.name for file in tmp_path.iterdir()} == {"x.db", "x.db.lock"}


async def test_how_the_database_is_set_up(tmp_path: Path) -> None:
    await (await open_sqlite(tmp_path / "x.db")).close()
    with sqlite3.connect(tmp_path / "x.db") as db:
        figures = [db.execute(f"pragma {name}").fetchone()[0] for name in ("page_size", "journal_mode", "auto_vacuum")]
    assert figures == [16384, "wal", 2]


async def test_a_second_store_is_refused_and_a_third_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = await open_sqlite(path)
    with pytest.raises(StoreLocked, match=f"in use by another process.*{os.getpid()}"):
        await open_sqlite(path)
    await first.close()
    await (await open_sqlite(path)).close()


async def test_another_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    command = [sys.executable, "-c", OPEN, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked, match=str(holder.pid)):
            await open_sqlite(path)
        second = subprocess.run(command, input="", capture_output=True, text=True, check=False)
        assert "StoreLocked" in second.stderr
        holder.kill()
        holder.wait()
    store = await open_sqlite(path)
    await give(store)
    assert len(await owes(store)) == 1
    await store.close()


def add(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await (await open_sqlite(path)).close()
    add(path, "insert into migration values (9000, '9000_future', 'x', 0)")
    with pytest.raises(ConfigError, match="newer alert-receiver"):
        await open_sqlite(path)
    add(path, "delete from migration where number = 9000")
    await (await open_sqlite(path)).close()


async def test_an_edited_migration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await (await open_sqlite(path)).close()
    add(path, "update migration set checksum = 'edited'")
    with pytest.raises(ConfigError, match="0001_init"):
        await open_sqlite(path)


async def test_a_strange_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    add(path, "create table theirs (x)")
    with pytest.raises(ConfigError, match="another program"):
        await open_sqlite(path)
    with sqlite3.connect(path) as db:
        assert db.execute("select name from sqlite_master").fetchall() == [("theirs",)]


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"hello, " * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        await open_sqlite(tmp_path / "x.db")


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await open_sqlite(tmp_path / "file" / "x.db")


def test_migrations_are_applied_once_and_each_whole() -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    good = Migration(1, "0001_good", "create table a (x);\ninsert into a values (';');\n")
    bad = Migration(2, "0002_bad", "create table b (x);\ncreate table a (x);\n")
    migrate(db, NOW, [good])
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(db, NOW, [good, bad])
    assert db.execute("select number, applied_at from migration").fetchall() == [(1, NOW)]
    assert db.execute("select name from sqlite_master where name = 'b'").fetchall() == []
    assert db.execute("select count(*) from a").fetchone() == (1,)


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [step.number for step in known("sqlite")] == list(range(1, len(known("sqlite")) + 1))


def test_the_ballast_is_real_and_bounded(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.db")
    assert ballast.size == 8 * 1024**2
    assert ballast.take()
    assert (tmp_path / "x.db.ballast").stat().st_blocks * 512 >= ballast.size
    assert ballast.release()
    assert not ballast.release()


def test_a_ballast_the_disk_cannot_hold_is_not_taken(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.db", free_space(tmp_path))
    assert not ballast.take()
    assert list(tmp_path.iterdir()) == []


async def test_opening_does_not_block_the_loop(tmp_path: Path) -> None:
    opening = asyncio.ensure_future(open_sqlite(tmp_path / "x.db"))
    await asyncio.sleep(0)
    assert not opening.done()
    await (await opening).close()
