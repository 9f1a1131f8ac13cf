"""Every engine: whatever is done in whatever order, the store says what dicts would say."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from store.conftest import SqliteEngine
from store.facts import NOW, event, message, owed
from store.outbox import OWED, Outbox

from receiver.model import Attempt, Card, Carried, Delivery, Message, MessageState, State, new_id
from receiver.store.base import Mark, Move, Settlement

T = TypeVar("T")
CHANNELS = ("infra", "duty")
CHANNEL = st.sampled_from(CHANNELS)
REASON = st.sampled_from(["stopped", "disabled", "schedule"])
TAKEN = st.tuples(
    st.lists(st.sampled_from("gh"), min_size=1, max_size=3),
    st.sampled_from("wxyz"),
    st.sampled_from(["high", "low"]),
    st.sampled_from([None, None, None, 0.0, 20.0]),
)
"""An event: the groups of its deliveries, what it is a repetition of, its priority, until when a schedule holds it."""
OUTCOME = st.sampled_from(
    ["refused", "arrived", "arrived with a card", "unreachable", "as plain text", "put off", "stopped", None]
)
"""How a try ends; None: not at all, as a crash would leave it."""
PART = st.tuples(
    st.integers(0, 2), st.frozensets(st.integers(0, 5), max_size=3), st.sampled_from(["full", "line", "count"])
)
PLANS = st.lists(st.lists(PART, min_size=1, max_size=4), max_size=3)
"""Messages, and what each tells: of which of those that are owed, which alerts, how fully."""
MOVE = st.sampled_from([None, State.SENDING, State.SENT, State.FAILED, State.QUEUED])


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.engine = SqliteEngine(Path(self.folder.name))
        self.store = self.run(self.engine.open())
        self.model = Outbox()
        self.first = "", 0.0, ""

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    def teardown(self) -> None:
        self.run(self.engine.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def now(self) -> float:
        return self.engine.now

    @initialize(taken=TAKEN)
    def begin(self, taken: Any) -> None:
        self.accept(taken)

    @rule(many=st.lists(TAKEN, min_size=1, max_size=3))
    def accept_some(self, many: list[Any]) -> None:
        for taken in many:
            self.accept(taken)

    def accept(self, taken: Any) -> None:
        groups, digest, priority, ahead = taken
        new = event(self.now)
        held = {} if ahead is None else {"state": State.HELD, "reason": "schedule", "due_at": self.now + ahead}
        names = zip(CHANNELS * 2, groups, strict=False)
        deliveries = [owed(new, channel, group, priority=priority, **held) for channel, group in names]
        receipt = self.run(self.store.accept(new, deliveries, [Mark("scope", digest, 120.0)]))
        if self.first[0] == digest and self.now - self.first[1] < 120:
            assert (receipt.duplicate, receipt.event_id) == (True, self.first[2])
            return
        assert (receipt.duplicate, receipt.event_id) == (False, new.id)
        self.first = digest, self.now, new.id
        self.model.accept(deliveries)

    @precondition(lambda self: self.model.some(state=OWED))
    @rule(tries=st.lists(st.tuples(CHANNEL, PLANS, OUTCOME), min_size=1, max_size=4), data=st.data())
    def send(self, tries: list[Any], data: st.DataObject) -> None:
        """Again and again, begin one of the messages that are planned, or the first of new ones, and settle it."""
        for channel, plans, outcome in tries:
            waiting = self.model.some(channel=channel, state=OWED)
            planned = [self.planned(waiting, parts, number) for number, parts in enumerate(plans, 1)] if waiting else []
            left = planned[:1] or [one for each in waiting for one in self.model.unsettled(each.id)]
            if left:
                self.attempt(planned, data.draw(st.sampled_from(left)), outcome, data)

    def attempt(self, planned: list[Message], chosen: Message, outcome: str | None, data: st.DataObject) -> None:
        self.run(self.store.begin(planned, chosen.id, "key", self.now, "2026-11"))
        self.model.begin(planned, chosen.id, self.now, "2026-11")
        if outcome:
            settlement = self.settlement(chosen, outcome, data)
            self.run(self.store.settle(settlement))
            self.model.settle(settlement)

    def planned(self, waiting: list[Delivery], parts: list[Any], number: int) -> Message:
        carries = tuple(
            Carried(waiting[place % len(waiting)].id, tuple(sorted(alerts)), detail) for place, alerts, detail in parts
        )
        return message(carries=carries, content=b"%d" % number, number=number, plain=len(parts) % 2 == 0)

    def settlement(self, chosen: Message, outcome: str, data: st.DataObject) -> Settlement:
        attempt = Attempt(chosen.id, self.now, 0.1, error="" if "arrived" in outcome else f"not {chosen.id}")
        moves = self.moves(chosen, data.draw(MOVE))
        match outcome:
            case "arrived" | "arrived with a card":
                beside = [one.id for each in chosen.deliveries for one in self.model.unsettled(each)]
                more: dict[str, Any] = {"discarded": tuple(data.draw(st.lists(st.sampled_from(beside), max_size=2)))}
                end = replace(attempt, note=data.draw(st.sampled_from(["", "u7 is not visible"])))
                if "card" in outcome:
                    more |= {"card": self.card(chosen), "retired": self.retired(data)}
                return Settlement(chosen.id, MessageState.SENT, end, moves, **more)
            case "refused":
                return Settlement(chosen.id, MessageState.FAILED, attempt, moves)
            case "unreachable":
                return Settlement(chosen.id, MessageState.FAILED, replace(attempt, note=chosen.id), moves)
            case "as plain text":
                plain = replace(chosen, id=new_id(self.now), plain=True, state=MessageState.PLANNED, content=b"plain")
                return Settlement(chosen.id, MessageState.FAILED, attempt, replacements=(plain,))
            case "stopped":
                held = tuple(Move(each, State.HELD, "stopped") for each in chosen.deliveries)
                anew = tuple(data.draw(st.lists(st.sampled_from(chosen.deliveries), max_size=3)))
                return Settlement(chosen.id, MessageState.PLANNED, attempt, held, anew=anew)
        return Settlement(chosen.id, MessageState.PLANNED, attempt, self.moves(chosen, State.QUEUED))

    def moves(self, chosen: Message, state: State | None) -> tuple[Move, ...]:
        known: dict[str, Any] = {"detail": "line", "merged_into": chosen.id} if state is State.SENT else {}
        each = chosen.deliveries if state else ()
        return tuple(Move(one, state, "why", self.now + 30, 1, **known) for one in each if state)

    def card(self, chosen: Message) -> Card:
        delivery = self.model.deliveries[chosen.deliveries[0]]
        return Card(delivery.channel, delivery.group, "", chosen.number, chosen.id, self.now, told=chosen.id)

    def retired(self, data: st.DataObject) -> tuple[str, str, str] | None:
        known = [(card.channel, card.group, card.provider_id) for card in self.model.cards.values()]
        return data.draw(st.sampled_from([None, *known]))

    @rule(channel=CHANNEL, reason=REASON, on=st.booleans())
    def turn(self, channel: str, reason: str, on: bool) -> None:
        if on:
            released = self.run(self.store.release(channel, self.now, [reason]))
            assert released == self.model.release(channel, self.now, reason)
        else:
            assert self.run(self.store.hold(channel, reason)) == self.model.hold(channel, reason)

    @rule(data=st.data())
    def resend(self, data: st.DataObject) -> None:
        chosen = [one.id for one in self.drawn(data)]
        again = self.run(self.store.resend(chosen, self.now))
        assert len(again) == self.model.resend(chosen, self.now)
        assert again == self.model.some(id=tuple(one.id for one in again))

    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        stand_ins = [self.stand_in(one) for one in self.drawn(data)]
        assert self.run(self.store.hand_over(stand_ins)) == self.model.hand_over(stand_ins)

    def drawn(self, data: st.DataObject) -> list[Delivery]:
        return data.draw(st.lists(st.sampled_from(self.model.some()), min_size=1, max_size=3))

    def stand_in(self, of: Delivery) -> Delivery:
        [other] = set(CHANNELS) - {of.channel}
        fresh = {"state": State.QUEUED, "reason": "", "sent_at": None, "merged_into": None, "detail": "", "told_by": ""}
        return replace(of, id=new_id(self.now), channel=other, stands_in=of.id, **fresh)

    @rule(seconds=st.sampled_from([0.5, 30.0, 121.0]), then=st.sampled_from(["crash", "prune", "release"]))
    def later(self, seconds: float, then: str) -> None:
        self.engine.now += seconds
        if then == "crash":
            self.store = self.run(self.engine.reopen())
        elif then == "prune":
            self.run(self.store.prune(NOW))
        for channel in CHANNELS if then == "release" else ():
            assert self.run(self.store.release_due(channel, self.now)) == self.model.release_due(channel, self.now)

    @invariant()
    def owes_what_the_model_owes(self) -> None:
        for channel in CHANNELS:
            works = self.run(self.store.owed(channel))
            assert [work.delivery for work in works] == self.model.some(channel=channel, state=OWED)
            assert [work.seq for work in works] == sorted(work.seq for work in works)
            length = self.run(self.store.backlog()).get(channel)
            assert (length.length if length else 0) == len(works)

    @invariant()
    def knows_how_far_each_has_come(self) -> None:
        for work in (work for channel in CHANNELS for work in self.run(self.store.owed(channel))):
            known, model = work.delivery.id, self.model
            kept = [(one.id, one.content, one.carries, one.state) for one in work.messages]
            assert kept == [(one.id, one.content, one.carries, one.state) for one in model.unsettled(known)]
            assert (work.told, work.refused, list(work.notes)) == (
                model.told(known),
                model.refused(known),
                model.notes(known),
            )
            assert work.reached == any(one.state is MessageState.SENT for one in model.carrying(known))
            relieved = model.deliveries.get(work.delivery.stands_in)
            assert work.in_place_of == (relieved.channel if relieved else "")

    @invariant()
    def knows_what_waits_for_its_time_or_for_another_channel(self) -> None:
        for channel in CHANNELS:
            held = self.model.some(channel=channel, state=State.HELD, reason="schedule")
            assert self.run(self.store.next_release(channel)) == min((one.due_at for one in held), default=None)
            mine = self.model.unrelieved(channel=channel, stands_in="")
            owed = [one for one in mine if one.state in OWED]
            groups = {one.group for one in owed if one.priority == "high" and one.released_at < self.now}
            waits = [one for one in owed if one.group in groups]
            stopped = [one for one in mine if (one.state, one.reason) == (State.HELD, "stopped")]
            expected = [one for one in mine if one in waits or one in stopped]
            assert self.run(self.store.relievable(channel, self.now, True)) == expected

    @invariant()
    def shows_what_stands(self) -> None:
        for channel in CHANNELS:
            for group in "gh":
                here = [self.model.cards[key] for key in sorted(self.model.cards) if key[:2] == (channel, group)]
                assert self.run(self.store.cards(channel, group)) == here

    @invariant()
    def counts_what_was_posted(self) -> None:
        assert self.run(self.store.slots("key", 0.0))[0] == self.model.slots
        assert self.run(self.store.used("key", "2026-11")) == self.model.posts["2026-11"]


TestOutbox = Machine.TestCase
TestOutbox.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
