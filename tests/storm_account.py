"""What became of every alert of a storm: what the sandbox showed to people, joined with what the store says of it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from receiver import severity
from receiver.store.packing import unpack

_ENDED = re.compile("已恢复|RESOLVED")


@dataclass(frozen=True, eq=False)
class Owed:
    """One alert of one delivery: `seq` is the place of the delivery in the order of acceptance."""

    seq: int
    position: int
    channel: str
    group: str
    arrived: float
    state: str
    alert: dict[str, Any] = field(repr=False)

    @property
    def urgency(self) -> str:
        """How urgent it is by its severity: high, normal or low."""
        return severity.priority(self.alert["labels"])

    @property
    def instance(self) -> str:
        """What tells the alert from all others."""
        instance: str = self.alert["labels"]["instance"]
        return instance


@dataclass(frozen=True, eq=False)
class Told:
    """That a message told an alert, so fully, as the `post`th that the sandbox showed, at the Unix time `at`."""

    owed: Owed
    post: int
    at: float
    detail: str

    @property
    def wait(self) -> float:
        """Seconds from when it came in until it was told."""
        return self.at - self.owed.arrived


class Account:
    """What a storm came to, as far as it has got."""

    def __init__(self, storm: Any) -> None:
        self.sandbox = storm.sandbox
        with closing(sqlite3.connect(storm.path)) as db:
            self.owed = _owed(db)
            carries = _carries(db)
            self.states = Counter(state for (state,) in db.execute("select state from delivery"))
            self.details = dict(db.execute("select seq, detail from delivery"))
            self.errors = [error for (error,) in db.execute("select error from attempt where error <> ''")]
            self.ended = db.execute(
                "select channel, group_key, sent_at from delivery order by channel, group_key, seq"
            ).fetchall()
            self._slots = db.execute("select credential, at from slot order by at").fetchall()
        self._posts = [posted for posted in self.sandbox.messages if posted.raw in carries]
        self.told = list(self._told(carries))

    def _told(self, carries: dict[bytes, list[tuple[int, str, str]]]) -> Iterable[Told]:
        seen: set[bytes] = set()
        for number, posted in enumerate(self._posts):
            if posted.raw in seen:
                continue
            seen.add(posted.raw)
            for seq, alerts, detail in carries[posted.raw]:
                for position in json.loads(alerts):
                    yield Told(self.owed[seq, position], number, posted.at, detail)

    @cached_property
    def lost(self) -> list[Owed]:
        """What was never told, or is not said to be sent."""
        told = {one.owed for one in self.told}
        return [one for one in self.owed.values() if one not in told or one.state != "sent"]

    @cached_property
    def told_again(self) -> list[Told]:
        """What a second message told."""
        seen: set[Owed] = set()
        again = []
        for one in self.told:
            if one.owed in seen:
                again.append(one)
            seen.add(one.owed)
        return again

    @property
    def repeated(self) -> int:
        """How many posts had the bytes of one before."""
        return len(self._posts) - len({posted.raw for posted in self._posts})

    @cached_property
    def overtaken(self) -> list[tuple[Told, Told]]:
        """Pairs of states of one alert of which the second came in first and was told later."""
        last: dict[tuple[str, str], Told] = {}
        found = []
        for one in self.told:
            key = one.owed.channel, one.owed.instance
            before = last.setdefault(key, one)
            if one.owed.seq >= before.owed.seq:
                last[key] = one
            elif one.post > before.post:
                found.append((before, one))
        return found

    @cached_property
    def misstated(self) -> list[tuple[Told, str]]:
        """What was told otherwise than in the latest state that its message was to tell."""
        latest: dict[tuple[int, str], Told] = {}
        for one in self.told:
            key = one.post, one.owed.instance
            if key not in latest or latest[key].owed.seq < one.owed.seq:
                latest[key] = one
        return [(one, text) for one in latest.values() if not _says(one, text := self._posts[one.post].plain)]

    def waits(self, urgency: str = "", detail: str = "") -> list[float]:
        """The seconds that each alert waited until it was told, in ascending order."""
        return sorted(one.wait for one in self.told if urgency in ("", one.owed.urgency) and detail in ("", one.detail))

    def share(self, detail: str) -> float:
        """Which part of the alerts was told so fully."""
        return sum(one.detail == detail for one in self.told) / max(1, len(self.told))

    @property
    def fullest_slots(self) -> int:
        """The most slots that any credential took in 62 seconds, wherever they begin."""
        return _fullest(self._slots, 62.0)

    @property
    def fullest_minute(self) -> int:
        """The most calls that any robot was sent in 60 seconds, wherever they begin, as the sandbox saw them."""
        return _fullest([(seen.target, seen.at) for seen in self.sandbox.requests], 60.0)

    def check(self, *, repeated: int = 0) -> None:
        """That nothing was lost, told twice (but for so many posts of unknown outcome), overtaken or misstated, and
        that every limit was kept."""
        assert self.sandbox.violations == []
        assert self.lost == []
        assert self.told_again == []
        assert self.repeated <= repeated
        assert self.overtaken == []
        assert self.ended == sorted(self.ended)
        assert self.misstated == []
        assert self.fullest_slots <= 20
        assert self.fullest_minute <= 20


async def rained(storm: Any, alerts: Iterable[Any] = (), seconds: float = 0.0) -> Account:
    """What a storm of these alerts came to once it was over, and everything that must hold of it."""
    await storm.rain(alerts, seconds)
    await storm.over()
    account = Account(storm)
    account.check(repeated=storm.crashes * len(storm.channels))
    assert account.errors == []
    return account


def _owed(db: sqlite3.Connection) -> dict[tuple[int, int], Owed]:
    found: dict[tuple[int, int], Owed] = {}
    rows = db.execute(
        "select d.seq, d.channel, d.group_key, d.created_at, d.state, d.alerts, e.body "
        "from delivery d join event e on e.seq = d.seq >> 16"
    )
    for seq, *facts, alerts, body in rows:
        event = json.loads(unpack(body))
        positions = range(len(event["alerts"])) if alerts is None else json.loads(alerts)
        for position in positions:
            found[seq, position] = Owed(seq, position, *facts, event["alerts"][position])
    return found


def _carries(db: sqlite3.Connection) -> dict[bytes, list[tuple[int, str, str]]]:
    """What each message that may have been posted carries, by its content, lists left out: no two are alike, as long as
    two channels speak two languages."""
    found: dict[int, tuple[bytes, list[tuple[int, str, str]]]] = {}
    rows = db.execute(
        "select m.seq, m.content, c.delivery, c.alerts, c.detail from message m join carries c on c.message = m.seq "
        "where m.began_at is not null and m.number > 0 order by m.seq, c.position"
    )
    for seq, content, *carried in rows:
        found.setdefault(seq, (unpack(content), []))[1].append(tuple(carried))
    by_content = dict(found.values())
    assert len(by_content) == len(found), "two messages say the same"
    return by_content


def _says(told: Told, text: str) -> bool:
    """Whether a message shows an alert in this state; of what is only counted that cannot be seen."""
    alert = told.owed.alert
    if told.detail == "full":
        return alert["annotations"]["summary"] in text
    if told.detail == "count":
        return True
    row = re.search(rf".*{re.escape(told.owed.instance)}.*", text)
    return row is not None and bool(_ENDED.search(row[0])) == (alert["status"] == "resolved")


def _fullest(calls: Sequence[tuple[str, float]], seconds: float) -> int:
    """The most of one kind within so many seconds, the first of them counted, the end not."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    for kind, at in calls:
        by_kind[kind].append(at)
    worst = 0
    for times in by_kind.values():
        first = 0
        for last, at in enumerate(times):
            while at - times[first] >= seconds:
                first += 1
            worst = max(worst, last - first + 1)
    return worst
