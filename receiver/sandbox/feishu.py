"""Feishu's and Lark's custom bot: /open-apis/bot/v2/hook/TOKEN, checked in the provider's order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect, plain_of
from receiver.sandbox.feishu_card import read_card
from receiver.sandbox.feishu_types import pings, read_post
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.robots import Robot
from receiver.sandbox.wire import (
    Answer,
    Call,
    Note,
    Platform,
    Refused,
    as_json,
    check_json_type,
    only,
    read_object,
    text_of,
)

_HOOK = re.compile(r"/open-apis/bot/v2/hook/([^/]+)")
_TYPES = ("text", "post", "image", "share_chat", "interactive")
_WINDOWS = ((5, 1.0), (100, 60.0))
_TOO_FAST = "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"
_SIGN = "sign match fail or timestamp is not within one hour from current time"
_DONE = {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


class Feishu(Platform):
    """https://open.feishu.cn, the custom bot's part. `code` tells; a malformed request (9499) is HTTP 400."""

    kind = "feishu_bot"
    prefix = "/open-apis/bot/"

    def credential(self, call: Call) -> str:
        match = _HOOK.fullmatch(call.path)
        return match[1] if match else ""

    def answer(self, call: Call) -> Answer:
        if not self.credential(call) or call.method != "POST":
            return Answer(404, b"404 page not found", "text/plain")
        try:
            return self._send(call, self.robot(call))
        except Refused as no:
            return as_json(_refusal(no), no.status)

    def _send(self, call: Call, robot: Robot) -> Answer:
        if not robot.known:
            raise Refused(19001, "param invalid: incoming webhook access token invalid")
        note = self.noting(robot)
        check_json_type(call, note)
        if len(call.body) > self.options.feishu_body_limit:
            raise Refused(9499, "Bad Request", 400)
        body = _body(call, note)
        if not robot.admits(call.ip):
            raise Refused(19022, "Ip Not Allowed")
        _check_sign(robot, body, call.at, note)
        _check_keyword(robot, body)
        content = _content(body, robot, note)
        self._check_rate(robot, call.at)
        return self.show(robot, call, content, as_json(_DONE))

    def _check_rate(self, robot: Robot, now: float) -> None:
        for count, per in _WINDOWS:
            if robot.used(now, per) >= count:
                self.ledger.violate(robot.name, f"over {count} messages in {per:g} s (11232)")
                raise Refused(11232, _TOO_FAST)
        robot.calls.append(now)


def sign(secret: str, timestamp: str) -> str:
    """The bot's signature: base64(HMAC-SHA256(key=timestamp LF secret, empty message)), timestamp in seconds."""
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def _refusal(no: Refused) -> dict[str, Any]:
    if no.code in (19021, 19022, 19024):
        return {"code": no.code, "msg": no.why}
    return {"code": no.code, "msg": no.why, "data": {}}


def _body(call: Call, note: Note) -> dict[str, Any]:
    try:
        body = read_object(call.body, note)
    except ValueError:
        raise Refused(9499, "Bad Request", 400) from None
    if body.get("msg_type") not in _TYPES:
        raise Refused(19002, "params error, msg_type need")
    holder = "card" if body["msg_type"] == "interactive" else "content"
    only(body, ("msg_type", holder, "timestamp", "sign"), "", note)
    return body


def _check_sign(robot: Robot, body: Mapping[str, Any], now: float, note: Note) -> None:
    if robot.secret is None:
        return
    given, stamp = text_of(body.get("sign")), body.get("timestamp", "")
    if isinstance(stamp, int):
        note("timestamp is a number; the documents show a string")
    stamp = str(stamp)
    if not stamp.isdecimal() or abs(int(stamp) - now) > 3600:
        raise Refused(19021, _SIGN)
    if not hmac.compare_digest(given.encode(errors="surrogatepass"), sign(robot.secret, stamp).encode()):
        raise Refused(19021, _SIGN)


def _check_keyword(robot: Robot, body: Mapping[str, Any]) -> None:
    searched = "\n".join(_strings({name: body.get(name) for name in ("content", "card")}))
    if robot.keywords and not any(word in searched for word in robot.keywords):
        raise Refused(19024, "Key Words Not Found")


def _strings(value: Any, key: str = "") -> list[str]:
    """The values people read: text, title, content; never addresses."""
    if isinstance(value, str):
        return [plain_of(value, Dialect.FEISHU)] if key in ("text", "title", "content") else []
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in _strings(inner, str(name))]
    return [found for inner in value for found in _strings(inner, key)] if isinstance(value, list) else []


def _content(body: Mapping[str, Any], robot: Robot, note: Note) -> Content:
    if body["msg_type"] == "interactive":
        return read_card(body.get("card"), robot.at_all, note)
    content = body.get("content")
    if not isinstance(content, dict):
        raise Refused(9499, "Bad Request", 400)
    return {"text": _text, "post": read_post}.get(body["msg_type"], _keyed)(content, note)


def _text(content: Mapping[str, Any], note: Note) -> Content:
    only(content, ("text",), "content.", note)
    text = text_of(content.get("text"))
    if not text.strip():
        raise Refused(9499, "Bad Request", 400)
    return Content("text", parts=(Part(text, Dialect.FEISHU_TEXT),), mentions=pings(text))


def _keyed(content: Mapping[str, Any], note: Note) -> Content:
    only(content, ("image_key", "share_chat_id"), "content.", note)
    name = next((name for name in ("image_key", "share_chat_id") if text_of(content.get(name))), None)
    if name is None:
        raise Refused(9499, "Bad Request", 400)
    return Content("image" if name == "image_key" else "share_chat", parts=(Part(content[name], Dialect.IMAGE),))
