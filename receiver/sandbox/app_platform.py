"""What the providers' apps have in common: a token is fetched first, and every other call carries it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from receiver.sandbox.apps import App, Token, app_of
from receiver.sandbox.robots import Robot, short
from receiver.sandbox.wire import Call, Platform, Refused

TOKEN_LIFE = 7200.0
_MINUTE = 60.0


class AppCall:
    """One call of an app whose token was found good; `note` takes down what a good client would not do."""

    def __init__(self, platform: AppPlatform, app: App, call: Call, body: dict[str, Any]) -> None:
        self.platform = platform
        self.app = app
        self.call = call
        self.body = body
        self.note = platform.noting(app)


class AppPlatform(Platform):
    """One provider's app. Whoever calls is known by the token, or at the token's own endpoint by the credential."""

    wasteful: ClassVar[float]
    """Fetching a token again while one has more than so many seconds left is a violation."""

    @abstractmethod
    def token_of(self, call: Call) -> str:
        """The token the call carries; empty if it carries none."""

    def robot(self, call: Call) -> Robot:
        if self.step(call) == "token":
            return self.applicant(call)
        found = app_of(self.robots, self.kind, self.token_of(call))
        return found[0] if found else self.robots.stranger(self.kind, self.token_of(call))

    def applicant(self, call: Call) -> Robot:
        """Who asks for a token; registered on the way when strangers are accepted."""
        credential = self.credential(call)
        apps = self.robots.of(self.kind, credential)
        if not apps and credential and self.robots.accept_unknown:
            apps = [self.enlist(credential)]
        return apps[0] if apps else self.robots.stranger(self.kind, credential)

    def enlist(self, credential: str, secret: str | None = None) -> App:
        """Register an app nobody announced."""
        app = App(self.kind, credential, short(credential), secret)
        self.robots.add(app)
        return app

    def bearer(self, call: Call) -> tuple[App, Token] | None:
        """The app whose token the call carries, and the token, which may have ended."""
        return app_of(self.robots, self.kind, self.token_of(call))

    def caller(self, call: Call, missing: Refused, unknown: Refused, ended: Refused, stranger: Refused) -> App:
        """The app that calls, by its token, which must be known and live, from an address it allows; else a refusal."""
        if not self.token_of(call):
            raise missing
        found = self.bearer(call)
        if found is None:
            raise unknown
        app, token = found
        if token.ends_at <= call.at:
            raise ended
        if not app.admits(call.ip):
            raise stranger
        return app

    def fetched(self, app: App, now: float) -> Token | None:
        """Count one fetch; the token the app already holds, None if it needs one."""
        app.fetches += 1
        held = app.newest(now)
        if held is not None and held.ends_at - now > self.wasteful:
            left = round(held.ends_at - now)
            self.ledger.violate(app.name, f"token fetched again while one has {left} s left")
        return held

    def throttled(self, app: App, now: float) -> bool:
        """Whether the app fetches tokens too often."""
        if app.windows.take("token", now, ((self.options.token_calls, _MINUTE),)) is None:
            return False
        self.ledger.violate(app.name, f"over {self.options.token_calls} token fetches in 60 s")
        return True

    def sift(self, app: App, call: Call, to: list[str], judge: Callable[[str], str | None]) -> list[str]:
        """Whom of `to` the message reaches; for the others `judge` says why it is dropped without a word."""
        kept = []
        for who in to:
            why = judge(who)
            if why is None:
                kept.append(who)
            else:
                self.ledger.violate(app.name, f"{why} to {who}, dropped silently")
                self.ledger.drop(app, call.at, who, why, call.body)
        return kept
