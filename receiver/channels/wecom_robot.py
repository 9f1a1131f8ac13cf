"""WeCom's group robot: markdown or cards into the groups it is in, 20 a minute, nothing to update or recall."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import SecretStr, model_validator

from receiver.channels.answers import Answers, Row, code_of, secrets_of
from receiver.channels.base import JSON, ChannelSettings, Confirmation, digest
from receiver.channels.endpoints import Robot, with_query
from receiver.channels.wecom import HOST, WeCom
from receiver.channels.wecom_codes import COMMON_CODES, DOCUMENTS
from receiver.errors import Misconfigured, Rejected, Throttled
from receiver.http import Client, Request, Response, host_of
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Mention, Mentions

ROBOT = Robot(HOST, "/cgi-bin/webhook/send", "key", "key")

CODES = {
    **COMMON_CODES,
    "40009": Row(Rejected, "the image has a wrong size", f"{DOCUMENTS}/90313"),
    "44001": Row(Rejected, "the media is empty", f"{DOCUMENTS}/90313"),
    "45001": Row(Rejected, "the file is too large", f"{DOCUMENTS}/90313"),
    "45008": Row(Rejected, "there are too many articles", f"{DOCUMENTS}/90313"),
    "45009": Row(Throttled, "more than 20 messages in a minute", f"{DOCUMENTS}/90454", wait=60.0),
    "93000": Row(
        Misconfigured,
        "the key is unknown or the robot was removed from the group",
        f"{DOCUMENTS}/91770, answers recorded",
    ),
    "93004": Row(Misconfigured, "the robot is disabled", f"{DOCUMENTS}/90313"),
    "93008": Row(Misconfigured, "the robot is not in the group", f"{DOCUMENTS}/90313"),
}


class WeComRobotSettings(ChannelSettings):
    """`key`, or the whole `url` as WeCom shows it; `groups` are the names shown in records."""

    kind: Literal["wecom_robot"]
    key: SecretStr | None = None
    url: SecretStr | None = None
    groups: tuple[str, ...] = ()
    format: Literal["markdown", "markdown_v2", "template_card"] = "markdown"

    @model_validator(mode="after")
    def _has_one_key(self) -> Self:
        self.place()
        return self

    def place(self) -> tuple[str, str]:
        """The base URL and the key. ValueError unless exactly one of `key` and `url` is given, and valid."""
        return ROBOT.locate(self.key, self.url, self.base_url)


class WeComRobot(WeCom):
    """A robot of one WeCom group.

    Its markdown mentions by `<@userid>`; its markdown_v2 and its cards mention nobody, a `text` has lists of userids
    and mobiles for it (document 91770).
    """

    kind = "wecom_robot"
    Settings = WeComRobotSettings
    sample: ClassVar = {"key": "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"}
    rates = (Rate(20, 62),)
    most = 4096
    active = re.compile("<(?=@)")

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

    def build(self, message: Message, now: float) -> Request:
        """The key goes on the URL; nothing is signed."""
        return Request(self._url, message.content, JSON)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `errcode` is 0."""
        body = self._answers.body(response)
        self._answers.judge(response, code_of(body, "errcode"), body.get("errmsg"))
        return Confirmation(response.status, "0")

    def _shown(self, person: Mention, plain: bool) -> str:
        """Only markdown pings; the name of who has no id stands everywhere."""
        if not person.wecom and not person.mobile:
            return f"@{person.name}" if plain else self.escape(f"@{person.name}")
        return f"<@{person.wecom}>" if person.wecom and not plain and self.settings.format == "markdown" else ""

    def _lists(self, mentions: Mentions) -> dict[str, list[str]]:
        """Userids, mobiles of those without one, `@all`."""
        users = [person.wecom for person in mentions.people if person.wecom]
        mobiles = [person.mobile for person in mentions.people if person.mobile and not person.wecom]
        lists = {
            "mentioned_list": [*users, "@all"] if mentions.everyone else users,
            "mentioned_mobile_list": mobiles,
        }
        return {name: listed for name, listed in lists.items() if listed}
