"""What the service itself has to say: alerts like any other, to the owner of the channel they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from receiver import logs, severity
from receiver.channels.base import Channel
from receiver.delivery.notice import GROUP, PATH, SOURCE, Key, Notice, body, digest, is_notice, keys, labels
from receiver.delivery.window import Window
from receiver.errors import StoreUnavailable
from receiver.metrics import Metrics
from receiver.model import StoredEvent, new_id
from receiver.settings import Rate
from receiver.store.base import Mark, Store

__all__ = ["AGAIN", "AT_MOST", "ONCE", "ROUTE", "Notice", "Notices", "is_notice"]

ROUTE = "owner"
AGAIN = 86400.0
"""Seconds within which the same notice is given once."""
ONCE = 30 * 86400.0
"""Seconds within which one that says when its trouble began is given once: longer than any trouble lasts."""
AT_MOST = Rate(10, 3600.0)
"""How many notices one noun and channel may come to: labels can say anything, and an owner has other alerts too."""

_REMEMBERED = 10_000
_LATER = 300.0
"""Seconds after which a trouble that lasts is told if there were too many notices."""
_log = logs.get("notices")


class Notices:
    """Gives notices to owners, through the outbox. Made on the loop that the store is used on.

    `record_url` names the page of a delivery, `page_url` that of a path. `held` says why a channel holds what it is
    owed ("" when it does not), `wake` is called with one that owes something new.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        store: Store,
        metrics: Metrics,
        *,
        language: Callable[[Channel], str],
        record_url: Callable[[str], str],
        page_url: Callable[[str], str],
        held: Callable[[str], str],
        wake: Callable[[str], None],
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._store = store
        self._metrics = metrics
        self._language = language
        self._record_url = record_url
        self._page_url = page_url
        self._held = held
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._told: dict[Key, float] = {}
        self._windows: dict[Key, Window] = {}
        self._open: set[asyncio.Task[None]] = set()

    def tell(self, notice: Notice) -> None:
        """Have those concerned told, soon. Returns at once, never raises, may be called in any thread.

        To nobody nothing happens. The same noun, channel and names are told once in AGAIN seconds, or once while the
        trouble that began then lasts, also across restarts. What the store does not take now is logged and forgotten.
        """
        with suppress(RuntimeError):  # the loop has ended, and the service with it
            self._loop.call_soon_threadsafe(self._begin, notice)

    async def finish(self, seconds: float) -> None:
        """Wait until what was told is kept, for at most so many seconds."""
        await asyncio.sleep(0)  # what another thread has just told begins in the loop's next turn
        if self._open:
            await asyncio.wait(self._open, timeout=seconds)

    def _begin(self, notice: Notice) -> None:
        now = self._store.now()
        for to in self._concerned(notice):
            fresh = [key for key in keys(notice, to.name) if not self._knows(key, now)]
            if fresh:
                self._told |= dict.fromkeys(fresh, now)
                told = replace(notice, names=tuple(name for *_, name in fresh if name))
                task = self._loop.create_task(self._give(told, to, now))
                self._open.add(task)
                task.add_done_callback(self._open.discard)

    def _concerned(self, notice: Notice) -> list[Channel]:
        """Who is told: the channel's owner, and itself if it is to know; each once."""
        about = self._channels.get(notice.channel)
        if about is None:
            return []
        names = {about.settings.owner, *([about.name] if notice.itself else [])}
        return [self._channels[name] for name in sorted(filter(None, names)) if name in self._channels]

    def _knows(self, key: Key, now: float) -> bool:
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        at = self._told.get(key)
        return at is not None and abs(now - at) < AGAIN

    async def _give(self, notice: Notice, to: Channel, now: float) -> None:
        said = {"noun": notice.noun, "channel": notice.channel, "to": to.name}
        if not self._take(notice, to, now):
            _log.warning("a notice is not given: there were too many", **said)
            return
        kept = False
        try:
            kept = await self._keep(notice, to, now)
        except StoreUnavailable as error:
            _log.warning("a notice was not kept, it is forgotten", error=str(error), **said)
            for key in keys(notice, to.name):  # when there is cause again, it is told
                self._told.pop(key, None)
        except Exception:  # whatever it is, it is nobody else's trouble
            _log.exception("a notice could not be made", **said)
        if not kept and notice.status == "firing":
            self._window(notice, to).give_back(now)

    def _take(self, notice: Notice, to: Channel, now: float) -> bool:
        """Whether the notice may be given. What was said to fire may be said to be over, and nothing else."""
        if notice.status == "resolved":
            return True
        window, end = self._window(notice, to), keys(replace(notice, status="resolved"), to.name)
        free = window.free_at((AT_MOST,), now) <= now
        if free:
            window.take(now)
        if notice.began is not None and free:
            self._told = {key: at for key, at in self._told.items() if key not in end}
        elif notice.began is not None:  # while it lasts, it is tried again
            self._told |= {**dict.fromkeys(end, now), **dict.fromkeys(keys(notice, to.name), now - AGAIN + _LATER)}
        return free

    def _window(self, notice: Notice, to: Channel) -> Window:
        return self._windows.setdefault((notice.noun, notice.channel, to.name), Window(keep=AT_MOST.per))

    async def _keep(self, notice: Notice, to: Channel, now: float) -> bool:
        """Owe the notice to `to`; False if it was told already, before a restart."""
        page = self._page_url(notice.page) if notice.page else ""
        url = self._record_url(notice.record) if notice.record else page
        stored = StoredEvent(new_id(now), SOURCE, now, body(notice, self._language(to), url, now), PATH)
        held = self._held(to.name)
        delivery = to.owed(
            stored,
            route=ROUTE,
            group=f"{GROUP}{notice.noun} {notice.channel}",
            priority=severity.priority(labels(notice)),
            held=held,
            firing=notice.status == "firing",
        )
        mark = Mark(f"notice {digest(keys(notice, to.name))}", "", AGAIN if notice.began is None else ONCE)
        receipt = await self._store.accept(stored, [delivery], [mark])
        if not receipt.duplicate:
            if held:
                self._metrics.suppressed.labels(to.name, held).inc()
            self._wake(to.name)
        return not receipt.duplicate
