"""What one message costs its sender: a lone alert, one out of 10,000 that are due, and one among many records kept."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leaping import run
from storm_bodies import One
from storms import Storm, robot

from benchmarks.tables import Table, median
from receiver.delivery.owed import Owed

ALONE = 20
DUE = 10_000
RECORDS = (1_000, 1_000_000)
CLAIMS = 50
_BASE = 1_000
_TO = 65536
"""The deliveries of an event are numbered from its own number times this."""


def measure(folder: Path, *, quick: bool = False) -> list[Table]:
    """One table; the many records are left out if it is to be `quick`."""
    rows: list[Sequence[str]] = []
    for gather in ("1s", "0s"):
        waits = _in(folder, partial(_lone, gather=gather))
        rows.append((f"a lone alert on a quiet channel, `gather: {gather}`", *(f"{wait:.0f} ms" for wait in waits)))
    for within, how in (("60s", "told in time"), ("0s", "told in full")):
        spent, blocked = _in(folder, partial(_made_of_many, within=within), asyncio.run)
        head = f"one message out of {DUE:,} due alerts, {how}: "
        rows.append((f"{head}processor time", *(f"{1000 * found:.0f} ms" for found in (median(spent), max(spent)))))
        rows.append((f"{head}the loop stood still", "", f"{1000 * max(blocked):.0f} ms"))
    for records in RECORDS[:1] if quick else RECORDS:
        took = _in(folder, partial(_claims, records=records))
        rows.append((f"a claim with {records:,} records kept", f"{median(took):.2f} ms", f"{max(took):.2f} ms"))
    return [Table("What one message costs", ("", "p50", "max"), rows)]


def _in(folder: Path, measured: Callable[[Path], Any], loop: Callable[..., Any] = run) -> Any:
    with TemporaryDirectory(dir=folder) as place:
        return loop(measured(Path(place)))


async def _lone(folder: Path, gather: str) -> tuple[float, float]:
    """How many milliseconds a lone alert takes from the webhook to the group."""
    waits = []
    async with Storm(folder, robot(limits={"gather": gather})) as storm:
        for number in range(ALONE + 1):
            posted, began = len(storm.sandbox.messages), storm.now()
            await storm.accept(One(number))
            await storm.when(lambda posted=posted: len(storm.sandbox.messages) > posted, every=0.001)
            waits.append((storm.sandbox.messages[-1].at - began) * 1000)
            await asyncio.sleep(300)
    return median(waits[1:]), max(waits[1:])  # the first one finds nothing connected nor compiled


async def _made_of_many(folder: Path, within: str) -> tuple[list[float], list[float]]:
    """The processor seconds of each of the first messages, and for how long at a time the loop stood still."""
    gc.set_threshold(50_000, 20, 20)  # as the service does
    async with Storm(folder, robot(limits={"tell_within": within}), sending=False) as storm:
        await storm.rain(map(One, range(DUE)), 0)
        spent = _watched(storm.dispatcher.senders["infra"]._composer)
        gaps: list[float] = []
        beats = asyncio.create_task(_beat(gaps))
        storm.dispatcher.start()
        await storm.when(lambda: len(storm.sandbox.messages) >= 5, every=0.05)
        beats.cancel()
        return spent, gaps


def _watched(composer: Any) -> list[float]:
    """The processor time of each message that the composer makes."""
    spent, make = [], composer.next

    def timed(*what: Any) -> Any:
        begun = time.thread_time()
        try:
            return make(*what)
        finally:
            spent.append(time.thread_time() - begun)

    composer.next = timed
    return spent


async def _beat(gaps: list[float]) -> None:
    """Measure how much later than asked for the loop comes back."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps.append(time.perf_counter() - begun - 0.001)


async def _claims(folder: Path, records: int) -> list[float]:
    """How many milliseconds it takes to find what is owed and to make its message, among so many records."""
    async with Storm(folder) as storm:
        await storm.rain(map(One, range(_BASE)), 10)
        await storm.over()
    with closing(sqlite3.connect(storm.path)) as db:
        _multiply(db, records // _BASE - 1)
    async with Storm(folder, sending=False) as storm:
        return [await _claim(storm, number) for number in range(CLAIMS)]


async def _claim(storm: Storm, number: int) -> float:
    sender = storm.dispatcher.senders["infra"]
    (before,) = [work.seq for work in await storm.store.owed("infra", 0)][-1:] or [0]
    await storm.accept(One(_BASE + number))
    begun = time.perf_counter()
    due = [Owed(work, storm.facts.read) for work in await storm.store.owed("infra", before)]
    bundle = sender._composer.next(due, storm.now(), lambda number: [storm.now()] * number)
    if not bundle.messages:
        sender._kit.planner.whole(bundle.owed, storm.now())
    return (time.perf_counter() - begun) * 1000


def _multiply(db: sqlite3.Connection, times: int) -> None:
    """Keep so many copies of all that is on record, their bodies empty."""
    db.execute("pragma synchronous = off")
    for table, other in (
        ("event", {"seq": f"seq + k * {_BASE}", "id": "id || k", "body": "x'00'"}),
        ("delivery", {"seq": f"seq + k * {_BASE * _TO}", "id": "id || k"}),
        ("message", {"seq": f"seq + k * {_BASE}", "id": "id || k", "content": "x'00'"}),
        ("carries", {"message": f"message + k * {_BASE}", "delivery": f"delivery + k * {_BASE * _TO}"}),
        ("attempt", {"seq": f"seq + k * {_BASE}", "message": f"message + k * {_BASE}"}),
    ):
        columns = [name for _, name, *_ in db.execute(f"pragma table_info({table})")]
        chosen = ", ".join(other.get(name, name) for name in columns)
        db.execute(
            f"insert into {table} with recursive n (k) as (select 1 union all select k + 1 from n where k < ?) "  # noqa: S608
            f"select {chosen} from n cross join (select * from {table}) where k <= ? order by k",
            (times, times),
        )
    db.commit()
