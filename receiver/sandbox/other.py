"""A provider whose kind nobody has written a stand-in for: it takes whatever comes and says yes."""

from __future__ import annotations

from receiver.sandbox.webhook import content_of
from receiver.sandbox.wire import Answer, Call, Platform, as_json

_YES = {"ok": True, "errcode": 0, "errmsg": "ok", "code": 0, "msg": "ok"}
"""Success in the words of most APIs."""


class Other(Platform):
    """Any provider at /other/NAME and below: 404 for a name nobody registered. It is not strict; nothing is checked."""

    kind = "other"
    prefix = "/other/"

    def credential(self, call: Call) -> str:
        return call.path.removeprefix(self.prefix).partition("/")[0]

    def answer(self, call: Call) -> Answer:
        robot = self.robot(call)
        if not robot.known:
            return as_json({"error": "not found"}, 404)
        return self.show(robot, call, content_of(call.body), as_json(_YES))
