"""What an office was given, and what came of it: everything that may never happen is looked for here."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from office import OUTCOMES, Office, Posted

from receiver.delivery.retry import MAX_AGE_FIRING, MAX_AGE_RESOLVED
from receiver.errors import Throttled

AT_ONCE = 300
"""More posts than these at one and the same time have no end."""
ENDS = ("sent", "failed", "expired", "dropped")
_ROUND = 1e-5
"""Seconds that are not seen in a Unix time."""


class Row(NamedTuple):
    """A delivery as the store has it."""

    id: str
    event: str
    channel: str
    group: str
    state: str
    reason: str
    alerts: str | None
    manual: int
    stands_in: str
    released_at: float
    firing: int

    def __repr__(self) -> str:
        end = f"{self.state} {self.reason!r} {self.manual} for {self.stands_in[-4:]}"
        return f"<{self.id[-4:]} {self.channel} {self.group} {end}>"


_ROWS = (
    "select d.id, e.id, d.channel, d.group_key, d.state, d.reason, d.alerts, d.manual, d.stands_in, d.released_at, "
    "d.firing from delivery d join event e on e.seq = d.seq >> 16 order by d.seq"
)


def _stream(row: Row) -> str:
    """What is in order by itself: what a channel is given, and what it tells in the place of another."""
    return "instead" if row.stands_in else "own"


class Books:
    """Kept beside an office; `look` after every step. AssertionError for what may not be."""

    def __init__(self, office: Office) -> None:
        self.office, self.posts = office, office.provider.posts
        office.provider.on_post = self._post
        self.rows: dict[str, Row] = {}
        self.resent: set[str] = set()
        self._told: dict[tuple[str, str, int], list[Posted]] = defaultdict(list)
        self._latest: dict[tuple[str, ...], int] = {}
        self._skipped: set[tuple[str, str]] = set()
        self.sound = True
        """Whether nothing was found so far."""
        self._read = 0
        self._open: list[Posted] = []

    def look(self) -> None:
        """Check all that has come since the last look."""
        self.sound = False
        for error in self.office.provider.wrong:
            raise error
        rows = self._stored()
        for row in rows.values():
            self._moves(self.rows.get(row.id), row)
        self.rows = rows
        self.resent.clear()
        self._arrivals()
        for row in rows.values():
            self._ended(row)
        self.sound = True

    def _stored(self) -> dict[str, Row]:
        return {row[0]: Row(*row) for row in self.office.store._database._small.execute(_ROWS)}

    def alerts(self, row: Row) -> list[tuple[int, str, int]]:
        """What a delivery owes: positions, alerts, versions; nothing if it is a notice of the service's own."""
        every = self.office.events.get(row.event, ())
        positions = range(len(every)) if row.alerts is None or not every else json.loads(row.alerts)
        return [(position, *every[position]) for position in positions]

    def _moves(self, before: Row | None, now: Row) -> None:
        if before is not None and before.state in ENDS and before.id not in self.resent:
            assert now.state == before.state, (before, now)

    # -- posts

    def _post(self, posted: Posted) -> None:
        """When a post begins."""
        at_once = [one for one in self.posts[-AT_ONCE:] if one.at == posted.at]
        assert len(at_once) < AT_ONCE, ("again and again", at_once[-6:])
        limit = self.office.channels[posted.channel].settings.limits.rate
        mine = [one.at for one in self.posts if one.credential == posted.credential]
        if limit:
            recent = [at for at in mine if at > posted.at - limit.per + _ROUND]
            assert len(recent) <= limit.count, ("the window", posted.credential, recent)
        for one in self.posts:
            wait = getattr(OUTCOMES[one.outcome].error, "retry_after", 0.0) if one.outcome else 0.0
            if one.known and one.credential == posted.credential and one is not posted:
                assert not one.at < posted.at < one.at + wait - _ROUND, ("held", one, posted)
        rows = self._stored()
        for carried in posted.message.carries:
            row = rows[carried.delivery]
            assert row.channel == posted.channel, ("another's", posted)
            assert row.state not in ENDS, ("not owed any more", row, posted)
            owed = {position for position, *_ in self.alerts(row)}
            assert set(carried.alerts) <= owed or row.event not in self.office.events, ("not owed", row, posted)

    def _arrivals(self) -> None:
        self._open += self.posts[self._read :]
        self._read = len(self.posts)
        arrived = [one for one in self._open if one.arrived_at is not None]
        for one in sorted(arrived, key=lambda one: one.arrived_at or 0.0):
            self._arrived(one)
        for one in self._open:
            if one.outcome == "unreachable":
                self._skipped |= {(delivery, who) for delivery in one.message.deliveries for who in one.people}
        self._open = [one for one in self._open if one.arrived_at is None and not one.ended]

    def _carried(self, posted: Posted) -> Iterator[tuple[Row, int, str, int, str]]:
        for carried in posted.message.carries:
            row = self.rows[carried.delivery]
            owed = {position: rest for position, *rest in self.alerts(row)}
            for position in carried.alerts if owed else ():
                yield (row, position, *owed[position], carried.detail)

    def _arrived(self, posted: Posted) -> None:
        carried = list(self._carried(posted))
        latest: dict[tuple[str, ...], int] = {}
        for row, _, name, version, _ in carried:
            for key in ((name,), (name, _stream(row))):
                latest[key] = max(version, latest.get(key, 0))
        by_itself = {name: latest[name,] for *_, name, _, detail in carried if detail != "count"}
        assert posted.shown == by_itself, ("misstated", posted, by_itself)
        for who in posted.people:
            for row, position, name, *_ in carried:
                self._told_now(who, row, position, posted)
                self._in_order((posted.channel, who, _stream(row), row.group, name), latest[name, _stream(row)], row)

    def _told_now(self, who: str, row: Row, position: int, posted: Posted) -> None:
        told = self._told[who, row.id, position]
        again = row.manual and posted.message.target  # to several: that one was told says nothing of the others
        assert again or not any(one.known for one in told), ("told twice", row, told, posted)
        told.append(posted)

    def _in_order(self, key: tuple[str, ...], version: int, row: Row) -> None:
        before = self._latest.get(key, 0)
        assert version >= before or self._by_hand(row), ("overtaken", key, before, version)
        self._latest[key] = max(before, version)

    def _by_hand(self, row: Row) -> bool:
        """Whether a delivery was sent again: what is old is told as it was, on demand."""
        return bool(row.manual or (row.stands_in and self.rows[row.stands_in].manual))

    def died(self) -> None:
        """What was answered and not written down before the service died is not known to it."""
        self.sound = False
        with closing(sqlite3.connect(self.office.path)) as db:
            written = {name for (name,) in db.execute("select id from message where state = 'sent'")}
        forgotten = [one for one in self.posts if one.known and one.message.id not in written and one.arrived_at]
        for one in self.posts:
            one.ended = True
            if one.message.id not in written:
                one.known = False
        names = [one.channel for one in forgotten]
        assert len(names) == len(set(names)), ("several are forgotten", forgotten)
        self.sound = True

    # -- ends

    def _ended(self, row: Row) -> None:
        if row.state == "sent":
            for position, name, version in self.alerts(row):
                for who in self._people(row):
                    assert self._told[who, row.id, position], ("sent, but not told", who, row, name, version)
        elif row.state in ("failed", "expired"):
            self._given_up(row)

    def _people(self, row: Row) -> Iterable[str]:
        for target in self.office.channels[row.channel].targets:
            for who in json.loads(target)["to"].split("|") if target else [""]:
                if (row.id, who) not in self._skipped:
                    yield who

    def _given_up(self, row: Row) -> None:
        told = [self._told[who, row.id, at] for at, *_ in self.alerts(row) for who in self._people(row)]
        whole = bool(told) and all(any(one.known for one in posts) for posts in told)
        assert row.manual or not whole, ("told, but not sent", row)
        age = self.office.loop.now - row.released_at
        old = age >= (MAX_AGE_FIRING if row.firing else MAX_AGE_RESOLVED) - _ROUND
        refused = any(
            one.outcome == "refused" and one.message.plain and one.message.deliveries == (row.id,) for one in self.posts
        )
        assert old or refused, ("given up without a reason", row)
        assert old or row.state == "failed", ("expired, but refused", row)

    def owing(self) -> list[Row]:
        """What has not ended."""
        return [row for row in self.rows.values() if row.state not in ENDS]

    def settle(self) -> None:
        """At the end: everything has ended, and the latest state of every alert that was told is what is shown."""
        assert not self.owing(), (self.owing(), self.posts[-5:])
        for row in self.rows.values():
            for _, name, version in self.alerts(row) if row.state == "sent" else ():
                for who in self._people(row):
                    key = row.channel, who, _stream(row), row.group, name
                    assert self._latest[key] >= version, ("not the latest", key)


__all__ = ["Books", "Row", "Throttled"]
