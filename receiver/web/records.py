"""The push records as the API shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from receiver.errors import BadPayload
from receiver.intake.decoding import decode
from receiver.model import Attempt, Event, Message, State, StoredEvent
from receiver.store.base import Query, Record, Store
from receiver.web.answers import answer, instant, refusal
from receiver.web.middleware import rule

_MOST = 500
_TOLD = ("fingerprint", "status", "labels")
_FILTERS = ("channel", "template", "state", "q", "since", "until", "limit", "cursor")


class Records:
    """`read` turns a stored event into its facts. Answers are made in a thread: an event may be large."""

    def __init__(self, store: Store, read: Callable[[StoredEvent], Event]) -> None:
        self._store = store
        self._read = read

    def routes(self) -> list[web.RouteDef]:
        """The list and one record."""
        return [web.get("/api/v1/records", self.list), web.get("/api/v1/records/{id}", self.one)]

    @rule("viewer")
    async def list(self, request: web.Request) -> web.Response:
        """One page, newest first."""
        try:
            query = _query(request.query)
            records, cursor = await self._store.records(query)
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

    def _page(self, records: Sequence[Record], cursor: str | None) -> web.Response:
        return answer({"items": [self._told(record) for record in records], "next_cursor": cursor})

    def _whole(self, record: Record) -> web.Response:
        return answer(
            {
                **self._told(record),
                "content": "\n".join(message.content.decode() for message in record.messages),
                "messages": [_message(message) for message in record.messages],
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
            "alerts": self._alerts(record),
            "merged_into": delivery.merged_into,
            "manual": delivery.manual,
            "test": delivery.test,
        }

    def _alerts(self, record: Record) -> Sequence[dict[str, Any]]:
        try:
            alerts = self._read(record.event)["alerts"]
        except BadPayload:
            return []
        told: Sequence[int] = range(len(alerts)) if record.delivery.alerts is None else record.delivery.alerts
        return [{key: value for key, value in alerts[position].items() if key in _TOLD} for position in told]


def _query(asked: Mapping[str, str]) -> Query:
    if unknown := [name for name in asked if name not in _FILTERS]:
        raise ValueError(f"no filter is named {unknown[0][:60]}; there are {', '.join(_FILTERS)}")
    limit = asked.get("limit", "50")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
        raise ValueError(f"limit must be a number from 1 to {_MOST}")
    return Query(
        channel=_several(asked, "channel"),
        template=_several(asked, "template"),
        state=_states(asked),
        q=asked.get("q", ""),
        since=_time(asked, "since"),
        until=_time(asked, "until"),
        limit=int(limit),
        cursor=asked.get("cursor") or None,
    )


def _several(asked: Mapping[str, str], name: str) -> tuple[str, ...]:
    values: list[str] = asked.getall(name, []) if hasattr(asked, "getall") else [asked[name]] if name in asked else []
    return tuple(value for value in values if value)


def _states(asked: Mapping[str, str]) -> tuple[str, ...]:
    states = _several(asked, "state")
    for state in states:
        if state not in tuple(State):
            raise ValueError(f"no state is named {state[:60]}; there are {', '.join(State)}")
    return states


def _time(asked: Mapping[str, str], name: str) -> float | None:
    given = asked.get(name)
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given.replace(" ", "+"))  # a + that the query string turned into a space
        return at.timestamp() if at.tzinfo else at.replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be a time in RFC 3339, like 2026-12-01T09:00:00Z") from None


def _message(message: Message) -> dict[str, Any]:
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
