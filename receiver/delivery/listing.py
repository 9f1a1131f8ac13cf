"""The lists of one channel, sent beside its messages once its window has room to spare: nobody waits for them."""

from __future__ import annotations

import asyncio
from functools import partial

from receiver import logs
from receiver.channels.base import Confirmation
from receiver.delivery.aside import LARGE
from receiver.delivery.kit import Kit
from receiver.delivery.lists import Noted
from receiver.delivery.pool import Member
from receiver.delivery.posting import post
from receiver.delivery.retry import honoured
from receiver.errors import DeliveryError, Throttled
from receiver.model import Message, MessageState
from receiver.store.base import Settlement

SPARE = 3
"""How many slots have to be free for one of them to be a list's."""
_log = logs.get("sender")


class Listing:
    """Sends one list at a time, once. Whatever becomes of it is nothing to the deliveries that it lists."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._lists = kit.planner.lists
        self._task: asyncio.Task[None] | None = None

    def due_at(self, now: float) -> float | None:
        """When the next list can be sent, `now` or later; None if none is to be, or one is on its way."""
        if self._task is not None or not self._lists.waits(now):
            return None
        pool = self._kit.standing.pool
        return max(pool.next(now)[0], *pool.upcoming(now, SPARE))

    def look(self, now: float) -> None:
        """Send what is to be listed if there is room for it."""
        if (at := self.due_at(now)) is not None and at <= now:
            member = self._kit.standing.pool.next(now)[1]
            member.take(now)
            self._task = asyncio.create_task(self._run(self._lists.take(), member, now))

    async def finish(self) -> None:
        """Wait for the list that is on its way."""
        if self._task is not None:
            await self._task

    async def _run(self, noted: Noted, member: Member, now: float) -> None:
        begun = False
        try:
            message = await self._kit.aside.run(partial(self._lists.made, noted, now), size=LARGE)
            month = member.channel.month(now)
            await self._kit.store.begin([message], message.id, member.credential, now, month)
            begun = True
            await self._send(message, member, now)
        except Exception:  # it is not worth more
            _log.exception("a list could not be sent", channel=self._kit.standing.channel.name)
            self._lists.rest(now)
        finally:
            self._task = None
            if not begun:
                member.give_back(now)

    async def _send(self, message: Message, member: Member, taken: float) -> None:
        attempt, outcome = await post(self._kit.standing, member.channel, message, self._kit.store.now())
        at = attempt.at + attempt.duration
        member.window.move(taken, at)
        hold = self._failed(outcome, member, at) if isinstance(outcome, DeliveryError) else None
        state = MessageState.SENT if isinstance(outcome, Confirmation) else MessageState.FAILED
        await self._kit.ledger.write(Settlement(message.id, state, attempt, hold=hold))

    def _failed(self, error: DeliveryError, member: Member, at: float) -> tuple[str, float] | None:
        """Only that the robot has to rest is kept in mind; the hold of its credential, if any."""
        _log.warning("a list did not arrive", channel=self._kit.standing.channel.name, error=error.detail)
        self._lists.rest(at)
        if not isinstance(error, Throttled):
            return None
        return self._kit.standing.rest(error, member, at, at + honoured(error.retry_after))
