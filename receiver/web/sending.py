"""Sending again by hand what was held, given up or grew too old: one record, or all that filters find."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from receiver.delivery.dispatch import Dispatcher
from receiver.model import Delivery
from receiver.store.base import Query, Store
from receiver.web.answers import answer, refusal
from receiver.web.bodies import whole
from receiver.web.filters import UNSENT, unsent
from receiver.web.middleware import rule

AT_MOST = 10_000
"""How many records one request sends again: the newest, the others by another request."""


class Sending:
    """Has records sent again. What one channel owes of them goes out as a digest."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        """One record, and many."""
        return [
            web.post("/api/v1/records/send", self.send_many),
            web.post("/api/v1/records/{id}/send", self.send_one),
        ]

    @rule("operator")
    async def send_one(self, request: web.Request) -> web.Response:
        """Send one record that is held, failed or expired; 409 for any other, and where nothing is sent now."""
        record = await self._store.record(request.match_info["id"])
        if record is None:
            return refusal(404, "not_found", "no record has this id")
        if hindrance := self._hindrance(record.delivery):
            return refusal(409, "conflict", hindrance)
        again = await self._dispatcher.resend([record.delivery.id])
        return answer({"sent": 1}) if again else refusal(409, "conflict", "the record has just changed its state")

    @rule("operator")
    async def send_many(self, request: web.Request) -> web.Response:
        """Send the newest AT_MOST records that the body's filters find, on channels that send; how many."""
        try:
            query = unsent(await whole(request))
        except ValueError as error:
            return refusal(400, "bad_request", str(error))
        again = await self._dispatcher.resend(await self._found(query))
        return answer({"sent": len(again)})

    async def _found(self, query: Query) -> list[str]:
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None and len(found) < AT_MOST:
            records, cursor = await self._store.records(replace(query, cursor=cursor or None))
            found += [one.delivery.id for one in records if not self._hindrance(one.delivery)]
        return found[:AT_MOST]

    def _hindrance(self, delivery: Delivery) -> str:
        """Why the delivery cannot be sent now; empty if it can."""
        sender = self._dispatcher.senders.get(delivery.channel)
        if delivery.state not in UNSENT:
            return f"only what is {', '.join(UNSENT)} can be sent again; the record is {delivery.state}"
        if sender is None:
            return f"the configuration has no channel named {delivery.channel}"
        return "" if sender.standing.enabled else f"the channel is {sender.standing.held_by}: enable it first"
