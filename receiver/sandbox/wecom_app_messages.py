"""What a WeCom app does with its token: send, recall and update messages, make group chats and post to them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from receiver.sandbox.app_platform import AppCall
from receiver.sandbox.apps import App, Sent
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wecom_app_card import Card, read_app_card
from receiver.sandbox.wecom_app_types import CHAT_TYPES, TYPES, bad, read_content
from receiver.sandbox.wecom_recipients import Recipients, read_arrays, read_joined
from receiver.sandbox.wire import Answer, Refused, as_json, only, text_of

_DAY = 86400.0
_CODE_LIFE = 3 * _DAY
_MEMBER_LIMITS = ((30, 60.0), (1000, 3600.0))
_CHAT_LIMITS = ((200, 60.0), (10_000, _DAY))
_LONGEST_INTERVAL = 14400
_SAFE = ("text", "image", "video", "file", "mpnews")
_TRANSLATED = ("text", "textcard", "news", "template_card")
_COMMON = ("touser", "toparty", "totag", "msgtype", "agentid", "safe", "enable_id_trans", "enable_duplicate_check",
           "duplicate_check_interval")  # fmt: skip
_TARGETS = ("userids", "partyids", "tagids", "atall", "agentid", "response_code", "button", "template_card")
_OK = {"errcode": 0, "errmsg": "ok"}


class WeComMessages(AppCall):
    """One call of an app whose token was found good."""

    def act(self, step: str) -> Answer:
        """The answer to the call. Raises Refused."""
        steps = {"send": self._send, "recall": self._recall, "update": self._update}
        chats = {"create": self._create_chat, "chat": self._post_to_chat}
        return {**steps, **chats}[step]()

    def _send(self) -> Answer:
        self._check_agent()
        to = read_joined(self.body, self.app, self.note)
        msgtype = self._msgtype(TYPES)
        only(self.body, (*_COMMON, msgtype), "", self.note)
        self._check_switches(msgtype)
        content, card = self._content(msgtype)
        before = self._said_before()
        if before is not None:
            return before
        if not to.reached and not to.unlicensed:
            raise Refused(81013, "user & party & tag all invalid", more=to.answer())
        return self._deliver(to, content, card)

    def _check_agent(self) -> None:
        given = self.body.get("agentid")
        if isinstance(given, str) and given.isdecimal():
            self.note("agentid is a string; the documents say integer")
            given = int(given)
        if not isinstance(given, int) or isinstance(given, bool) or given <= 0:
            raise Refused(40056, "invalid agentid")
        if self.app.agent_id not in (None, given):
            corp = self.platform.robots.of(self.app.kind, self.app.credential)
            if any(isinstance(one, App) and one.agent_id == given for one in corp):
                raise Refused(301002, "not allow operate another agent with this accesstoken")
            raise Refused(40056, "invalid agentid")

    def _msgtype(self, known: tuple[str, ...]) -> str:
        msgtype = self.body.get("msgtype", "")
        if not isinstance(msgtype, str):
            raise bad("msgtype invalid type.")
        if msgtype not in known:
            raise Refused(40008, "invalid message type")
        return msgtype

    def _check_switches(self, msgtype: str) -> None:
        for name in ("safe", "enable_id_trans", "enable_duplicate_check"):
            known = (0, 1, 2) if name == "safe" and msgtype == "mpnews" else (0, 1)
            if self.body.get(name, 0) not in known or isinstance(self.body.get(name), bool):
                raise bad(f"{name} invalid.")
        if self.body.get("safe") and msgtype == "news":
            raise Refused(40074, "invalid safe for news")
        for name, types in (("safe", _SAFE), ("enable_id_trans", _TRANSLATED)):
            if self.body.get(name) and msgtype not in types:
                self.note(f"{name} is not documented for {msgtype}")

    def _content(self, msgtype: str) -> tuple[Content, Card | None]:
        if msgtype != "template_card":
            return read_content(msgtype, self.body, self.note), None
        card = self._card()
        if card.task_id and f"task/{card.task_id}" in self.app.sent:
            raise Refused(42014, "invalid task_id, used before")
        return card.content, card

    def _card(self) -> Card:
        card = read_app_card(self.body.get("template_card"), self.note)
        if card.calls_back and not self.app.callback:
            raise Refused(43012, "callback url not set")
        return card

    def _said_before(self) -> Answer | None:
        if not self.body.get("enable_duplicate_check"):
            return None
        interval = self.body.get("duplicate_check_interval", 1800)
        if not isinstance(interval, int) or isinstance(interval, bool) or interval < 0:
            raise bad("duplicate_check_interval invalid.")
        if interval > _LONGEST_INTERVAL:
            self.note(f"duplicate_check_interval over {_LONGEST_INTERVAL}")
        at, answer = self.app.said.get(self._fingerprint, (float("-inf"), None))
        said: Answer | None = answer
        return said if self.call.at - at < min(interval, _LONGEST_INTERVAL) else None

    @property
    def _fingerprint(self) -> str:
        return json.dumps(self.body, sort_keys=True)

    def _deliver(self, to: Recipients, content: Content, card: Card | None) -> Answer:
        kept = self.platform.sift(self.app, self.call, to.reached, self._over_member_limit)
        msgid = self._number("msg")
        answered = {**_OK, **to.answer(), "unlicenseduser": "|".join(to.unlicensed).lower(), "msgid": msgid}
        sent = Sent(0, self.call.at)
        if card is not None:
            self._keep_card(card, sent, answered)
        answer = as_json(answered)
        if kept:
            sent.number = self._show(content, answer, kept)
        self.app.sent[msgid] = sent
        if self.body.get("enable_duplicate_check"):
            self.app.said[self._fingerprint] = (self.call.at, answer)
        return answer

    def _keep_card(self, card: Card, sent: Sent, answered: dict[str, Any]) -> None:
        if card.task_id:
            self.app.sent[f"task/{card.task_id}"] = sent
        if card.calls_back:
            answered["response_code"] = self._number("code")
            sent.facts = {"content": card.content, "has_buttons": card.has_buttons}
            self.app.sent[f"code/{answered['response_code']}"] = sent

    def _show(self, content: Content, answer: Answer, to: list[str]) -> int:
        ledger = self.platform.ledger
        return ledger.post(self.app, self.call.at, content, self.call.body, answer.body, tuple(to)).id

    def _number(self, what: str) -> str:
        self.app.numbers += 1
        return f"{what}-{self.app.numbers:08d}-{int(self.call.at)}"

    def _over_member_limit(self, who: str) -> str | None:
        over = self.app.windows.take(f"member/{who.lower()}", self.call.at, _MEMBER_LIMITS)
        return f"over {over[0]} messages in {over[1]:g} s" if over else None

    def _recall(self) -> Answer:
        only(self.body, ("msgid",), "", self.note)
        sent = self.app.sent.get(text_of(self.body.get("msgid")))
        if sent is None or self.call.at - sent.at > _DAY:
            raise bad("msgid invalid or older than 24 hours.")
        self.platform.ledger.recall(sent.number, self.call.at)
        return as_json(_OK)

    def _update(self) -> Answer:
        self._check_agent()
        only(self.body, _TARGETS, "", self.note)
        to = read_arrays(self.body, self.app)
        code = text_of(self.body.get("response_code"))
        sent = self.app.sent.get(f"code/{code}")
        if sent is None or self.call.at - sent.at > _CODE_LIFE:
            raise bad("response_code invalid or expired.")
        content = self._updated(sent)
        if sent.facts.get("updated"):
            raise Refused(42022, "response_code has been used")
        if not to.reached:
            raise Refused(81013, "user & party & tag all invalid", more=to.answer())
        sent.facts["updated"] = True
        self.platform.ledger.update(sent.number, self.call.at, content, self.call.body)
        return as_json({**_OK, "invaliduser": to.invalid["users"]})

    def _updated(self, sent: Sent) -> Content:
        if "template_card" in self.body:
            return self._card().content
        button = self.body.get("button")
        name = text_of(button.get("replace_name")) if isinstance(button, Mapping) else ""
        if not name:
            raise bad("button.replace_name or template_card missing.")
        if not sent.facts["has_buttons"]:
            raise bad("button.replace_name for a card without buttons.")
        content: Content = sent.facts["content"]
        return replace(content, parts=(*content.parts, Part(name)))

    def _create_chat(self) -> Answer:
        only(self.body, ("name", "owner", "userlist", "chatid"), "", self.note)
        name, users = self.body.get("name", ""), self.body.get("userlist")
        if not isinstance(name, str) or len(name) > 50:
            raise Refused(86004, "invalid chat name")
        if not isinstance(users, list) or not all(isinstance(who, str) for who in users) or not users:
            raise Refused(86204, "userlist missing")
        if not 2 <= len(set(users)) <= 2000:
            raise Refused(86006, "invalid chat member count")
        if any(not self.app.knows("users", who) for who in users):
            raise Refused(86216, "invalid chat member")
        if self.body.get("owner") and self.body["owner"] not in users:
            raise Refused(86207, "owner not in userlist")
        return self._open_chat(self.body.get("chatid") or self._number("chat").replace("-", ""))

    def _open_chat(self, chat: Any) -> Answer:
        if not isinstance(chat, str) or not re.fullmatch(r"[0-9a-zA-Z]{1,32}", chat):
            raise Refused(86001, "invalid chatid")
        if f"chat/{chat}" in self.app.sent or self.app.lists("chats", chat):
            raise Refused(86215, "chatid exists")
        self.app.sent[f"chat/{chat}"] = Sent(0, self.call.at)
        return as_json({**_OK, "chatid": chat})

    def _post_to_chat(self) -> Answer:
        chat = self.body.get("chatid")
        if not isinstance(chat, str) or not chat:
            raise Refused(86001, "invalid chatid")
        if f"chat/{chat}" not in self.app.sent and not self.app.knows("chats", chat):
            raise Refused(86003, "chatid not exist")
        msgtype = self._msgtype(CHAT_TYPES)
        only(self.body, ("chatid", "msgtype", "safe", msgtype), "", self.note)
        self._check_switches(msgtype)
        content = read_content(msgtype, self.body, self.note, chat=True)
        answer = as_json(_OK)
        if self.platform.sift(self.app, self.call, [chat], self._over_chat_limit):
            self._show(content, answer, [chat])
        return answer

    def _over_chat_limit(self, chat: str) -> str | None:
        over = self.app.windows.take(f"chat/{chat}", self.call.at, _CHAT_LIMITS)
        return f"over {over[0]} messages in {over[1]:g} s" if over else None
