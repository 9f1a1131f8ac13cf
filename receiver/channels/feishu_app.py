"""Feishu's (Lark's) app: cards to people and chats, kept true in place for two weeks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal, Self
from urllib.parse import quote

import orjson
from pydantic import Field, SecretStr, model_validator

from receiver.channels import feishu_codes as codes
from receiver.channels.answers import Answers, Row, code_of, rest, secrets_of
from receiver.channels.apps import App, Pace
from receiver.channels.base import JSON, ChannelSettings, Confirmation, Updating, digest
from receiver.channels.cleaning import wire
from receiver.channels.feishu import Feishu
from receiver.channels.feishu_card import plain_text
from receiver.channels.feishu_receivers import AppId, Receivers
from receiver.channels.tokens import Token, TokenRefused
from receiver.errors import Misconfigured, Throttled, Unreachable
from receiver.http import Client, Request, Response, host_of
from receiver.model import Message
from receiver.settings import Misfit, Rate
from receiver.text import Text

HOST = "https://open.feishu.cn"
"""Lark's users set base_url to https://open.larksuite.com."""
MAX_CARD = 30_000
"""Bytes of a request that carries a card: the documents say 30 KB (im/v1/messages create)."""
MAX_TEXT = 150_000
"""Bytes of a request that carries a text: the documents say 150 KB (im/v1/messages create)."""
TO_ONE = Rate(5, 1.1)
"""5 a second to one user, to one chat, or for one message that is replaced (im/v1/messages create, patch)."""
_ENVELOPE = 1024
"""Bytes kept for the request and the card around its texts, the longest preview and receiver."""

Meaning = Callable[[str, str, int], Row]
"""What a code means, with the text and the HTTP status beside it."""


class FeishuAppSettings(ChannelSettings):
    """`app_id` and `app_secret` as the developer console shows them; `to` names the receivers."""

    kind: Literal["feishu_app"]
    app_id: AppId
    app_secret: SecretStr = Field(min_length=1)
    to: Receivers

    @model_validator(mode="after")
    def _leaves_its_header_alone(self) -> Self:
        if "Authorization" in self.http_config.default_headers():
            raise Misfit((("http_config",), "must not set the header Authorization, in which the app's token goes"))
        return self


class FeishuApp(Feishu, App):
    """A self-built app that posts as its bot."""

    kind = "feishu_app"
    nested = True
    Settings = FeishuAppSettings
    sample: ClassVar = {
        "app_id": "cli_a1b2c3d4e5f6a7b8",
        "app_secret": "0123456789abcdefghijABCDEFGHIJ01",
        "to": {"chat_ids": ["oc_a0553eda9014c201e6969b478895c230"]},
    }
    rates = (Rate(50, 1.1), Rate(1000, 62))
    everyone_refused = codes.EVERYONE_REFUSED
    margin = 1500.0
    """Only with less than 30 minutes left is another token given, while the old one goes on to live."""
    updating = Updating(14 * 86400.0)

    def __init__(self, settings: FeishuAppSettings, client: Client) -> None:
        self._base = settings.base_url or HOST
        self._secret = settings.app_secret.get_secret_value()
        self._credential = digest(self.kind, host_of(self._base), settings.app_id, self._secret)
        self._targets = tuple(settings.to.targets())
        self._longest = max(self._targets, key=lambda target: len(orjson.loads(target)["receive_id"]))
        super().__init__(settings, client)
        self._answers = Answers("Feishu", codes.CODES, {*secrets_of(settings)}, self._tokens.known)

    @property
    def credential(self) -> str:
        """Shared by all channels of the same app on the same host."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The app's id and its secret."""
        return self.settings.app_id, self._secret

    @property
    def targets(self) -> tuple[str, ...]:
        """Every receiver by itself: a call has one."""
        return self._targets

    def room(self, plain: bool) -> int:
        """What is left of the request beside all that is not title, body, mentions or extras."""
        return MAX_TEXT - _ENVELOPE if plain else MAX_CARD - _ENVELOPE - self._link_weight

    def fill(self, content: bytes) -> tuple[int, int]:
        """The whole request to the receiver with the longest id."""
        said = orjson.loads(content)
        return len(_posted(said, self._longest, "0" * 28)), MAX_TEXT if said["msg_type"] == "text" else MAX_CARD

    def compose(self, text: Text, message_id: str) -> bytes:
        """A card, or a `text` message when plain: type and content, which only the request turns into a string."""
        if text.plain:
            return wire({"msg_type": "text", "content": {"text": plain_text(text)}})
        return wire({"msg_type": "interactive", "content": self.card(text)})

    def build(self, message: Message, now: float) -> Request:
        """A post to the message's target, its id as `uuid`, by which Feishu takes it once within an hour.

        Or the replacement of an earlier card, by a card: a text can replace nothing, and is posted.
        """
        said, url = orjson.loads(message.content), f"{self._base}/open-apis/im/v1/messages"
        if message.updates and said["msg_type"] == "interactive":
            body = wire({"content": wire(said["content"]).decode()})
            return Request(f"{url}/{quote(message.updates, safe='')}", body, JSON, "PATCH")
        sort = orjson.loads(message.target)["receive_id_type"]
        return Request(f"{url}?receive_id_type={sort}", _posted(said, message.target, message.id), JSON)

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post or replace `message` once, when its receiver may get another one."""
        pace = self.client.common(f"pace {self.credential} {message.target}", partial(Pace, TO_ONE))
        await pace.wait()
        request = self.build(message, now)
        return await self.call(request, self.check_update if request.method == "PATCH" else self.check)

    def check(self, response: Response) -> Confirmation:
        """Sent if and only if `code` is 0. A card has a provider_id; nothing else can be replaced."""
        data = self._answered(response, self._of_a_post).get("data")
        card = data if isinstance(data, Mapping) and data.get("msg_type") == "interactive" else {}
        named = _text(card.get("message_id"))
        return Confirmation(response.status, "0", provider_id=named if len(named) <= 128 else "")

    def check_update(self, response: Response) -> Confirmation:
        """The confirmation that a card was replaced; Unchangeable when it cannot be, but could be posted anew."""
        self._answered(response, codes.of_an_update)
        return Confirmation(response.status, "0")

    def _of_a_post(self, code: str, said: str, status: int) -> Row:
        """Who cannot be reached alone makes a channel useless."""
        row = codes.of_a_post(code, said, status)
        return replace(row, error=Misconfigured) if row.error is Unreachable and len(self._targets) == 1 else row

    def _answered(self, response: Response, meaning: Meaning) -> Mapping[str, Any]:
        """The body of a good answer; raises what another one means, whatever its HTTP status."""
        body = self._answers.body(response)
        code, said = code_of(body, "code"), _text(body.get("msg"))
        if code is None or code == "0":
            self._answers.judge(response, code, said)
            return body
        row = meaning(code, said, response.status)
        if row.error is Throttled:
            asked = rest(response)
            row = row if asked is None else replace(row, wait=asked)
        error = self._answers.refusal(response, codes.full(code, said), said, row)
        raise TokenRefused(error) if row is codes.AUTH.get(code) else error

    def token_request(self) -> Request:
        """A token of the tenant for a self-built app."""
        body = wire({"app_id": self.settings.app_id, "app_secret": self._secret})
        return Request(f"{self._base}/open-apis/auth/v3/tenant_access_token/internal", body, JSON)

    def read_token(self, response: Response) -> Token:
        """The token and the seconds it has left; HTTP is 200 even if there is none (tenant_access_token/internal)."""
        body = self._answered(response, codes.of_a_token)
        expire = body.get("expire")
        return Token(_text(body.get("tenant_access_token")), float(expire) if isinstance(expire, int) else 0.0)

    def carrying(self, request: Request, token: str) -> Request:
        """The token as bearer of the call."""
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})


def _posted(said: Mapping[str, Any], target: str, uuid: str) -> bytes:
    receiver, content = orjson.loads(target)["receive_id"], wire(said["content"]).decode()
    return wire({"receive_id": receiver, "msg_type": said["msg_type"], "content": content, "uuid": uuid})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
