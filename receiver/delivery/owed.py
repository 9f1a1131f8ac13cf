"""One owed delivery as its sender has it in memory, until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Literal

from receiver.delivery.retry import deadline
from receiver.errors import BadPayload
from receiver.model import Delivery, Detail, Event, State, StoredEvent
from receiver.store.base import MAX_WAIT, Move, Work

Read = Callable[[StoredEvent], Event]
"""Turns a stored event into its facts; BadPayload if it cannot be read any more."""

TOO_OLD = "too old"
"""The reason of what was not sent while it was worth it."""
NO_LIMIT = 1 << 30
_LEVELS = ("", "full", "line", "count")


class Owed:
    """One delivery: its event, and which of its alerts need not be told any more.

    `most` is how many deliveries may share a message with it, itself among them: after a refusal of all of them
    together it is told with fewer, in the end by itself.
    """

    def __init__(self, work: Work, read: Read) -> None:
        self.delivery: Delivery = work.delivery
        self.stored = work.event
        self.seq = work.seq
        self.size = len(work.event.body)
        self.told = set(work.told)
        self.messages = work.messages
        self.refused, self.reached, self.notes = work.refused, work.reached, list(work.notes)
        self.in_place_of = work.in_place_of
        self.detail: Detail | Literal[""] = work.delivery.detail
        self.most = NO_LIMIT
        self._read = read

    @property
    def id(self) -> str:
        """The delivery's id."""
        return self.delivery.id

    @property
    def group(self) -> str:
        """The notification group whose order is kept."""
        return self.delivery.group

    @cached_property
    def event(self) -> Event:
        """The facts, read when first asked for; the body is let go of. BadPayload if it cannot be read any more."""
        event = self._read(self.stored)
        self.stored = replace(self.stored, body=b"")
        return event

    @property
    def readable(self) -> bool:
        """Whether its event can still be read."""
        try:
            return bool(self.event)
        except BadPayload:
            return False

    @property
    def positions(self) -> Sequence[int]:
        """The positions, in the event, of all alerts it owes."""
        owed = self.delivery.alerts
        return owed if owed is not None else range(len(self.event["alerts"]))

    @property
    def left(self) -> list[int]:
        """The positions of those that are still to be told."""
        told = self.told
        return [position for position in self.positions if position not in told] if told else list(self.positions)

    @property
    def finished(self) -> bool:
        """Whether all its alerts were told, as far as that can be known."""
        return bool(self.told) and self.readable and not self.left

    @property
    def was_held(self) -> bool:
        """Whether it was held, or is sent again: it comes as part of a digest."""
        return self.delivery.released_at > self.delivery.created_at

    def is_due(self, now: float) -> bool:
        """Whether its turn has come. A time further ahead than any wait comes from a clock that was set back."""
        return not now < self.delivery.due_at <= now + MAX_WAIT

    def too_old(self, now: float) -> bool:
        """Whether it is not worth sending any more."""
        return now >= deadline(self.delivery)

    def tell(self, positions: Iterable[int], detail: Detail) -> None:
        """These of its alerts were told, so fully."""
        self.told.update(positions)
        self.detail = max(self.detail, detail, key=_LEVELS.index)

    def note(self, note: str) -> None:
        """Keep in mind whom it does not reach."""
        if note and note not in self.notes:
            self.notes.append(note)

    def move(self, move: Move) -> None:
        """What is to become of it, while it is owed."""
        due = move.due_at if move.state is State.QUEUED else self.delivery.due_at
        self.delivery = replace(self.delivery, state=move.state, reason=move.reason, attempts=move.attempts, due_at=due)
