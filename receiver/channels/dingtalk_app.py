"""DingTalk's app: its robot's messages to people and groups, and work notices to people and departments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import orjson

from receiver.channels import dingtalk_messages as messages
from receiver.channels.answers import secrets_of
from receiver.channels.apps import App, Pace
from receiver.channels.base import JSON, Confirmation, digest
from receiver.channels.cleaning import cleaned, fitted, json_bytes, plain, preview, utf8, wire
from receiver.channels.dingtalk import escaped, headed
from receiver.channels.dingtalk_answers import AppAnswers
from receiver.channels.dingtalk_app_settings import DingTalkAppSettings, gets_notice
from receiver.channels.dingtalk_codes import CODES
from receiver.channels.dingtalk_notices import REASONS, Result
from receiver.channels.endpoints import with_query
from receiver.channels.tokens import Token
from receiver.errors import DeliveryError
from receiver.http import Client, Request, Response, host_of
from receiver.model import Message
from receiver.settings import Rate
from receiver.text import Extras, Mentions, Text

__all__ = ["CODES", "REASONS", "DingTalkApp", "DingTalkAppSettings"]

API, OAPI = "https://api.dingtalk.com", "https://oapi.dingtalk.com"
MAX_PARAM = 15000
"""Bytes of a robot's `msgParam` (the-robot-sends-a-group-message)."""
MAX_NOTICE = 2048
"""Bytes of a work notice's `msg` (asyncsend_v2)."""
NAMED = 256
"""Bytes that the names of whom a message mentions may take."""

_TOKEN = "/v1.0/oauth2/accessToken"  # noqa: S105 - a path
_PEOPLE = "/v1.0/robot/oToMessages/batchSend"
_GROUP = "/v1.0/robot/groupMessages/send"
_NOTICES = "/topapi/message/corpconversation/"


class DingTalkApp(App):
    """An internal app of an organisation."""

    kind = "dingtalk_app"
    Settings = DingTalkAppSettings
    sample: ClassVar = {
        "app_key": "ding0123456789abcdef",
        "app_secret": "0" * 64,
        "to": {"users": ["manager4220"]},
    }
    rates = (Rate(20, 1.1),)
    metered = True
    margin = 240.0
    pauses: ClassVar[tuple[float, ...]] = (0.5, 2.0)
    """Seconds before each question for the result of a work notice, as long as nobody is listed."""
    patience: ClassVar[float] = 5.0
    """Seconds that asking may take in all: until it is over, nothing is on record of a notice that was posted."""

    def __init__(self, settings: DingTalkAppSettings, client: Client) -> None:
        self._api, self._oapi = settings.base_url or API, settings.base_url or OAPI
        self._secret = settings.app_secret.get_secret_value()
        hosts = (host_of(self._api), host_of(self._oapi))
        self._credential = digest(self.kind, *hosts, settings.app_key, self._secret)
        self._robot = settings.robot_code or settings.app_key
        self._targets = settings.targets()
        self._notices = any(gets_notice(orjson.loads(target)) for target in self._targets)
        super().__init__(settings, client)
        self._answers = AppAnswers({*secrets_of(settings)}, self._tokens.known, alone=len(self._targets) == 1)
        self._questions = client.common(f"results {self._credential}", partial(Pace, self.rates[0]))
        if settings.format == "action_card":
            self.takes = frozenset({"buttons"})

    @property
    def credential(self) -> str:
        """Shared by all channels of the same app on the same hosts."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The app's key and its secret."""
        return self.settings.app_key, self._secret

    @property
    def announced(self) -> Mapping[str, Any]:
        """The app's numbers beside its key."""
        return {"agent_id": self.settings.agent_id, "robot_code": self._robot}

    @property
    def targets(self) -> tuple[str, ...]:
        """Each conversation by itself, users by twenty, or with departments in the fewest work notices."""
        return self._targets

    @property
    def body_template(self) -> str:
        """The robot's: both show the same markdown."""
        return "dingtalk_robot"

    escape = staticmethod(escaped)

    def room(self, plain: bool) -> int:
        """What is left beside the JSON, the end of a work notice, and a preview that is cut if need be."""
        if plain:
            return self._most - 64
        return self._most - (256 if self._notices else 512)

    @property
    def _most(self) -> int:
        return MAX_NOTICE if self._notices else MAX_PARAM

    def weigh(self, text: str) -> int:
        """DingTalk counts JSON in UTF-8."""
        return json_bytes(text)

    def fill(self, content: bytes) -> tuple[int, int]:
        """The `msg` of a work notice; where there is none, the `msgParam` of the robot."""
        return self._fill(orjson.loads(content)), self._most

    def _fill(self, msg: Mapping[str, Any]) -> int:
        return len(wire(msg)) if self._notices else utf8(messages.by_robot(msg)["msgParam"])

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """The names only: neither the robot's APIs nor notices can mention anybody (groupMessages/send)."""
        return json_bytes(_named(mentions, plain))

    def weigh_extras(self, extras: Extras) -> int:
        """Buttons, or links below the text for those that cannot be."""
        return messages.weigh(extras.buttons)

    def compose(self, text: Text, message_id: str) -> bytes:
        """A markdown, a card if it has buttons, a text when plain: the same for the robot and for work notices.

        DingTalk drops a notice that somebody already had on the same day, and says it was sent (asyncsend_v2). So
        each ends in a word of its own, which a retry repeats.
        """
        end = f"#{message_id[-8:]}" if self._notices else ""
        names = _named(text.mentions, text.plain)
        if text.plain:
            said = plain(f"{text.title}\n{text.body}" if text.title else text.body) or "…"
            return wire(messages.text(said + names + (f"\n{end}" if end else "")))
        return wire(self._marked(text, names, f"\n\n{end}" if end else ""))

    def _marked(self, text: Text, names: str, end: str) -> dict[str, Any]:
        buttons, others = messages.placed(text.extras.buttons, notice=self._notices)
        taken = json_bytes(text.body) + json_bytes(names) + self.weigh_extras(text.extras)
        body = headed(text.title, text.body, self.room(False) - taken) or "…"
        said = body + names + messages.links(others) + end
        left = self._most - self._fill(messages.markdown("", said, buttons))
        return messages.markdown(fitted(preview(text.title), left, json_bytes, cleaned) or "…", said, buttons)

    def build(self, message: Message, now: float) -> Request:
        """The call that reaches the message's target, without its token."""
        target, msg = orjson.loads(message.target), orjson.loads(message.content)
        if gets_notice(target):
            body = {"agent_id": self.settings.agent_id, "to_all_user": False, **target, "msg": msg}
            return Request(f"{self._oapi}{_NOTICES}asyncsend_v2", wire(body), JSON)
        path = _PEOPLE if "userIds" in target else _GROUP
        return Request(self._api + path, wire({"robotCode": self._robot, **target, **messages.by_robot(msg)}), JSON)

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post `message` once. DingTalk only queues work notices: what came of one is asked for."""
        target = orjson.loads(message.target)
        confirmed = await self.call(
            self.build(message, now), lambda response: self._answers.confirmed(response, target)
        )
        if not gets_notice(target) or "to_all_user" in target:  # of more than 100 receivers nothing is told
            return confirmed
        try:
            async with asyncio.timeout(self.patience):
                response = await self._result(confirmed.provider_id)
        except (DeliveryError, TimeoutError):
            return replace(confirmed, note="result unknown")
        return self._answers.followed(confirmed, response, target, message.retried)

    def check(self, response: Response) -> Confirmation:
        """Sent if `errcode` is 0, or the new API answered 2xx with its key."""
        return self._answers.confirmed(response, {})

    async def _result(self, task: str) -> Response:
        """What DingTalk knows of a work notice, asked for again while it knows nothing."""
        body = {"agent_id": self.settings.agent_id, "task_id": int(task or 0)}
        request = Request(f"{self._oapi}{_NOTICES}getsendresult", wire(body), JSON)
        for pause in self.pauses:
            await asyncio.sleep(pause)
            await self._questions.wait()
            response, result = await self.call(request, self._told)
            if result:
                break
        return response

    def _told(self, response: Response) -> tuple[Response, Result]:
        return response, Result.of(self._answers.taken(response))

    def token_request(self) -> Request:
        """The new way, whose token both APIs take."""
        body = wire({"appKey": self.settings.app_key, "appSecret": self._secret})
        return Request(self._api + _TOKEN, body, JSON)

    def read_token(self, response: Response) -> Token:
        """Asked for again within its life, DingTalk gives the same one and lengthens its life."""
        return self._answers.token(response)

    def carrying(self, request: Request, token: str) -> Request:
        """The old API looks for the token in the query, the new one in a header."""
        if request.url.startswith(self._oapi + _NOTICES):
            return replace(request, url=with_query(request.url, access_token=token))
        return replace(request, headers={**request.headers, "x-acs-dingtalk-access-token": token})


def _named(mentions: Mentions, plain: bool) -> str:
    """The names of the people, as far as there is room for them."""
    said = ""
    for person in mentions.people:
        name = f"@{person.name}" if plain else escaped(f"@{person.name}")
        more = f"{said} {name}" if said else f"\n\n{name}"
        if json_bytes(more) > NAMED:
            break
        said = more
    return said
