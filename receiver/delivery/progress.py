"""How far the deliveries of a bundle have come: whom they reached, what was refused, and how they therefore end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from receiver.delivery.bundle import Bundle
from receiver.delivery.keeping import says_no_more
from receiver.delivery.owed import TOO_OLD, Owed
from receiver.delivery.queue import Queue
from receiver.delivery.standing import Standing
from receiver.model import Message, State
from receiver.store.base import ChannelState, Move

_LONGEST = 500

Ends = tuple[ChannelState | None, tuple[Move, ...]]
"""The channel's state to keep if that changed, and what becomes of deliveries."""


class Progress:
    """What is known of the messages of one bundle so far, also of those sent before a restart."""

    def __init__(self, bundle: Bundle, queue: Queue, standing: Standing) -> None:
        self._bundle = bundle
        self._queue = queue
        self._standing = standing
        self._again_at = 0.0
        self.arrived = False
        """Whether a message that counts has arrived since the bundle was taken up."""

    @property
    def reached(self) -> bool:
        """Whether anything of it has arrived."""
        return any(owed.reached for owed in self._bundle.owed)

    @property
    def trouble(self) -> str:
        """Why some of it can only end as failed; empty while it need not."""
        return next((owed.refused for owed in self._bundle.owed if owed.refused), "")

    def tell(self, message: Message) -> None:
        """`message` has arrived, or can never: what it tells need not be told any more."""
        by_id = {owed.id: owed for owed in self._bundle.of(message)}
        for carried in message.carries:
            if carried.delivery in by_id:
                by_id[carried.delivery].tell(carried.alerts, carried.detail)

    def reach(self, message: Message) -> None:
        """`message` has arrived."""
        self.tell(message)
        if not says_no_more(message):
            self.arrived = True
            for owed in self._bundle.of(message):
                owed.reached = True

    def refuse(self, message: Message, why: str) -> None:
        """`message` can never arrive: its deliveries can only end as failed."""
        self.tell(message)
        for owed in self._bundle.of(message):
            owed.refused = why

    def note(self, message: Message, note: str) -> None:
        """Keep in mind whom the deliveries of `message` do not reach."""
        for owed in self._bundle.of(message):
            owed.note(note)

    def again(self, at: float) -> None:
        """Some receivers are to get it once more at the Unix time `at`."""
        self._again_at = max(self._again_at, at)

    def waiting(self, due_at: float, counted: int = 0) -> tuple[Move, ...]:
        """All of the bundle waits until `due_at`; `counted` tries more count."""
        return tuple(
            Move(one.id, State.QUEUED, said(one), due_at, one.delivery.attempts + counted) for one in self._bundle.owed
        )

    def going_on(self) -> tuple[Move, ...]:
        """What there is to know of the bundle while it is being sent."""
        return tuple(
            Move(one.id, State.SENDING, said(one), attempts=one.delivery.attempts)
            for one in self._bundle.owed
            if said(one) != one.delivery.reason
        )

    def end(self, now: float) -> Ends:
        """What becomes of the deliveries when no message is left."""
        if self._again_at:
            return None, self.waiting(self._again_at)
        state: ChannelState | None = None
        moves: list[Move] = []
        ended: set[str] = set()
        for owed in self._ended(ended):
            changed, move = self._end(owed, now, self._bundle.head.id)
            state = changed or state
            moves.append(move)
        moves += [
            Move(one.id, State.QUEUED, said(one), now, one.delivery.attempts)
            for one in self._bundle.owed
            if one.id not in ended
        ]
        return state, tuple(moves)

    def _ended(self, ended: set[str]) -> Iterator[Owed]:
        """Those that have been told whole, and of their groups all before them; `ended` is filled with their ids."""
        for owed in self._bundle.owed:
            if owed.id in ended or not self._is_done(owed, ended):
                continue
            for one in (owed, *self._queue.behind(owed)):
                if one is not owed and not (one.finished and self._queue.is_idle(one)):
                    break
                ended.add(one.id)
                yield one

    def _is_done(self, owed: Owed, ended: set[str]) -> bool:
        told = owed.finished or (owed.readable and not owed.positions)
        return told and all(one.id in ended for one in self._queue.ahead(owed))

    def _end(self, owed: Owed, now: float, head: str = "") -> tuple[ChannelState | None, Move]:
        """What becomes of what was told whole, with the delivery `head`."""
        delivery = owed.delivery
        merged_into = head if head and owed.id != head else None
        if owed.refused:
            state = self._standing.gave_up("clientError", owed.refused, now)
            return state, Move(owed.id, State.FAILED, owed.refused, 0.0, delivery.attempts, None, owed.detail)
        state = self._standing.arrived(owed, now, merged=merged_into is not None)
        move = Move(owed.id, State.SENT, said(owed), 0.0, delivery.attempts, now, owed.detail, merged_into)
        return state, move

    def expire(self, now: float, *, counts: bool) -> Ends:
        """What becomes of the deliveries when they grew too old: as if no message were left, where all arrived.

        `counts` says whether what was tried counts towards the stop of the channel.
        """
        if self.reached and all(map(says_no_more, self._bundle.messages)) and self._bundle.messages:
            return self.end(now)
        state: ChannelState | None = None
        moves: list[Move] = []
        missed = {one for message in self._bundle.messages if not says_no_more(message) for one in message.deliveries}
        for owed in self._bundle.owed:
            done = owed.finished and owed.id not in missed
            changed, move = self._end(owed, now) if done else self._too_old(owed, now, counts)
            state = changed or state
            moves.append(move)
        return state, tuple(moves)

    def _too_old(self, owed: Owed, now: float, counts: bool) -> tuple[ChannelState | None, Move]:
        tried = self._was_tried(owed)
        state = self._standing.gave_up("contextDeadlineExceeded", TOO_OLD, now, counts=counts and tried)
        ended = State.FAILED if tried else State.EXPIRED
        return state, Move(owed.id, ended, TOO_OLD, attempts=owed.delivery.attempts, detail=owed.detail)

    def _was_tried(self, owed: Owed) -> bool:
        messages: Iterable[Message] = self._bundle.messages
        retried = any(message.retried for message in messages if not says_no_more(message))
        return bool(owed.delivery.attempts or owed.reached or owed.refused or retried)


def said(owed: Owed) -> str:
    """What there is to know of a delivery so far: the trouble, or whom it does not reach."""
    return owed.refused or "; ".join(owed.notes)[:_LONGEST]
