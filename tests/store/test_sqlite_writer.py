"""SQLite: transactions are shared, a full or failing disk costs nobody what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from store.facts import NOW, begin, deliver, ended, event, give, owed, state_of

from receiver.errors import StoreUnavailable
from receiver.model import Delivery, State
from receiver.store import connection, database, sqlite, writer
from receiver.store.base import Mark, Quarantined, Query, Store

TAKE = """
import asyncio, os, signal, sys
from pathlib import Path
from receiver.errors import StoreUnavailable
from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.store.sqlite import open_sqlite

path, tasks, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

async def take(store, said):
    for _ in range(number):
        now = store.now()
        event = StoredEvent(new_id(now), "am", now, os.urandom(6400))
        facts = "infra", "webhook", "default", "/", event.id, "normal", State.QUEUED, now, now
        one = Delivery(new_id(now), event.id, *facts)
        try:
            await store.accept(event, [one], [])
            said(f"ok {one.id}\\n")
        except StoreUnavailable:
            said(f"refused {one.id}\\n")

async def main():
    store = await open_sqlite(path, ballast=0)
    said = lambda line: os.write(1, line.encode())
    await asyncio.gather(*(take(store, said) for _ in range(tasks)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def ids(path: Path) -> set[str]:
    """The deliveries of a database that was left as a crash leaves it."""
    await (await sqlite.open_sqlite(path, ballast=0)).close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in db.execute("select id from delivery")}


def told(lines: list[str], word: str) -> set[str]:
    return {line.split()[1] for line in lines if line.startswith(word) and line.endswith("\n")}


async def test_those_who_wait_share_a_transaction(tmp_path: Path) -> None:
    commits: list[float] = []
    store = await sqlite.open_sqlite(tmp_path / "x.db", on_commit=commits.append)
    await asyncio.gather(*(give(store, group=str(number)) for number in range(200)))
    assert len(commits) <= 5
    assert all(0 < seconds < 10 for seconds in commits)
    await store.close()


async def test_a_group_is_bounded(tmp_path: Path) -> None:
    commits: list[float] = []
    store = await sqlite.open_sqlite(tmp_path / "x.db", on_commit=commits.append)
    await asyncio.gather(*(give(store, group=str(number)) for number in range(writer.GROUP * 3)))
    assert len(commits) >= 3
    await store.close()


async def test_a_failing_figure_fails_nobody(tmp_path: Path) -> None:
    store = await sqlite.open_sqlite(tmp_path / "x.db", on_commit=lambda seconds: 1 / 0)  # type: ignore[arg-type, return-value]
    assert await state_of(store, await give(store)) is State.QUEUED
    await store.close()


async def test_a_cancelled_waiter_stops_nobody(tmp_path: Path) -> None:
    store = await sqlite.open_sqlite(tmp_path / "x.db")
    waiting = [asyncio.ensure_future(give(store, group=str(number))) for number in range(20)]
    await asyncio.sleep(0)
    waiting[3].cancel()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(outcome, Delivery) for outcome in outcomes) == 19
    await store.close()


async def test_a_slow_search_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await sqlite.open_sqlite(tmp_path / "x.db")
    await asyncio.gather(*(give(store, group=str(number)) for number in range(5000)))
    monkeypatch.setattr(database, "LONGEST_READ", 0.0)
    with pytest.raises(StoreUnavailable, match="too long"):
        await store.records(Query(q="nowhere"))
    monkeypatch.setattr(database, "LONGEST_READ", 20.0)
    assert (await store.records(Query(q="nowhere"))) == ([], None)
    await store.close()


@pytest.mark.parametrize("watched", [False, True], ids=["alone", "beside another connection"])
async def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path, watched: bool) -> None:
    path, acknowledged = tmp_path / "x.db", set()
    await (await sqlite.open_sqlite(path, ballast=0)).close()
    watcher = sqlite3.connect(path if watched else ":memory:")
    watcher.execute("select * from sqlite_master").fetchall()
    for round_ in range(10):
        child = subprocess.Popen(
            [sys.executable, "-c", TAKE, str(path), "16", "100000"], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        lines = [child.stdout.readline() for _ in range(1 + 37 * round_)]
        child.kill()
        lines += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        acknowledged |= told(lines, "ok")
        assert acknowledged <= await ids(path)
    assert len(acknowledged) >= 1000
    watcher.close()


@pytest.fixture
def failing_fsync() -> list[str]:
    """The command that makes every third fdatasync of its child fail from some point on."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"]
    if not shutil.which("strace") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace is missing or may not trace")
    return command


@pytest.mark.parametrize("when", ["5+3", "5+2", "7+"])
async def test_a_failed_fsync_is_refused_and_leaves_nothing(
    tmp_path: Path, failing_fsync: list[str], when: str
) -> None:
    path = tmp_path / "x.db"
    await (await sqlite.open_sqlite(path, ballast=0)).close()
    failing_fsync[-1] += f":when={when}"
    child = subprocess.run(
        [*failing_fsync, sys.executable, "-c", TAKE, str(path), "1", "20"], capture_output=True, text=True, check=False
    )
    lines = child.stdout.splitlines(keepends=True)
    assert len(told(lines, "ok")) + len(told(lines, "refused")) == 20
    assert told(lines, "refused")
    assert await ids(path) == told(lines, "ok")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
async def tight(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """A store on a small disk, which looks for room whenever it is asked."""
    monkeypatch.setattr(writer, "_LOOK_AGAIN", 0.0)
    store = await sqlite.open_sqlite(small_disk / "x.db", ballast=1024**2, clock=lambda: NOW)
    yield store
    await store.close()


async def fill(store: Store) -> list[Delivery]:
    """Accept until the disk is full; what was acknowledged."""
    kept: list[Delivery] = []
    with suppress(StoreUnavailable):
        while len(kept) < 1000:
            kept.append(await give(store, group=str(len(kept)), body=os.urandom(30_000)))
    assert len(kept) < 1000
    return kept


async def test_a_full_disk_takes_nothing_in(tight: Store) -> None:
    kept = await fill(tight)
    assert len(kept) > 50
    with pytest.raises(StoreUnavailable, match="full"):
        await give(tight, body=b"small")
    with pytest.raises(StoreUnavailable, match="full"):
        await tight.quarantine(Quarantined("1", NOW, "am", "/", "bad", b"x"))
    with pytest.raises(StoreUnavailable, match="full"):
        await tight.check()
    assert [await state_of(tight, one) for one in kept] == [State.QUEUED] * len(kept)


async def test_a_full_disk_still_sends_and_forgets_until_there_is_room(tight: Store) -> None:
    kept = await fill(tight)
    for one in kept:
        await deliver(tight, one, content=b"m" * 300)
    assert await tight.hold("infra", "disabled") == 0
    forgotten = 0
    while number := await tight.prune(NOW + 1):
        forgotten += number
    assert forgotten == len(kept)
    await tight.check()
    assert await state_of(tight, await give(tight, body=os.urandom(30_000))) is State.QUEUED


async def test_a_disk_that_grows_is_used_again(tight: Store, small_disk: Path) -> None:
    kept = await fill(tight)
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    await tight.check()
    assert (small_disk / "x.db.ballast").stat().st_size == 1024**2
    more = [await give(tight, group="more", body=os.urandom(30_000)) for _ in range(20)]
    assert {await state_of(tight, one) for one in (*kept, *more)} == {State.QUEUED}


async def test_what_was_refused_for_want_of_room_leaves_no_mark(tight: Store, small_disk: Path) -> None:
    await fill(tight)
    taken, mark = event(body=b"x"), Mark("scope", "", 120)
    with pytest.raises(StoreUnavailable):
        await tight.accept(taken, [owed(taken)], [mark])
    subprocess.run(["mount", "-o", "remount,size=32m", str(small_disk)], check=True)
    assert not (await tight.accept(taken, [owed(taken)], [mark])).duplicate


async def test_settling_in_the_group_that_fills_the_disk_succeeds(tight: Store) -> None:
    delivery = await give(tight)
    begun = await begin(tight, delivery)
    big = [give(tight, group=str(number), body=os.urandom(200_000)) for number in range(100)]
    outcomes = await asyncio.gather(*big, tight.settle(ended(begun)), return_exceptions=True)
    assert outcomes[-1] is None
    assert any(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert await state_of(tight, delivery) is State.SENT


async def test_a_database_that_cannot_be_written_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.1)
    path = tmp_path / "x.db"
    store = await sqlite.open_sqlite(path, ballast=0)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(StoreUnavailable, match="busy"):
        await give(store)
    blocker.execute("rollback")
    blocker.close()
    assert await state_of(store, await give(store)) is State.QUEUED
    await store.close()


async def test_an_error_while_another_is_undone_does_not_end_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await sqlite.open_sqlite(tmp_path / "x.db", ballast=0)
    with monkeypatch.context() as patch:
        patch.setattr(store._database.writer._memory, "rolled_back", lambda: 1 // 0)
        with pytest.raises(StoreUnavailable, match="ZeroDivisionError"):
            await asyncio.wait_for(store.begin([], "nobody", "", NOW), 5)
    assert await state_of(store, await give(store)) is State.QUEUED
    await store.close()
