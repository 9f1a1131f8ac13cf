"""What a DingTalk app's robot sends by the new family: to people in batches and to groups, and taking it back."""

from __future__ import annotations

import json

from receiver.sandbox.app_platform import AppCall
from receiver.sandbox.apps import Sent
from receiver.sandbox.dingtalk_app_types import read_msg_param
from receiver.sandbox.ledger import Content
from receiver.sandbox.wire import Answer, Refused, as_json, only, size, text_of

_MOST_USERS = 20
_MOST_KEYS = 20
_GROUP_BYTES = 15_000
_DAY = 86400.0


class RobotMessages(AppCall):
    """One call of the robot of an app whose token was found good. Refusals are HTTP 400."""

    def act(self, step: str) -> Answer:
        """The answer to the call. Raises Refused."""
        steps = {"send": self._send, "chat": self._post, "recall": self._recall, "recall_chat": self._recall_post}
        return steps[step]()

    def _send(self) -> Answer:
        only(self.body, ("robotCode", "userIds", "msgKey", "msgParam"), "", self.note)
        self._check_robot()
        users = self._users()
        content = self._content()
        known = [who for who in users if self.app.knows("users", who)]
        held_back = [who for who in known if self.app.lists("flow_controlled", who)]
        key = self._show(content, [who for who in known if who not in held_back])
        invalid = [who for who in users if who not in known]
        answer = {"processQueryKey": key, "invalidStaffIdList": invalid, "flowControlledStaffIdList": held_back}
        return as_json(answer)

    def _post(self) -> Answer:
        only(self.body, ("robotCode", "openConversationId", "msgKey", "msgParam", "coolAppCode"), "", self.note)
        self._check_robot()
        chat = self._conversation()
        if size(text_of(self.body.get("msgParam"))) > _GROUP_BYTES:
            raise _no("invalidParameter.msgParam.tooLong", f"msgParam超过{_GROUP_BYTES}字节")
        return as_json({"processQueryKey": self._show(self._content(), [chat])})

    def _check_robot(self) -> None:
        code = self.body.get("robotCode")
        if not isinstance(code, str) or not code:
            raise _no("invalidParameter.robotCode.empty", "robotCode为空")
        if self.app.robot_code not in (None, code):
            raise _no("invalidParameter.robotCode.notExist", "robotCode不存在")

    def _users(self) -> list[str]:
        users = self.body.get("userIds")
        if not users:
            raise _no("invalidParameter.userIds.empty", "userIds为空")
        if not isinstance(users, list) or not all(isinstance(who, str) and who for who in users):
            raise _no("invalidParameter.userIds.invalid", "userIds不合法")
        if len(users) > _MOST_USERS:
            raise _no("invalidParameter.userIds.overMax", f"userIds超过{_MOST_USERS}个")
        if len(set(users)) < len(users):
            self.note("an id is given twice in userIds")
        return list(dict.fromkeys(users))

    def _conversation(self) -> str:
        chat = self.body.get("openConversationId")
        if not isinstance(chat, str) or not chat:
            raise _no("miss.param.openConversationId", "缺少参数：openConversationId")
        if not self.app.knows("conversations", chat):
            raise _no("invalid.openConversationId", "openConversationId不合法")
        return chat

    def _content(self) -> Content:
        key, param = self.body.get("msgKey"), self.body.get("msgParam")
        if not isinstance(param, str):
            raise _no("invalidParameter.msgParam.invalid", "msgParam不是JSON字符串")
        try:
            value = json.loads(param)
        except (ValueError, RecursionError):
            raise _no("invalidParameter.msgParam.invalid", "msgParam不是JSON字符串") from None
        return read_msg_param(text_of(key), value, self.note)

    def _show(self, content: Content, to: list[str]) -> str:
        self.app.numbers += 1
        key = f"pqk{self.app.numbers:08d}"
        sent = Sent(0, self.call.at)
        if to:
            answer = as_json({"processQueryKey": key})
            posted = self.platform.ledger.post(self.app, self.call.at, content, self.call.body, answer.body, tuple(to))
            sent.number = posted.id
        self.app.sent[key] = sent
        return key

    def _recall(self) -> Answer:
        only(self.body, ("robotCode", "processQueryKeys"), "", self.note)
        return self._take_back()

    def _recall_post(self) -> Answer:
        only(self.body, ("robotCode", "openConversationId", "processQueryKeys"), "", self.note)
        self._conversation()
        return self._take_back()

    def _take_back(self) -> Answer:
        self._check_robot()
        keys = self.body.get("processQueryKeys")
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
            raise _no("miss.param.processQueryKeys", "缺少参数：processQueryKeys")
        if len(keys) > _MOST_KEYS:
            raise _no("invalidParameter.processQueryKeys.overMax", f"processQueryKeys超过{_MOST_KEYS}个")
        failed = {key: "消息不存在或已超过24小时" for key in keys if not self._recallable(key)}
        for key in keys:
            if key not in failed:
                self.platform.ledger.recall(self.app.sent[key].number, self.call.at)
        return as_json({"successResult": [key for key in keys if key not in failed], "failedResult": failed})

    def _recallable(self, key: str) -> bool:
        sent = self.app.sent.get(key)
        return sent is not None and self.call.at - sent.at <= _DAY


def _no(code: str, why: str) -> Refused:
    return Refused(code, why, 400)
