"""/api/v1 beyond the records: channels and the quarantine."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from receiver.delivery.dispatch import Dispatcher
from receiver.delivery.sender import Sender
from receiver.delivery.standing import BY_OPERATOR, Standing
from receiver.store.base import Backlog, Store
from receiver.web.answers import answer, instant, refusal
from receiver.web.middleware import rule


class Api:
    """What can be asked of, and done to, a running service."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        """Every path of this face."""
        return [
            web.get("/api/v1/channels", self.channels),
            web.get("/api/v1/channels/{name}", self.channel),
            web.post("/api/v1/channels/{name}/enable", self.enable),
            web.post("/api/v1/channels/{name}/disable", self.disable),
            web.get("/api/v1/quarantine", self.quarantine),
        ]

    @rule("viewer")
    async def channels(self, _: web.Request) -> web.Response:
        """How every channel stands."""
        owed = await self._store.backlog()
        senders = self._dispatcher.senders.items()
        items = [self._told(sender, owed.get(name, Backlog())) for name, sender in senders]
        return answer({"items": items, "next_cursor": None})

    @rule("viewer")
    async def channel(self, request: web.Request) -> web.Response:
        """How one channel stands."""
        return await self._answer(self._sender(request))

    @rule("operator")
    async def enable(self, request: web.Request) -> web.Response:
        """Start a disabled or stopped channel; what it owes goes out."""
        sender = self._sender(request)
        if not sender.standing.channel.settings.enabled:
            return refusal(409, "conflict", "the channel is disabled in the configuration")
        await sender.change("enabled", "")
        return await self._answer(sender)

    @rule("operator")
    async def disable(self, request: web.Request) -> web.Response:
        """Send nothing on the channel until it is enabled; what it owes is held."""
        sender = self._sender(request)
        await sender.change("disabled", BY_OPERATOR)
        return await self._answer(sender)

    @rule("viewer")
    async def quarantine(self, request: web.Request) -> web.Response:
        """The bodies that could not be taken, newest first."""
        try:
            items, cursor = await self._store.quarantined(50, request.query.get("cursor") or None)
        except ValueError as error:
            return refusal(400, "bad_request", str(error))
        told = [
            {
                "id": item.id,
                "time": instant(item.at),
                "source": item.source,
                "path": item.path,
                "reason": item.reason,
                "body": item.body.decode("utf-8", "replace"),
            }
            for item in items
        ]
        return answer({"items": told, "next_cursor": cursor})

    def _sender(self, request: web.Request) -> Sender:
        sender = self._dispatcher.senders.get(request.match_info["name"])
        if sender is None:
            raise web.HTTPNotFound(reason="no channel has this name")
        return sender

    async def _answer(self, sender: Sender) -> web.Response:
        owed = await self._store.backlog()
        return answer(self._told(sender, owed.get(sender.standing.channel.name, Backlog())))

    def _told(self, sender: Sender, owed: Backlog) -> dict[str, Any]:
        standing, now = sender.standing, self._store.now()
        channel, late = standing.channel, standing.late_since
        used, limit = standing.used(now)
        return {
            "name": channel.name,
            "kind": channel.kind,
            "description": channel.settings.description,
            "state": standing.state.state,
            "reason": standing.state.reason,
            "queue_length": owed.length,
            "oldest_age_seconds": round(max(0.0, now - owed.oldest), 3) if owed.oldest is not None else 0,
            "last_success": instant(standing.last_success),
            "consecutive_failures": standing.state.failures,
            "window": {"used": used, "limit": limit},
            "hold_seconds": round(standing.hold_until(now) - now, 3),
            "late_seconds": round(max(0.0, now - late), 3) if late is not None else 0,
            "detail": standing.detail,
            "month": _month(standing, now),
            "members": _members(standing),
            "owner": channel.settings.owner,
            "fallback": channel.settings.fallback,
        }


def _month(standing: Standing, now: float) -> dict[str, int | None] | None:
    """How much was posted in this calendar month, and `limits.monthly`; None where nobody counts."""
    channel = standing.channel
    if not channel.month(now):
        return None
    return {"posts": standing.pool.posts(now), "limit": channel.settings.limits.monthly or None}


def _members(standing: Standing) -> dict[str, int] | None:
    """How many robots a pool has, and how many of them were lost; None for what is no pool."""
    pool = standing.pool
    number = len(pool.members)
    return {"number": number, "lost": number - len(pool.left)} if number > 1 else None
