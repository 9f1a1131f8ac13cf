"""Whatever is done in whatever order, and whenever the service dies: nothing is lost, nothing overtaken."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import office
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from office import OUTCOMES, SEVERITIES, Given, Line, Office, Provider
from office_books import Books
from standstill import Standstill

from receiver.delivery import dispatch, posting

FAST = {"rate": "3/60s"}
CHANNELS = ("infra", "twin", "backup", "pool", "app", "hook")
CHANNEL = st.sampled_from(CHANNELS)
ALERT = st.tuples(st.sampled_from(sorted(SEVERITIES)), st.booleans())
GIVEN = st.builds(
    Given,
    st.lists(CHANNEL, min_size=1, max_size=3, unique=True),
    st.sampled_from("gh"),
    st.lists(ALERT, min_size=1, max_size=6, unique_by=lambda one: one[0]),
    st.sampled_from(["", "", "high", "low"]),
)
SECONDS = st.sampled_from([0.3, 1.5, 5.0, 31.0, 62.0, 150.0, 700.0])
HOURS = 3600.0
SHM = Path("/dev/shm")  # noqa: S108 - a folder in memory: no disk is waited for


def channels(provider: Provider) -> list[Line]:
    """A robot with a fallback, another channel with its credential, a pool, one that calls two people, a webhook."""
    return [
        Line("infra", provider, "k", limits=FAST, fallback="backup"),
        Line("twin", provider, "k", limits={**FAST, "tell_within": 0, "gather": 0}),
        Line("backup", provider, "b", limits={"rate": 0}),
        Line("pool", provider, "p", "q", limits={"rate": "2/30s"}),
        Line("app", provider, "a", people=("x", "y|z"), every=300.0, limits={"rate": "4/30s"}),
        Line("hook", provider, "h", merges=False, limits={"rate": 0}),
    ]


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None)
        self.loop = Standstill(office.NOW)
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(dispatch, "_EVERY", 15.0)
        self.patches.setattr(posting, "perf_counter", self.loop.time)
        self.provider = Provider(self.loop)
        self.office = Office(Path(self.folder.name), self.loop, self.provider, channels(self.provider))
        self.office.open()
        self.books = Books(self.office)

    @rule(given=st.lists(GIVEN, min_size=1, max_size=4))
    def give(self, given: list[Given]) -> None:
        self.office.give(*given)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.loop.advance(seconds)

    @rule(hours=st.sampled_from([5, 25]))
    def sleep(self, hours: int) -> None:
        self.loop.jump(hours * HOURS)

    @rule(channel=CHANNEL, outcomes=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=6))
    def script(self, channel: str, outcomes: list[str]) -> None:
        self.provider.script.setdefault(channel, office.deque()).extend(outcomes)

    @rule(alert=st.sampled_from(["", *sorted(SEVERITIES)]))
    def poison(self, alert: str) -> None:
        self.provider.poison = alert

    @rule(channel=CHANNEL, on=st.booleans())
    def turn(self, channel: str, on: bool) -> None:
        self.office.turn(channel, "enabled" if on else "disabled")

    @rule(place=st.integers(0, 100))
    def resend(self, place: int) -> None:
        waiting = [row.id for row in self.books.rows.values() if row.state in ("held", "failed", "expired")]
        if waiting:
            chosen = waiting[place % len(waiting)]
            self.books.resent.add(chosen)
            self.office.resend([chosen])

    @rule(away=st.booleans())
    def disk(self, away: bool) -> None:
        self.office.gate.away = away

    @rule()
    def crash(self) -> None:
        self.die()

    @rule(given=st.lists(GIVEN, max_size=2), doom=st.integers(1, 8), keeps=st.booleans(), seconds=SECONDS)
    def crash_within(self, given: list[Given], doom: int, keeps: bool, seconds: float) -> None:
        gate = self.office.gate
        gate.doom, gate.keeps = doom, keeps
        for one in given:
            if not gate.dead:
                self.office.begin_to_give(one)
        self.loop.advance(seconds)
        self.die()

    def die(self) -> None:
        self.office.crash()
        self.books.died()
        self.office.open()

    @invariant()
    def is_in_order(self) -> None:
        self.books.look()

    def teardown(self) -> None:
        try:
            if self.books.sound:
                self.end()
        finally:
            self.office.crash()
            self.loop.close()
            self.patches.undo()
            self.folder.cleanup()

    def end(self) -> None:
        self.provider.script.clear()
        self.provider.poison, self.office.gate.away = "", False
        for _ in range(120):
            for name in CHANNELS:
                if self.office.dispatcher.held(name):  # three given up in a row may stop it even now
                    self.office.turn(name, "enabled")
            self.loop.advance(30.0)
            self.books.look()
            if not self.books.owing():
                break
        self.books.settle()


TestSender = Machine.TestCase
TestSender.settings = settings(
    max_examples=int(os.environ.get("SENDER_EXAMPLES", "60")),
    stateful_step_count=40,
    derandomize="SENDER_EXAMPLES" not in os.environ,  # the same steps each time; others by asking for more
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
