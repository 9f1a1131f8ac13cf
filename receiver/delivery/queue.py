"""What a channel owes, in its sender's memory: read from the store once, kept up to date by every settlement."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from receiver.delivery.bundle import Bundle, joined
from receiver.delivery.owed import NO_LIMIT, Owed, Read
from receiver.model import State
from receiver.store.base import Move, Store

MOST = 32 * 1024**2
"""Bytes of bodies that are kept in memory; what is owed beyond them waits unread."""


class Queue:
    """The deliveries owed by one channel, in the order of acceptance, and the bundles of them that were begun.

    `news` says that something was accepted, `stale` that something else wrote to what is owed: then all is read anew.
    `fresh` are the groups of what was read since somebody emptied it.
    """

    def __init__(self, channel: str, store: Store, read: Read, most: int | None = None) -> None:
        self._channel, self._store, self._read = channel, store, read
        self._room = MOST if most is None else most
        self.news = self.stale = True
        self.open: list[Bundle] = []
        self.fresh: set[str] = set()
        self._owed: dict[str, Owed] = {}
        self._groups: dict[str, dict[str, Owed]] = {}
        self._most: dict[str, int] = {}
        self._last = self._size = 0

    def __len__(self) -> int:
        return len(self._owed)

    def __iter__(self) -> Iterator[Owed]:
        return iter(self._owed.values())

    async def refresh(self) -> None:
        """Read what was accepted since the last time; all of it if it was stale. It may be stale again after that."""
        if self.stale:
            self._forget()
            self.news = True
        if not self.news or self._size >= self._room:
            return
        self.news = self.stale = False
        try:
            await self._read_on()
        except BaseException:
            self.stale = True
            raise

    def _forget(self) -> None:
        """All but with how many others a delivery may share a message, which nobody else knows."""
        self._most = {owed.id: owed.most for owed in self if owed.most < NO_LIMIT}
        self.open, self._owed, self._groups, self._last, self._size = [], {}, {}, 0, 0

    async def _read_on(self) -> None:
        while not self.stale and (works := await self._store.owed(self._channel, self._last)):
            fresh = [Owed(work, self._read) for work in works]
            for owed in fresh:
                self._add(owed)
            self.open = joined(self.open, fresh)
            if self._size >= self._room:
                self.news = True
                break
            await asyncio.sleep(0)  # a backlog takes long to read: others have their turn

    def _add(self, owed: Owed) -> None:
        self._last = owed.seq
        self.fresh.add(owed.group)
        self._size += owed.size
        owed.most = self._most.pop(owed.id, owed.most)
        self._owed[owed.id] = owed
        self._groups.setdefault(owed.group, {})[owed.id] = owed

    def due(self, now: float) -> list[Owed]:
        """All whose turn it is, the oldest first: of each group none before those ahead of it; none of a group that was
        begun."""
        found: list[Owed] = []
        for group in self._idle():
            for owed in group.values():
                if not owed.is_due(now):
                    break
                if not owed.finished:  # it waits for one before it that is not
                    found.append(owed)
        found.sort(key=lambda owed: owed.seq)  # of an alert that several groups tell the latest state is told
        return found

    def _idle(self) -> Iterator[dict[str, Owed]]:
        """The groups of which nothing was begun."""
        busy = {owed.group for bundle in self.open for owed in bundle.owed}
        return (group for name, group in self._groups.items() if name not in busy)

    def begun(self, now: float) -> Bundle | None:
        """The first bundle that was begun and whose turn it is."""
        return next((bundle for bundle in self.open if bundle.is_due(now)), None)

    def next_due(self) -> float | None:
        """When the first that could be sent falls due; None when nothing is owed."""
        begun = (max(owed.delivery.due_at for owed in bundle.owed) for bundle in self.open)
        heads = (next(iter(group.values())).delivery.due_at for group in self._idle())
        return min((*begun, *heads), default=None)

    def oldest(self) -> float | None:
        """Since when the oldest is owed, Unix seconds; None when nothing is."""
        return min((owed.delivery.released_at for owed in self), default=None)

    def ahead(self, owed: Owed) -> Iterator[Owed]:
        """What is owed of its group that came before it."""
        for one in self._groups.get(owed.group, {}).values():
            if one is owed:
                return
            yield one

    def behind(self, owed: Owed) -> Iterator[Owed]:
        """What is owed of its group after it."""
        later = False
        for one in self._groups.get(owed.group, {}).values():
            if later:
                yield one
            later = later or one is owed

    def follow(self, moves: Iterable[Move]) -> None:
        """Keep in mind what became of deliveries."""
        for move in moves:
            if (owed := self._owed.get(move.delivery_id)) is None:
                continue
            if move.state in (State.QUEUED, State.SENDING):
                owed.move(move)
            else:
                self._remove(owed)

    def get(self, delivery_id: str) -> Owed:
        """The delivery with this id. KeyError if it is not owed."""
        return self._owed[delivery_id]

    def told(self) -> list[Owed]:
        """What has been told whole already, and only its end was not written down: nothing is owed ahead of it."""
        return [one for one in self if one.finished and self.is_idle(one) and not any(self.ahead(one))]

    def is_idle(self, owed: Owed) -> bool:
        """Whether no message that tells it is left: one of several receivers may still wait for what others got."""
        return not any(owed in bundle.owed for bundle in self.open)

    def _remove(self, owed: Owed) -> None:
        del self._owed[owed.id]
        self._size -= owed.size
        group = self._groups[owed.group]
        del group[owed.id]
        if not group:
            del self._groups[owed.group]
