"""What a channel does not tell in time is told by its fallback in its place, and stays owed to the channel itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.metrics import Metrics
from receiver.model import Delivery, StoredEvent
from receiver.store.base import Store

SLICE = 500
"""How many deliveries are handed over in one transaction."""
PAUSE = 5.0
"""Seconds between two times that a channel hands over: each time two senders read anew what they owe."""

_log = logs.get("relief")


class Relief:
    """Hands over to the fallbacks of `channels` what is urgent and waits for too long, and all that a stop holds back.

    What is handed over is a delivery to the fallback of its own, a stand-in, which is not handed on. A fallback that is
    disabled or stopped itself is given nothing, so that nobody is said to have told what it holds; nor is one that
    reaches the same people with the same credential. `held` says why a channel holds what it is owed ("" when it does
    not), `reload` is called with each that owes something new at an old place, or is relieved of something.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        store: Store,
        metrics: Metrics,
        *,
        held: Callable[[str], str],
        reload: Callable[[str], None],
    ) -> None:
        known = {channel.name: channel for channel in channels}
        pairs = [(channel, known.get(channel.settings.fallback or "")) for channel in known.values()]
        self._pairs = [(channel, other) for channel, other in pairs if other and not _same_place(channel, other)]
        self._store = store
        self._metrics = metrics
        self._held = held
        self._reload = reload
        self._again: dict[str, float] = {}

    async def check(self, now: float) -> None:
        """Hand over what is to be handed over at the Unix time `now`."""
        for channel, fallback in self._pairs:
            if not self._held(fallback.name) and not now < self._again.get(channel.name, 0.0) <= now + PAUSE:
                await self._relieve(channel, fallback, now)

    async def _relieve(self, channel: Channel, fallback: Channel, now: float) -> None:
        after, stopped = channel.settings.limits.fallback_after, self._held(channel.name) == "stopped"
        if not after and not stopped:
            return
        number, before = 0, now - after if after else 0.0
        while found := await self._store.relievable(channel.name, before, stopped, SLICE):
            taken = await self._store.hand_over([_stand_in(delivery, fallback, now) for delivery in found])
            number += len(taken)
            if not taken:
                break
        if number:
            self._again[channel.name] = now + PAUSE
            self._metrics.relieved.labels(channel.name).inc(number)
            _log.warning("a fallback takes over", channel=channel.name, fallback=fallback.name, deliveries=number)
            for name in (fallback.name, channel.name):
                self._reload(name)


def _same_place(channel: Channel, other: Channel) -> bool:
    """Whether the people who do not hear of it from one would not from the other either."""
    shared = {member.credential for member in channel.members} & {member.credential for member in other.members}
    return bool(shared) and set(channel.targets) == set(other.targets)


def _stand_in(delivery: Delivery, fallback: Channel, now: float) -> Delivery:
    """What `fallback` owes in the place of `delivery`, from `now` on."""
    event = StoredEvent(delivery.event_id, "", now, b"")
    owed = fallback.owed(
        event,
        route=delivery.route,
        group=delivery.group,
        priority=delivery.priority,
        alerts=delivery.alerts,
        firing=delivery.firing,
    )
    return replace(owed, stands_in=delivery.id)
