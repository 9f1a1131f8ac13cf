"""WeCom's self-built app: /cgi-bin/gettoken, message/* and appchat/*, checked in the provider's order."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from receiver.sandbox.app_platform import TOKEN_LIFE, AppPlatform
from receiver.sandbox.apps import App, Memory
from receiver.sandbox.ledger import Ledger
from receiver.sandbox.robots import Options, Robot, Robots
from receiver.sandbox.wecom_app_messages import WeComMessages
from receiver.sandbox.wecom_wire import sentence
from receiver.sandbox.wire import Answer, Call, Refused, as_json, check_json_type, read_object

_HOUR = 3600.0
_TOKEN = "/cgi-bin/gettoken"  # noqa: S105 - a path
_STEPS = {
    _TOKEN: "token",
    "/cgi-bin/message/send": "send",
    "/cgi-bin/message/recall": "recall",
    "/cgi-bin/message/update_template_card": "update",
    "/cgi-bin/appchat/create": "create",
    "/cgi-bin/appchat/send": "chat",
}


class WeComApp(AppPlatform):
    """https://qyapi.weixin.qq.com, the app's part. Always HTTP 200; `errcode` tells."""

    kind = "wecom_app"
    prefix = "/cgi-bin/"
    wasteful = 300.0
    _hints = 0

    def __init__(self, robots: Robots, ledger: Ledger, options: Options) -> None:
        super().__init__(robots, ledger, options)
        self._failed = Memory()

    def credential(self, call: Call) -> str:
        return call.query.get("corpid", "")

    def token_of(self, call: Call) -> str:
        return call.query.get("access_token", "")

    def step(self, call: Call) -> str:
        return _STEPS.get(call.path, "")

    def applicant(self, call: Call) -> Robot:
        corp, secret = self.credential(call), call.query.get("corpsecret", "")
        apps = [app for app in self.robots.of(self.kind, corp) if isinstance(app, App)]
        exact = [app for app in apps if app.secret == secret] or [app for app in apps if app.secret is None]
        if not exact and corp and secret and self.robots.accept_unknown:
            return self.enlist(corp, secret)
        return next(iter(exact or apps), None) or self.robots.stranger(self.kind, corp)

    def answer(self, call: Call) -> Answer:
        steps: dict[str, Callable[[Call], Answer]] = {"token": self._give_token}
        step = self.step(call)
        if not step:
            return Answer(404)
        try:
            return steps.get(step, self._act)(call)
        except Refused as no:
            self._hints += 1
            return as_json({"errcode": no.code, "errmsg": sentence(no, call, self._hints), **no.more})

    def _give_token(self, call: Call) -> Answer:
        if not call.query.get("corpsecret"):
            raise Refused(41004, "corpsecret missing")
        if not self.credential(call):
            raise Refused(41002, "corpid missing")
        app = self.applicant(call)
        if not isinstance(app, App):
            raise Refused(40013, "invalid corpid")
        self._check_manners(app, call)
        if self.throttled(app, call.at) or self._is_blocked(call):
            raise Refused(45009, "api freq out of limit")
        self._check_secret(app, call)
        token = self.fetched(app, call.at) or app.give(secrets.token_urlsafe(384), call.at + TOKEN_LIFE)
        left = max(1, int(token.ends_at - call.at))
        return as_json({"errcode": 0, "errmsg": "ok", "access_token": token.value, "expires_in": left})

    def _check_manners(self, app: App, call: Call) -> None:
        if call.method != "GET":
            self.ledger.violate(app.name, f"gettoken was called with {call.method}; the documents say GET")
        if "debug" in call.query:
            self.ledger.violate(app.name, "debug in the address limits the app to 5 calls a minute")

    def _check_secret(self, app: App, call: Call) -> None:
        secret = call.query["corpsecret"]
        if app.takes(secret):
            return
        self._failures(call).append(call.at)
        others = [one for one in self.robots if one.kind == self.kind and one.secret == secret]
        raise Refused(40091, "invalid secret of another corp") if others else Refused(40001, "invalid credential")

    def _failures(self, call: Call) -> deque[float]:
        times: deque[float] = self._failed.setdefault(call.ip, deque(maxlen=self.options.wecom_failures))
        return times

    def _is_blocked(self, call: Call) -> bool:
        failed = self._failures(call)
        return len(failed) == self.options.wecom_failures and call.at - failed[0] < _HOUR

    def _act(self, call: Call) -> Answer:
        app = self._caller(call)
        note = self.noting(app)
        check_json_type(call, note)
        if "debug" in call.query:
            note("debug in the address limits the app to 5 calls a minute")
        try:
            if call.method != "POST":
                raise ValueError(call.method)
            body = read_object(call.body, note)
        except ValueError:
            raise Refused(40058, "invalid Request Parameter, Warning: wrong json format. ") from None
        return WeComMessages(self, app, call, body).act(self.step(call))

    def _caller(self, call: Call) -> App:
        return self.caller(
            call,
            Refused(41001, "access_token missing"),
            Refused(40014, "invalid access_token"),
            Refused(42001, "access_token expired"),
            Refused(60020, "not allow to access from your ip"),
        )
