"""A custom webhook's receiver: /hooks/NAME, checking Standard Webhooks signatures (specification 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.robots import Robot
from receiver.sandbox.wire import Answer, Call, Note, Platform, Refused, as_json, text_of

_TOLERANCE = 300.0


class Webhook(Platform):
    """Any HTTP endpoint: 200 for what it takes, 401 for a wrong signature, 404 for a path nobody registered."""

    kind = "webhook"
    prefix = "/hooks/"

    def credential(self, call: Call) -> str:
        return call.path.removeprefix(self.prefix)

    def answer(self, call: Call) -> Answer:
        robot = self.robot(call)
        try:
            return self._take(call, robot)
        except Refused as no:
            return as_json({"error": no.why}, no.status)

    def _take(self, call: Call, robot: Robot) -> Answer:
        if not robot.known:
            raise Refused(404, "not found", 404)
        if call.method not in ("POST", "PUT"):
            raise Refused(405, "method not allowed", 405)
        if not robot.admits(call.ip):
            raise Refused(403, "address not allowed", 403)
        if robot.secret is not None:
            _check_signature(robot.secret, call, self.noting(robot))
        done = as_json({"ok": True})
        return done if self._is_repeat(robot, call) else self.show(robot, call, content_of(call.body), done)

    def _is_repeat(self, robot: Robot, call: Call) -> bool:
        key = call.headers.get("webhook-id", "")
        if not key:
            return False
        body = hashlib.sha256(call.body).digest()
        before = robot.remember(key, body)
        if before not in (None, body):
            self.ledger.violate(robot.name, "webhook-id used again for another body, which is not delivered")
        return before is not None


def sign(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    """`v1,<base64>` of Standard Webhooks. ValueError if the secret is not `whsec_` and base64."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is not base64") from error
    mac = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _check_signature(secret: str, call: Call, note: Note) -> None:
    named = {name: call.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
    if not all(named.values()):
        raise Refused(401, "webhook-id, webhook-timestamp or webhook-signature missing", 401)
    if "." in named["id"]:
        note("webhook-id holds a dot")
    if not named["timestamp"].isdecimal() or abs(int(named["timestamp"]) - call.at) > _TOLERANCE:
        raise Refused(401, "webhook-timestamp too far from now", 401)
    expected = sign(secret, named["id"], named["timestamp"], call.body).encode()
    given = [signature.encode() for signature in named["signature"].split(" ")]
    if not any(hmac.compare_digest(expected, signature) for signature in given):
        raise Refused(401, "no matching signature", 401)


def content_of(body: bytes) -> Content:
    """Any body as a message: JSON, as far as it is, with its `title`."""
    text = body.decode(errors="replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return Content("raw", parts=(Part(text, Dialect.JSON),))
    title = text_of(value.get("title")) if isinstance(value, dict) else ""
    return Content("json", title, (Part(text, Dialect.JSON),))
