"""Looks at how the channels fare, and has their owners told: one stopped, fell behind, recovered, was too late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import urlencode

from receiver.delivery.notice import Notice, carries_notice
from receiver.delivery.rendering import times
from receiver.delivery.standing import Standing
from receiver.delivery.troubles import BEHIND, LOST, STOPPED, TOO_OLD, Trouble
from receiver.model import Delivery, instant

PATIENCE = 30.0
"""Seconds for which a channel must be late before its owner is told, and in time before that is over."""
GATHERING = 60.0
"""Seconds after the first delivery that grew too old in which others are waited for."""
TOO_OLD_AGAIN = 3600.0
"""Seconds between two notices that deliveries of a channel grew too old."""

_INSISTS = 3600.0
"""Seconds in which the end of a trouble is told again and again, should the store be away."""
_MOMENT = 1e-3
"""Seconds that the digits of a written time may cut off."""


@dataclass(slots=True)
class _Episode:
    """A trouble of one channel: when it began, and when it was seen to be over."""

    began: float
    over: float | None = None


@dataclass(slots=True)
class _TooOld:
    """Deliveries that grew too old: since when they are collected, how many of how many alerts, accepted when."""

    collected: float
    deliveries: int = 0
    alerts: int = 0
    since: float = float("inf")
    until: float = 0.0


class Watch:
    """Has those concerned told of each episode through `tell`, again and again: it minds that they are told once.

    An episode is named by when it began. `stopped` is when the channels did that had stopped before the service
    started, so that the end of each is told. Times are shown on the clock of `zone`.
    """

    def __init__(
        self,
        standings: Callable[[], Iterable[Standing]],
        tell: Callable[[Notice], None],
        *,
        zone: tzinfo,
        stopped: Mapping[str, float],
    ) -> None:
        self._standings = standings
        self._tell = tell
        self._zone = zone
        self._episodes = {(channel, STOPPED.noun): _Episode(began) for channel, began in stopped.items()}
        self._late_at: dict[str, float] = {}
        self._too_old: dict[str, _TooOld] = {}
        self._told_at: dict[str, float] = {}

    async def check(self, now: float) -> None:
        """Look at every channel as it stands at the Unix time `now`."""
        for standing in self._standings():
            if standing.enabled:
                self._is_over(STOPPED, standing, now)
                self._look_for_delay(standing, now)
                self._look_for_losses(standing)
            elif standing.held_by == "stopped":
                self._is_on(STOPPED, standing, standing.state.changed_at, reason=standing.state.reason)
        for channel, found in list(self._too_old.items()):
            if now - found.collected >= GATHERING and now - self._told_at.get(channel, 0.0) >= TOO_OLD_AGAIN:
                self._told_at[channel] = now
                self._tell_too_old(channel)

    def expired(self, delivery: Delivery, alerts: int, now: float) -> None:
        """Count a delivery, with so many alerts that nobody was told, that ended because it grew too old.

        The people on the channel and its owner are told of all together, at most once in TOO_OLD_AGAIN seconds. A
        notice that grew too old is of no concern.
        """
        if carries_notice(delivery):
            return
        found = self._too_old.setdefault(delivery.channel, _TooOld(now))
        found.deliveries += 1
        found.alerts += alerts
        found.since, found.until = min(found.since, delivery.created_at), max(found.until, delivery.created_at)

    def finish(self) -> None:
        """Have told what is still collected, for the service ends."""
        for channel in list(self._too_old):
            self._tell_too_old(channel)

    def _look_for_delay(self, standing: Standing, now: float) -> None:
        name, since = standing.channel.name, standing.late_since
        if since is not None:
            self._late_at[name] = now
            if now - since >= PATIENCE:
                self._is_on(BEHIND, standing, since)
        elif now - self._late_at.get(name, 0.0) >= PATIENCE:
            self._is_over(BEHIND, standing, now)

    def _look_for_losses(self, standing: Standing) -> None:
        name, members = standing.channel.name, standing.pool.members
        for number, member in enumerate(members, 1):
            if member.lost:
                self._tell(
                    Notice(
                        LOST.noun,
                        name,
                        LOST.begins,
                        (f"#{number}/{len(members)}",),
                        said={"reason": member.lost},
                        page=f"/api/v1/channels/{name}",
                    )
                )

    def _is_on(self, trouble: Trouble, standing: Standing, began: float, **said: str) -> None:
        key = (standing.channel.name, trouble.noun)
        episode = self._episodes.get(key)
        if episode is None or episode.over is not None:
            episode = self._episodes[key] = _Episode(began)
        self._tell(self._notice(trouble, standing, episode, **said))

    def _is_over(self, trouble: Trouble, standing: Standing, now: float) -> None:
        key = (standing.channel.name, trouble.noun)
        episode = self._episodes.get(key)
        if episode is None:
            return
        episode.over = now if episode.over is None else episode.over
        if now - episode.over < _INSISTS:
            self._tell(self._notice(trouble, standing, episode))
        else:
            del self._episodes[key]

    def _notice(self, trouble: Trouble, standing: Standing, episode: _Episode, **said: str) -> Notice:
        name, fallback = standing.channel.name, standing.channel.settings.fallback
        return Notice(
            trouble.noun,
            name,
            trouble.ends if episode.over is not None else trouble.beginning(fallback),
            said={"since": self._shown(episode.began), "fallback": fallback or "", **said},
            labels=trouble.labels,
            page=f"/api/v1/channels/{name}",
            status="firing" if episode.over is None else "resolved",
            began=episode.began,
        )

    def _tell_too_old(self, channel: str) -> None:
        found = self._too_old.pop(channel)
        since, until = instant(found.since), instant(found.until + _MOMENT)
        asked = [("channel", channel), ("state", "expired"), ("state", "failed"), ("since", since), ("until", until)]
        self._tell(
            Notice(
                TOO_OLD.noun,
                channel,
                TOO_OLD.begins,
                (f"{since}/{until}",),  # the next ones are another alert
                said={
                    "deliveries": str(found.deliveries),
                    "alerts": str(found.alerts),
                    "since": self._shown(found.since),
                    "until": self._shown(found.until),
                },
                labels=TOO_OLD.labels,
                page=f"/api/v1/records?{urlencode(asked)}",
                itself=True,
            )
        )

    def _shown(self, at: float) -> str:
        return times.date(at, where=self._zone)
