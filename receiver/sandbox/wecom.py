"""WeCom's group robot: /cgi-bin/webhook/send and upload_media, checked in the provider's order."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message as Mail
from email.parser import BytesParser
from typing import Any

from receiver.sandbox.robots import Media, Robot
from receiver.sandbox.wecom_types import read_content
from receiver.sandbox.wecom_wire import sentence
from receiver.sandbox.wire import Answer, Call, Platform, Refused, as_json, check_json_type, only, read_object

_SEND = "/cgi-bin/webhook/send"
_UPLOAD = "/cgi-bin/webhook/upload_media"
_LIMIT, _PER = 20, 60.0
_MEDIA_LIFE = 3 * 86400.0
_MEDIA_BYTES = {"file": 20 * 1024**2, "voice": 2 * 1024**2}
TYPES = ("text", "markdown", "markdown_v2", "image", "news", "file", "voice", "template_card")


class WeCom(Platform):
    """https://qyapi.weixin.qq.com, the robot's part. Always HTTP 200; `errcode` tells."""

    kind = "wecom_robot"
    prefix = "/cgi-bin/webhook/"
    _hints = _uploads = 0

    def credential(self, call: Call) -> str:
        return call.query.get("key", "")

    def step(self, call: Call) -> str:
        return "upload" if call.path == _UPLOAD else ""

    def answer(self, call: Call) -> Answer:
        if call.path == _SEND:
            return self._guarded(call, self._send)
        if call.path == _UPLOAD:
            return self._guarded(call, self._upload)
        return Answer(404)

    def _guarded(self, call: Call, step: Callable[[Call, Robot], Answer]) -> Answer:
        try:
            if call.method != "POST":
                raise Refused(40058, "invalid Request Parameter")
            return step(call, self.robot(call))
        except Refused as no:
            return as_json({"errcode": no.code, "errmsg": self._sentence(no, call)})

    def _sentence(self, no: Refused, call: Call) -> str:
        self._hints += 1
        return sentence(no, call, self._hints)

    def _send(self, call: Call, robot: Robot) -> Answer:
        _check_known(robot)
        note = self.noting(robot)
        check_json_type(call, note)
        body = self._object(call, robot)
        msgtype = body.get("msgtype", "")
        if not isinstance(msgtype, str):
            raise Refused(40058, "msgtype invalid type. invalid Request Parameter")
        if msgtype not in TYPES:
            raise Refused(40008, "invalid message type")
        only(body, ("msgtype", msgtype), "", note)
        limits = {"text": self.options.wecom_text_limit, "markdown": 4096, "markdown_v2": 4096}
        content = read_content(msgtype, body, limits, self._media(robot, call.at), note)
        self._check_rate(robot, call.at)
        return self.show(robot, call, content, as_json({"errcode": 0, "errmsg": "ok"}))

    def _object(self, call: Call, robot: Robot) -> dict[str, Any]:
        try:
            return read_object(call.body, self.noting(robot))
        except ValueError:
            raise Refused(40058, "invalid Request Parameter, Warning: wrong json format. ") from None

    def _media(self, robot: Robot, now: float) -> dict[str, Media]:
        return {media_id: media for media_id, media in robot.media.items() if now - media.at < _MEDIA_LIFE}

    def _check_rate(self, robot: Robot, now: float) -> None:
        if now < robot.blocked_until:
            self.ledger.violate(robot.name, "posted while WeCom blocks the robot (45009)")
            raise Refused(45009, "api freq out of limit")
        if robot.used(now, _PER) >= _LIMIT:
            robot.blocked_until = now + self.options.wecom_block
            self.ledger.violate(robot.name, "over 20 messages in 60 s (45009)")
            raise Refused(45009, "api freq out of limit")
        robot.calls.append(now)

    def _upload(self, call: Call, robot: Robot) -> Answer:
        name, data = _part(call)
        if not data:
            raise Refused(44001, "empty media data")
        _check_known(robot)
        kind = call.query.get("type", "")
        if kind not in _MEDIA_BYTES:
            raise Refused(40004, "invalid media type")
        if not 5 < len(data) <= _MEDIA_BYTES[kind]:
            raise Refused(45001, "media size out of limit")
        self._uploads += 1
        media_id = f"sandbox-{kind}-{self._uploads}"
        robot.media = {**self._media(robot, call.at), media_id: Media(call.at, name, len(data))}
        created = str(int(call.at))
        return as_json({"errcode": 0, "errmsg": "ok", "type": kind, "media_id": media_id, "created_at": created})


def _check_known(robot: Robot) -> None:
    if not robot.known:
        raise Refused(93000, "invalid webhook url")


def _part(call: Call) -> tuple[str, bytes]:
    """The name and the content of the uploaded file; empty if there is none."""
    head = f"Content-Type: {call.headers.get('Content-Type', '')}\r\n\r\n".encode()
    mail = BytesParser().parsebytes(head + call.body)
    for part in mail.walk():
        if isinstance(part, Mail) and part.get_param("name", header="content-disposition") == "media":
            payload = part.get_payload(decode=True)
            name = part.get_filename()
            return (name, payload) if name and isinstance(payload, bytes) else ("", b"")
    return "", b""
