"""One delivery's course through its messages: from the first unsent one to its end, or to its next try."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from traceback import extract_tb

from receiver import logs
from receiver.delivery.aside import Aside
from receiver.delivery.ledger import Ledger
from receiver.delivery.planning import Planner
from receiver.delivery.retry import Decision, GiveUp, PlainText, Retry, Stop, decide
from receiver.delivery.standing import Standing
from receiver.errors import DeliveryError, Throttled, Unavailable
from receiver.model import Attempt, Message, MessageState, State
from receiver.store.base import ChannelState, Move, Settlement, Store, Work

Turn = Callable[[], Awaitable[float | None]]
"""Waits for a slot and takes it: when it was taken, or None if nothing is to be sent now."""

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
        self._trouble = (work.delivery.reason or "a part of it was refused") if work.refused else ""

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
        attempt, error = await self._post(message)
        self._standing.window.move(now, attempt.at + attempt.duration)
        if error is None:
            return self._arrived(message, attempt)
        return await self._failed(message, attempt, error)

    async def _begin(self, now: float) -> Message:
        """Plan the messages unless they are, and write down that the next one is on its way."""
        if not self._parts:
            self._planned = await self._made(partial(self._planner.plan, self._work, now))
            self._parts.extend(self._planned)
        message = self._parts.popleft()
        await self._store.begin(self._planned, message.id, self._standing.credential, now)
        self._planned = []
        return message

    async def _made(self, plan: Callable[[], list[Message]]) -> list[Message]:
        return await self._aside.run(plan, size=len(self._work.event.body))

    async def _post(self, message: Message) -> tuple[Attempt, DeliveryError | None]:
        at, begun = self._store.now(), perf_counter()
        error, status, code = None, None, None
        try:
            channel = self._standing.channel
            status, code = (await channel.send(message, at)).status, channel.confirmation
        except DeliveryError as caught:
            error, status, code = caught, caught.http_status, caught.code
        except Exception as caught:  # it may have been posted: the same bytes again, at the usual times
            error = _unknown(message, caught)
        said = (error.detail or type(error).__name__) if error else ""
        attempt = Attempt(message.id, at, perf_counter() - begun, status, code, said)
        self._standing.tried(attempt, error)
        return attempt, error

    def _arrived(self, message: Message, attempt: Attempt) -> bool:
        channel: ChannelState | None = None
        moves: tuple[Move, ...] = ()
        if not self._parts:
            channel, moves = self._end(attempt.at + attempt.duration)
        named = (message.channel, channel) if channel else None
        settlement = Settlement(message.id, MessageState.SENT, attempt, moves, channel=named)
        self._ledger.begin(self._work.delivery, settlement)
        _log.debug("a message arrived", channel=message.channel, delivery=self._work.delivery.id, message=message.id)
        return not self._parts

    def _end(self, now: float) -> tuple[ChannelState | None, tuple[Move, ...]]:
        """The delivery's end when its last part went through: sent, or failed if an earlier part was refused."""
        delivery = self._work.delivery
        if self._trouble:
            state = self._standing.gave_up("clientError", self._trouble, now)
            return state, (Move(delivery.id, State.FAILED, self._trouble, attempts=delivery.attempts),)
        state = self._standing.arrived(delivery, now)
        return state, (Move(delivery.id, State.SENT, attempts=delivery.attempts, sent_at=now),)

    async def _failed(self, message: Message, attempt: Attempt, error: DeliveryError) -> bool:
        now = attempt.at + attempt.duration
        jitter = random.uniform(-1, 1)  # noqa: S311 - spreads retries
        decision = decide(error, self._work.delivery, now, plain=message.plain, jitter=jitter)
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
        match decision:
            case Retry():
                await self._put_off(decision, message, attempt, error, now)
            case PlainText():
                await self._again_as_plain_text(message, attempt, now)
                return False
            case Stop():
                await self._stop(message, attempt, error, now)
            case GiveUp():
                return await self._give_up(message, attempt, error, now)
        return True

    async def _put_off(
        self, retry: Retry, message: Message, attempt: Attempt, error: DeliveryError, now: float
    ) -> None:
        delivery = self._work.delivery
        unknown = isinstance(error, Unavailable) and error.ambiguous
        move = Move(delivery.id, State.QUEUED, self._trouble, retry.at, delivery.attempts + retry.counted)
        hold = self._standing.rest(error, now, retry.at)
        state = MessageState.SENDING if unknown else MessageState.PLANNED
        await self._settle(message, state, attempt, (move,), hold=hold)

    async def _again_as_plain_text(self, message: Message, attempt: Attempt, now: float) -> None:
        plain = await self._made(partial(self._planner.instead, self._work, message, attempt.provider_code, now))
        await self._settle(message, MessageState.FAILED, attempt, replacements=tuple(plain))
        self._parts.extendleft(reversed(plain))

    async def _stop(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> None:
        delivery = self._work.delivery
        held = Move(delivery.id, State.HELD, "stopped", attempts=delivery.attempts)
        state = self._standing.change("stopped", error.detail, now)
        self._standing.held(1, "stopped")
        await self._settle(message, MessageState.PLANNED, attempt, (held,), channel=state)
        if self._standing.enabled:  # by somebody, before that was written
            await self._store.release(message.channel, now, ("stopped",))

    async def _give_up(self, message: Message, attempt: Attempt, error: DeliveryError, now: float) -> bool:
        """Mark the message refused; the parts that are left still go out, the delivery ends as failed."""
        delivery, refused = self._work.delivery, not isinstance(error, Unavailable | Throttled)
        if refused and self._parts:
            self._trouble = error.detail
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
        *,
        replacements: tuple[Message, ...] = (),
        hold: tuple[str, float] | None = None,
        channel: ChannelState | None = None,
    ) -> None:
        named = (message.channel, channel) if channel else None
        await self._ledger.write(Settlement(message.id, state, attempt, moves, replacements, hold, named))


def _unknown(message: Message, caught: Exception) -> Unavailable:
    """An error that no channel should raise; its text may hold anything, even a secret."""
    last = extract_tb(caught.__traceback__)[-1]
    kind, place = type(caught).__name__, f"{last.name}, line {last.lineno}"
    _log.error("a channel failed in an unknown way", channel=message.channel, error=kind, place=place)
    return Unavailable(f"internal error: {kind}", reason="other", ambiguous=True)
