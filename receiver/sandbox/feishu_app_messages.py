"""What a Feishu app does with its token: post messages, replace cards in place, edit, recall, reply."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from receiver.sandbox.app_platform import AppCall, AppPlatform
from receiver.sandbox.apps import App, Sent, Windows
from receiver.sandbox.feishu_app_types import TYPES, Written, check_size, read_content, wrong
from receiver.sandbox.wire import Answer, Call, Refused, as_json, only, text_of

_HOUR = 3600.0
_FORTNIGHT = 14 * 86400.0
_FIVE = ((5, 1.0),)
_MOST_EDITS = 20
_SORTS = {
    "open_id": ("open_ids", "ou_"),
    "user_id": ("user_ids", ""),
    "union_id": ("union_ids", "on_"),
    "email": ("emails", ""),
    "chat_id": ("chat_ids", "oc_"),
}
_RATE = "This operation triggers the frequency limit."


class FeishuMessages(AppCall):
    """One call of an app whose token was found good. Refusals are HTTP 400."""

    def __init__(self, platform: AppPlatform, chats: Windows, app: App, call: Call, body: dict[str, Any]) -> None:
        super().__init__(platform, app, call, body)
        self.chats = chats

    def act(self, step: str, message: str) -> Answer:
        """The answer to the call on `message` (its id, where the path names one). Raises Refused."""
        if step == "send":
            return self._send()
        acts = {"update": self._update, "edit": self._edit, "recall": self._recall, "reply": self._reply}
        return acts[step](message)

    def _send(self) -> Answer:
        only(self.body, ("receive_id", "msg_type", "content", "uuid"), "", self.note)
        id_type = self.call.query.get("receive_id_type", "")
        if id_type not in _SORTS:
            raise wrong("receive_id_type is invalid")
        who = text_of(self.body.get("receive_id"))
        if not who:
            raise wrong("receive_id is empty")
        written = self._written(self._msg_type(TYPES))
        self._check_receiver(id_type, who)
        chat = who if id_type == "chat_id" else f"oc_{_digest(self.app.credential + who)}"
        return self._post(written, who, chat)

    def _msg_type(self, types: tuple[str, ...]) -> str:
        msg_type = text_of(self.body.get("msg_type"))
        if msg_type not in types:
            raise wrong("invalid msg_type")
        return msg_type

    def _written(self, msg_type: str) -> Written:
        check_size(msg_type, len(self.call.body), self.platform.options)
        return read_content(msg_type, self.body.get("content"), self.app.at_all, self.note)

    def _check_receiver(self, id_type: str, who: str) -> None:
        sort, prefix = _SORTS[id_type]
        if self.app.lists(sort, who):
            return
        if not who.startswith(prefix) or (id_type == "email" and "@" not in who):
            raise Refused(230034, "The receive_id is invalid.", 400)
        if not self.app.knows(sort, who):
            if id_type == "chat_id":
                raise Refused(230002, "Bot/User can NOT be out of the chat.", 400)
            raise Refused(230013, "Bot has NO availability to this user.", 400)

    def _post(self, written: Written, who: str, chat: str, parent: str = "") -> Answer:
        before = self._said_before(who)
        if before is not None:
            return before
        self._check_pace(who, chat)
        answer = self._answer(f"om_{secrets.token_hex(16)}", chat, parent)
        posted = self.platform.ledger.post(
            self.app, self.call.at, written.content, self.call.body, as_json(answer).body, (who,)
        )
        facts = {"who": who, "chat": chat, "written": written, "answer": answer, "edits": 0}
        self.app.sent[answer["data"]["message_id"]] = Sent(posted.id, self.call.at, facts=facts)
        if self.body.get("uuid"):
            self.app.said[self.body["uuid"]] = (self.call.at, who, self.body.get("content"), as_json(answer))
        return as_json(answer)

    def _said_before(self, who: str) -> Answer | None:
        """The answer to the message that had the same uuid within the hour."""
        uuid = self.body.get("uuid", "")
        if not isinstance(uuid, str) or len(uuid) > 50:
            raise wrong("uuid is longer than 50 characters")
        if uuid not in self.app.said:
            return None
        at, to, content, answer = self.app.said[uuid]
        if self.call.at - at >= _HOUR:
            return None
        if (to, content) != (who, self.body.get("content")):
            self.note("uuid used again for another receiver or content, which is not delivered")
        said: Answer = answer
        return said

    def _check_pace(self, who: str, chat: str) -> None:
        windows, name = (self.chats, chat) if chat == who else (self.app.windows, f"user/{who}")
        if windows.take(name, self.call.at, _FIVE) is not None:
            self.note(f"over 5 messages in 1 s to {who} (230020)")
            raise Refused(230020, _RATE, 400)

    def _answer(self, message: str, chat: str, parent: str) -> dict[str, Any]:
        now = str(int(self.call.at * 1000))
        data = {
            "message_id": message,
            "root_id": parent,
            "parent_id": parent,
            "msg_type": self.body["msg_type"],
            "create_time": now,
            "update_time": now,
            "deleted": False,
            "updated": False,
            "chat_id": chat,
            "sender": {"id": self.app.credential, "id_type": "app_id", "sender_type": "app", "tenant_key": "sandbox"},
            "body": {"content": self.body["content"]},
        }
        return {"code": 0, "msg": "success", "data": data}

    def _own(self, message: str) -> Sent:
        """The app's message with this id. Raises Refused 230001, 230027 or 230011."""
        sent = self.app.sent.get(message)
        if sent is None:
            others = [one for one in self.platform.robots if isinstance(one, App) and message in one.sent]
            raise Refused(230027, "Lack of necessary permissions.", 400) if others else wrong("invalid message_id")
        found: Sent = sent
        if found.recalled:
            raise Refused(230011, "The message was withdrawn.", 400)
        return found

    def _update(self, message: str) -> Answer:
        only(self.body, ("content",), "", self.note)
        sent = self._own(message)
        if sent.facts["written"].content.msgtype != "interactive":
            raise wrong("this message is NOT a card")
        if self.call.at - sent.at > _FORTNIGHT:
            raise Refused(230031, "The message to be updated has expired.", 400)
        written = self._written("interactive")
        for age, card in (("old", sent.facts["written"]), ("new", written)):
            if not card.shared:
                raise Refused(230099, f"Failed to create card content, ext=the {age} card is not update_multi", 400)
            if not card.declared:
                self.note(f"the {age} card does not declare config.update_multi")
        self._check_message_pace(message)
        self._replace(sent, written)
        return as_json({"code": 0, "data": {}, "msg": "ok"})

    def _check_message_pace(self, message: str) -> None:
        if self.app.windows.take(f"message/{message}", self.call.at, _FIVE) is not None:
            self.note("over 5 updates of one message in 1 s (230020)")
            raise Refused(230020, _RATE, 400)

    def _replace(self, sent: Sent, written: Written) -> None:
        sent.facts["written"] = written
        ledger, call = self.platform.ledger, self.call
        if not ledger.update(sent.number, call.at, written.content, call.body):  # it was cleared away: shown once more
            sent.number = ledger.post(self.app, call.at, written.content, call.body, b"{}", (sent.facts["who"],)).id

    def _edit(self, message: str) -> Answer:
        only(self.body, ("msg_type", "content"), "", self.note)
        msg_type = self._msg_type(("text", "post"))
        sent = self._own(message)
        if sent.facts["written"].content.msgtype not in ("text", "post"):
            raise wrong("only text and post can be edited")
        written = self._written(msg_type)
        if sent.facts["edits"] >= _MOST_EDITS:
            raise Refused(230072, "The message has reached the number of times it can be edited.", 400)
        self._check_message_pace(message)
        sent.facts["edits"] += 1
        self._replace(sent, written)
        data = sent.facts["answer"]["data"] | {"update_time": str(int(self.call.at * 1000)), "updated": True}
        return as_json({"code": 0, "msg": "success", "data": data | {"body": {"content": self.body["content"]}}})

    def _recall(self, message: str) -> Answer:
        sent = self._own(message)
        if self.call.at - sent.at > self.platform.options.feishu_recall:
            raise Refused(230026, "No permission to recall this message.", 400)
        sent.recalled = True
        self.platform.ledger.recall(sent.number, self.call.at)
        return as_json({"code": 0, "data": {}, "msg": "success"})

    def _reply(self, message: str) -> Answer:
        only(self.body, ("content", "msg_type", "reply_in_thread", "uuid"), "", self.note)
        written = self._written(self._msg_type(TYPES))
        sent = self._own(message)
        return self._post(written, sent.facts["who"], sent.facts["chat"], parent=message)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
