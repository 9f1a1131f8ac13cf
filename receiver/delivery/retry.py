"""Whether and when a message that did not arrive is tried again: a decision, not a loop; pure."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unchangeable, Unreachable
from receiver.model import Delivery

SCHEDULE = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds before the next try, by how many have counted; the last goes on to the maximum age."""
SPREAD = 0.2
"""Each wait is lengthened or shortened by up to this part, so that channels do not fall into step."""
MAX_AGE_FIRING = 4 * 3600.0
"""Alertmanager's default repeat interval: an alert that still fires comes again."""
MAX_AGE_RESOLVED = 24 * 3600.0
"""A resolve never comes again."""
SHORTEST_WAIT = 1.0
LONGEST_WAIT = 900.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at the Unix time `at`; `counted` says whether this try used one up."""

    at: float
    counted: bool = True


@dataclass(frozen=True, slots=True)
class PlainText:
    """The form was refused: send it once more as plain text."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The channel can never work: stop it, hold what it owes."""


@dataclass(frozen=True, slots=True)
class Skip:
    """This recipient is never reached; the others are."""


@dataclass(frozen=True, slots=True)
class Anew:
    """What was to be updated in place is posted as a new message."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never to be tried again."""

    reason: str


Decision = Retry | PlainText | Stop | Skip | Anew | GiveUp


def decide(
    error: DeliveryError, delivery: Delivery, now: float, *, plain: bool, replaces: bool, jitter: float
) -> Decision:
    """What follows `error`.

    `plain` says the plain form was the one refused, `replaces` that the message was to be updated in place; `jitter` is
    drawn from -1 to 1.
    """
    if isinstance(error, Misconfigured):
        return Stop()
    if isinstance(error, Unreachable):
        return Skip()
    if isinstance(error, Unchangeable) and replaces:
        return Anew()
    if isinstance(error, Rejected | Unchangeable):  # to post anew what replaced nothing would never end
        return GiveUp(error.detail) if plain else PlainText()
    if now >= deadline(delivery):
        return GiveUp(error.detail)
    if isinstance(error, Throttled):
        return Retry(now + honoured(error.retry_after), counted=False)
    return Retry(min(now + backoff(delivery.attempts, jitter), deadline(delivery)))


def honoured(wait: float) -> float:
    """How many seconds are waited where a provider asks for `wait`."""
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def backoff(tries: int, jitter: float) -> float:
    """Seconds to wait after `tries` earlier tries that counted."""
    return SCHEDULE[min(tries, len(SCHEDULE) - 1)] * (1 + SPREAD * jitter)


def deadline(delivery: Delivery) -> float:
    """When the delivery is too old to be worth sending; its age counts from its last release."""
    return delivery.released_at + (MAX_AGE_FIRING if delivery.firing else MAX_AGE_RESOLVED)
