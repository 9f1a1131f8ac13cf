"""Every engine: whatever is done in whatever order, the store says what a dict would say."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store.conftest import SqliteEngine
from store.facts import NOW, event, message, owed

from receiver.model import Attempt, MessageState, State
from receiver.store.base import Mark, Move, Settlement

T = TypeVar("T")
CHANNELS = ("infra", "duty")
UNFINISHED = (State.QUEUED, State.SENDING)


@dataclass
class Owed:
    """What the model knows of a delivery; `sent` are the bytes of its message, once there is one."""

    id: str
    channel: str
    group: str
    due_at: float
    state: State = State.QUEUED
    reason: str = ""
    sent: tuple[str, bytes] | None = None


@dataclass
class Model:
    deliveries: list[Owed] = field(default_factory=list)
    marks: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    slots: list[float] = field(default_factory=list)

    def heads(self, channel: str) -> list[Owed]:
        heads: dict[str, Owed] = {}
        for one in self.deliveries:
            if one.channel == channel and one.state in UNFINISHED:
                heads.setdefault(one.group, one)
        return [one for one in self.deliveries if heads.get(one.group) is one]

    def due(self, channel: str, now: float) -> list[Owed]:
        return [one for one in self.heads(channel) if one.due_at <= now]


class Outbox(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.engine = SqliteEngine(Path(self.folder.name))
        self.store = self.run(self.engine.open())
        self.model = Model()

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def teardown(self) -> None:
        self.run(self.engine.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.engine.now

    @rule(groups=st.lists(st.sampled_from("gh"), min_size=1, max_size=3), digest=st.sampled_from("xyz"))
    def accept(self, groups: list[str], digest: str) -> None:
        taken = event(self.now)
        deliveries = [owed(taken, channel, group) for channel, group in zip(CHANNELS * 2, groups, strict=False)]
        receipt = self.run(self.store.accept(taken, deliveries, [Mark("scope", digest, 120.0)]))
        first = self.model.marks.get("scope")
        if first and first[0] == digest and self.now - first[1] < 120:
            assert (receipt.duplicate, receipt.event_id) == (True, first[2])
            return
        assert (receipt.duplicate, receipt.event_id) == (False, taken.id)
        self.model.marks["scope"] = digest, self.now, taken.id
        self.model.deliveries += [Owed(one.id, one.channel, one.group, one.due_at) for one in deliveries]

    @rule(channel=st.sampled_from(CHANNELS), state=st.sampled_from([State.SENT, State.FAILED, State.QUEUED, None]))
    def send(self, channel: str, state: State | None) -> None:
        """Begin the first that is due; settle it, or (None) leave it as a crash would."""
        if not (due := self.model.due(channel, self.now)):
            return
        work = self.run(self.store.due(channel, self.now))[0]
        planned = () if work.messages else (message(work.delivery, content=work.delivery.id.encode()),)
        chosen = (work.messages or planned)[0]
        self.run(self.store.begin(planned, chosen.id, "key", self.now))
        due[0].state, due[0].sent = State.SENDING, (chosen.id, chosen.content)
        self.model.slots.append(self.now)
        if state:
            self.settle(due[0], state)

    def settle(self, one: Owed, state: State) -> None:
        assert one.sent
        outcome = {State.SENT: MessageState.SENT, State.FAILED: MessageState.FAILED}.get(state, MessageState.PLANNED)
        move = Move(one.id, state, "", self.now + 30, 1)
        self.run(self.store.settle(Settlement(one.sent[0], outcome, Attempt(one.sent[0], self.now, 0.1), (move,))))
        one.state = state
        if state is State.QUEUED:
            one.due_at = self.now + 30

    @rule(channel=st.sampled_from(CHANNELS), reason=st.sampled_from(["stopped", "disabled"]))
    def hold(self, channel: str, reason: str) -> None:
        mine = [one for one in self.model.deliveries if one.channel == channel and one.state in UNFINISHED]
        assert self.run(self.store.hold(channel, reason)) == len(mine)
        for one in mine:
            one.state, one.reason = State.HELD, reason

    @rule(channel=st.sampled_from(CHANNELS), reason=st.sampled_from(["stopped", "disabled"]))
    def release(self, channel: str, reason: str) -> None:
        mine = [
            one
            for one in self.model.deliveries
            if (one.channel, one.state, one.reason) == (channel, State.HELD, reason)
        ]
        assert self.run(self.store.release(channel, self.now, [reason])) == len(mine)
        for one in mine:
            one.state, one.reason, one.due_at = State.QUEUED, "", self.now

    @rule(seconds=st.sampled_from([0.5, 30.0, 121.0]))
    def wait(self, seconds: float) -> None:
        self.engine.now += seconds

    @precondition(lambda self: self.model.deliveries)
    @rule()
    def crash(self) -> None:
        self.store = self.run(self.engine.reopen())

    @rule()
    def prune(self) -> None:
        self.run(self.store.prune(NOW))

    @invariant()
    def offers_what_the_model_offers(self) -> None:
        for channel in CHANNELS:
            works = self.run(self.store.due(channel, self.now))
            assert [work.delivery.id for work in works] == [one.id for one in self.model.due(channel, self.now)]
            for work, one in zip(works, self.model.due(channel, self.now), strict=True):
                assert [(m.id, m.content) for m in work.messages] == ([one.sent] if one.sent else [])
            heads = [one.due_at for one in self.model.heads(channel)]
            assert self.run(self.store.next_due(channel)) == min(heads, default=None)

    @invariant()
    def owes_what_the_model_owes(self) -> None:
        lengths = {channel: owing.length for channel, owing in self.run(self.store.backlog()).items()}
        states = [one.channel for one in self.model.deliveries if one.state in UNFINISHED]
        assert lengths == {channel: states.count(channel) for channel in set(states)}
        assert self.run(self.store.slots("key", 0.0))[0] == self.model.slots


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
