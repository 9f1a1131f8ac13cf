"""All the senders of one service: who is woken by what, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, tzinfo

from receiver import logs
from receiver.channels.base import Channel
from receiver.contacts import Contacts
from receiver.delivery import resuming
from receiver.delivery.addressees import Addressees, RouteRules
from receiver.delivery.aside import Aside
from receiver.delivery.kit import Kit
from receiver.delivery.ledger import Ledger
from receiver.delivery.notices import Notices
from receiver.delivery.outages import Outages
from receiver.delivery.planning import Planner
from receiver.delivery.queue import Queue
from receiver.delivery.relief import Relief
from receiver.delivery.rendering import Renderer
from receiver.delivery.sender import Sender
from receiver.delivery.standing import Standing
from receiver.delivery.watch import Watch
from receiver.errors import StoreUnavailable
from receiver.metrics import Metrics
from receiver.model import Delivery, Event, StoredEvent
from receiver.store.base import ChannelState, Store

_AHEAD = 1024**2
"""Bytes of bodies that a channel has in memory which sends each notification by itself."""
_NOTICES = 1.0
"""Seconds that notices have to be kept when all else has ended."""
_EVERY = 1.0
"""Seconds between two looks at how the channels fare."""
_SLICE = 500
_log = logs.get("dispatcher")


class Dispatcher:
    """Runs one sender a channel. Channels that share a credential share its window.

    Through `notices` the owner of a channel is told of trouble, which `watch` finds; `relief` gives to fallbacks what
    waits for too long.
    """

    def __init__(
        self,
        senders: Mapping[str, Sender],
        store: Store,
        notices: Notices,
        watch: Watch,
        relief: Relief,
        aside: Aside,
    ) -> None:
        self.senders = senders
        self.notices = notices
        self._store = store
        self._watch = watch
        self._relief = relief
        self._aside = aside
        self._tasks: list[asyncio.Task[None]] = []
        self._rounds: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let every sender run, and look after them."""
        self._tasks = [asyncio.create_task(sender.run(), name=name) for name, sender in self.senders.items()]
        self._rounds = [
            asyncio.create_task(self._rounds_of(check)) for check in (self._relief.check, self._watch.check)
        ]

    async def _rounds_of(self, check: Callable[[float], Awaitable[None]]) -> None:
        """Check again and again; whatever goes wrong, the next check is made."""
        while True:
            try:
                await check(self._store.now())
            except StoreUnavailable as error:
                _log.warning("the store is away", error=str(error))
            except Exception:
                _log.exception("the channels could not be looked after")
            await asyncio.sleep(_EVERY)

    def wake(self, channels: Iterable[str]) -> None:
        """The named channels owe something new."""
        for channel in channels:
            self.senders[channel].wake()

    def held(self, channel: str) -> str:
        """Why a channel holds what it is owed; "" when it does not."""
        return self.senders[channel].standing.held_by

    async def resend(self, deliveries: Sequence[str]) -> list[Delivery]:
        """Owe again what of the deliveries is held or ended as failed or expired, and that soon; those that are."""
        again: list[Delivery] = []
        for first in range(0, len(deliveries), _SLICE):
            again += await self._store.resend(deliveries[first : first + _SLICE], self._store.now())
        self._reload({delivery.channel for delivery in again})
        return again

    def _reload(self, channels: Iterable[str]) -> None:
        for channel in channels:
            if channel in self.senders:
                self.senders[channel].reload()

    async def drain(self, seconds: float) -> None:
        """Finish what is in flight, for at most `seconds`; what did not finish stays owed."""
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, return_exceptions=True)
        for sender in self.senders.values():
            sender.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._watch.finish()
        await self.notices.finish(_NOTICES)
        self._aside.close()


async def build(
    channels: Iterable[Channel],
    store: Store,
    renderer: Renderer,
    contacts: Contacts,
    metrics: Metrics,
    *,
    routed: RouteRules,
    read: Callable[[StoredEvent], Event],
    record_url: Callable[[str], str],
    page_url: Callable[[str], str] = str,
    zone: tzinfo = UTC,
) -> Dispatcher:
    """A dispatcher that goes on where the store says the channels were left.

    `record_url` names the page of a delivery, `page_url` that of a path; `zone` is the clock of owners.
    """
    channels = list(channels)
    senders: dict[str, Sender] = {}
    held = _held_by(senders)
    notices = Notices(
        channels,
        store,
        metrics,
        language=renderer.language,
        record_url=record_url,
        page_url=page_url,
        held=held,
        wake=lambda channel: senders[channel].wake(),
    )
    addressees = Addressees(contacts, routed, notices.tell)
    await resuming.hold_orphans({channel.name for channel in channels}, store)
    stopped = await resuming.stopped(store)
    watch = Watch(lambda: [sender.standing for sender in senders.values()], notices.tell, zone=zone, stopped=stopped)
    relief = Relief(channels, store, metrics, held=held, reload=lambda channel: senders[channel].reload())
    aside, outages = Aside(), Outages(_credentials(channels))
    for standing in await resuming.standings(channels, store, metrics):
        planner = Planner(standing.channel, renderer, addressees, metrics, record_url=record_url)
        queue, ledger = _queue(standing.channel, store, read), Ledger(store, _state_of(standing))
        kit = Kit(store, standing, planner, queue, ledger, aside, outages, watch.expired)
        senders[standing.channel.name] = Sender(kit)
    return Dispatcher(senders, store, notices, watch, relief, aside)


def _held_by(senders: Mapping[str, Sender]) -> Callable[[str], str]:
    return lambda channel: senders[channel].standing.held_by


def _queue(channel: Channel, store: Store, read: Callable[[StoredEvent], Event]) -> Queue:
    """Only what is merged has to be read far ahead of what is sent."""
    return Queue(channel.name, store, read, None if channel.merges and channel.windows else _AHEAD)


def _state_of(standing: Standing) -> Callable[[], ChannelState]:
    return lambda: standing.state


def _credentials(channels: Iterable[Channel]) -> dict[str, int]:
    """How many different credentials each provider has."""
    found: dict[str, set[str]] = {}
    for channel in channels:
        for member in channel.members:
            found.setdefault(member.provider, set()).add(member.credential)
    return {provider: len(credentials) for provider, credentials in found.items()}
