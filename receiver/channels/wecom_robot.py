"""WeCom's group robot: markdown or cards into the groups it is in, 20 a minute, nothing to update or recall."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import orjson
from pydantic import SecretStr

from receiver.channels.answers import Answers, Row, code_of
from receiver.channels.base import JSON, Confirmation
from receiver.channels.cleaning import utf8, wire
from receiver.channels.endpoints import with_query
from receiver.channels.robots import Address, Key, Keys, Robot, RobotSettings
from receiver.channels.wecom import HOST, WeCom
from receiver.channels.wecom_codes import COMMON_CODES, DOCUMENTS
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Client, Request, Response
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Mention, Mentions

ROBOT = Address(HOST, "/cgi-bin/webhook/send", "key", "key")
UPLOAD = "/cgi-bin/webhook/upload_media"
MAX_FILE = 20 * 1024**2
"""Bytes of an uploaded file (document 91770)."""
_FILE = b'{"msgtype":"file",'

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


class WeComKey(Key):
    """One robot of a pool."""

    field = "key"
    key: SecretStr


class WeComRobotSettings(RobotSettings):
    """`key`, the whole `url` as WeCom shows it, or the `keys` of a pool; `groups` are the names shown in records."""

    address = ROBOT
    kind: Literal["wecom_robot"]
    key: SecretStr | None = None
    keys: Keys[WeComKey] = ()
    groups: tuple[str, ...] = ()
    format: Literal["markdown", "markdown_v2", "template_card"] = "markdown"


class WeComRobot(WeCom, Robot):
    """A robot of one WeCom group, or a pool of them; WeCom's robots do not sign.

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
        self._url = with_query(self._base + ROBOT.path, key=self._token)
        self._upload_url = with_query(self._base + UPLOAD, key=self._token, type="file")
        self._answers = Answers("WeCom", CODES, self._secrets)

    def build(self, message: Message, now: float) -> Request:
        """The key goes on the URL; nothing is signed."""
        return Request(self._url, message.content, JSON)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `errcode` is 0."""
        self._said(response)
        return Confirmation(response.status, "0")

    def fill(self, content: bytes) -> tuple[int, int]:
        """As every message of WeCom; of a file its own bytes."""
        if content.startswith(_FILE):
            return utf8(orjson.loads(content)["file"]["text"]), MAX_FILE
        return super().fill(content)

    def attach(self, name: str, text: str) -> bytes | None:
        """The file itself, as it is kept: `send` uploads it."""
        return wire({"msgtype": "file", "file": {"name": name, "text": text}})

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post `message`; a file is uploaded first, under an id that only the robot which uploaded it can post."""
        if message.content.startswith(_FILE):
            form = self._upload(f"file-{message.id}", **orjson.loads(message.content)["file"])
            file = {"media_id": await self._uploaded(form)}
            message = replace(message, content=wire({"msgtype": "file", "file": file}))
        return await super().send(message, now)

    async def _uploaded(self, form: Request) -> str:
        """The id of the file, good for three days (document 91770)."""
        try:
            media_id = self._said(await self.client.send(form)).get("media_id")
            if not isinstance(media_id, str) or not media_id:
                raise Unavailable("WeCom answered an upload without a media_id")
        except Unavailable as error:
            error.ambiguous = False  # whatever became of the file, no message was posted
            raise
        return media_id

    def _upload(self, boundary: str, name: str, text: str) -> Request:
        """The form that holds the file (RFC 7578), within a boundary that no text can foresee."""
        data = text.encode(errors="replace")
        said = f'form-data; name="media"; filename="{name}"; filelength={len(data)}'
        head = f"--{boundary}\r\nContent-Disposition: {said}\r\nContent-Type: application/octet-stream\r\n\r\n"
        body = b"".join((head.encode(), data, f"\r\n--{boundary}--\r\n".encode()))
        return Request(self._upload_url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})

    def _said(self, response: Response) -> Mapping[str, Any]:
        """What was answered; raises what any code but 0 means."""
        body = self._answers.body(response)
        self._answers.judge(response, code_of(body, "errcode"), body.get("errmsg"))
        return body

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
