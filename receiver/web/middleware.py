"""Who asks, errors as JSON, security headers, and the access log of what changes something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from receiver import logs
from receiver.auth import User, Users
from receiver.errors import StoreUnavailable
from receiver.web.answers import refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Rule = Literal["open", "sender", "viewer", "operator"]
"""Who may call: anyone; a sender of alerts (the handler itself checks); a user with at least that role."""

USER: web.RequestKey[User] = web.RequestKey("user", User)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_WORDS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 408: "timeout", 413: "tooLarge"}
_log = logs.get("web")
H = TypeVar("H")


def rule(who: Rule) -> Callable[[H], H]:
    """Say who may call a handler; without a rule, GET is for viewers and the rest for operators."""

    def mark(handler: H) -> H:
        handler.rule = who  # type: ignore[attr-defined]
        return handler

    return mark


def guard(users: Users) -> Any:
    """The one middleware. Where no user is configured everything is open."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            who = _rule_of(request)
            if who != "open" and request.method not in ("GET", "HEAD") and not _same_origin(request):
                return refusal(403, "forbidden", "the request comes from another origin")
            if who in ("viewer", "operator"):
                refused = await _admit(request, users, who)
                if refused is not None:
                    return refused
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            response = refusal(error.status, _WORDS.get(error.status, "error"), _sentence(request, error))
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except StoreUnavailable as error:
            return refusal(503, "unavailable", str(error))
        except Exception:
            _log.exception("a request failed", method=request.method, path=request.path)
            return refusal(500, "internal", "the request could not be processed; the log has the cause")

    return guarded


def _sentence(request: web.Request, error: web.HTTPException) -> str:
    path = request.rel_url.raw_path[:200]
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{path} answers {', '.join(sorted(error.allowed_methods))} only"
    if error.status == 404:
        return f"there is nothing at {path}"
    return error.reason


def _rule_of(request: web.Request) -> Rule:
    """The rule of the handler that was found, or the strict one where it has none (the sandbox's pages)."""
    if request.match_info.http_exception is not None:
        return "open"
    found: Rule | None = getattr(request.match_info.handler, "rule", None)
    if found is None:
        return "viewer" if request.method in ("GET", "HEAD") else "operator"
    return found


async def _admit(request: web.Request, users: Users, who: Literal["viewer", "operator"]) -> web.Response | None:
    if users.open:
        return None
    user = await users.identify(request.headers.get("Authorization"))
    if user is None:
        return refusal(401, "unauthorized", "log in with a user name and password, or a bearer token")
    if not user.may(who):
        return refusal(403, "forbidden", f"the role {user.role} may not do this")
    request[USER] = user
    return None


def _same_origin(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


async def dress(_: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every answer, and no word of what serves it."""
    headers = response.headers
    headers.pop("Server", None)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
