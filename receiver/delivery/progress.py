"""How far one delivery has come: whom it reached, what was refused, and how it therefore ends."""

from __future__ import annotations

from receiver.delivery.standing import Standing
from receiver.model import State
from receiver.store.base import ChannelState, Move, Work

_LONGEST = 500


class Progress:
    """What is known of the messages of one delivery so far, also of those sent before a restart."""

    def __init__(self, work: Work, standing: Standing) -> None:
        self._delivery = work.delivery
        self._standing = standing
        self.trouble = (work.delivery.reason or "a part of it was refused") if work.refused else ""
        """Why it can only end as failed; empty while it need not."""
        self.reached = work.reached
        """Whether anything of it has arrived."""
        self._notes = [] if work.refused or not work.delivery.reason else [work.delivery.reason]
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
