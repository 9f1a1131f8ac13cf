"""Feishu's and Lark's app: its tenant token, im/v1/messages and the look-up of ids, checked in the provider's order."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.app_platform import TOKEN_LIFE, AppPlatform
from receiver.sandbox.apps import App, Windows
from receiver.sandbox.feishu_app_messages import FeishuMessages
from receiver.sandbox.ledger import Ledger
from receiver.sandbox.robots import Options, Robots
from receiver.sandbox.wire import Answer, Call, Refused, as_json, check_json_type, only, peek, read_object, text_of

_ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("token", "POST", re.compile(r"/open-apis/auth/v3/tenant_access_token/internal/?")),
    ("send", "POST", re.compile(r"/open-apis/im/v1/messages/?")),
    ("update", "PATCH", re.compile(r"/open-apis/im/v1/messages/([^/]+)")),
    ("edit", "PUT", re.compile(r"/open-apis/im/v1/messages/([^/]+)")),
    ("recall", "DELETE", re.compile(r"/open-apis/im/v1/messages/([^/]+)")),
    ("reply", "POST", re.compile(r"/open-apis/im/v1/messages/([^/]+)/reply")),
    ("lookup", "POST", re.compile(r"/open-apis/contact/v3/users/batch_get_id")),
)
_LIMITS = ((50, 1.0), (1000, 60.0))
_SEEN_AGAIN = 1800.0
_PREFIXES = {"open_id": "ou_", "union_id": "on_", "user_id": ""}
_MOST_LOOKED_UP = 50
_TROUBLESHOOTER = "https://open.feishu.cn/search?log_id="


class FeishuApp(AppPlatform):
    """https://open.feishu.cn, the app's part. HTTP 400 and `code` tell; the token's endpoint is always HTTP 200."""

    kind = "feishu_app"
    prefix = "/open-apis/"
    wasteful = _SEEN_AGAIN

    def __init__(self, robots: Robots, ledger: Ledger, options: Options) -> None:
        super().__init__(robots, ledger, options)
        self.chats = Windows()
        """What every chat has taken from all bots in it."""

    def credential(self, call: Call) -> str:
        return text_of(peek(call.body).get("app_id"))

    def token_of(self, call: Call) -> str:
        given = call.headers.get("Authorization", "")
        return given.removeprefix("Bearer ").strip() if given.startswith("Bearer ") else ""

    def step(self, call: Call) -> str:
        return _route(call)[0]

    def answer(self, call: Call) -> Answer:
        step, message = _route(call)
        if not step:
            return Answer(404, b"404 page not found", "text/plain")
        try:
            return self._give_token(call) if step == "token" else self._act(call, step, message)
        except Refused as no:
            if step == "token" and no.status == 200:
                return as_json({"code": no.code, "data": {}, "msg": no.why})
            return _refusal(no)

    def _give_token(self, call: Call) -> Answer:
        body = peek(call.body)
        app = self.applicant(call) if text_of(body.get("app_secret")) else None
        if not isinstance(app, App):
            raise Refused(10003, "invalid param")
        if not app.takes(body["app_secret"]):
            raise Refused(10015, "app secret invalid")
        note = self.noting(app)
        check_json_type(call, note)
        only(body, ("app_id", "app_secret"), "", note)
        if self.throttled(app, call.at):
            raise _too_fast(self.options.token_calls, 60.0)
        held = self.fetched(app, call.at)
        if held is None or held.ends_at - call.at < _SEEN_AGAIN:
            held = app.give(f"t-{secrets.token_hex(20)}", call.at + TOKEN_LIFE)
        left = int(held.ends_at - call.at)
        return as_json({"code": 0, "msg": "ok", "tenant_access_token": held.value, "expire": left})

    def _act(self, call: Call, step: str, message: str) -> Answer:
        app = self._caller(call)
        if not app.admits(call.ip):
            raise Refused(99991401, "Request denied by ip white list", 400)
        over = app.windows.take(f"api/{step}", call.at, _LIMITS)
        if over is not None:
            self.ledger.violate(app.name, f"over {over[0]} calls of {step} in {over[1]:g} s (99991400)")
            raise _too_fast(*over)
        if not app.count_month(call.at):
            raise Refused(99991403, "This month's API call quota has been exceeded", 400)
        note = self.noting(app)
        if step != "recall":
            check_json_type(call, note)
        body = {} if step == "recall" else _body(call, self)
        if step == "lookup":
            return self._look_up(app, call, body)
        return FeishuMessages(self, self.chats, app, call, body).act(step, message)

    def _caller(self, call: Call) -> App:
        if not self.token_of(call):
            why = "Missing access token for authorization. Please make a request with token attached."
            raise Refused(99991661, why, 400)
        found = self.bearer(call)
        if found is None and self.token_of(call).startswith("eyJ"):
            raise Refused(99991668, "Invalid access token for authorization. Please make a request with token.", 400)
        if found is None or found[1].ends_at <= call.at:
            why = "Invalid access token for authorization. Please make a request with token attached."
            raise Refused(99991663, why, 400)
        return found[0]

    def _look_up(self, app: App, call: Call, body: Mapping[str, Any]) -> Answer:
        only(body, ("emails", "mobiles", "include_resigned"), "", self.noting(app))
        id_type = call.query.get("user_id_type", "open_id")
        lists = {name: body.get(f"{name}s", []) for name in ("email", "mobile")}
        sane = all(isinstance(ids, list) and all(isinstance(who, str) for who in ids) for ids in lists.values())
        if id_type not in _PREFIXES or not sane or any(len(ids) > _MOST_LOOKED_UP for ids in lists.values()):
            raise Refused(99992402, "field validation failed", 400)
        found = [_person(app, name, who, id_type) for name, ids in lists.items() for who in ids]
        return as_json({"code": 0, "msg": "success", "data": {"user_list": found}})


def _person(app: App, name: str, who: str, id_type: str) -> dict[str, str]:
    """One answer of the look-up: an unknown one comes back without user_id."""
    known = app.members.get(f"{name}s")
    if known is not None and who not in known:
        return {name: who}
    if isinstance(known, Mapping):
        return {"user_id": str(known[who]), name: who}
    made = hashlib.sha256(who.encode(errors="replace")).hexdigest()[:32]
    return {"user_id": f"{_PREFIXES[id_type]}{made}", name: who}


def _route(call: Call) -> tuple[str, str]:
    for step, method, pattern in _ROUTES:
        match = pattern.fullmatch(call.path)
        if match and call.method == method:
            return step, "".join(match.groups())
    return "", ""


def _body(call: Call, platform: FeishuApp) -> dict[str, Any]:
    try:
        return read_object(call.body, platform.noting(platform.robot(call)))
    except ValueError:
        raise Refused(230001, "Your request contains an invalid request parameter.", 400) from None


def _too_fast(count: int, per: float) -> Refused:
    headers = {"x-ogw-ratelimit-limit": str(count), "x-ogw-ratelimit-reset": str(max(1, int(per)))}
    return Refused(99991400, "request trigger frequency limit", 429, headers=headers)


def _refusal(no: Refused) -> Answer:
    log_id = secrets.token_hex(17).upper()
    body: dict[str, Any] = {"code": no.code, "msg": no.why}
    if no.status != 429:
        body["error"] = {"log_id": log_id, "troubleshooter": f"{_TROUBLESHOOTER}{log_id}"}
    return as_json(body, no.status, {"X-Tt-Logid": log_id, **no.headers})
