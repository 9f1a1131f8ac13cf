"""All the senders of one service: who is woken by what, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.contacts import Contacts
from receiver.delivery.addressees import Addressees, RouteRules
from receiver.delivery.aside import Aside
from receiver.delivery.notices import Notices
from receiver.delivery.planning import Planner
from receiver.delivery.rendering import Renderer
from receiver.delivery.sender import Sender
from receiver.delivery.standing import BY_OPERATOR, Standing
from receiver.delivery.window import Window
from receiver.metrics import Metrics
from receiver.model import Event, StoredEvent
from receiver.settings import fingerprint
from receiver.store.base import ChannelState, Store

_NOTICES = 1.0
"""Seconds that notices have to be kept when all else has ended."""
_log = logs.get("dispatcher")


class Dispatcher:
    """Runs one sender a channel. Channels that share a credential share its window.

    Through `notices` the owner of a channel is told of trouble.
    """

    def __init__(self, senders: Mapping[str, Sender], notices: Notices) -> None:
        self.senders = senders
        self.notices = notices
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let every sender run."""
        self._tasks = [asyncio.create_task(sender.run(), name=name) for name, sender in self.senders.items()]

    def wake(self, channels: Iterable[str]) -> None:
        """The named channels owe something new."""
        for channel in channels:
            self.senders[channel].wake()

    def held(self, channel: str) -> str:
        """Why a channel holds what it is owed; "" when it does not."""
        return self.senders[channel].standing.held_by

    async def drain(self, seconds: float) -> None:
        """Finish what is in flight, for at most `seconds`; what did not finish stays owed."""
        for sender in self.senders.values():
            sender.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.notices.finish(_NOTICES)


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
) -> Dispatcher:
    """A dispatcher that goes on where the store says the channels were left."""
    channels = list(channels)
    senders: dict[str, Sender] = {}
    notices = Notices(
        channels,
        store,
        metrics,
        language=renderer.language,
        record_url=record_url,
        held=lambda channel: senders[channel].standing.held_by,
        wake=lambda channel: senders[channel].wake(),
    )
    addressees = Addressees(contacts, routed, notices.tell)
    await _hold_orphans({channel.name for channel in channels}, store)
    known, windows = await store.channels(), await _windows(channels, store)
    succeeded, aside = await store.last_success(), Aside()
    for channel in channels:
        state = await _resume(channel, known.get(channel.name, ChannelState()), store)
        standing = Standing(channel, windows[channel.credential], state, metrics, succeeded.get(channel.name))
        planner = Planner(channel, renderer, addressees, metrics, read=read, record_url=record_url)
        senders[channel.name] = Sender(standing, planner, store, aside)
    return Dispatcher(senders, notices)


async def _hold_orphans(configured: set[str], store: Store) -> None:
    """Hold what is owed to channels that the configuration no longer has; they get it should they come back."""
    for name in set(await store.backlog()) - configured:
        reason = "no longer in the configuration"
        await store.set_channel(name, ChannelState("disabled", reason, changed_at=store.now()))
        _log.warning("deliveries are held", channel=name, reason=reason, number=await store.hold(name, "disabled"))


async def _windows(channels: Iterable[Channel], store: Store) -> dict[str, Window]:
    windows: dict[str, Window] = {}
    for channel in channels:
        keep = max((rate.per for rate in channel.windows), default=0.0)
        window = windows.get(channel.credential)
        if window is None or window.keep < keep:
            slots, hold = await store.slots(channel.credential, store.now() - keep)
            windows[channel.credential] = Window(slots, hold, keep=keep)
    return windows


async def _resume(channel: Channel, kept: ChannelState, store: Store) -> ChannelState:
    """The state a channel starts with, and what it owes held or released to match: a crash may have come between."""
    now = store.now()
    state = _state(channel, kept, now)
    if state != kept:
        await store.set_channel(channel.name, state)
    if state.state == "enabled":
        await store.release(channel.name, now, ("disabled", "stopped"))
    else:
        await store.hold(channel.name, state.state)
    return state


def _state(channel: Channel, kept: ChannelState, now: float) -> ChannelState:
    """As it was left, but a channel that stopped or that the configuration had disabled is enabled by a new one."""
    settings = fingerprint(channel.settings)
    if not channel.settings.enabled:
        return ChannelState("disabled", "disabled in the configuration", changed_at=now, settings=settings)
    if kept.state != "enabled" and kept.settings != settings and kept.reason != BY_OPERATOR:
        _log.info("a channel was enabled by its new configuration", channel=channel.name)
        return ChannelState(changed_at=now, settings=settings)
    return replace(kept, settings=settings)
