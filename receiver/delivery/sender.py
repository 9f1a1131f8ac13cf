"""One channel's loop: a free slot, the next message out of all that is due, a post, and the record of how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from receiver import logs
from receiver.delivery.bundle import Bundle
from receiver.delivery.composing import Composer
from receiver.delivery.course import Course, Slot
from receiver.delivery.gathering import Gathering
from receiver.delivery.kit import Kit
from receiver.delivery.listing import Listing
from receiver.delivery.owed import Owed
from receiver.delivery.pool import Member
from receiver.delivery.slots import Slots
from receiver.delivery.upkeep import Upkeep
from receiver.delivery.waiting import Waiting
from receiver.errors import StoreUnavailable
from receiver.store.base import ChannelState

_POLL = 30.0
_STUMBLED = 5.0
"""Seconds to wait after an error that nobody thought of."""
_log = logs.get("sender")


class Pause(NamedTuple):
    """For how many seconds to wait; `deaf` to what comes in meanwhile."""

    seconds: float
    deaf: bool = False


class Sender:
    """Sees one channel's deliveries through, one message at a time, so that its groups keep their order."""

    def __init__(self, kit: Kit) -> None:
        self.standing = kit.standing
        self._kit = kit
        self._queue, self._store, self._channel = kit.queue, kit.store, kit.standing.channel
        self._composer = Composer(kit.planner)
        self._upkeep = Upkeep(kit)
        self._listing = Listing(kit)
        together = self._channel.merges and bool(self._channel.windows)
        self._gathering = Gathering(self._channel.settings.limits.gather if together else 0.0)
        self._slots = Slots(kit.standing)
        self._sorted = kit.standing.changes
        self._waiting = Waiting()
        self._closing = False

    def wake(self) -> None:
        """Something new is owed."""
        self._queue.news = self._upkeep.news = True
        self._waiting.wake()

    def reload(self) -> None:
        """What is owed was changed by somebody else."""
        self._queue.stale = True
        self._waiting.wake()

    def close(self) -> None:
        """Finish the message in flight, begin no other; `run` returns."""
        self._closing = True
        self._waiting.turn()

    async def run(self) -> None:
        """Deliver until closed. What cannot be written down now is tried again; nothing is skipped."""
        while not self._closing:
            try:
                self._waiting.look()
                if (pause := await self._round()) is not None:
                    await self._written()
                    await self._rest(pause)
            except StoreUnavailable as error:
                _log.warning("the store is away", channel=self._channel.name, error=str(error))
                await self._pause(1.0)
            except Exception:  # whatever it is, a channel whose sender has ended would be silent for good
                self._queue.stale = True
                _log.exception("a channel stumbled", channel=self._channel.name)
                await self._pause(_STUMBLED)
        await self._written()
        await self._listing.finish()

    async def _rest(self, pause: Pause) -> None:
        """Wait for what is new, or, deaf to that, for the time to pass."""
        if self._closing or self._sorted != self.standing.changes:
            return
        await (self._waiting.for_change if pause.deaf else self._waiting.for_news)(pause.seconds)

    async def _pause(self, seconds: float) -> None:
        """Do nothing for so long, unless the channel's state changes or it is closed."""
        if not self._closing:
            await self._waiting.for_change(seconds)

    def _may_send(self) -> bool:
        return self.standing.enabled and not self._closing

    async def _round(self) -> Pause | None:
        """Send the next bundle if there is one and its time has come; else how long to wait, and for what."""
        await self._sort()
        if not self._may_send():
            return Pause(_POLL)
        now = self._store.now()
        self._slots.mind_lateness(self._queue, now)
        if (rest := self.standing.resting(now)) > now:
            return Pause(rest - now)
        await self._look(now)
        if self._queue.stale:
            return None
        now = self._store.now()  # a window takes slots after `now` for those of a clock that was set back
        due, begun = self._queue.due(now), self._queue.begun(now)
        if not due and not begun:
            self._listing.look(now)
            return self._until_due(now)
        if begun is None and (wait := self._gathering.wait(due, self._composer.estimate, now)):
            return Pause(wait)
        wait = self._until_free(begun.owed, now, begun.by) if begun else 0.0
        if begun is None or (wait > 0 and due and begun.by):  # another robot may be free for what else is due
            wait, begun = self._until_free(due, now), None
        if wait > 0:
            return Pause(min(wait, _POLL), deaf=True)
        await self._send(begun, due)
        return None

    def _until_free(self, told: Sequence[Owed], now: float, by: Member | None = None) -> float:
        return self._slots.free_at(told, now, by, self._composer.estimate)[0] - now

    async def _look(self, now: float) -> None:
        """Read what is owed, and what a schedule has held until now; what needs no message any more ends here."""
        await self._upkeep.look_up()
        if self._queue.stale:
            await self._written()
        await self._queue.refresh()
        if await self._upkeep.release(now):
            self._queue.stale = True
        if self._queue.stale:
            return
        await self._upkeep.finish_told()
        await self._upkeep.expire(now)

    def _until_due(self, now: float) -> Pause:
        known = (self._queue.next_due(), self._upkeep.release_at, self._listing.due_at(now))
        times = [at for at in known if at is not None]
        wait = min(times, default=now + _POLL) - now
        return Pause(min(max(wait, 0.005), _POLL))

    async def _sort(self) -> None:
        """Hold or release what is owed after the channel's state changed: before anything newer has its turn."""
        while self._sorted != (change := self.standing.changes):
            state, name = self.standing.state.state, self._channel.name
            if state == "enabled":
                await self._store.release(name, self._store.now(), ("disabled", "stopped"))
            else:
                self.standing.held(await self._store.hold(name, state), state)
            self._queue.stale = True
            self._sorted = change

    async def _written(self) -> None:
        """Wait until it is written what arrived; only then does the store say rightly what is owed."""
        for delivery in await self._kit.ledger.finish():
            await self._upkeep.put_off(delivery)

    async def _take(self, bundle: Bundle) -> Slot | None:
        """Wait for a slot and take it; waiting is no attempt. None if the channel is to send nothing now."""
        while self._may_send():
            now = self._store.now()
            at, member = self._slots.free_at(bundle.owed, now, bundle.by, self._composer.estimate)
            if at <= now:
                member.take(now)
                return Slot(now, member)
            await self._waiting.for_change(at - now)
        return None

    async def _send(self, begun: Bundle | None, due: list[Owed]) -> None:
        """Send the bundle that was begun, or else the next one out of all that is due."""
        if begun is not None and due and begun.rebuildable and self._channel.merges:
            await self._upkeep.rebuild(begun)
            return
        about = begun.owed if begun else due
        try:
            bundle = begun or await self._next(due)
            about = bundle.owed
            if await (self._take_up(bundle) if begun else self._planned(bundle)):
                await self._run(bundle)
        except (StoreUnavailable, asyncio.CancelledError):
            self._queue.stale = True
            raise
        except Exception:  # a poisoned delivery must not block its channel
            _log.exception("a delivery could not be processed", channel=self._channel.name, id=about[0].id)
            self._queue.stale = True
            await self._upkeep.blame(about, begun=begun is not None)

    async def _next(self, due: list[Owed]) -> Bundle:
        """The next bundle out of all that is due; without messages if it is to be told whole."""
        now = self._store.now()
        slots = partial(self._slots.upcoming, now)
        return await self._kit.made(lambda: self._composer.next(due, now, slots), due)

    async def _planned(self, bundle: Bundle) -> bool:
        """Give the bundle its messages if it has none yet."""
        if not bundle.messages:
            await self._upkeep.compare(bundle)
            make = partial(self._kit.planner.whole, bundle.owed, self._store.now(), bundle.cards, bundle.told)
            bundle.planned = await self._kit.made(make, bundle.owed)
            bundle.messages.extend(bundle.planned)
        return bool(bundle.messages)

    async def _take_up(self, begun: Bundle) -> bool:
        """Go on with what was begun; False if nobody is left to be told."""
        self._queue.open.remove(begun)
        if not await self._upkeep.sift(begun):
            return False
        await self._upkeep.compare(begun)
        return True

    async def _run(self, bundle: Bundle) -> None:
        await Course(bundle, self._kit, self._has_news).run(lambda: self._take(bundle))
        bundle.messages.extend(bundle.later)
        bundle.later = []
        if bundle.messages and not bundle.planned and not self._queue.stale:
            self._queue.open.append(bundle)

    async def _has_news(self) -> bool:
        """Whether something is due beside the bundle that is being sent."""
        if not self._channel.merges or not self._queue.news or self._queue.stale:
            return False
        await self._queue.refresh()
        return not self._queue.stale and bool(self._queue.due(self._store.now()))

    async def change(self, state: str, reason: str) -> ChannelState:
        """Enable or disable the channel: what it owes is held, or comes back with its age counting anew."""
        kept = self.standing.change(state, reason, self._store.now())
        self._waiting.turn()
        await self._store.set_channel(self._channel.name, kept)
        await self._sort()
        return kept
