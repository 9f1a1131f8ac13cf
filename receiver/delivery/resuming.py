"""Where the channels were left when the service ended, and how they go on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.pool import Member, Pool
from receiver.delivery.standing import BY_OPERATOR, Standing
from receiver.delivery.window import Window
from receiver.metrics import Metrics
from receiver.settings import fingerprint
from receiver.store.base import ChannelState, Store

_LONGEST_POST = 10.0
"""Seconds that a post may take: so long after its slot was taken may a message of before have arrived."""
_log = logs.get("dispatcher")


async def hold_orphans(configured: set[str], store: Store) -> None:
    """Hold what is owed to channels that the configuration no longer has; they get it should they come back."""
    for name in set(await store.backlog()) - configured:
        reason = "no longer in the configuration"
        await store.set_channel(name, ChannelState("disabled", reason, changed_at=store.now()))
        _log.warning("deliveries are held", channel=name, reason=reason, number=await store.hold(name, "disabled"))


async def stopped(store: Store) -> dict[str, float]:
    """When each channel stopped that had when the service ended."""
    return {name: state.changed_at for name, state in (await store.channels()).items() if state.state == "stopped"}


async def standings(channels: Sequence[Channel], store: Store, metrics: Metrics) -> list[Standing]:
    """How each of the channels stands when the service starts."""
    known, succeeded = await store.channels(), await store.last_success()
    windows = await _windows(channels, store)
    found = []
    for channel in channels:
        state = await _resume(channel, known.get(channel.name, ChannelState()), store)
        pool = await _pool(channel, windows, store)
        found.append(Standing(channel, pool, state, metrics, succeeded.get(channel.name)))
    return found


async def _windows(channels: Iterable[Channel], store: Store) -> dict[str, Window]:
    """The window of each credential, with the slots that were taken and the hold that is kept."""
    found: dict[str, Window] = {}
    for channel in (member for each in channels for member in each.members):
        keep = max((rate.per for rate in channel.windows), default=0.0)
        window = found.get(channel.credential)
        if window is None or window.keep < keep:
            now = store.now()
            slots, hold = await store.slots(channel.credential, now - keep - _LONGEST_POST)
            arrived = [min(now, at + _LONGEST_POST) for at in slots]
            found[channel.credential] = Window(arrived, hold, keep=keep)
    return found


async def _pool(channel: Channel, windows: Mapping[str, Window], store: Store) -> Pool:
    """Who posts on the channel, with what they have posted in this month."""
    members, month = [], channel.month(store.now())
    for one in channel.members:
        window = windows[one.credential]
        if month:
            window.posted[month] = await store.used(one.credential, month)
        members.append(Member(one, window))
    return Pool(members, channel.settings.limits.monthly)


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
