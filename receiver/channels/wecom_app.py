"""WeCom's self-built app: markdown or cards to people, departments and tags, or into a group chat that it made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal, Self
from zlib import crc32

import orjson
from pydantic import Field, SecretStr, model_validator

from receiver.channels.answers import Answers, code_of, secrets_of
from receiver.channels.apps import App
from receiver.channels.base import JSON, ChannelSettings, Confirmation, Updating, digest
from receiver.channels.cleaning import wire
from receiver.channels.endpoints import with_query
from receiver.channels.tokens import Token, TokenRefused
from receiver.channels.wecom import HOST, WeCom
from receiver.channels.wecom_codes import CODES, TOKEN_CODES, UPDATE_CODES
from receiver.channels.wecom_receivers import Id, Missed, Receivers, arrays
from receiver.errors import DeliveryError, Misconfigured, Rejected, Unchangeable, Unreachable
from receiver.http import Client, Request, Response, host_of
from receiver.model import Message
from receiver.settings import Misfit, Rate
from receiver.text import Mention, Mentions, Text


class WeComAppSettings(ChannelSettings):
    """`corp_id`, `agent_id` and `secret` of the app, and either the receivers in `to` or a group chat the app made.

    `callback` says that the app has a callback URL: WeCom takes no card that can be updated without one.
    """

    kind: Literal["wecom_app"]
    corp_id: Id
    agent_id: int = Field(gt=0)
    secret: SecretStr = Field(min_length=1)
    to: Receivers | None = None
    chat_id: Id | None = None
    format: Literal["markdown", "template_card"] = "markdown"
    callback: bool = False

    @model_validator(mode="after")
    def _has_one_destination(self) -> Self:
        if self.to is None and self.chat_id is None:
            raise ValueError("needs one of to and chat_id")
        if self.to is not None and self.chat_id is not None:
            raise Misfit((("chat_id",), "is given beside to; keep one"))
        if self.chat_id and self.format == "template_card":
            raise Misfit((("format",), "must be markdown beside chat_id: no cards can be sent into group chats"))
        return self

    def targets(self) -> tuple[str, ...]:
        """One for each call that is needed to reach all."""
        return self.to.targets() if self.to else (wire({"chatid": self.chat_id}).decode(),)


class WeComApp(WeCom, App):
    """A self-built app of one company."""

    kind = "wecom_app"
    Settings = WeComAppSettings
    sample: ClassVar = {
        "corp_id": "ww0123456789abcdef",
        "agent_id": 1000002,
        "secret": "0123456789abcdefghijABCDEFGHIJ0123456789abc",
        "to": {"users": ["zhangsan"]},
    }
    rates = (Rate(30, 62), Rate(1000, 3660))
    """For one member, who is not shown more than 30 a minute and 1000 an hour, without a word (document 90236): kept
    for all of them together."""
    chat_rates = (Rate(200, 62),)
    most = 2048
    active = re.compile(r"<(?=@|/?a\b)", re.IGNORECASE)
    margin = 60.0
    """WeCom is said to give the same token again until it has ended: to ask much earlier is to ask in vain."""

    def __init__(self, settings: WeComAppSettings, client: Client) -> None:
        self._base = settings.base_url or HOST
        self._secret = settings.secret.get_secret_value()
        self._credential = digest(
            self.kind, host_of(self._base), settings.corp_id, self._secret, settings.chat_id or ""
        )
        self._targets = settings.targets()
        super().__init__(settings, client)
        secrets, tokens = {*secrets_of(settings)}, self._tokens.known
        self._answers = Answers("WeCom", CODES, secrets, tokens)
        self._updates = Answers("WeCom", {**CODES, **UPDATE_CODES}, secrets, tokens)
        several = len(self._targets) > 1
        self._nobody = replace(CODES["81013"], error=Unreachable if several else Misconfigured)
        if settings.callback and settings.format == "template_card":
            self.updating = Updating(72 * 3600.0, times=1)

    @property
    def credential(self) -> str:
        """Shared by all channels of the same app on the same host; a group chat has limits of its own."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The company and the secret, which is what tells its apps apart."""
        return self.settings.corp_id, self._secret

    @property
    def announced(self) -> Mapping[str, Any]:
        """The agent's number, and whether clicks on its cards have somewhere to go."""
        return {"agent_id": self.settings.agent_id, "callback": self.settings.callback}

    @property
    def targets(self) -> tuple[str, ...]:
        """The fewest calls of at most 1000 users, 100 departments and 100 tags; a group chat is one."""
        return self._targets

    @property
    def windows(self) -> tuple[Rate, ...]:
        """A group chat is shown 200 a minute (document 90248)."""
        in_chat = self.settings.chat_id and self.settings.limits.rate is None
        return self.chat_rates if in_chat else super().windows

    def compose(self, text: Text, message_id: str) -> bytes:
        """As every WeCom message; a card that may be updated has a task id, and a menu, without which it may not."""
        content = super().compose(text, message_id)
        if self.updating is None or (body := orjson.loads(content))["msgtype"] != "template_card":
            return content
        noted = {"text": "Noted" if self.settings.language == "en" else "知道了", "key": "noted"}
        body["template_card"] |= {"task_id": message_id, "action_menu": {"action_list": [noted]}}
        return wire(body)

    def build(self, message: Message, now: float) -> Request:
        """The call without its token: an update, a post into a group chat, or one to people.

        What is to replace a card and is none itself is posted: WeCom replaces cards by cards only.
        A post to people is not shown again if the same request came within `duplicate_check_interval` seconds
        (document 90236). Two messages with equal words must not be taken for one: the interval, between 15 minutes and
        an hour, is made from the message's id, so that only a retry is the same request.
        """
        said, target = orjson.loads(message.content), orjson.loads(message.target)
        agent = {"agentid": self.settings.agent_id}
        if _replaces(message):
            new = {"response_code": message.updates, "template_card": _last(said["template_card"])}
            return self._request("message/update_template_card", {**arrays(target), **agent, **new})
        if "chatid" in target:
            return self._request("appchat/send", {**target, **said})
        once = {"enable_duplicate_check": 1, "duplicate_check_interval": 900 + crc32(message.id.encode()) % 2700}
        return self._request("message/send", {**target, **said, **agent, **once})

    def _request(self, path: str, body: Mapping[str, Any]) -> Request:
        return Request(f"{self._base}/cgi-bin/{path}", wire(body), JSON)

    def carrying(self, request: Request, token: str) -> Request:
        """WeCom reads the token from the query only."""
        return replace(request, url=with_query(request.url, access_token=token))

    def token_request(self) -> Request:
        """The company and the secret go on the URL (document 91039)."""
        url = f"{self._base}/cgi-bin/gettoken"
        return Request(with_query(url, corpid=self.settings.corp_id, corpsecret=self._secret), b"", method="GET")

    def read_token(self, response: Response) -> Token:
        """The token and the seconds it has left (document 91039)."""
        body = self._said(response, self._answers)
        value, seconds = body.get("access_token"), body.get("expires_in")
        return Token(value if isinstance(value, str) else "", seconds if isinstance(seconds, int | float) else 0)

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post `message`, or put it in the place of the card it updates."""
        return await self.call(self.build(message, now), partial(self._judged, message))

    def check(self, response: Response) -> Confirmation:
        """Taken if and only if `errcode` is 0; who was not reached then stands in the note."""
        return self._confirmed(response, self._answers, "")

    def _judged(self, message: Message, response: Response) -> Confirmation:
        answers, used_up = (self._updates, "42022") if _replaces(message) else (self._answers, "42014")
        try:
            return self._confirmed(response, answers, message.target)
        except (Rejected, Unchangeable) as error:
            if message.retried and error.code == used_up:
                return Confirmation(response.status, error.code)  # the try before, whose answer was lost, used it up
            raise

    def _confirmed(self, response: Response, answers: Answers, target: str) -> Confirmation:
        try:
            body = self._said(response, answers)
        except DeliveryError as error:
            if error.code in TOKEN_CODES:
                raise TokenRefused(error) from None
            raise
        missed, code = Missed(body), body.get("response_code")
        if missed.is_all_of(target):
            raise answers.refusal(response, "0", missed.note, self._nobody)
        named = code if self.updating and isinstance(code, str) else ""
        return Confirmation(response.status, "0", answers.redacted(missed.note), named)

    def _said(self, response: Response, answers: Answers) -> Mapping[str, Any]:
        """What was answered; raises what any code but 0 means."""
        body = answers.body(response)
        code, text = code_of(body, "errcode"), body.get("errmsg")
        if code == "81013":
            raise answers.refusal(response, code, Missed(body).note or text, self._nobody)
        answers.judge(response, code, text)
        return body

    def _shown(self, person: Mention, plain: bool) -> str:
        """Only a group chat has pings, for those with a userid; the names of all others are words."""
        if person.wecom and self.settings.chat_id:
            return "" if plain else f"<@{person.wecom}>"
        return f"@{person.name}" if plain else self.escape(f"@{person.name}")

    def _lists(self, mentions: Mentions) -> dict[str, list[str]]:
        """A group chat's texts have a list of userids."""
        users = [person.wecom for person in mentions.people if person.wecom]
        listed = [*users, "@all"] if mentions.everyone else users
        return {"mentioned_list": listed} if listed and self.settings.chat_id else {}


def _replaces(message: Message) -> bool:
    """Whether `message` is a card that takes the place of another."""
    return bool(message.updates) and "template_card" in orjson.loads(message.content)


def _last(card: Mapping[str, Any]) -> dict[str, Any]:
    """`card` without what makes it updatable: that is possible once."""
    return {name: part for name, part in card.items() if name not in ("task_id", "action_menu")}
