"""One try of one message, whatever comes of it."""

from __future__ import annotations

from time import perf_counter
from traceback import extract_tb

from receiver import logs
from receiver.channels.base import Channel, Confirmation
from receiver.delivery.standing import Standing
from receiver.errors import DeliveryError, Unavailable
from receiver.model import Attempt, Message

_log = logs.get("sender")


async def post(
    standing: Standing, channel: Channel, message: Message, at: float
) -> tuple[Attempt, Confirmation | DeliveryError]:
    """Send `message` by `channel`, one of the pool, at the Unix time `at`; the attempt, and the confirmation or what
    went wrong. Never raises."""
    begun = perf_counter()
    try:
        outcome: Confirmation | DeliveryError = await channel.send(message, at)
    except DeliveryError as caught:
        outcome = caught
    except Exception as caught:  # it may have been posted: the same bytes again, at the usual times
        outcome = _unknown(message, caught)
    attempt = _attempt(message, at, perf_counter() - begun, outcome)
    standing.tried(attempt, outcome if isinstance(outcome, DeliveryError) else None)
    return attempt, outcome


def _attempt(message: Message, at: float, duration: float, outcome: Confirmation | DeliveryError) -> Attempt:
    if isinstance(outcome, DeliveryError):
        error = outcome.detail or type(outcome).__name__
        return Attempt(message.id, at, duration, outcome.http_status, outcome.code, error)
    return Attempt(message.id, at, duration, outcome.status, outcome.code, note=outcome.note)


def _unknown(message: Message, caught: Exception) -> Unavailable:
    """An error that no channel should raise; its text may hold anything, even a secret."""
    last = extract_tb(caught.__traceback__)[-1]
    kind, place = type(caught).__name__, f"{last.name}, line {last.lineno}"
    _log.error("a channel failed in an unknown way", channel=message.channel, error=kind, place=place)
    return Unavailable(f"internal error: {kind}", reason="other", ambiguous=True)
