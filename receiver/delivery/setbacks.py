"""What follows where a message of a bundle did not arrive: the next try, another form, another robot, or the end."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from receiver import logs
from receiver.delivery import keeping
from receiver.delivery.bundle import Bundle
from receiver.delivery.kit import Kit
from receiver.delivery.pool import Member
from receiver.delivery.progress import Ends, Progress
from receiver.delivery.retry import Anew, Decision, GiveUp, PlainText, Retry, Skip, Stop, decide
from receiver.errors import DeliveryError, Throttled, Unavailable
from receiver.model import Attempt, Message, MessageState, State, new_id
from receiver.store.base import ChannelState, Move, Settlement

_log = logs.get("sender")


class Tried(NamedTuple):
    """One try of a message."""

    message: Message
    attempt: Attempt
    member: Member

    @property
    def at(self) -> float:
        """When its outcome was known, Unix seconds."""
        return self.attempt.at + self.attempt.duration


class Setbacks:
    """Follows the decisions on the errors of one bundle's messages, and writes them down."""

    def __init__(self, bundle: Bundle, kit: Kit, progress: Progress) -> None:
        self._bundle = bundle
        self._kit = kit
        self._parts = bundle.messages
        self._progress = progress

    async def meet(self, tried: Tried, error: DeliveryError) -> bool:
        """Do what follows `error`; whether the bundle's course ends here."""
        message, kit = tried.message, self._kit
        if isinstance(error, Unavailable):
            kit.outages.failed(tried.member.channel.provider, tried.member.channel.credential, tried.at)
        decision = decide(
            error,
            self._bundle.urgent,
            tried.at,
            plain=message.plain,
            replaces=bool(message.updates),
            jitter=random.uniform(-1, 1),  # noqa: S311 - spreads retries
        )
        _log.warning(
            "a message did not arrive",
            channel=message.channel,
            delivery=self._bundle.head.id,
            error=error.detail,
            decision=type(decision).__name__,
        )
        return await self._follow(decision, tried, error)

    async def _follow(self, decision: Decision, tried: Tried, error: DeliveryError) -> bool:
        message = tried.message
        if keeping.says_no_more(message) and not keeping.worth_waiting(decision, self._bundle.head):
            group = self._bundle.group
            retired = None if isinstance(error, Unavailable) else keeping.retired(message, group)
            return await self._pass_over(tried, retired=retired)
        match decision:
            case Retry():
                await self._put_off(decision, tried, error)
            case PlainText():
                return await self._again_as_plain_text(tried, error)
            case Stop():
                return await self._lose(tried, error)
            case Anew():
                fresh = replace(message, id=new_id(tried.at), updates="")
                await self._settle(tried, MessageState.FAILED, replacements=(fresh,))
                self._parts.appendleft(fresh)
                return False
            case Skip():
                return await self._skip(tried, error)
            case GiveUp():
                return await self._give_up(tried, error)
        return True

    async def _put_off(self, retry: Retry, tried: Tried, error: DeliveryError) -> None:
        ambiguous = isinstance(error, Unavailable) and error.ambiguous
        unknown = ambiguous or tried.message.state is MessageState.SENDING  # an earlier try may have arrived
        standing, wide = self._kit.standing, self._kit.outages.wide(tried.member.channel.provider, tried.at)
        hold = standing.rest(error, tried.member, tried.at, retry.at, wide=wide)
        due = retry.at if hold is None else min(retry.at, standing.pool.next(tried.at)[0])  # another robot may be free
        moves = self._progress.waiting(due, retry.counted)
        state = MessageState.SENDING if unknown else MessageState.PLANNED
        self._bundle.by = tried.member if unknown else None
        self._parts.appendleft(replace(tried.message, state=state, retried=True))
        await self._settle(tried, state, moves, hold=hold)

    async def _again_as_plain_text(self, tried: Tried, error: DeliveryError) -> bool:
        plain = await self._plain(tried, tried.message)
        return await self._instead(tried, plain) if plain else await self._give_up(tried, error)

    async def _plain(self, tried: Tried, *refused: Message) -> list[Message]:
        """The plain texts in the place of messages that were refused; none if they cannot be made."""
        kit, code = self._kit, tried.attempt.provider_code
        try:
            makes = [partial(kit.planner.instead, self._bundle, message, code, tried.at) for message in refused]
            made = [await kit.made(make, self._bundle.owed) for make in makes]
        except Exception:  # it was posted and refused: to forget that would be to post it again and again
            _log.exception("no plain text could be made", channel=tried.message.channel, delivery=self._bundle.head.id)
            return []
        return [message for each in made for message in each]

    async def _instead(self, tried: Tried, others: list[Message]) -> bool:
        """Go on with others in the place of a message that is not sent again."""
        state = MessageState.DISCARDED if tried.message.plain else MessageState.FAILED
        await self._settle(tried, state, replacements=tuple(others))
        self._parts.extendleft(reversed(others))
        return False

    async def _skip(self, tried: Tried, error: DeliveryError) -> bool:
        """Go on without this receiver. If nobody was reached, the channel can never work as it is configured."""
        message = tried.message
        others = [part for part in self._parts if part.target != message.target]
        alone = not self._progress.reached and not self._progress.trouble
        if alone and all(map(keeping.says_no_more, others)):
            await self._stop(tried, error)
            return True
        dropped = tuple(part.id for part in self._parts if part.target == message.target)
        self._parts.clear()
        self._parts.extend(others)
        self._progress.note(message, error.detail)
        noted = tried._replace(attempt=replace(tried.attempt, note=error.detail))
        return await self._pass_over(noted, discarded=dropped)

    async def _pass_over(self, tried: Tried, **more: Any) -> bool:
        """Mark the message failed, which is no failure of the deliveries; `more` are other parts of the Settlement."""
        channel: ChannelState | None = None
        moves = self._progress.going_on()
        if not self._parts:
            channel, moves = self._progress.end(tried.at)
        await self._settle(tried, MessageState.FAILED, moves, channel=channel, **more)
        return not self._parts

    async def _lose(self, tried: Tried, error: DeliveryError) -> bool:
        """Go on with the other robots of the pool; without any, stop the channel."""
        if not self._kit.standing.pool.lose(tried.member, error.detail):
            await self._stop(tried, error)
            return True
        _log.error("a robot of the pool is lost", channel=tried.message.channel, reason=error.detail)
        self._parts.appendleft(replace(tried.message, state=MessageState.PLANNED))
        await self._settle(tried, MessageState.PLANNED)
        return False

    async def _stop(self, tried: Tried, error: DeliveryError) -> None:
        """Stop the channel. What nobody has seen yet is planned anew when it goes on, by the configuration of then."""
        standing, kit = self._kit.standing, self._kit
        standing.held(int(standing.enabled) * len(self._bundle.owed), "stopped")
        state = standing.stop(error.detail, tried.at)
        held = tuple(Move(one.id, State.HELD, state.state, attempts=one.delivery.attempts) for one in self._bundle.owed)
        anew = () if self._progress.reached else tuple(one.id for one in self._bundle.owed)
        await self._settle(tried, MessageState.PLANNED, held, channel=state, anew=anew)
        kit.queue.stale = True
        if standing.enabled:  # by somebody, before that was written
            await kit.store.release(tried.message.channel, tried.at, (state.state,))

    async def _give_up(self, tried: Tried, error: DeliveryError) -> bool:
        """Mark the message refused: the messages that are left still go out, its deliveries end as failed.

        What was refused of several deliveries together is told again with half as many: one may be to blame for all.
        """
        refused = not isinstance(error, Unavailable | Throttled)
        together = len(tried.message.deliveries)
        if refused and together > 1:
            if not self._is_told(tried.message):
                return await self._apart(tried, together)
            if halves := await self._plain(tried, *_halved(tried.message, together)):
                return await self._instead(tried, halves)
        if refused:
            self._progress.refuse(tried.message, error.detail)
            if self._parts:
                await self._settle(tried, MessageState.FAILED, self._progress.going_on())
                return False
            channel, moves = self._progress.end(tried.at)
        else:
            channel, moves = self._too_old(tried)
        dropped = tuple(part.id for part in self._parts if part.id != tried.message.id)
        self._parts.clear()
        await self._settle(tried, MessageState.FAILED, moves, channel=channel, discarded=dropped)
        return True

    def _is_told(self, message: Message) -> bool:
        """Whether another receiver has got what `message` tells."""
        told = {owed.id: owed.told for owed in self._bundle.of(message)}
        return any(not told[one.delivery].isdisjoint(one.alerts) for one in message.carries if one.delivery in told)

    def _too_old(self, tried: Tried) -> Ends:
        """What becomes of a bundle that was tried until it was too old."""
        wide = self._kit.outages.wide(tried.member.channel.provider, tried.at)
        self._parts.appendleft(replace(tried.message, retried=True))
        state, moves = self._progress.expire(tried.at, counts=not wide)
        self._kit.miss(moves, tried.at)
        return state, moves

    async def _apart(self, tried: Tried, together: int) -> bool:
        for owed in self._bundle.of(tried.message):
            owed.most = max(1, together // 2)
        dropped = tuple(part.id for part in self._parts)
        self._parts.clear()
        _, moves = self._progress.end(tried.at)
        await self._settle(tried, MessageState.DISCARDED, moves, discarded=dropped)
        return True

    async def _settle(
        self,
        tried: Tried,
        state: MessageState,
        moves: tuple[Move, ...] = (),
        channel: ChannelState | None = None,
        **more: Any,
    ) -> None:
        """Write down how a try ended; `more` are other parts of a Settlement."""
        named = self._kit.named(channel)
        await self._kit.write(Settlement(tried.message.id, state, tried.attempt, moves, channel=named, **more))


def _halved(message: Message, together: int) -> tuple[Message, Message]:
    """What `message` tells of so many deliveries, as one of the first half of them and one of the others."""
    first = frozenset(message.deliveries[: together // 2])
    return (
        replace(message, carries=tuple(one for one in message.carries if one.delivery in first)),
        replace(message, carries=tuple(one for one in message.carries if one.delivery not in first)),
    )
