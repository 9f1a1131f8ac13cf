"""Parley, a chat made up for an exercise: a webhook takes `{"text": ...}` in Markdown, at most 8,000 bytes of it."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

import orjson
from pydantic import SecretStr, field_validator

from receiver.channels.answers import Answers, Row, code_of, secrets_of
from receiver.channels.base import JSON, Channel, ChannelSettings, Confirmation, digest
from receiver.channels.cleaning import cleaned, fitted, json_bytes, plain, wire
from receiver.channels.endpoints import endpoint
from receiver.errors import Misconfigured, Throttled
from receiver.http import Client, Request, Response
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Text

MAX_BODY = 8000
_ENVELOPE = len(wire({"text": "****\n\n"}))
CODES = {
    "404": Row(Misconfigured, "the room is unknown", "parley.example/api"),
    "429": Row(Throttled, "more than 30 messages in a minute", "parley.example/api"),
}
_MARKUP = re.compile(r"[\\`*_\[\]<>#~|@](?![A-Za-z0-9.])|[<\[@#`*_](?=[A-Za-z0-9.])")


class ParleySettings(ChannelSettings):
    """`url` as Parley shows it; its last part is the secret of one room."""

    kind: Literal["parley"]
    url: SecretStr

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        endpoint(value.get_secret_value())
        return value


class Parley(Channel):
    """One room of Parley."""

    kind = "parley"
    Settings = ParleySettings
    sample: ClassVar = {"url": "https://parley.example/rooms/0123456789abcdef"}
    rates = (Rate(30, 62),)

    def __init__(self, settings: ParleySettings, client: Client) -> None:
        super().__init__(settings, client)
        found = endpoint(settings.url.get_secret_value())
        self._url = (settings.base_url or found.base) + found.path
        self._room = found.path.rpartition("/")[2]
        self._answers = Answers("Parley", CODES, {self._url, self._room, *secrets_of(settings)})

    @property
    def credential(self) -> str:
        """The room."""
        return digest(self.kind, self._url)

    @property
    def identity(self) -> tuple[str, str | None]:
        """The room's secret; nothing is signed."""
        return self._room, None

    def room(self, plain: bool) -> int:
        """What is left of the body beside its JSON."""
        return MAX_BODY - _ENVELOPE

    def weigh(self, text: str) -> int:
        """Parley counts the body as it is sent."""
        return json_bytes(text)

    def fill(self, content: bytes) -> tuple[int, int]:
        """The whole body."""
        return len(content), MAX_BODY

    @staticmethod
    def escape(value: str) -> str:
        """A backslash before what Markdown would read."""
        return _MARKUP.sub(r"\\\g<0>", cleaned(value))

    def compose(self, text: Text, message_id: str) -> bytes:
        """One text: the title in bold above the body."""
        if text.plain:
            return wire({"text": plain(f"{text.title}\n{text.body}" if text.title else text.body)})
        title = fitted(text.title, self.room(False) - json_bytes(text.body), json_bytes, self.escape)
        return wire({"text": f"**{title}**\n\n{text.body}" if title else text.body})

    def build(self, message: Message, now: float) -> Request:
        """The content as it is."""
        return Request(self._url, message.content, JSON)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `code` is 0."""
        body = self._answers.body(response)
        self._answers.judge(response, code_of(body, "code"), body.get("msg"))
        return Confirmation(response.status, "0")


def said(content: bytes) -> str:
    """What a composed `content` says."""
    text: str = orjson.loads(content)["text"]
    return text
