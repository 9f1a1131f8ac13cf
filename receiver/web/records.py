"""The push records as the API shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from aiohttp import web

from receiver.errors import BadPayload
from receiver.intake.decoding import decode
from receiver.model import Attempt, Event, Message, StoredEvent
from receiver.store.base import Merged, Record, Store
from receiver.web.answers import answer, instant, refusal
from receiver.web.filters import asked_for, page
from receiver.web.middleware import rule

_TOLD = ("fingerprint", "status", "labels")


class Records:
    """`read` turns a stored event into its facts. Answers are made in a thread: an event may be large."""

    def __init__(self, store: Store, read: Callable[[StoredEvent], Event]) -> None:
        self._store = store
        self._read = read

    def routes(self) -> list[web.RouteDef]:
        """The list, one record, and what was told together with it."""
        return [
            web.get("/api/v1/records", self.list),
            web.get("/api/v1/records/{id}", self.one),
            web.get("/api/v1/records/{id}/merged", self.merged),
        ]

    @rule("viewer")
    async def list(self, request: web.Request) -> web.Response:
        """One page, newest first."""
        try:
            records, cursor = await self._store.records(asked_for(request.query))
        except ValueError as error:
            return refusal(400, "bad_request", str(error))
        return await asyncio.to_thread(self._page, records, cursor)

    @rule("viewer")
    async def one(self, request: web.Request) -> web.Response:
        """One record with its exact content, the raw event and every attempt."""
        record = await self._store.record(request.match_info["id"])
        if record is None:
            return refusal(404, "not_found", "no record has this id")
        return await asyncio.to_thread(self._whole, record)

    @rule("viewer")
    async def merged(self, request: web.Request) -> web.Response:
        """One page of all that the record's messages tell, its own alerts among it, in their order."""
        name = request.match_info["id"]
        try:
            found, cursor = await self._store.merged(name, *page(request.query))
        except ValueError as error:
            return refusal(400, "bad_request", str(error))
        if not found and await self._store.record(name) is None:
            return refusal(404, "not_found", "no record has this id")
        return await asyncio.to_thread(self._page_of_merged, found, cursor)

    def _page_of_merged(self, found: Sequence[Merged], cursor: str | None) -> web.Response:
        items = [
            {
                "id": one.delivery.id,
                "message_id": one.message,
                "state": one.delivery.state,
                "detail": one.detail,
                "created_at": instant(one.delivery.created_at),
                "alerts": self._alerts(one.event, one.alerts),
            }
            for one in found
        ]
        return answer({"items": items, "next_cursor": cursor})

    def _page(self, records: Sequence[Record], cursor: str | None) -> web.Response:
        return answer({"items": [self._told(record) for record in records], "next_cursor": cursor})

    def _whole(self, record: Record) -> web.Response:
        return answer(
            {
                **self._told(record),
                "content": "\n".join(message.content.decode() for message in record.messages),
                "messages": [_message(message, record.delivery.id) for message in record.messages],
                "event": _raw(record.event),
                "attempts": [_attempt(attempt) for attempt in record.attempts],
            }
        )

    def _told(self, record: Record) -> dict[str, Any]:
        delivery = record.delivery
        return {
            "id": delivery.id,
            "event_id": delivery.event_id,
            "channel": delivery.channel,
            "kind": delivery.kind,
            "template": delivery.template,
            "route": delivery.route,
            "state": delivery.state,
            "reason": delivery.reason,
            "priority": delivery.priority,
            "created_at": instant(delivery.created_at),
            "sent_at": instant(delivery.sent_at),
            "alerts": self._alerts(record.event, delivery.alerts),
            "detail": delivery.detail or None,
            "merged_into": delivery.merged_into,
            "told_by": delivery.told_by or None,
            "stands_in": delivery.stands_in or None,
            "manual": delivery.manual,
            "test": delivery.test,
        }

    def _alerts(self, event: StoredEvent, positions: Iterable[int] | None) -> Sequence[dict[str, Any]]:
        """The alerts at the positions, all of them if there are none given."""
        try:
            alerts = self._read(event)["alerts"]
        except BadPayload:
            return []
        told = range(len(alerts)) if positions is None else positions
        return [{key: value for key, value in alerts[position].items() if key in _TOLD} for position in told]


def _message(message: Message, delivery: str) -> dict[str, Any]:
    """A message; `carries` is what it tells of the delivery: positions in the event, and how fully."""
    own = [carried for carried in message.carries if carried.delivery == delivery]
    return {
        "id": message.id,
        "number": message.number,
        "total": message.total,
        "plain": message.plain,
        "state": message.state,
        "target": _target(message.target),
        "updates": message.updates or None,
        "provider_id": message.provider_id or None,
        "sent_at": instant(message.sent_at),
        "deliveries": len(message.deliveries),
        "carries": [{"alerts": list(carried.alerts), "detail": carried.detail} for carried in own],
        "content": message.content.decode(),
    }


def _target(target: str) -> Any:
    """Whom a message is for, in the provider's words; None where there is one destination only."""
    try:
        return orjson.loads(target) if target else None
    except orjson.JSONDecodeError:
        return target


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "message_id": attempt.message_id,
        "time": instant(attempt.at),
        "http_status": attempt.http_status,
        "provider_code": attempt.provider_code,
        "error": attempt.error,
        "note": attempt.note,
        "duration": round(attempt.duration, 6),
    }


def _raw(event: StoredEvent) -> Any:
    try:
        value = decode(event.body)
        orjson.dumps(value)
    except (BadPayload, orjson.JSONEncodeError):  # it may hold whole numbers that no JSON of ours can
        return event.body.decode("utf-8", "replace")
    return value
