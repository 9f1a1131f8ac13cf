"""DingTalk's app on both hosts: the new family (/v1.0, token in a header) and the old (/topapi, in the query)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from receiver.sandbox.app_platform import TOKEN_LIFE, AppPlatform
from receiver.sandbox.apps import App, Token
from receiver.sandbox.dingtalk import no_such_api
from receiver.sandbox.dingtalk_notices import Notices
from receiver.sandbox.dingtalk_robot_messages import RobotMessages
from receiver.sandbox.wire import Answer, Call, Refused, as_json, check_json_type, only, peek, read_object, text_of

_HEADER = "x-acs-dingtalk-access-token"
_TOKEN = "/v1.0/oauth2/accessToken"  # noqa: S105 - a path
_OLD_TOKEN = "/gettoken"  # noqa: S105 - a path
_NEW = {
    "/v1.0/robot/oToMessages/batchSend": "send",
    "/v1.0/robot/otoMessages/batchRecall": "recall",
    "/v1.0/robot/groupMessages/send": "chat",
    "/v1.0/robot/groupMessages/recall": "recall_chat",
}
_NOTICES = "/topapi/message/corpconversation/"
_OLD = {
    f"{_NOTICES}asyncsend_v2": "notice",
    f"{_NOTICES}getsendresult": "result",
    f"{_NOTICES}recall": "recall_notice",
}
_QPS = ((20, 1.0),)
_BANNED = "您的企业应用调用钉钉开放平台当前接口的所有请求都被暂时禁用了"
_NOWHERE = {"errcode": 404, "errmsg": "请求的URI地址不存在"}


class DingTalkApp(AppPlatform):
    """https://api.dingtalk.com (status and `code` tell) and https://oapi.dingtalk.com (`errcode` 88 wraps the code)."""

    kind = "dingtalk_app"
    prefix = "/v1.0/"
    also = ("/topapi/", _OLD_TOKEN, "/oauth2/", "/robot/oToMessages/", "/robot/otoMessages/", "/robot/groupMessages/")
    wasteful = 300.0

    def credential(self, call: Call) -> str:
        if call.path == _OLD_TOKEN:
            return call.query.get("appkey", "")
        return text_of(peek(call.body).get("appKey"))

    def token_of(self, call: Call) -> str:
        if call.path in _OLD:
            return call.query.get("access_token", "")
        return {name.lower(): value for name, value in call.headers.items()}.get(_HEADER, "")

    def step(self, call: Call) -> str:
        return "token" if call.path in (_TOKEN, _OLD_TOKEN) else _NEW.get(call.path) or _OLD.get(call.path, "")

    def answer(self, call: Call) -> Answer:
        if call.path == _OLD_TOKEN or call.path in _OLD:
            return self._old(call)
        if call.path.startswith("/topapi/"):
            return no_such_api(call)
        unified = call.path.startswith("/v1.0/oauth2/") and call.path.endswith("/token")
        if call.method != "POST" or not (self.step(call) or unified):
            return as_json(_NOWHERE)
        try:
            return self._new(call)
        except Refused as no:
            return as_json({"code": no.code, "requestid": _request_id(), "message": no.why}, no.status)

    def _new(self, call: Call) -> Answer:
        if call.path == _TOKEN:
            return self._give_token(call)
        if not self.step(call):
            raise Refused("unknownError", "未知错误", 500)  # the unified token: no corp is known here
        app = self._caller(call)
        if not app.admits(call.ip):
            raise Refused("Forbidden.AccessDenied.IpNotInWhiteList", "访问ip不在白名单之中", 403)
        self._check_pace(app, call, Refused("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", _BANNED, 403))
        if not app.count_month(call.at):
            raise Refused("Forbidden.AccessDenied.ApiCountLimitForOrg", "API调用量超限", 403)
        body = self._body(app, call, Refused("miss.param.body", "请求体不是合法的JSON", 400))
        return RobotMessages(self, app, call, body).act(self.step(call))

    def _give_token(self, call: Call) -> Answer:
        body = peek(call.body)
        for name in ("appKey", "appSecret"):
            if not text_of(body.get(name)):
                raise Refused(f"miss.param.{name}", f"缺少参数：{name}", 400)
        app = self.applicant(call)
        if not isinstance(app, App) or not app.takes(body["appSecret"]):
            raise Refused("invalidClientIdOrSecret", "无效的clientId或者clientSecret", 400)
        note = self.noting(app)
        check_json_type(call, note)
        only(body, ("appKey", "appSecret"), "", note)
        if self.throttled(app, call.at):
            raise Refused("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", _BANNED, 403)
        return as_json({"accessToken": self._token(app, call.at).value, "expireIn": int(TOKEN_LIFE)})

    def _token(self, app: App, now: float) -> Token:
        """The token the app holds, its life begun anew; or a new one."""
        token = self.fetched(app, now) or app.give(secrets.token_hex(16), now)
        token.ends_at = now + TOKEN_LIFE
        return token

    def _caller(self, call: Call) -> App:
        if not self.token_of(call):
            raise Refused("AuthenticationFailed.MissingParameter", f"缺少参数：{_HEADER}", 400)
        found = self.bearer(call)
        if found is None or found[1].ends_at <= call.at:
            raise Refused("InvalidAuthentication", "不合法的access_token", 400)
        return found[0]

    def _check_pace(self, app: App, call: Call, no: Refused) -> None:
        if app.windows.take(call.path, call.at, _QPS) is not None:
            self.ledger.violate(app.name, f"over 20 calls of {self.step(call)} in 1 s ({no.code})")
            raise no

    def _body(self, app: App, call: Call, no: Refused) -> dict[str, Any]:
        check_json_type(call, self.noting(app))
        try:
            return read_object(call.body, self.noting(app))
        except ValueError:
            raise no from None

    def _old(self, call: Call) -> Answer:
        steps: dict[str, Callable[[Call], Answer]] = {_OLD_TOKEN: self._give_old_token}
        try:
            return steps.get(call.path, self._old_call)(call)
        except Refused as no:
            return as_json(_plain(no) if call.path == _OLD_TOKEN else _wrapped(no))

    def _give_old_token(self, call: Call) -> Answer:
        if not self.credential(call) or not call.query.get("appsecret"):
            raise Refused(40035, "缺少参数 corpid or appkey")
        app = self.applicant(call)
        if not isinstance(app, App) or not app.takes(call.query["appsecret"]):
            raise Refused(40096, "不合法的appKey或appSecret")
        if self.throttled(app, call.at):
            raise Refused(90018, _BANNED)
        token = self._token(app, call.at)
        return as_json({"errcode": 0, "access_token": token.value, "errmsg": "ok", "expires_in": int(TOKEN_LIFE)})

    def _old_call(self, call: Call) -> Answer:
        app = self.caller(
            call,
            Refused(40000, "access_token is blank"),
            Refused(40014, "不合法的access_token"),
            Refused(42001, "access_token超时"),
            Refused(60020, "访问ip不在白名单之中"),
        )
        self._check_pace(app, call, Refused(90018, "您的服务器调用钉钉开放平台当前接口的请求过于频繁"))
        if not app.count_month(call.at):
            raise Refused(90020, "API调用量超限")
        body = self._body(app, call, Refused(40035, "缺少参数 json"))
        done = Notices(self, app, call, body).act(self.step(call))
        return as_json({"errcode": 0, **done, "request_id": _short_id()})


def _plain(no: Refused) -> dict[str, Any]:
    return {"errcode": no.code, "errmsg": no.why}


def _wrapped(no: Refused) -> dict[str, Any]:
    """How the old gateway says no: errcode 88, the real code as a string."""
    sentence = f"ding talk error[subcode={no.code},submsg={no.why}]"
    return {"errcode": 88, "sub_code": str(no.code), "sub_msg": no.why, "errmsg": sentence, "request_id": _short_id()}


def _request_id() -> str:
    digits = secrets.token_hex(16).upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _short_id() -> str:
    return secrets.token_hex(6)
