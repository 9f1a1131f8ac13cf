"""How far one delivery has come: whom it reached, what was refused, and how it therefore ends."""

from __future__ import annotations

from receiver.delivery.keeping import says_no_more
from receiver.delivery.standing import Standing
from receiver.model import State
from receiver.store.base import ChannelState, Move, Work

_LONGEST = 500


class Progress:
    """What is known of the messages of one delivery so far, also of those sent before a restart."""

    def __init__(self, work: Work, standing: Standing) -> None:
        self._delivery = work.delivery
        self._standing = standing
        self.trouble = work.refused
        """Why it can only end as failed; empty while it need not."""
        self.reached = work.reached
        """Whether anything of it has arrived."""
        self._notes = list(work.notes)
        self._left = [message for message in work.messages if not says_no_more(message)]
        self._again_at = 0.0

    @property
    def said(self) -> str:
        """What there is to know of it so far: the trouble, or whom it does not reach."""
        return self.trouble or "; ".join(self._notes)[:_LONGEST]

    def note(self, note: str) -> None:
        """Keep in mind whom it does not reach."""
        if note and note not in self._notes:
            self._notes.append(note)

    def again(self, at: float) -> None:
        """Some receivers are to get it once more at the Unix time `at`."""
        self._again_at = max(self._again_at, at)

    def end(self, now: float) -> tuple[ChannelState | None, tuple[Move, ...]]:
        """What becomes of it when no part is left, and the channel's state to keep if that changed."""
        delivery, attempts = self._delivery, self._delivery.attempts
        if self._again_at:
            return None, (Move(delivery.id, State.QUEUED, self.said, self._again_at, attempts),)
        if self.trouble:
            state = self._standing.gave_up("clientError", self.trouble, now)
            return state, (Move(delivery.id, State.FAILED, self.trouble, attempts=attempts),)
        state = self._standing.arrived(delivery, now)
        return state, (Move(delivery.id, State.SENT, self.said, attempts=attempts, sent_at=now),)

    def expire(self, now: float) -> tuple[ChannelState | None, tuple[Move, ...]]:
        """What becomes of it when it grew too old: as if no part were left, where all that count have arrived."""
        if self.reached and not self._left:
            return self.end(now)
        delivery = self._delivery
        tried = delivery.attempts or self.reached or self.trouble or any(message.retried for message in self._left)
        state = self._standing.gave_up("contextDeadlineExceeded", "too old", now, counts=False)
        ended = State.FAILED if tried else State.EXPIRED
        return state, (Move(delivery.id, ended, "too old", attempts=delivery.attempts),)
