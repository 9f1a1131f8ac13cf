"""WeCom's group robot: markdown into the groups it is in, 20 messages a minute, nothing to update or recall."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import SecretStr, model_validator

from receiver.channels.answers import Answers, Row, code_of, secrets_of
from receiver.channels.base import JSON, Channel, ChannelSettings, Confirmation, digest
from receiver.channels.cleaning import ENTITY, UNSEEN, cleaned, fitted, plain, utf8, wire
from receiver.channels.endpoints import Robot, with_query
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Client, Request, Response, host_of
from receiver.model import Mention, Mentions, Message, Text
from receiver.settings import Rate

ROBOT = Robot("https://qyapi.weixin.qq.com", "/cgi-bin/webhook/send", "key", "key")
MAX_MARKDOWN = 4096
"""Bytes of `markdown.content` (document 91770)."""
MAX_TEXT = 2048
"""Bytes of `text.content` (document 91770; 5120 was seen to pass, which nobody promises)."""
MENTIONS = 512
"""Bytes of a content that mentions may take; userids beyond it are mentioned in a message of their own."""

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

_SUSPECT = re.compile(rf"[{UNSEEN}<`&*]|\](?=\(|\Z)")
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
    sample: ClassVar = {"key": "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"}
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

    def fill(self, content: bytes) -> tuple[int, int]:
        """The content of the message, in UTF-8."""
        body = orjson.loads(content)
        kind = body["msgtype"]
        return utf8(body[kind]["content"]), MAX_TEXT if kind == "text" else MAX_MARKDOWN

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """Those that stand in the content; the lists of a `text` take nothing of it."""
        return utf8(_line(mentions, plain, self.escape))

    def beside(self, mentions: Mentions) -> Mentions:
        """Mobiles and everyone, whom only a `text` can mention (document 91770), and userids beyond their room."""
        held = {person for person, _ in _held(mentions, False, self.escape)}
        left = tuple(person for person in mentions.people if person not in held and (person.wecom or person.mobile))
        return Mentions(left, mentions.everyone)

    @staticmethod
    def escape(value: str) -> str:
        """WeCom documents no escape: what could become markup is replaced by its full-width twin."""
        if not _SUSPECT.search(value) and not _BEGINNING.match(value):
            return value
        return _MARKUP.sub(lambda found: found[0].translate(_INERT), cleaned(value))

    def compose(self, text: Text, message_id: str) -> bytes:
        """A `markdown` message whose title has the status's colour, or a `text` one when plain.

        In markdown `<@userid>` mentions; a `text` has `mentioned_list` and `mentioned_mobile_list` (document 91770).
        """
        line = _line(text.mentions, text.plain, self.escape)
        if text.plain:
            # <@userid> pings in a text too; the bytes must not grow, since they were weighed before
            content = plain(f"{text.title}\n{text.body}" if text.title else text.body).replace("<@", "(@")
            return wire({"msgtype": "text", "text": {"content": content + line, **_lists(text.mentions)}})
        body = text.body + line
        title = fitted(text.title, MAX_MARKDOWN - _TITLE_ROOM - utf8(body), utf8, self.escape)
        content = _TITLE.format(_COLOURS[text.status], title) + body if title else body
        return wire({"msgtype": "markdown", "markdown": {"content": content}})

    def build(self, message: Message, now: float) -> Request:
        """The key goes on the URL; nothing is signed."""
        return Request(self._url, message.content, JSON)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `errcode` is 0."""
        body = self._answers.body(response)
        self._answers.judge(response, code_of(body, "errcode"), body.get("errmsg"))
        return Confirmation(response.status, "0")


def _held(mentions: Mentions, plain: bool, escape: Callable[[str], str]) -> list[tuple[Mention, str]]:
    """Who stands in the content and how, while there is room: userids in markdown only, and names without any id."""
    held: list[tuple[Mention, str]] = []
    left = MENTIONS - len("\n\n")
    for person in mentions.people:
        if not person.wecom and not person.mobile:
            shown = f"@{person.name}" if plain else escape(f"@{person.name}")
        elif person.wecom and not plain:
            shown = f"<@{person.wecom}>"
        else:
            continue
        if (weight := utf8(f"{shown} ")) <= left:
            held.append((person, shown))
            left -= weight
    return held


def _line(mentions: Mentions, plain: bool, escape: Callable[[str], str]) -> str:
    shown = " ".join(shown for _, shown in _held(mentions, plain, escape))
    return f"\n\n{shown}" if shown else ""


def _lists(mentions: Mentions) -> dict[str, Any]:
    """Whom a `text` mentions: userids, mobiles of those without one, `@all`; nothing when nobody."""
    users = [person.wecom for person in mentions.people if person.wecom]
    mobiles = [person.mobile for person in mentions.people if person.mobile and not person.wecom]
    lists = {
        "mentioned_list": [*users, "@all"] if mentions.everyone else users,
        "mentioned_mobile_list": mobiles,
    }
    return {name: listed for name, listed in lists.items() if listed}
