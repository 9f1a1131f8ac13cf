"""What is written down of what is owed beside sending it: what grew too old, what stumbled, what is planned anew."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from functools import partial

from receiver import logs
from receiver.delivery.bundle import Bundle
from receiver.delivery.kit import Kit
from receiver.delivery.owed import Owed
from receiver.delivery.progress import Ends, Progress
from receiver.delivery.retry import backoff
from receiver.delivery.targets import sifted
from receiver.model import Delivery, MessageState, State
from receiver.store.base import Move, Settlement

_log = logs.get("sender")


class Upkeep:
    """Keeps the queue of one channel in order."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._channel = kit.standing.channel
        self.news = True
        """Whether something was accepted, which a schedule may hold."""
        self.release_at: float | None = None
        """When the first of what a schedule holds falls due."""

    async def look_up(self) -> None:
        """Find out when a schedule next lets something go, if it may hold more than before."""
        if self.news:
            self.news = False
            self.release_at = await self._kit.store.next_release(self._channel.name)

    async def release(self, now: float) -> bool:
        """Owe what a schedule held until now, or holds of what has just come in; whether it did."""
        kit, name, fresh = self._kit, self._channel.name, list(self._kit.queue.fresh)
        self._kit.queue.fresh.clear()
        if self.release_at is None or not (fresh or self.release_at <= now):
            return False
        released = await kit.store.release_due(name, now, fresh)
        self.release_at = await kit.store.next_release(name)
        return bool(released)

    async def finish_told(self) -> None:
        """End what was told whole."""
        for owed in self._kit.queue.told():
            progress = Progress(Bundle([owed], deque()), self._kit.queue, self._kit.standing)
            await self._write(progress.end(self._kit.store.now()))

    async def expire(self, now: float) -> None:
        """End what is too old to be worth sending, and have those told who missed it."""
        queue = self._kit.queue
        old = {owed.id: owed for owed in queue if owed.too_old(now)}
        if not old:
            return
        wide = self._kit.outages.wide(self._channel.provider, now)
        for bundle in list(queue.open):
            if any(owed.id not in old for owed in bundle.owed):
                continue
            queue.open.remove(bundle)
            for owed in bundle.owed:
                del old[owed.id]
            await self._write(Progress(bundle, queue, self._kit.standing).expire(now, counts=not wide))
        busy = {owed.id for bundle in queue.open for owed in bundle.owed}
        if left := [owed for owed in old.values() if owed.id not in busy]:
            await self._write(Progress(Bundle(left, deque()), queue, self._kit.standing).expire(now, counts=not wide))

    async def _write(self, ends: Ends, anew: tuple[str, ...] = ()) -> None:
        state, moves = ends
        self._kit.miss(moves, self._kit.store.now())
        await self._kit.write(
            Settlement("", MessageState.FAILED, None, moves, channel=self._kit.named(state), anew=anew)
        )

    async def rebuild(self, bundle: Bundle) -> None:
        """Forget the messages of a bundle, none of which was posted: it is told with what came since."""
        self._kit.queue.open.remove(bundle)
        now = self._kit.store.now()
        dropped = tuple(message.id for message in bundle.messages)
        moves = Progress(bundle, self._kit.queue, self._kit.standing).waiting(now)
        await self._kit.write(Settlement("", MessageState.FAILED, None, moves, discarded=dropped))

    async def compare(self, bundle: Bundle) -> None:
        """Find out what stands for the group on a channel whose messages can be updated."""
        if self._channel.updating and bundle.group:
            bundle.cards = await self._kit.store.cards(self._channel.name, bundle.group)
            bundle.told = await self._kit.made(partial(self._kit.planner.told, bundle.owed), bundle.owed)

    async def sift(self, bundle: Bundle) -> bool:
        """Leave out whom the configuration does not name any more; False if nothing else was left to do."""
        now = self._kit.store.now()
        found = sifted(bundle.messages, self._channel.targets, now)
        if found is None:
            return True
        bundle.messages = deque(found.messages)
        progress = Progress(bundle, self._kit.queue, self._kit.standing)
        if not found.messages and not progress.reached:
            anew = tuple(owed.id for owed in bundle.owed)
            await self._write((None, progress.waiting(now)), anew=anew)
            self._kit.queue.stale = True
            return False
        for note in found.notes:
            for owed in bundle.owed:
                owed.note(note)
        state, moves = (None, ()) if found.messages else progress.end(now)
        settlement = Settlement(
            "",
            MessageState.FAILED,
            None,
            moves,
            replacements=found.fresh,
            discarded=found.dropped,
            channel=self._kit.named(state),
        )
        await self._kit.write(settlement)
        return bool(found.messages)

    async def blame(self, about: Sequence[Owed], *, begun: bool = False) -> None:
        """Put off what could not be processed: what cannot be read, else the only one; of several, half at a time.

        What was `begun` is tried again as it is: then all of it is put off.
        """
        unreadable = [owed for owed in about if not owed.readable]
        if unreadable or begun or len(about) == 1:
            for owed in unreadable or about:
                await self.put_off(owed.delivery)
            return
        for owed in about:
            owed.most = max(1, min(owed.most, len(about)) // 2)
        self._kit.queue.stale = True

    async def put_off(self, delivery: Delivery) -> None:
        """Try a delivery again later, after an error of our own."""
        wait = backoff(delivery.attempts, random.uniform(-1, 1))  # noqa: S311 - spreads retries
        due = self._kit.store.now() + wait
        move = Move(delivery.id, State.QUEUED, "internal error", due, delivery.attempts + 1)
        await self._kit.write(Settlement("", MessageState.FAILED, None, (move,)))
        self._kit.queue.stale = True
