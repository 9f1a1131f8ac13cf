"""One delivery's course through its messages: from the first unsent one to its end, or to its next try."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from receiver import logs
from receiver.channels.base import Confirmation
from receiver.delivery import keeping
from receiver.delivery.aside import Aside
from receiver.delivery.keeping import Told
from receiver.delivery.ledger import Ledger
from receiver.delivery.planning import Planner
from receiver.delivery.posting import post
from receiver.delivery.progress import Progress
from receiver.delivery.retry import Anew, Decision, GiveUp, PlainText, Retry, Skip, Stop, deadline, decide, honoured
from receiver.delivery.standing import Standing
from receiver.delivery.targets import readdressed
from receiver.errors import DeliveryError, Throttled, Unavailable
from receiver.model import Attempt, Card, Message, MessageState, State, new_id
from receiver.store.base import ChannelState, Move, Settlement, Store, Work

Turn = Callable[[], Awaitable[float | None]]
"""Waits for a slot and takes it: when it was taken, or None if nothing is to be sent now."""

T = TypeVar("T")
_log = logs.get("sender")


class Course:
    """Sends the messages of `work` in order, each after its turn, and writes down how each ended."""

    def __init__(
        self, work: Work, standing: Standing, planner: Planner, store: Store, ledger: Ledger, aside: Aside
    ) -> None:
        self._work = work
        self._standing = standing
        self._planner = planner
        self._store = store
        self._ledger = ledger
        self._aside = aside
        self._parts = deque(work.messages)
        self._planned: list[Message] = []
        self._progress = Progress(work, standing)
        self._cards: Sequence[Card] = ()
        self._told: Told | None = None

    async def run(self, turn: Turn) -> None:
        """Go on until the delivery has ended or was put off, or the channel's turn does not come.

        That it has arrived is written down beside what comes next: the ledger says when that is done.
        """
        done = False
        while not done and (now := await turn()) is not None:
            done = await self._step(now)

    async def _step(self, now: float) -> bool:
        try:
            message = await self._begin(now)
        except Exception:  # nothing was posted; after a cancellation nobody knows what was written
            self._standing.window.give_back(now)
            raise
        attempt, outcome = await post(self._standing, message, self._store.now())
        self._standing.window.move(now, attempt.at + attempt.duration)
        if isinstance(outcome, Confirmation):
            return self._arrived(message, attempt, outcome)
        return await self._failed(message, attempt, outcome)

    async def _begin(self, now: float) -> Message:
        """Plan the messages unless they are, and write down that the next one is on its way."""
        if self._standing.channel.updating and self._told is None:
            self._cards = await self._store.cards(self._work.delivery.channel, self._work.delivery.group)
            self._told = await self._made(partial(self._planner.told, self._work))
        if not self._parts:
            self._planned = await self._made(partial(self._planner.plan, self._work, now, self._cards, self._told))
            self._parts.extend(self._planned)
        message = self._parts.popleft()
        await self._store.begin(self._planned, message.id, self._standing.credential, now)
        self._planned = []
        return message

    async def _made(self, plan: Callable[[], T]) -> T:
        return await self._aside.run(plan, size=len(self._work.event.body))

    def _arrived(self, message: Message, attempt: Attempt, confirmed: Confirmation) -> bool:
        now = attempt.at + attempt.duration
        self._progress.reached |= not keeping.says_no_more(message)
        self._progress.note(confirmed.note)
        again = self._again(message, confirmed, now)
        channel: ChannelState | None = None
        moves: tuple[Move, ...] = ()
        if not self._parts:
            channel, moves = self._progress.end(now)
        group, named = self._work.delivery.group, confirmed.provider_id or message.updates
        settlement = Settlement(
            message.id,
            MessageState.SENT,
            attempt,
            moves,
            again,
            channel=self._named(channel),
            card=keeping.card(message, group, named, self._cards, self._told, now) if self._told and named else None,
            retired=keeping.retired(message, group),
        )
        self._ledger.begin(self._work.delivery, settlement)
        _log.debug("a message arrived", channel=message.channel, delivery=self._work.delivery.id, message=message.id)
        return not self._parts

    def _again(self, message: Message, confirmed: Confirmation, now: float) -> tuple[Message, ...]:
        """The message for those whom the provider was too busy to reach, while it is worth sending."""
        if not confirmed.left:
            return ()
        if now + confirmed.wait >= deadline(self._work.delivery):
            self._progress.note(f"not reached in time: {confirmed.left}")
            return ()
        self._progress.again(now + honoured(confirmed.wait))
        return (readdressed(message, confirmed.left, now),)

    async def _failed(self, message: Message, attempt: Attempt, error: DeliveryError) -> bool:
        now = attempt.at + attempt.duration
        jitter = random.uniform(-1, 1)  # noqa: S311 - spreads retries
        replaces = bool(message.updates)
        decision = decide(error, self._work.delivery, now, plain=message.plain, replaces=replaces, jitter=jitter)
        _log.warning(
            "a message did not arrive",
            channel=message.channel,
            delivery=self._work.delivery.id,
            error=error.detail,
            decision=type(decision).__name__,
        )
        return await self._follow(decision, message, attempt, error)

    async def _follow(self, decision: Decision, message: Message, attempt: Attempt, error: DeliveryError) -> bool:
        now = attempt.at + attempt.duration
        if keeping.says_no_more(message) and not keeping.worth_waiting(decision, self._work.delivery):
            retired = None if isinstance(error, Unavailable) else keeping.retired(message, self._work.delivery.group)
            return await self._pass_over(message, attempt, now, retired=retired)
        match decision:
            case Retry():
                await self._put_off(decision, message, attempt, error, now)
            case PlainText():
                return await self._again_as_plain_text(message, attempt, error, now)
            case Stop():
                await self._stop(message, attempt, error, now)
            case Anew():
                fresh = replace(message, id=new_id(now), updates="")
                await self._settle(message, MessageState.FAILED, attempt, replacements=(fresh,))
                self._parts.appendleft(fresh)
                return False
            case Skip():
                return await self._skip(message, attempt, error, now)
            case GiveUp():
                return await self._give_up(message, attempt, error, now)
        return True

    async def _put_off(
        self, retry: Retry, message: Message, attempt: Attempt, error: DeliveryError, now: float
    ) -> None:
        delivery = self._work.delivery
        unknown = isinstance(error, Unavailable) and error.ambiguous
        move = Move(delivery.id, State.QUEUED, self._progress.said, retry.at, delivery.attempts + retry.counted)
        hold = self._standing.rest(error, now, retry.at)
        state = MessageState.SENDING if unknown else MessageState.PLANNED
        await self._settle(message, state, attempt, (move,), hold=hold)

    async def _again_as_plain_text(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> bool:
        try:
            plain = await self._made(partial(self._planner.instead, self._work, message, attempt.provider_code, now))
        except Exception:  # it was posted and refused: to forget that would be to post it again and again
            _log.exception("no plain text could be made", channel=message.channel, delivery=self._work.delivery.id)
            return await self._give_up(message, attempt, error, now)
        await self._settle(message, MessageState.FAILED, attempt, replacements=tuple(plain))
        self._parts.extendleft(reversed(plain))
        return False

    async def _skip(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> bool:
        """Go on without this receiver. If nobody was reached, the channel can never work as it is configured."""
        others = [part for part in self._parts if part.target != message.target]
        alone = not self._progress.reached and not self._progress.trouble
        if alone and all(map(keeping.says_no_more, others)):
            await self._stop(message, attempt, error, now)
            return True
        dropped = tuple(part.id for part in self._parts if part.target == message.target)
        self._parts = deque(others)
        self._progress.note(error.detail)
        return await self._pass_over(message, replace(attempt, note=error.detail), now, discarded=dropped)

    async def _pass_over(self, message: Message, attempt: Attempt, now: float, **more: Any) -> bool:
        """Mark the message failed, which is no failure of the delivery; `more` are other parts of the Settlement."""
        delivery, channel = self._work.delivery, None
        moves: tuple[Move, ...] = (Move(delivery.id, State.SENDING, self._progress.said, attempts=delivery.attempts),)
        if not self._parts:
            channel, moves = self._progress.end(now)
        await self._settle(message, MessageState.FAILED, attempt, moves, channel=channel, **more)
        return not self._parts

    async def _stop(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> None:
        """Stop the channel. What nobody has seen yet is planned anew when it goes on, by the configuration of then."""
        self._standing.held(int(self._standing.enabled), "stopped")
        delivery, state = self._work.delivery, self._standing.stop(error.detail, now)
        held = Move(delivery.id, State.HELD, state.state, attempts=delivery.attempts)
        anew = "" if self._progress.reached else delivery.id
        await self._settle(message, MessageState.PLANNED, attempt, (held,), channel=state, anew=anew)
        if self._standing.enabled:  # by somebody, before that was written
            await self._store.release(message.channel, now, (state.state,))

    async def _give_up(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> bool:
        """Mark the message refused; the parts that are left still go out, the delivery ends as failed."""
        delivery, refused = self._work.delivery, not isinstance(error, Unavailable | Throttled)
        if refused and self._parts:
            self._progress.trouble = error.detail
            move = Move(delivery.id, State.SENDING, error.detail, attempts=delivery.attempts)
            await self._settle(message, MessageState.FAILED, attempt, (move,))
            return False
        state = self._standing.gave_up(error.reason, error.detail, now, counts=refused)
        move = Move(delivery.id, State.FAILED, error.detail, attempts=delivery.attempts + 1)
        await self._settle(message, MessageState.FAILED, attempt, (move,), channel=state)
        return True

    async def _settle(
        self,
        message: Message,
        state: MessageState,
        attempt: Attempt,
        moves: tuple[Move, ...] = (),
        channel: ChannelState | None = None,
        **more: Any,
    ) -> None:
        """Write down how a try ended; `more` are other parts of a Settlement."""
        await self._ledger.write(Settlement(message.id, state, attempt, moves, channel=self._named(channel), **more))

    def _named(self, state: ChannelState | None) -> tuple[str, ChannelState] | None:
        return (self._standing.channel.name, state) if state else None
