"""The page that shows each message as a chat bubble, and the JSON API beside it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler

from receiver.sandbox.box import Sandbox
from receiver.sandbox.control import Control
from receiver.sandbox.ledger import Posted
from receiver.sandbox.markup import colour, html_of, safe_url
from receiver.sandbox.words import WORDS, language_of

_HERE = Path(__file__).parent
_SHOWN = 200
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def pages_app(sandbox: Sandbox) -> web.Application:
    """The page and its API only, to be mounted on another server: every link is relative (with a slash at the end)."""
    app = web.Application(middlewares=[_guarded])
    page = _Page(sandbox)
    app.add_routes([web.get("/", page.show), web.get("/bubbles", page.bubbles), *Control(sandbox).routes()])
    app.router.add_static("/static", _HERE / "static")
    return app


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method not in ("GET", "HEAD") and not _same_origin(request):
        raise web.HTTPForbidden(text="cross-origin request refused")
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


def _same_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.host


class _Page:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._run = secrets.token_hex(8)
        self._templates = jinja2.Environment(loader=jinja2.FileSystemLoader(_HERE / "html"), autoescape=True)
        self._templates.filters |= {"colour": colour, "safe_url": safe_url}
        self._templates.globals |= {"html_of": html_of, "clock_of": _clock_of, "iso_of": _iso_of}

    async def show(self, request: web.Request) -> web.Response:
        """The page with the latest messages."""
        language = language_of(request.headers.get("Accept-Language", ""))
        text = self._templates.get_template("page.html").render(
            run=self._run,
            t=WORDS[language],
            language=language,
            messages=list(self.sandbox.messages)[-_SHOWN:],
            groups=self._groups(),
            changes=self.sandbox.ledger.changes,
        )
        return web.Response(text=text, content_type="text/html", headers={"Vary": "Accept-Language"})

    async def bubbles(self, request: web.Request) -> web.Response:
        """What is new since the message `since` and the change `changes`: safe HTML, the groups, the counts."""
        newer = self.sandbox.ledger.since(_number(request, "since"))[-_SHOWN:]
        changed = self.sandbox.ledger.changed_since(_number(request, "changes"))
        words = WORDS[language_of(request.headers.get("Accept-Language", ""))]
        return web.json_response(
            {
                "items": [{"id": posted.id, "html": self._bubble(posted, words)} for posted in newer],
                "groups": self._groups(),
                "violations": self.sandbox.violations[-50:],
                "run": self._run,
                "requests": len(self.sandbox.requests),
                "last": self.sandbox.messages[-1].id if self.sandbox.messages else 0,
                "changed": [{"id": posted.id, "html": self._bubble(posted, words)} for posted in changed[-_SHOWN:]],
                "changes": self.sandbox.ledger.changes,
            }
        )

    def _bubble(self, posted: Posted, words: dict[str, str]) -> str:
        return self._templates.get_template("bubble.html").render(m=posted, t=words)

    def _groups(self) -> list[dict[str, Any]]:
        """Every group that has a robot or a message, with the number of its messages."""
        counts = {(robot.kind, robot.name): 0 for robot in self.sandbox.robots}
        for posted in self.sandbox.messages:
            counts[posted.kind, posted.name] = counts.get((posted.kind, posted.name), 0) + 1
        return [{"kind": kind, "name": name, "count": count} for (kind, name), count in counts.items()]


def _number(request: web.Request, name: str) -> int:
    given = request.query.get(name, "0")
    return int(given) if given.isdecimal() else 0


def _iso_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
