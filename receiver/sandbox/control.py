"""The JSON API of the sandbox, for tests and demos in another process. Credentials and secrets are masked."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from receiver.sandbox.box import Sandbox
from receiver.sandbox.faults import Fault
from receiver.sandbox.ledger import Posted, Seen

_LISTED = 1000
_SECRET_HEADERS = ("authorization", "cookie", "x-acs-dingtalk-access-token")
_CHANGED = ("to", "updates", "updated_at", "recalled_at")
_REVISED = ("title", "text", "plain", "mentions", "links", "updated_at")


class Control:
    """Looking at a sandbox and steering it over HTTP."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/messages", self.messages),
            web.delete("/api/messages", self.forget),
            web.get("/api/requests", self.requests),
            web.get("/api/violations", self.violations),
            web.get("/api/dropped", self.dropped),
            web.get("/api/windows", self.windows),
            web.get("/api/tokens", self.tokens),
            web.delete("/api/tokens", self.revoke),
            web.post("/api/register", self.register),
            web.post("/api/faults", self.fault),
            web.delete("/api/faults", self.clear_faults),
            web.post("/api/clock", self.advance),
        ]

    async def messages(self, request: web.Request) -> web.Response:
        """The messages after `since` (an id), oldest first, at most 1,000."""
        newer = self.sandbox.ledger.since(_number(request, "since"))
        return web.json_response({"items": [self._message(posted) for posted in newer[:_LISTED]]})

    async def requests(self, request: web.Request) -> web.Response:
        """The requests after `since` (an id), oldest first, at most 1,000."""
        last = _number(request, "since")
        newer = [seen for seen in self.sandbox.requests if seen.id > last]
        return web.json_response({"items": [self._request(seen) for seen in newer[:_LISTED]]})

    async def violations(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.sandbox.violations})

    async def dropped(self, _: web.Request) -> web.Response:
        """What the providers dropped without a word, oldest first, the latest 1,000."""
        names = ("at", "kind", "name", "who", "why")
        latest = list(self.sandbox.dropped)[-_LISTED:]
        return web.json_response({"items": [{name: getattr(one, name) for name in names} for one in latest]})

    async def tokens(self, request: web.Request) -> web.Response:
        """`token_fetches` for `kind` and `credential`."""
        return web.json_response({"fetches": self.sandbox.token_fetches(*_app_named(request))})

    async def revoke(self, request: web.Request) -> web.Response:
        """`revoke_tokens` for `kind` and `credential`."""
        self.sandbox.revoke_tokens(*_app_named(request))
        return web.json_response({})

    async def windows(self, request: web.Request) -> web.Response:
        """`worst_window` for `kind`, `name` and `seconds`."""
        kind, name = request.query.get("kind", ""), request.query.get("name", "")
        worst = self.sandbox.worst_window(kind, name, float(_number(request, "seconds", 60)))
        return web.json_response({"worst": worst})

    async def forget(self, _: web.Request) -> web.Response:
        """Forget messages, requests, violations and drops; robots, windows and faults stay."""
        box = self.sandbox
        for kept in (box.messages, box.requests, box.violations, box.dropped):
            kept.clear()
        return web.json_response({})

    async def register(self, request: web.Request) -> web.Response:
        """Register one robot: `kind`, `credential`, and what Sandbox.register takes by name."""
        body = await _body(request)
        try:
            robot = self.sandbox.register(body.pop("kind", ""), body.pop("credential", ""), **body)
        except (TypeError, ValueError) as error:
            raise _bad(str(error)) from None
        return web.json_response({"kind": robot.kind, "name": robot.name})

    async def fault(self, request: web.Request) -> web.Response:
        """Order a fault: `target`, `times` (1; null until cleared), and the fields of Fault."""
        body = await _body(request)
        target, times = body.pop("target", "*"), body.pop("times", 1)
        try:
            self.sandbox.fault(target, Fault(**body), times)
        except (TypeError, ValueError) as error:
            raise _bad(str(error)) from None
        return web.json_response({})

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.sandbox.clear_faults()
        return web.json_response({})

    async def advance(self, request: web.Request) -> web.Response:
        """Push the clock by `advance` seconds."""
        seconds = (await _body(request)).get("advance")
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise _bad("advance must be a number of seconds")
        self.sandbox.clock.advance(seconds)
        return web.json_response({"now": self.sandbox.clock()})

    def _message(self, posted: Posted) -> dict[str, Any]:
        names = ("id", "at", "kind", "name", "msgtype", "title", "text", "plain", "mentions", "links")
        body = {"raw": self._masked(posted.raw), "response": posted.response.decode()}
        earlier = [{name: getattr(one, name) for name in _REVISED} for one in posted.earlier]
        return {name: getattr(posted, name) for name in (*names, *_CHANGED)} | body | {"earlier": earlier}

    def _request(self, seen: Seen) -> dict[str, Any]:
        names = ("id", "at", "method", "kind", "name", "status")
        kept = {name: value for name, value in seen.headers.items() if name.lower() not in _SECRET_HEADERS}
        return {name: getattr(seen, name) for name in names} | {
            "target": self._masked(seen.target.encode()),
            "headers": kept,
            "body": self._masked(seen.body),
        }

    def _masked(self, raw: bytes) -> str:
        text = raw.decode(errors="replace")
        for secret in self.sandbox.robots.secrets():
            text = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "***", text)
        return text


def _number(request: web.Request, name: str, default: int = 0) -> int:
    try:
        return int(request.query.get(name, default))
    except ValueError:
        raise _bad(f"{name} must be a whole number") from None


def _app_named(request: web.Request) -> tuple[str, str]:
    return request.query.get("kind", ""), request.query.get("credential", "")


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise _bad("the body must be JSON") from None
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise _bad("the body must be a JSON object, sent as application/json")
    return body


def _bad(detail: str) -> web.HTTPBadRequest:
    text = json.dumps({"error": "badRequest", "detail": detail})
    return web.HTTPBadRequest(text=text, content_type="application/json")
