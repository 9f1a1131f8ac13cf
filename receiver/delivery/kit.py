"""What the sender of one channel works with, and the one way in which it writes down how things went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from receiver import logs
from receiver.delivery.aside import Aside
from receiver.delivery.ledger import Ledger
from receiver.delivery.outages import Outages
from receiver.delivery.owed import TOO_OLD, Owed
from receiver.delivery.planning import Planner
from receiver.delivery.queue import Queue
from receiver.delivery.standing import Standing
from receiver.model import Delivery
from receiver.store.base import ChannelState, Move, Settlement, Store

T = TypeVar("T")
_log = logs.get("sender")


@dataclass(frozen=True, slots=True)
class Kit:
    """The parts of one sender; the store, the thread and the outages are common to all."""

    store: Store
    standing: Standing
    planner: Planner
    queue: Queue
    ledger: Ledger
    aside: Aside
    outages: Outages
    missed: Callable[[Delivery, int, float], None] = lambda *_: None
    """Told of a delivery, and of how many alerts of it nobody was told, that it grew too old, at which Unix time."""

    async def write(self, settlement: Settlement) -> None:
        """Write an outcome down, in memory and in the store. If the store does not take it, memory is read anew."""
        self.queue.follow(settlement.moves)
        try:
            await self.ledger.write(settlement)
        except BaseException:
            self.queue.stale = True
            raise

    def begin(self, delivery: Delivery, settlement: Settlement) -> None:
        """Have the end of a message, which told `delivery` among others, written down beside what comes next."""
        self.queue.follow(settlement.moves)
        self.ledger.begin(delivery, settlement)

    def miss(self, moves: Iterable[Move], now: float) -> None:
        """Have those told who missed what of `moves` grew too old."""
        for owed in (self.queue.get(move.delivery_id) for move in moves if move.reason == TOO_OLD):
            name, alerts = self.standing.channel.name, len(owed.left) if owed.readable else 1
            _log.error("a delivery grew too old", channel=name, id=owed.id, alerts=alerts)
            self.missed(owed.delivery, alerts, now)

    async def made(self, make: Callable[[], T], owed: Iterable[Owed]) -> T:
        """What `make` makes of the deliveries; beside the loop if they are large."""
        return await self.aside.run(make, size=sum(one.size for one in owed), channel=self.standing.channel.name)

    def named(self, state: ChannelState | None) -> tuple[str, ChannelState] | None:
        """The channel's state as a Settlement has it, if there is one to keep."""
        return (self.standing.channel.name, state) if state else None
