"""One channel's upkeep over a real store."""

from __future__ import annotations

from collections import Counter

import orjson
from owed_samples import NOW, cpu, delivery
from rendering_samples import event
from scripted import Scripted

from receiver.delivery.kit import Kit
from receiver.delivery.ledger import Ledger
from receiver.delivery.outages import Outages
from receiver.delivery.pool import Member, Pool
from receiver.delivery.queue import Queue
from receiver.delivery.standing import Standing
from receiver.delivery.upkeep import Upkeep
from receiver.delivery.window import Window
from receiver.errors import BadPayload
from receiver.metrics import Metrics
from receiver.model import Attempt, Carried, Message, MessageState, State, StoredEvent
from receiver.store.base import ChannelState, Move, Settlement
from receiver.store.sqlite import open_sqlite

UNREADABLE = b"{"


def read(stored):
    if stored.body == UNREADABLE:
        raise BadPayload("not JSON")
    return event(*orjson.loads(stored.body))


class Desk:
    """A channel and its upkeep. `missed` are the deliveries that were told to be too old, with how many alerts."""

    def __init__(self, store):
        self.store, self.missed = store, []
        self.channel, self.outages = Scripted(), Outages({"scripted": 2})
        member = Member(self.channel, Window())
        self.standing = Standing(self.channel, Pool([member]), ChannelState(), Metrics())
        self.queue = Queue("infra", store, read)
        ledger = Ledger(store, lambda: self.standing.state)
        missed = lambda one, alerts, now: self.missed.append((one.id, alerts))  # noqa: E731
        self.kit = Kit(store, self.standing, None, self.queue, ledger, None, self.outages, missed)
        self.upkeep = Upkeep(self.kit)

    async def owe(self, number, alerts=1, group="", body=None, **changes):
        """Owe a delivery of so many alerts."""
        body = orjson.dumps([cpu(number * 10 + at) for at in range(alerts)]) if body is None else body
        stored = StoredEvent(f"e{number}", "am", NOW, body)
        await self.store.accept(stored, [delivery(number, group, kind="scripted", **changes)], [])
        self.queue.news = True
        await self.queue.refresh()
        return f"d{number}"

    async def begin(self, *parts, tell=(), **changes):
        """Plan messages (name, target, what it carries) and begin the first; those named in `tell` have arrived."""
        messages = [
            Message(name, "infra", name.encode(), tuple(carried), number, len(parts), target=whom, **changes)
            for number, (name, whom, carried) in enumerate(parts, 1)
        ]
        await self.store.begin(messages, messages[0].id, "", NOW)
        for message in messages:
            state = MessageState.SENT if message.id in tell else MessageState.PLANNED
            moves = tuple(Move(one, State.QUEUED) for one in message.deliveries)
            await self.store.settle(Settlement(message.id, state, Attempt(message.id, NOW, 0.1, 200), moves))
        self.queue.stale = True
        await self.queue.refresh()
        return self.queue.open

    async def states(self):
        found = [await self.store.record(f"d{number}") for number in range(1, 9)]
        return [(one.delivery.state.value, one.delivery.reason) for one in found if one]

    async def agree(self):
        """Whether memory is what the store says, or will be read anew."""
        fresh = Queue("infra", self.store, read)
        await fresh.refresh()
        return self.queue.stale or _known(self.queue) == _known(fresh)


def _known(queue):
    messages = Counter(
        (one.id, message.id) for bundle in queue.open for one in bundle.owed for message in bundle.messages
    )
    facts = {
        one.id: (one.delivery.state, one.delivery.due_at, one.delivery.attempts, one.told, one.reached, one.refused)
        for one in queue
    }
    return facts, messages


async def opened(folder):
    """A desk over a new store whose clock stands still."""
    return Desk(await open_sqlite(folder / "x.db", ballast=0, clock=lambda: NOW))


def all_of(number, alerts=1):
    """What a message carries that tells all of a delivery."""
    return [Carried(f"d{number}", tuple(range(alerts)))]
