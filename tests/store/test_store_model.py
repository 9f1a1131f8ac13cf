"""Every engine: whatever is done in whatever order, the store says what a dict would say."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from store.conftest import SqliteEngine
from store.facts import NOW, event, message, owed

from receiver.model import Attempt, Card, MessageState, State
from receiver.store.base import Mark, Move, Settlement

T = TypeVar("T")
CHANNELS = ("infra", "duty")
UNFINISHED = (State.QUEUED, State.SENDING)
OUTCOMES = [State.SENT, State.FAILED, State.QUEUED, "arrived", "skipped", "dropped", "stopped", None]
"""How a try ends: the delivery too, put off, this part only, without this receiver, without the rest, for all channel,
or (None) not at all, as a crash would leave it."""


@dataclass
class Owed:
    """What the model knows of a delivery; `messages` are those that are not settled, in order, with their bytes."""

    id: str
    channel: str
    group: str
    due_at: float
    state: State = State.QUEUED
    reason: str = ""
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    reached: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass
class Model:
    deliveries: list[Owed] = field(default_factory=list)
    marks: dict[str, tuple[str, float, str]] = field(default_factory=dict)
    slots: list[float] = field(default_factory=list)
    cards: dict[tuple[str, str, int, str], Card] = field(default_factory=dict)

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

    @rule(
        channel=st.sampled_from(CHANNELS),
        parts=st.integers(1, 3),
        outcome=st.sampled_from(OUTCOMES),
        stands=st.none() | st.integers(1, 2),
    )
    def send(self, channel: str, parts: int, outcome: State | str | None, stands: int | None) -> None:
        """Begin the first message of what is due first, and settle it; it may stand for its group from then on."""
        if not (due := self.model.due(channel, self.now)):
            return
        one, work = due[0], self.run(self.store.due(channel, self.now))[0]
        numbers = () if one.messages else range(1, parts + 1)
        planned = [message(work.delivery, content=b"%d" % number, number=number) for number in numbers]
        one.messages += [(each.id, each.content) for each in planned]
        self.run(self.store.begin(planned, one.messages[0][0], "key", self.now))
        one.state = State.SENDING
        self.model.slots.append(self.now)
        if outcome:
            self.run(self.store.settle(self.settled(one, outcome, stands)))

    def settled(self, one: Owed, outcome: State | str, stands: int | None) -> Settlement:
        (chosen, _), rest = one.messages[0], tuple(message_id for message_id, _ in one.messages[1:])
        card = self.card(one, chosen, stands) if stands and outcome in (State.SENT, "arrived") else None
        attempt = Attempt(chosen, self.now, 0.1)
        match outcome:
            case State():
                states = {State.SENT: MessageState.SENT, State.FAILED: MessageState.FAILED}
                one.state, one.due_at = outcome, self.now + 30 if outcome is State.QUEUED else one.due_at
                move = Move(one.id, outcome, "", self.now + 30, 1)
                return Settlement(chosen, states.get(outcome, MessageState.PLANNED), attempt, (move,), card=card)
            case "skipped":
                del one.messages[0]
                one.notes.append(chosen)
                move = Move(one.id, State.SENDING, chosen)
                return Settlement(chosen, MessageState.FAILED, Attempt(chosen, self.now, 0.1, note=chosen), (move,))
            case "stopped":
                one.state, one.reason, one.messages, one.notes = State.HELD, "stopped", [], []
                move = Move(one.id, State.HELD, "stopped")
                return Settlement(chosen, MessageState.PLANNED, attempt, (move,), anew=one.id)
        one.reached, one.messages = True, [] if outcome == "dropped" else one.messages[1:]
        return Settlement(chosen, MessageState.SENT, attempt, card=card, discarded=rest if outcome == "dropped" else ())

    def card(self, one: Owed, chosen: str, number: int) -> Card:
        card = Card(one.channel, one.group, "", number, chosen, self.now, told=chosen)
        self.model.cards[one.channel, one.group, number, ""] = card
        return card

    @precondition(lambda self: self.model.cards)
    @rule(data=st.data())
    def retire(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.model.cards)))
        card = self.model.cards[place]
        retired = (card.channel, card.group, card.provider_id)
        self.run(self.store.settle(Settlement("", MessageState.FAILED, None, retired=retired)))
        self.model.cards[place] = replace(card, live=False)

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
                assert [(m.id, m.content) for m in work.messages] == one.messages
                assert work.reached == (one.reached and bool(one.messages))
                assert list(work.notes) == (one.notes if one.messages else [])
                assert work.refused == ""
            heads = [one.due_at for one in self.model.heads(channel)]
            assert self.run(self.store.next_due(channel)) == min(heads, default=None)

    @invariant()
    def shows_what_stands(self) -> None:
        for channel in CHANNELS:
            for group in "gh":
                here = [self.model.cards[key] for key in sorted(self.model.cards) if key[:2] == (channel, group)]
                assert self.run(self.store.cards(channel, group)) == here

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
