"""WeCom's group robot: markdown into the groups it is in, 20 messages a minute, nothing to update or recall."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import SecretStr, model_validator

from receiver.channels.answers import Answers, Row, code_of, secrets_of
from receiver.channels.base import JSON, Channel, ChannelSettings, digest
from receiver.channels.cleaning import ENTITY, UNSEEN, cleaned, fitted, plain, utf8, wire
from receiver.channels.endpoints import Robot, with_query
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Client, Request, Response, host_of
from receiver.model import Message, Text
from receiver.settings import Rate

ROBOT = Robot("https://qyapi.weixin.qq.com", "/cgi-bin/webhook/send", "key", "key")
MAX_MARKDOWN = 4096
"""Bytes of `markdown.content` (document 91770)."""
MAX_TEXT = 2048
"""Bytes of `text.content` (document 91770; 5120 was seen to pass, which nobody promises)."""

_ROBOT = "developer.work.weixin.qq.com/document/path/91770, answers recorded"
_CODES = "developer.work.weixin.qq.com/document/path/90313"
_LIMITS = "developer.work.weixin.qq.com/document/path/90454"
CODES = {
    "-1": Row(Unavailable, "the system is busy", _CODES),
    "40007": Row(Rejected, "the media id is not valid", _CODES),
    "40008": Row(Rejected, "the message type is not valid", _ROBOT),
    "40009": Row(Rejected, "the image has a wrong size", _CODES),
    "40058": Row(Rejected, "the message is too long or malformed", _ROBOT),
    "44001": Row(Rejected, "the media is empty", _CODES),
    "44004": Row(Rejected, "the content is empty", _ROBOT),
    "45001": Row(Rejected, "the file is too large", _CODES),
    "45002": Row(Rejected, "the content is too long", _CODES),
    "45008": Row(Rejected, "there are too many articles", _CODES),
    "45009": Row(Throttled, "more than 20 messages in a minute", _LIMITS, wait=60.0),
    "45033": Row(Throttled, "too many calls at once", _LIMITS, wait=5.0),
    "93000": Row(Misconfigured, "the key is unknown or the robot was removed from the group", _ROBOT),
    "93004": Row(Misconfigured, "the robot is disabled", _CODES),
    "93008": Row(Misconfigured, "the robot is not in the group", _CODES),
}

_SUSPECT = re.compile(f"[{UNSEEN}<`&\\]*]")
_BEGINNING = re.compile(r"\s*[#>(]")
_MARKUP = re.compile(rf"[<`]|{ENTITY}|\](?=\(|\Z)|\*\*+|\A\s*(?:#+|>+|\()")
_INERT = str.maketrans("<`&]*#>(", "＜'＆］＊＃＞（")
_TITLE = '## <font color="{}">{}</font>\n'
_COLOURS = {"firing": "warning", "resolved": "info"}
_TITLE_ROOM = len(_TITLE.format("warning", ""))


class WeComRobotSettings(ChannelSettings):
    """`key`, or the whole `url` as WeCom shows it; `groups` are the names shown in records."""

    kind: Literal["wecom_robot"]
    key: SecretStr | None = None
    url: SecretStr | None = None
    groups: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        self.place()
        return self

    def place(self) -> tuple[str, str]:
        """The base URL and the key. ValueError unless exactly one of `key` and `url` is given, and valid."""
        return ROBOT.locate(self.key, self.url, self.base_url)


class WeComRobot(Channel):
    """A robot of one WeCom group."""

    kind = "wecom_robot"
    Settings = WeComRobotSettings
    rates = (Rate(20, 62),)

    def __init__(self, settings: WeComRobotSettings, client: Client) -> None:
        super().__init__(settings, client)
        base, key = settings.place()
        self._url = with_query(base + ROBOT.path, key=key)
        self._key = key
        self._credential = digest(self.kind, host_of(base), key)
        self._answers = Answers("WeCom", CODES, {key, *secrets_of(settings)})

    @property
    def credential(self) -> str:
        """Shared by all channels that post with the same key to the same host."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The key; WeCom robots do not sign."""
        return self._key, None

    def room(self, plain: bool) -> int:
        """What is left of the content beside the title's markup."""
        return MAX_TEXT - 1 if plain else MAX_MARKDOWN - _TITLE_ROOM

    def weigh(self, text: str) -> int:
        """WeCom counts the content's UTF-8 bytes."""
        return utf8(text)

    @staticmethod
    def escape(value: str) -> str:
        """WeCom documents no escape: what could become markup is replaced by its full-width twin."""
        if not _SUSPECT.search(value) and not _BEGINNING.match(value):
            return value
        return _MARKUP.sub(lambda found: found[0].translate(_INERT), cleaned(value))

    def compose(self, text: Text, message_id: str) -> bytes:
        """A `markdown` message whose title has the status's colour, or a `text` one when plain."""
        if text.plain:
            # <@userid> pings in a text too; the bytes must not grow, since they were weighed before
            content = plain(f"{text.title}\n{text.body}" if text.title else text.body).replace("<@", "(@")
            return wire({"msgtype": "text", "text": {"content": content}})
        room = MAX_MARKDOWN - _TITLE_ROOM - utf8(text.body)
        title = fitted(text.title, room, utf8, self.escape)
        content = _TITLE.format(_COLOURS[text.status], title) + text.body if title else text.body
        return wire({"msgtype": "markdown", "markdown": {"content": content}})

    def build(self, message: Message, now: float) -> Request:
        """The key goes on the URL; nothing is signed."""
        return Request(self._url, message.content, JSON)

    def check(self, response: Response) -> None:
        """Sent if and only if `errcode` is 0."""
        body = self._answers.body(response)
        self._answers.judge(response, code_of(body, "errcode"), body.get("errmsg"))
