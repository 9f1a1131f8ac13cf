"""Outcomes written down, however long the store is away: what was posted must not be forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from receiver import logs
from receiver.errors import StoreUnavailable
from receiver.model import Delivery
from receiver.store.base import ChannelState, Settlement, Store

_log = logs.get("sender")


class Ledger:
    """Writes settlements for one sender, at once or beside the next message, so that both share one commit.

    `state` says how the channel stands now: what is written late must not undo what was changed meanwhile.
    """

    def __init__(self, store: Store, state: Callable[[], ChannelState]) -> None:
        self._store = store
        self._state = state
        self._open: list[tuple[Delivery, asyncio.Task[None]]] = []

    async def write(self, settlement: Settlement) -> None:
        """Write an outcome down; tried again every second while the store is away."""
        while True:
            try:
                return await self._store.settle(settlement)
            except StoreUnavailable as error:
                _log.error("an outcome waits for the store", message=settlement.message_id, error=str(error))
                await asyncio.sleep(1.0)
                if settlement.channel:
                    settlement = replace(settlement, channel=(settlement.channel[0], self._state()))

    def begin(self, delivery: Delivery, settlement: Settlement) -> None:
        """Have the end of `delivery` written down; `finish` waits for it."""
        self._open.append((delivery, asyncio.create_task(self.write(settlement))))

    @property
    def busy(self) -> bool:
        """Whether something that was begun may not be written yet."""
        return bool(self._open)

    async def finish(self) -> list[Delivery]:
        """Wait until all that was begun is written; the deliveries whose outcome the store did not take."""
        refused = []
        while self._open:
            delivery, task = self._open[0]
            try:
                await asyncio.shield(task)
            except Exception:
                _log.exception("an outcome could not be written", channel=delivery.channel, id=delivery.id)
                refused.append(delivery)
            del self._open[0]
        return refused
