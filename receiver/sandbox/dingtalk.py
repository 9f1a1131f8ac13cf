"""DingTalk's custom robot: /robot/send, checked in the order a live robot was seen to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dingtalk_types import TYPES, check_mentions, read_content
from receiver.sandbox.ledger import Content
from receiver.sandbox.robots import Robot
from receiver.sandbox.wire import Answer, Call, Platform, Refused, as_json, check_json_type, only, read_object

_SEND = "/robot/send"
_LIMIT, _PER, _BAN = 20, 60.0, 600.0
_BODY_BYTES = 20_000
_MORE = ", more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
_NO_KEYWORD = "错误描述:关键词不匹配;解决方案:请联系群管理员查看此机器人的关键词，并在发送的信息中包含此关键词;"
_TOO_FAST = {
    660026: "sending too many messages per minute",
    410100: "send too fast",
    130101: "send too fast",
}


class DingTalk(Platform):
    """https://oapi.dingtalk.com, the robot's part. Always HTTP 200; `errcode` tells."""

    kind = "dingtalk_robot"
    prefix = "/robot/"

    def credential(self, call: Call) -> str:
        return call.query.get("access_token", "")

    def answer(self, call: Call) -> Answer:
        if call.path != _SEND:
            return no_such_api(call)
        try:
            return self._send(call)
        except Refused as no:
            return as_json({"errcode": no.code, "errmsg": no.why})

    def _send(self, call: Call) -> Answer:
        if not call.headers.get("Content-Type", "").lower().startswith("application/json"):
            raise Refused(43004, "无效的HTTP HEADER Content-Type")
        if not self.credential(call):
            raise Refused(40035, "缺少参数 access_token")
        robot = self.robot(call)
        self._check_rate(robot, call.at)
        if not robot.known:
            raise Refused(300005, "token is not exist")
        check_json_type(call, self.noting(robot))
        _check_size(call.body)
        self._check_sign(robot, call)
        if not robot.admits(call.ip):
            raise Refused(310000, f"ip {call.ip} not in whitelist{_MORE}")
        return self._deliver(robot, call, self._body(call, robot))

    def _check_rate(self, robot: Robot, now: float) -> None:
        code = self.options.dingtalk_rate_code
        if now < robot.blocked_until:
            self.ledger.violate(robot.name, f"posted while DingTalk bans the robot ({code})")
            raise Refused(code, _TOO_FAST[code])
        if robot.used(now, _PER) >= _LIMIT:
            robot.blocked_until = now + _BAN
            self.ledger.violate(robot.name, f"over 20 messages in 60 s ({code})")
            raise Refused(code, _TOO_FAST[code])
        robot.calls.append(now)

    def _check_sign(self, robot: Robot, call: Call) -> None:
        given = call.query.get("sign")
        if given is not None and not _is_sha256(given):
            self.ledger.violate(robot.name, "sign does not decode to 32 bytes; encoded twice or not at all")
        if robot.secret is None:
            return
        stamp = call.query.get("timestamp", "")
        if not stamp.isdecimal() or abs(int(stamp) / 1000 - call.at) > 3600:
            raise Refused(310000, f"invalid timestamp{_MORE}")
        if not hmac.compare_digest((given or "").encode(), sign(robot.secret, stamp).encode()):
            raise Refused(310000, f"sign not match{_MORE}")

    def _body(self, call: Call, robot: Robot) -> dict[str, Any]:
        try:
            body = read_object(call.body, self.noting(robot))
        except ValueError:
            raise Refused(400105, "不支持的消息类型") from None
        if body.get("msgtype") not in TYPES:
            raise Refused(400105, "不支持的消息类型")
        return body

    def _deliver(self, robot: Robot, call: Call, body: Mapping[str, Any]) -> Answer:
        note = self.noting(robot)
        only(body, ("msgtype", body["msgtype"], "at", "msgUuid"), "", note)
        content = read_content(body, note)
        if robot.keywords and not any(word in _searched(content) for word in robot.keywords):
            raise Refused(310000, _NO_KEYWORD if self.options.dingtalk_chinese else f"keywords not in content{_MORE}")
        if "all" in content.mentions and not robot.at_all:
            raise Refused(400004, "only the group owner may mention all")
        done = as_json({"errcode": 0, "errmsg": "ok"})
        if self._is_repeat(robot, body):
            return done
        check_mentions(body, note)
        if not robot.count_month(call.at):
            raise Refused(90020, "monthly quota exceeded")  # composed: the real answer is not documented
        return self.show(robot, call, content, done)

    def _is_repeat(self, robot: Robot, body: Mapping[str, Any]) -> bool:
        key = body.get("msgUuid")
        if not isinstance(key, str) or not key:
            return False
        content = repr(sorted(body.items())).encode(errors="surrogatepass")
        before = robot.remember(key, content)
        if before not in (None, content):
            self.ledger.violate(robot.name, "msgUuid used again for another content, which is not delivered")
        return before is not None


def sign(secret: str, timestamp: str) -> str:
    """The robot's signature: base64(HMAC-SHA256(secret, timestamp LF secret)), timestamp in milliseconds."""
    mac = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def no_such_api(call: Call) -> Answer:
    """How the old host answers a path it does not know: HTTP 200, errcode 22."""
    name = "dingtalk.oapi" + call.path.removeprefix("/topapi").replace("/", ".")
    sub = f"不合法ApiName，ApiName = {name}"
    return as_json(
        {"errcode": 22, "sub_msg": sub, "errmsg": f"Invalid method[submsg={sub}]", "request_id": "15r6taqz8r6xu"}
    )


def _check_size(body: bytes) -> None:
    if not body.strip():
        raise Refused(40035, "缺少参数 json")
    if len(body) > _BODY_BYTES:
        raise Refused(460101, f"message too long, exceed {_BODY_BYTES} bytes")


def _is_sha256(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == hashlib.sha256().digest_size
    except (binascii.Error, ValueError):
        return False


def _searched(content: Content) -> str:
    return "\n".join([content.title, *(part.text for part in content.parts)])
