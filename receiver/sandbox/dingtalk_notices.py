"""DingTalk's work notices (old family): queued, and then perhaps dropped without a word."""

from __future__ import annotations

import json
from typing import Any

from receiver.sandbox.app_platform import AppCall, AppPlatform
from receiver.sandbox.apps import App, Memory, Sent
from receiver.sandbox.dingtalk_app_types import read_notice
from receiver.sandbox.robots import shanghai
from receiver.sandbox.wire import Call, Refused, as_json, only

_DAY = 86400.0
_MSG_BYTES = 2048
_MOST_USERS, _MOST_DEPARTMENTS = 100, 20
_A_DAY = 500
_TO_ALL_A_DAY = 3
_EVERYBODY = "@all"
_TWICE, _TOO_MANY = "143106", "143105"
_FIRST_TASK = 256271667526


class Notices(AppCall):
    """One call of an app whose token was found good."""

    def __init__(self, platform: AppPlatform, app: App, call: Call, body: dict[str, Any]) -> None:
        super().__init__(platform, app, call, body)
        self.forbidden: dict[str, str] = {}

    def act(self, step: str) -> dict[str, Any]:
        """What is answered beside errcode and request_id. Raises Refused."""
        return {"notice": self._send, "result": self._result, "recall_notice": self._recall}[step]()

    def _send(self) -> dict[str, Any]:
        only(self.body, ("agent_id", "userid_list", "dept_id_list", "to_all_user", "msg"), "", self.note)
        self._check_agent()
        users = self._listed("userid_list", _MOST_USERS)
        departments = self._listed("dept_id_list", _MOST_DEPARTMENTS)
        everybody = self._to_all()
        if not (users or departments or everybody):
            raise Refused(40035, "缺少参数 userid_list or dept_id_list")
        content = read_notice(self._msg(users), self.note)
        good = [who for who in users if self.app.knows("users", who)]
        rooms = [room for room in departments if self.app.knows("departments", room)]
        reached = [_EVERYBODY] if everybody else good + rooms
        if not reached:
            raise Refused(33012, "无效的USERID")
        kept = self.platform.sift(self.app, self.call, reached, self._silent)
        task = _FIRST_TASK + self.app.numbers
        self.app.numbers += 1
        sent = Sent(0, self.call.at, facts=self._facts(users, departments, kept))
        if kept:
            raw, answer = self.call.body, as_json({"errcode": 0, "task_id": task}).body
            sent.number = self.platform.ledger.post(self.app, self.call.at, content, raw, answer, tuple(kept)).id
        self.app.sent[f"task/{task}"] = sent
        return {"task_id": task}

    def _check_agent(self) -> None:
        given = self.body.get("agent_id")
        if isinstance(given, str) and given.isdecimal():
            self.note("agent_id is a string; the documents say number")
            given = int(given)
        if not isinstance(given, int) or isinstance(given, bool):
            raise Refused(40035, "缺少参数 agent_id")
        if self.app.agent_id not in (None, given):
            raise Refused(40056, "不合法的agentid")

    def _listed(self, name: str, most: int) -> list[str]:
        joined = self.body.get(name, "")
        if not isinstance(joined, str):
            raise Refused(40035, f"不合法的参数 {name}")
        ids = [who.strip() for who in joined.split(",")] if joined else []
        if not all(ids):
            self.note(f"an empty id in {name}")
        if len(ids) > most:
            raise Refused(40031, f"{name} 超过 {most} 个")
        return list(dict.fromkeys(filter(None, ids)))

    def _to_all(self) -> bool:
        given = self.body.get("to_all_user", False)
        if not isinstance(given, bool):
            raise Refused(40035, "不合法的参数 to_all_user")
        return given

    def _msg(self, users: list[str]) -> dict[str, Any]:
        msg = self.body.get("msg")
        if not isinstance(msg, dict):
            raise Refused(40035, "缺少参数 msg")
        if len(self._content_key.encode(errors="replace")) > _MSG_BYTES:
            raise Refused(40035, f"msg 超过 {_MSG_BYTES} 字节")
        oa = msg.get("oa")
        if isinstance(oa, dict) and "status_bar" in oa and len(users) > 5:
            raise Refused(40035, "status_bar 只支持 5 个用户")
        return msg

    @property
    def _content_key(self) -> str:
        return json.dumps(self.body.get("msg"), ensure_ascii=False, separators=(",", ":"))

    def _silent(self, who: str) -> str | None:
        """Why DingTalk drops this message to `who` without a word; None if it does not."""
        day = shanghai(self.call.at).strftime("%Y-%m-%d")
        said: Memory = self.app.said
        key, counted = f"{day}/{who}/{self._content_key}", f"{day}/{who}"
        most = _TO_ALL_A_DAY if who == _EVERYBODY else _A_DAY
        if key in said:
            self.forbidden[who] = _TWICE
            return f"the same content twice a day ({_TWICE})"
        if said.get(counted, 0) >= most:
            self.forbidden[who] = _TOO_MANY
            return f"over {most} notices a day ({_TOO_MANY})"
        said[key] = True
        said[counted] = said.get(counted, 0) + 1
        return None

    def _facts(self, users: list[str], departments: list[str], kept: list[str]) -> dict[str, Any]:
        forbidden = [{"code": code, "count": 1, "userid": who} for who, code in self.forbidden.items()]
        return {
            "invalid_user_id_list": [who for who in users if not self.app.knows("users", who)],
            "forbidden_user_id_list": [who for who in self.forbidden if who in users],
            "failed_user_id_list": [],
            "read_user_id_list": [],
            "unread_user_id_list": [who for who in kept if who in users],
            "invalid_dept_id_list": [room for room in departments if not self.app.knows("departments", room)],
            "forbidden_list": forbidden,
        }

    def _result(self) -> dict[str, Any]:
        only(self.body, ("agent_id", "task_id"), "", self.note)
        return {"send_result": self._task("task_id").facts, "errmsg": "ok"}

    def _recall(self) -> dict[str, Any]:
        only(self.body, ("agent_id", "msg_task_id"), "", self.note)
        self.platform.ledger.recall(self._task("msg_task_id").number, self.call.at)
        return {"errmsg": "ok"}

    def _task(self, name: str) -> Sent:
        self._check_agent()
        given = self.body.get(name)
        if not isinstance(given, int) or isinstance(given, bool):
            raise Refused(40035, f"缺少参数 {name}")
        sent = self.app.sent.get(f"task/{given}")
        if not isinstance(sent, Sent) or self.call.at - sent.at > _DAY:
            raise Refused(400002, f"不合法的参数 {name}")
        return sent
