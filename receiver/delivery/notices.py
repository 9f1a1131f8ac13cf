"""What the service itself has to say: alerts like any other, to the owner of the channel they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import orjson

from receiver import logs
from receiver.channels.base import Channel
from receiver.delivery.window import Window
from receiver.errors import StoreUnavailable
from receiver.metrics import Metrics
from receiver.model import Alert, StoredEvent, instant, new_id
from receiver.settings import Rate
from receiver.store.base import Mark, Store

SOURCE = "alert-receiver"
"""Who sends a notice, in the place of a sender's name."""
ROUTE = "owner"
AGAIN = 86400.0
"""Seconds within which the same notice is given once."""
AT_MOST = Rate(10, 3600.0)
"""How many notices one noun and channel may come to: labels can say anything, and an owner has other alerts too."""

_PATH = "notice"
"""In the place of the path that a body was posted to; those begin with a slash."""
_AND = {"zh": "、", "en": ", "}
_REMEMBERED = 10_000
_Key = tuple[str, str, str]
_log = logs.get("notices")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the owner of `channel` is to know.

    `noun` names the alert (`UnknownContact` is `AlertReceiverUnknownContact`), `names` what it is about beside the
    channel. `words` are a summary and a description for each language, in which {channel}, {names} and {record} are
    filled in. `labels` are added to the alert's; `record` is the id of the delivery whose record says more.
    """

    noun: str
    channel: str
    words: Mapping[str, tuple[str, str]]
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    record: str = ""


def is_notice(event: StoredEvent) -> bool:
    """Whether `event` is a notice: it mentions nobody and gives rise to no other."""
    return event.path == _PATH


class Notices:
    """Gives notices to owners, through the outbox. Made on the loop that the store is used on.

    `held` says why a channel holds what it is owed ("" when it does not), `wake` is called with one that owes something
    new.
    """

    def __init__(
        self,
        channels: Iterable[Channel],
        store: Store,
        metrics: Metrics,
        *,
        language: Callable[[Channel], str],
        record_url: Callable[[str], str],
        held: Callable[[str], str],
        wake: Callable[[str], None],
    ) -> None:
        self._channels = {channel.name: channel for channel in channels}
        self._store = store
        self._metrics = metrics
        self._language = language
        self._record_url = record_url
        self._held = held
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._told: dict[_Key, float] = {}
        self._windows: dict[tuple[str, str], Window] = {}
        self._open: set[asyncio.Task[None]] = set()

    def tell(self, notice: Notice) -> None:
        """Have the owner told, soon. Returns at once, never raises, may be called in any thread.

        Without an owner nothing happens. The same noun, channel and names are told once in AGAIN seconds, also across
        restarts. What the store does not take now is logged and forgotten.
        """
        with suppress(RuntimeError):  # the loop has ended, and the service with it
            self._loop.call_soon_threadsafe(self._begin, notice)

    async def finish(self, seconds: float) -> None:
        """Wait until what was told is kept, for at most so many seconds."""
        await asyncio.sleep(0)  # what another thread has just told begins in the loop's next turn
        if self._open:
            await asyncio.wait(self._open, timeout=seconds)

    def _begin(self, notice: Notice) -> None:
        about = self._channels.get(notice.channel)
        owner = self._channels.get(about.settings.owner) if about and about.settings.owner else None
        now = self._store.now()
        fresh = [key for key in _keys(notice) if not self._knows(key, now)]
        if owner is None or not fresh:
            return
        self._told |= dict.fromkeys(fresh, now)
        told = replace(notice, names=tuple(name for *_, name in fresh if name))
        task = self._loop.create_task(self._give(told, owner, now))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    def _knows(self, key: _Key, now: float) -> bool:
        if len(self._told) > _REMEMBERED:
            self._told.clear()
        at = self._told.get(key)
        return at is not None and abs(now - at) < AGAIN

    async def _give(self, notice: Notice, owner: Channel, now: float) -> None:
        window = self._windows.setdefault((notice.noun, notice.channel), Window(keep=AT_MOST.per))
        said = {"noun": notice.noun, "channel": notice.channel, "owner": owner.name}
        if window.free_at((AT_MOST,), now) > now:
            _log.warning("a notice is not given: there were too many", **said)
            return
        window.take(now)
        try:
            if not await self._keep(notice, owner, now):
                window.give_back(now)
        except StoreUnavailable as error:
            _log.warning("a notice was not kept, it is forgotten", error=str(error), **said)
            for key in _keys(notice):  # when there is cause again, it is told
                self._told.pop(key, None)
        except Exception:  # whatever it is, it is nobody else's trouble
            _log.exception("a notice could not be made", **said)

    async def _keep(self, notice: Notice, owner: Channel, now: float) -> bool:
        """Owe the notice to its owner; False if it was told already, before a restart."""
        stored = StoredEvent(new_id(now), SOURCE, now, self._body(notice, owner, now), _PATH)
        held = self._held(owner.name)
        group = f"notice {notice.noun} {notice.channel}"
        delivery = owner.owed(stored, route=ROUTE, group=group, held=held)
        receipt = await self._store.accept(stored, [delivery], [Mark(f"notice {_digest(notice)}", "", AGAIN)])
        if not receipt.duplicate:
            if held:
                self._metrics.suppressed.labels(owner.name, held).inc()
            self._wake(owner.name)
        return not receipt.duplicate

    def _body(self, notice: Notice, owner: Channel, now: float) -> bytes:
        """The notice as Alertmanager would post it, in the owner's language."""
        alert = _alert(notice, self._language(owner), self._record_url(notice.record) if notice.record else "", now)
        group = {name: alert["labels"][name] for name in ("alertname", "channel")}
        return orjson.dumps(
            {
                "version": "4",
                "groupKey": f"{{}}:{orjson.dumps(group).decode()}",
                "truncatedAlerts": 0,
                "status": "firing",
                "receiver": SOURCE,
                "groupLabels": group,
                "commonLabels": alert["labels"],
                "commonAnnotations": alert["annotations"],
                "externalURL": "",
                "alerts": [alert],
            }
        )


def _alert(notice: Notice, language: str, url: str, now: float) -> Alert:
    names = _AND[language].join(notice.names)
    summary, description = (
        text.format(channel=notice.channel, names=names, record=url) for text in notice.words[language]
    )
    own = {"alertname": f"AlertReceiver{notice.noun}", "severity": "warning", "channel": notice.channel}
    return {
        "status": "firing",
        "labels": {**own, **notice.labels},
        "annotations": {"summary": summary, "description": description},
        "startsAt": instant(now),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": url,
        "fingerprint": _digest(notice),  # with other names it is another alert, not the latest state of this one
    }


def _keys(notice: Notice) -> list[_Key]:
    """What is remembered of a notice: each of its names, or that it was given."""
    return [(notice.noun, notice.channel, name) for name in notice.names or ("",)]


def _digest(notice: Notice) -> str:
    """What tells a notice from others, in 16 hex digits."""
    said = "\0".join((notice.noun, notice.channel, *sorted(notice.names)))
    return blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()
