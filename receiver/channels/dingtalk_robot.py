"""DingTalk's custom robot: markdown into its group, 20 messages a minute, ten minutes of silence for the 21st."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr

from receiver.channels.answers import Answers, Row
from receiver.channels.base import JSON, Confirmation
from receiver.channels.cleaning import json_bytes, plain, preview, wire
from receiver.channels.dingtalk import BAN, QUOTA, escaped, headed, opened
from receiver.channels.endpoints import with_query
from receiver.channels.robots import Address, Key, Keys, Robot, RobotSettings
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Client, Request, Response
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Extras, Mentions, Text

ROBOT = Address("https://oapi.dingtalk.com", "/robot/send", "access_token", "access_token")
MAX_BODY = 18000
"""Bytes of the whole body: 20000 were seen to be the limit (460101), which no document states any more."""

_ROBOT = "open.dingtalk.com custom-robots-send-group-messages, 2026-07"
_RECORDED = "answers recorded, in no current document"
_PROBED = "answers of the live endpoint, 2026-09"
CODES = {
    "-1": Row(Unavailable, "the system is busy", _ROBOT),
    "1111": BAN,
    "90020": QUOTA,
    "40035": Row(Rejected, "a parameter is missing", _ROBOT),
    "43004": Row(Rejected, "the Content-Type is wrong", _ROBOT),
    "130101": Row(Throttled, "more than 20 messages in a minute", _RECORDED, wait=600.0),
    "300001": Row(Misconfigured, "the access token does not exist", _RECORDED),
    "300005": Row(Misconfigured, "the access token does not exist", _PROBED),
    "310000": Row(Rejected, "a security setting of the robot does not match: keyword, signature or IP list", _ROBOT),
    "400004": Row(Rejected, "only the group's owner may mention all", _RECORDED),
    "400013": Row(Misconfigured, "the group was dissolved", _ROBOT),
    "400101": Row(Misconfigured, "the access token does not exist", _ROBOT),
    "400102": Row(Misconfigured, "the robot is stopped", _ROBOT),
    "400105": Row(Rejected, "the message type is not supported", _ROBOT),
    "400106": Row(Misconfigured, "the robot does not exist", _ROBOT),
    "410100": Row(Throttled, "more than 20 messages in a minute", _ROBOT, wait=600.0),
    "430101": Row(Rejected, "a link is considered unsafe", _ROBOT),
    "430102": Row(Rejected, "the text is considered unsafe", _ROBOT),
    "430103": Row(Rejected, "a picture is considered unsafe", _ROBOT),
    "430104": Row(Rejected, "the content is considered unsafe", _ROBOT),
    "460101": Row(Rejected, "the message is too long", _RECORDED),
    "660026": Row(Throttled, "more than 20 messages in a minute", _PROBED, wait=600.0),
}
_BUTTON = len(',{"title":"","actionURL":""}')


class DingTalkKey(Key):
    """One robot of a pool."""

    field = "access_token"
    access_token: SecretStr
    secret: SecretStr | None = Field(default=None, min_length=1)


class DingTalkRobotSettings(RobotSettings):
    """`access_token`, the whole `url` as DingTalk shows it, or the `keys` of a pool.

    `secret` (SEC...) goes with a token whose robot asks for signatures. As an `action_card` a message has its links as
    buttons.
    """

    address = ROBOT
    kind: Literal["dingtalk_robot"]
    access_token: SecretStr | None = None
    keys: Keys[DingTalkKey] = ()
    secret: SecretStr | None = Field(default=None, min_length=1)
    format: Literal["markdown", "action_card"] = "markdown"


class DingTalkRobot(Robot):
    """A custom robot of one DingTalk group, or a pool of them."""

    kind = "dingtalk_robot"
    Settings = DingTalkRobotSettings
    sample: ClassVar = {"access_token": "0" * 64}
    rates = (Rate(20, 62),)
    everyone_refused = frozenset({"400004"})
    metered = True

    def __init__(self, settings: DingTalkRobotSettings, client: Client) -> None:
        super().__init__(settings, client)
        self._url = self._base + ROBOT.path
        self._answers = Answers("DingTalk", CODES, self._secrets)
        if settings.format == "action_card":
            self.takes = frozenset({"buttons"})

    @property
    def announced(self) -> Mapping[str, Any]:
        """How many posts a month are to be taken."""
        return {"monthly": self.settings.limits.monthly or None}

    def room(self, plain: bool) -> int:
        """What is left of the body beside its JSON, the longest preview and the id."""
        return MAX_BODY - 512

    def weigh(self, text: str) -> int:
        """DingTalk counts the body as it is sent: JSON in UTF-8."""
        return json_bytes(text)

    def fill(self, content: bytes) -> tuple[int, int]:
        """The whole body."""
        return len(content), MAX_BODY

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """The ids stand in the body twice: in `at`, and behind an @ in the text."""
        at = _at(mentions)
        return json_bytes(_line(mentions, plain, self.escape)) + (len(wire(at)) if at else 0)

    def weigh_extras(self, extras: Extras) -> int:
        """Each button as a row of `btns`."""
        return sum(_BUTTON + json_bytes(text or "…") + json_bytes(url) for text, url in extras.buttons)

    escape = staticmethod(escaped)

    def compose(self, text: Text, message_id: str) -> bytes:
        """A `markdown` message, an `actionCard` if it has buttons, a `text` when plain.

        `msgUuid` makes a repeat harmless. Who is to be mentioned stands in `at`, and must stand in the text as well
        (robot-message-type).
        """
        line, last = _line(text.mentions, text.plain, self.escape), {**_at(text.mentions), "msgUuid": message_id}
        if text.plain:
            content = plain(f"{text.title}\n{text.body}" if text.title else text.body)
            return wire({"msgtype": "text", "text": {"content": content + line}, **last})
        room = self.room(False) - json_bytes(text.body) - self.weigh_mentions(text.mentions, False)
        content = headed(text.title, text.body + line, room - self.weigh_extras(text.extras))
        said = {"title": preview(text.title) or "…", "text": content}
        if not text.extras.buttons:
            return wire({"msgtype": "markdown", "markdown": said, **last})
        card = {**said, "btnOrientation": "0", **_buttons(text.extras.buttons)}
        return wire({"msgtype": "actionCard", "actionCard": card, **last})

    def build(self, message: Message, now: float) -> Request:
        """Token, and with a secret the millisecond timestamp and signature, on the URL."""
        parameters = {"access_token": self._token}
        if self._secret:
            timestamp = str(int(now * 1000))
            parameters |= {"timestamp": timestamp, "sign": sign(timestamp, self._secret)}
        return Request(with_query(self._url, **parameters), message.content, JSON)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `errcode` is 0 or "0"."""
        body, code = opened(self._answers, response)
        self._answers.judge(response, code, body.get("errmsg"))
        return Confirmation(response.status, "0")


def _line(mentions: Mentions, plain: bool, escape: Callable[[str], str]) -> str:
    """Everybody behind an @, by userId, else mobile; who has neither is only named. `isAtAll` needs no word."""
    shown = [
        f"@{person.dingtalk or person.mobile}"
        if person.dingtalk or person.mobile
        else (f"@{person.name}" if plain else escape(f"@{person.name}"))
        for person in mentions.people
    ]
    return "\n\n" + " ".join(shown) if shown else ""


def _at(mentions: Mentions) -> dict[str, Any]:
    """The object that mentions: at most 50 (robot-message-type); nothing when nobody."""
    at = {
        "atUserIds": [person.dingtalk for person in mentions.people if person.dingtalk],
        "atMobiles": [person.mobile for person in mentions.people if person.mobile and not person.dingtalk],
        "isAtAll": mentions.everyone,
    }
    said = {name: value for name, value in at.items() if value}
    return {"at": said} if said else {}


def _buttons(buttons: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A single button goes with the whole card; of several each has its row (robot-message-type)."""
    if len(buttons) == 1:
        ((text, url),) = buttons
        return {"singleTitle": text or "…", "singleURL": url}
    return {"btns": [{"title": text or "…", "actionURL": url} for text, url in buttons]}


def sign(timestamp: str, secret: str) -> str:
    """The signature DingTalk asks for: HMAC-SHA256 keyed with the secret, in base64, not yet encoded for a URL."""
    signed = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(signed).decode()
