"""Feishu's (Lark's) custom bot: a card into its group, 5 a second and 100 a minute."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import ClassVar, Literal

import orjson
from pydantic import Field, SecretStr

from receiver.channels.answers import Answers, Row, code_of
from receiver.channels.base import JSON, Confirmation
from receiver.channels.cleaning import wire
from receiver.channels.feishu import Feishu
from receiver.channels.feishu_card import plain_text
from receiver.channels.robots import Address, Key, Keys, Robot, RobotSettings
from receiver.errors import Misconfigured, Rejected, Throttled
from receiver.http import Client, Request, Response
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Text

ROBOT = Address("https://open.feishu.cn", "/open-apis/bot/v2/hook/", "token", None)
MAX_BODY = 20000
"""Bytes of the whole body, signature included: the documents say 20 KB."""
_ENVELOPE = 768
"""Bytes kept for the card around its texts, the longest preview and the signature."""

_BOT = "open.feishu.cn custom bot guide"
_CODES = "open.feishu.cn custom bot guide, table of error codes"
_RECORDED = "answers recorded, 2025-09"
CODES = {
    "9499": Row(Rejected, "the request is malformed or too long", _BOT),
    "11232": Row(Throttled, "too many messages", _RECORDED),
    "11233": Row(Throttled, "too many messages in this chat", _CODES),
    "11246": Row(Rejected, "the card's content is wrong", _CODES),
    "11247": Row(Throttled, "too many messages inside the platform", _CODES),
    "19001": Row(Misconfigured, "the token is unknown", "answers of the live endpoint, 2026-09"),
    "19002": Row(Rejected, "a parameter is wrong", _CODES),
    "19021": Row(Misconfigured, "the signature does not match, or the clock is an hour off", _BOT),
    "19022": Row(Misconfigured, "this address is not in the bot's IP list", _BOT),
    "19024": Row(Rejected, "none of the bot's keywords is in the message", _BOT),
    "19036": Row(Rejected, "the message is too long", _CODES),
    "230099": Row(Rejected, "the card could not be made", _CODES),
}
_TOO_MANY = Row(Throttled, "too many messages", "recorded by n9e, 9499 with this text")


class FeishuKey(Key):
    """One bot of a pool."""

    field = "token"
    token: SecretStr
    secret: SecretStr | None = Field(default=None, min_length=1)


class FeishuBotSettings(RobotSettings):
    """`token`, the whole `url` as Feishu or Lark shows it, or the `keys` of a pool.

    `secret` goes with a token whose bot asks for signatures.
    """

    address = ROBOT
    kind: Literal["feishu_bot"]
    token: SecretStr | None = None
    keys: Keys[FeishuKey] = ()
    secret: SecretStr | None = Field(default=None, min_length=1)


class FeishuBot(Feishu, Robot):
    """A custom bot of one Feishu group, or a pool of them."""

    kind = "feishu_bot"
    nested = False
    Settings = FeishuBotSettings
    sample: ClassVar = {"token": "00000000-0000-0000-0000-000000000000"}
    rates = (Rate(5, 1.1), Rate(100, 62))

    def __init__(self, settings: FeishuBotSettings, client: Client) -> None:
        super().__init__(settings, client)
        self._url = self._base + ROBOT.path + self._token
        self._answers = Answers("Feishu", CODES, self._secrets)

    def room(self, plain: bool) -> int:
        """What is left of the body beside the card's JSON, the longest preview and the signature."""
        return MAX_BODY - _ENVELOPE - self._link_weight

    def fill(self, content: bytes) -> tuple[int, int]:
        """The whole body, with its signature if there is one."""
        return len(self._signed(content, 1e9)), MAX_BODY

    def compose(self, text: Text, message_id: str) -> bytes:
        """A card, or a `text` message when plain."""
        if text.plain:
            return wire({"msg_type": "text", "content": {"text": plain_text(text)}})
        return wire({"msg_type": "interactive", "card": self.card(text)})

    def build(self, message: Message, now: float) -> Request:
        """The token goes into the path; with a secret, second timestamp and signature into the body."""
        return Request(self._url, self._signed(message.content, now), JSON)

    def _signed(self, content: bytes, now: float) -> bytes:
        if not self._secret:
            return content
        timestamp = str(int(now))
        return orjson.dumps({"timestamp": timestamp, "sign": sign(timestamp, self._secret)} | orjson.loads(content))

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `code` is 0, or without one the older `StatusCode` is."""
        body = self._answers.body(response)
        code, said = code_of(body, "code" if "code" in body else "StatusCode"), body.get("msg")
        if code == "9499" and isinstance(said, str) and "too many request" in said.lower():
            raise self._answers.refusal(response, code, said, _TOO_MANY)
        self._answers.judge(response, code, said)
        return Confirmation(response.status, "0")


def sign(timestamp: str, secret: str) -> str:
    """The signature Feishu asks for: HMAC-SHA256 of nothing, keyed with timestamp and secret, in base64."""
    return base64.b64encode(hmac.digest(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256)).decode()
