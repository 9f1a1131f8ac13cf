"""One channel's loop: what is due, a slot of its window, a message, a post, and the record of how it ended."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from receiver import logs
from receiver.delivery.aside import Aside
from receiver.delivery.coalescing import coalesce
from receiver.delivery.course import Course
from receiver.delivery.ledger import Ledger
from receiver.delivery.planning import Planner
from receiver.delivery.progress import Progress
from receiver.delivery.retry import backoff, deadline
from receiver.delivery.standing import Standing
from receiver.delivery.targets import sifted
from receiver.errors import StoreUnavailable
from receiver.model import Delivery, MessageState, State
from receiver.store.base import ChannelState, Move, Settlement, Store, Work

_POLL = 30.0
_STUMBLED = 5.0
"""Seconds to wait after an error that nobody thought of."""
_log = logs.get("sender")


class Sender:
    """Sees one channel's deliveries through, one at a time, so that its groups keep their order."""

    def __init__(self, standing: Standing, planner: Planner, store: Store, aside: Aside) -> None:
        self.standing = standing
        self._aside = aside
        self._channel = standing.channel
        self._planner = planner
        self._store = store
        self._ledger = Ledger(store, lambda: standing.state)
        self._sorted = standing.changes
        self._awake = asyncio.Event()
        self._changed = asyncio.Event()
        self._closing = False

    def wake(self) -> None:
        """Something new is owed."""
        self._awake.set()

    def _turn_around(self) -> None:
        """The channel's state changed: whatever is waited for, look again."""
        self._changed.set()
        self._awake.set()

    def close(self) -> None:
        """Finish the message in flight, begin no other; `run` returns."""
        self._closing = True
        self._turn_around()

    async def run(self) -> None:
        """Deliver until closed. What cannot be written down now is tried again; nothing is skipped."""
        while not self._closing:
            try:
                self._awake.clear()
                if not await self._round():
                    await self._idle()
            except StoreUnavailable as error:
                _log.warning("the store is away", channel=self._channel.name, error=str(error))
                await self._pause(1.0)
            except Exception:  # whatever it is, a channel whose sender has ended would be silent for good
                _log.exception("a channel stumbled", channel=self._channel.name)
                await self._pause(_STUMBLED)
        await self._written()

    async def _pause(self, seconds: float) -> None:
        """Do nothing for so long, unless the channel's state changes or it is closed."""
        if not self._closing:
            self._changed.clear()
            await _wait(self._changed, seconds)

    def _may_send(self) -> bool:
        return self.standing.enabled and not self._closing

    async def _round(self) -> bool:
        """Deliver what is due now; False when there is nothing to do."""
        await self._written()
        await self._sort()
        now = self._store.now()
        if not self._may_send() or self.standing.resting(now) > now:
            return False
        work = coalesce(await self._store.due(self._channel.name, now))
        for item in work:
            now = self._store.now()
            if not self._may_send() or self.standing.resting(now) > now:
                break
            await self._deliver(item)
        return bool(work)

    async def _sort(self) -> None:
        """Hold or release what is owed after the channel's state changed: before anything newer has its turn."""
        while self._sorted != (change := self.standing.changes):
            state, name = self.standing.state.state, self._channel.name
            if state == "enabled":
                await self._store.release(name, self._store.now(), ("disabled", "stopped"))
            else:
                self.standing.held(await self._store.hold(name, state), state)
            self._sorted = change

    async def _written(self) -> None:
        """Wait until it is written what arrived; only then does the store say rightly what is due."""
        for delivery in await self._ledger.finish():
            await self._put_off(delivery)

    async def _idle(self) -> None:
        wait = _POLL
        if self._may_send():
            due = await self._store.next_due(self._channel.name)
            if due is not None:
                now = self._store.now()
                wait = max(due, self.standing.resting(now)) - now
        await _wait(self._awake, min(max(wait, 0.005), _POLL))

    async def _turn(self) -> float | None:
        """Wait for a slot and take it; waiting is no attempt. None if the channel is to send nothing now."""
        standing = self.standing
        while self._may_send():
            now = self._store.now()
            at = standing.window.free_at(self._channel.windows, now)
            if at <= now:
                if standing.credential:
                    standing.window.take(now)
                return now
            self._changed.clear()
            await _wait(self._changed, at - now)
        return None

    async def _deliver(self, work: Work) -> None:
        try:
            if self._store.now() >= deadline(work.delivery):
                await self._expire(work)
            elif (left := await self._sift(work)) is not None:
                course = Course(left, self.standing, self._planner, self._store, self._ledger, self._aside)
                await course.run(self._turn)
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except Exception:  # a poisoned delivery must not block its channel
            _log.exception("a delivery could not be processed", channel=self._channel.name, id=work.delivery.id)
            await self._put_off(work.delivery)

    async def _sift(self, work: Work) -> Work | None:
        """`work` without whom the configuration does not name any more; None if nothing else was left to do."""
        now = self._store.now()
        left, settlement = sifted(work, self._channel.targets, now)
        if settlement is None:
            return work
        ended = left.reached and not left.messages
        state, moves = Progress(left, self.standing).end(now) if ended else (None, ())
        named = (self._channel.name, state) if state else None
        await self._ledger.write(replace(settlement, moves=moves, channel=named))
        return None if ended else left

    async def _expire(self, work: Work) -> None:
        state, moves = Progress(work, self.standing).expire(self._store.now())
        for move in moves:
            log = _log.info if move.state is State.SENT else _log.error
            log("a delivery grew too old", channel=self._channel.name, id=move.delivery_id, state=str(move.state))
        named = (self._channel.name, state) if state else None
        await self._ledger.write(Settlement("", MessageState.FAILED, None, moves, channel=named))

    async def _put_off(self, delivery: Delivery) -> None:
        wait = backoff(delivery.attempts, random.uniform(-1, 1))  # noqa: S311 - spreads retries
        due = self._store.now() + wait
        await self._move(Move(delivery.id, State.QUEUED, "internal error", due, delivery.attempts + 1))

    async def _move(self, move: Move) -> None:
        await self._ledger.write(Settlement("", MessageState.FAILED, None, (move,)))

    async def change(self, state: str, reason: str) -> ChannelState:
        """Enable or disable the channel: what it owes is held, or comes back with its age counting anew."""
        kept = self.standing.change(state, reason, self._store.now())
        self._turn_around()
        await self._store.set_channel(self._channel.name, kept)
        await self._sort()
        return kept


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set, or so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
