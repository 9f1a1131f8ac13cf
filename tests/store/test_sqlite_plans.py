"""SQLite: the statements that run all the time stay small however much is kept."""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path

import pytest
from store.facts import NOW, give

from receiver.model import State
from receiver.store.connection import connect
from receiver.store.sqlite import open_sqlite
from receiver.store.statements import SQLITE, insert_all, read

KEPT = """
with recursive n(i) as (select 10 union all select i + 1 from n where i < 50000)
insert into delivery
select i << 16, 'old' || i, 'infra', 'k', 't', '/', 'g', 'high', 'sent', 0, 0, 0, null, '', 1, 1, 0, null, 0, 0, 'full',
'', '' from n
"""


@pytest.fixture
async def database(tmp_path: Path) -> sqlite3.Connection:
    await (await open_sqlite(tmp_path / "x.db")).close()
    return connect(tmp_path / "x.db", "reader")


def plan(database: sqlite3.Connection, statement: str) -> str:
    text = SQLITE[statement]
    parameters = ["[]"] * len(set(re.findall(r"\?\d+", text)))
    return "\n".join(row[3] for row in database.execute(f"explain query plan {text}", parameters)) + "\n"


HOT = {
    "owed_after": ("INDEX delivery_owed (channel=? AND seq>?)", "e USING INTEGER PRIMARY KEY"),
    "begun": ("COVERING INDEX carries_delivery (delivery=?)",),
    "backlog": ("COVERING INDEX delivery_owed",),
    "hold": ("(channel=?)",),
    "release": ("INDEX delivery_held (channel=? AND reason=?)",),
    "release_due": ("INDEX delivery_held (channel=? AND reason=?)",),
    "next_release": ("INDEX delivery_held (channel=? AND reason=?)",),
    "relievable_owed": ("INDEX delivery_owed (channel=?)",),
    "relievable_held": ("INDEX delivery_held (channel=? AND reason=?)",),
    "without_stand_in": ("sqlite_autoindex_delivery_1 (id=?)", "o USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    "set_told_by": ("sqlite_autoindex_delivery_1 (id=?)",),
    "channels_of": ("sqlite_autoindex_delivery_1 (id=?)",),
    "resendable": ("sqlite_autoindex_delivery_1 (id=?)",),
    "owe_again": ("delivery USING INTEGER PRIMARY KEY",),
    "expire_held": ("delivery_held",),
    "unsettled": ("carries_delivery (delivery=?)", "m USING INTEGER PRIMARY KEY"),
    "messages": ("m USING INTEGER PRIMARY KEY", "attempt_message (message=?)"),
    "carried": ("PRIMARY KEY (message=?)",),
    "begin_deliveries": ("delivery USING INTEGER PRIMARY KEY", "sqlite_autoindex_message_1 (id=?)"),
    "begin_message": ("sqlite_autoindex_message_1 (id=?)",),
    "move_delivery": ("sqlite_autoindex_delivery_1 (id=?)",),
    "settle_message": ("sqlite_autoindex_message_1 (id=?)",),
    "used": ("PRIMARY KEY (credential=? AND month=?)",),
    "slots": ("slot_credential (credential=? AND at>?)",),
    "find_mark": ("m USING INTEGER PRIMARY KEY",),
    "oldest_marks": ("mark USING INTEGER PRIMARY KEY (rowid>?)",),
    "forget_marks": ("mark USING INTEGER PRIMARY KEY",),
    "refused": ("carries_delivery (delivery=?)", "m USING INTEGER PRIMARY KEY", "attempt_message (message=?)"),
    "told": ("carries_delivery (delivery=?)", "m USING INTEGER PRIMARY KEY", "attempt_message (message=?)"),
    "reached": ("carries_delivery (delivery=?)", "m USING INTEGER PRIMARY KEY"),
    "notes": ("carries_delivery (delivery=?)", "m USING INTEGER PRIMARY KEY", "attempt_message (message=?)"),
    "name_message": ("sqlite_autoindex_message_1 (id=?)",),
    "discard_messages": ("sqlite_autoindex_message_1 (id=?)",),
    "discard_unsent": (
        "message USING INTEGER PRIMARY KEY",
        "sqlite_autoindex_delivery_1 (id=?)",
        "carries_delivery (delivery=?)",
    ),
    "cards": ("card USING PRIMARY KEY (channel=? AND group_key=?)",),
    "retire_card": ("card USING PRIMARY KEY (channel=? AND group_key=?)",),
    "forget_cards": ("card_posted (posted_at<?)",),
    "deliveries_of_event": ("d USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",),
    "records": ("delivery_created (created_at>? AND created_at<?)",),
    "messages_of": ("carries_delivery (delivery=?)",),
    "merged": ("m USING INTEGER PRIMARY KEY", "c USING PRIMARY KEY (message=?)", "d USING INTEGER PRIMARY KEY"),
    "attempts_of": ("carries_delivery (delivery=?)", "attempt_message (message=?)"),
}


@pytest.mark.parametrize("statement", HOT)
def test_hot_statements_use_their_indexes(database: sqlite3.Connection, statement: str) -> None:
    steps = plan(database, statement)
    for step in HOT[statement]:
        assert step in steps
    assert "SCAN d\n" not in steps


@pytest.mark.parametrize("statement", ["owed_after", "slots", "records", "merged", "quarantined"])
def test_pages_are_not_sorted_whole(database: sqlite3.Connection, statement: str) -> None:
    assert "TEMP B-TREE FOR ORDER BY" not in plan(database, statement)


async def test_the_senders_questions_do_not_slow_down_with_the_record(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    database = sqlite3.connect(tmp_path / "x.db")
    database.execute(KEPT)
    database.commit()
    await give(store)
    begun = time.perf_counter()
    for _ in range(100):
        assert len(await store.owed("infra")) == 1
        assert await store.next_release("infra") is None
        assert await store.relievable("infra", NOW, stopped=True) == []
        assert (await store.backlog())["infra"].length == 1
    assert time.perf_counter() - begun < 0.5
    await store.close()


async def test_little_is_asked_of_what_no_message_carries(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "x.db")
    for number in range(256):
        await give(store, group=str(number), body=b"x" * 1000)
    asked: list[str] = []
    store._database._small.set_trace_callback(asked.append)
    assert len(await store.owed("infra")) == 256
    assert [text.split()[0] for text in asked] == ["begin", "select", "select", "commit"]
    await store.close()


def test_statements_are_named_once_and_quote_what_exists() -> None:
    statements = read("columns", "outbox", "holding", "records")
    assert all("{" not in text and "--" not in text for text in statements.values())
    assert "$" not in "".join(SQLITE.values())


@pytest.mark.parametrize("number", [0, 1, 3, 64, 200])
def test_many_rows_are_inserted_with_few_statements(number: int) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("create table t (a, b)")
    ran: list[str] = []
    database.set_trace_callback(ran.append)
    rows = [(one, State.SENT.value) for one in range(number)]
    insert_all(database.cursor(), "insert into t (a, b) values (?1, ?2)", rows)
    assert database.execute("select a, b from t order by a").fetchall() == rows
    assert sum(text.startswith("insert") for text in ran) <= 7
