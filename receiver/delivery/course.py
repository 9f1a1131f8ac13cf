"""One bundle's course through its messages: from the first unsent one to the end, or to its next try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from receiver import logs
from receiver.channels.base import Confirmation
from receiver.delivery import keeping
from receiver.delivery.bundle import Bundle
from receiver.delivery.kit import Kit
from receiver.delivery.pool import Member
from receiver.delivery.posting import post
from receiver.delivery.progress import Progress
from receiver.delivery.retry import deadline, honoured
from receiver.delivery.setbacks import Setbacks, Tried
from receiver.delivery.targets import readdressed
from receiver.model import Message, MessageState
from receiver.store.base import ChannelState, Move, Settlement


class Slot(NamedTuple):
    """When a slot was taken, and the member of the pool that posts in it."""

    at: float
    member: Member


Turn = Callable[[], Awaitable[Slot | None]]
"""Waits for a slot and takes it; None if nothing is to be sent now."""

Reached = tuple[ChannelState | None, tuple[Move, ...], tuple[Message, ...]]
"""The channel's state to keep if it changed, what becomes of deliveries, messages for those who were not reached."""

_log = logs.get("sender")


class Course:
    """Sends the messages of `bundle` in order, each after its turn, and writes down how each ended.

    `news` says whether something else is due: then what was planned and not begun is left to be planned anew.
    """

    def __init__(self, bundle: Bundle, kit: Kit, news: Callable[[], Awaitable[bool]]) -> None:
        self._bundle = bundle
        self._kit = kit
        self._news = news
        self._parts = bundle.messages
        self._progress = Progress(bundle, kit.queue, kit.standing)
        self._setbacks = Setbacks(bundle, kit, self._progress)
        self._part = 0

    async def run(self, turn: Turn) -> None:
        """Go on until the deliveries have ended or were put off, or the channel's turn does not come.

        That a message has arrived is written down beside what comes next: the ledger says when that is done.
        """
        done = False
        while not done and (slot := await turn()) is not None:
            if self._part and self._parts[0].number != self._part and await self._yields(slot):
                return
            done = await self._step(slot)

    async def _yields(self, slot: Slot) -> bool:
        """Give way to what else is due, between two parts."""
        if any(part.state is MessageState.SENDING or part.retried or part.updates for part in self._parts):
            return False
        if any(map(self._bundle.goes_on, self._parts)):
            return False
        if not await self._news():
            return False
        slot.member.give_back(slot.at)
        dropped = tuple(part.id for part in self._parts if part not in self._bundle.planned)
        self._parts.clear()
        channel, moves = self._progress.end(slot.at)
        settlement = Settlement(
            "", MessageState.FAILED, None, moves, channel=self._kit.named(channel), discarded=dropped
        )
        await self._kit.write(settlement)
        return True

    async def _step(self, slot: Slot) -> bool:
        try:
            message = await self._begin(slot)
        except Exception:  # nothing was posted; after a cancellation nobody knows what was written
            slot.member.give_back(slot.at)
            raise
        attempt, outcome = await post(self._kit.standing, slot.member.channel, message, self._kit.store.now())
        slot.member.window.move(slot.at, attempt.at + attempt.duration)
        tried = Tried(message, attempt, slot.member)
        if isinstance(outcome, Confirmation):
            done = await self._arrived(tried, outcome)
            await asyncio.sleep(0)  # the store is given that before the next begin: never that one alone
            return done
        return await self._setbacks.meet(tried, outcome)

    async def _begin(self, slot: Slot) -> Message:
        """Write down that the next message is on its way."""
        message, planned = self._parts[0], self._bundle.planned
        month = slot.member.channel.month(slot.at)
        credential = slot.member.channel.credential if month else slot.member.credential
        await self._kit.store.begin(planned, message.id, credential, slot.at, month)
        self._parts.popleft()
        self._bundle.by = None
        self._bundle.planned = []
        self._part = message.number
        self._kit.standing.detail = self._bundle.detail
        return message

    async def _arrived(self, tried: Tried, confirmed: Confirmation) -> bool:
        message, bundle, now = tried.message, self._bundle, tried.at
        self._kit.standing.told(message)
        channel, moves, again = await self._kit.made(partial(self._reached, tried, confirmed), bundle.owed)
        named = confirmed.provider_id or message.updates
        keeps = bundle.told and bundle.group and named
        settlement = Settlement(
            message.id,
            MessageState.SENT,
            tried.attempt,
            moves,
            again,
            channel=self._kit.named(channel and self._kit.standing.state),  # it may have been disabled meanwhile
            card=keeping.card(message, bundle.group, named, bundle.cards, bundle.told, now)
            if keeps and bundle.told
            else None,
            retired=keeping.retired(message, bundle.group),
        )
        self._kit.begin(bundle.head, settlement)
        _log.debug("a message arrived", channel=message.channel, delivery=bundle.head.id, message=message.id)
        return not self._parts

    def _reached(self, tried: Tried, confirmed: Confirmation) -> Reached:
        """Keep in mind what a message told; thousands of deliveries take their time."""
        message, now = tried.message, tried.at
        self._progress.reach(message)
        self._progress.note(message, confirmed.note)
        self._kit.planner.lists.note(message, self._bundle.of(message), now)
        again = self._again(message, confirmed, now)
        return (*(self._progress.end(now) if not self._parts else (None, ())), again)

    def _again(self, message: Message, confirmed: Confirmation, now: float) -> tuple[Message, ...]:
        """The message for those whom the provider was too busy to reach, while it is worth sending."""
        if not confirmed.left:
            return ()
        if now + confirmed.wait >= deadline(self._bundle.urgent):
            self._progress.note(message, f"not reached in time: {confirmed.left}")
            return ()
        self._progress.again(now + honoured(confirmed.wait))
        left = readdressed(message, confirmed.left, now)
        self._bundle.later.append(left)
        return (left,)
