"""What each provider counts of a request, and how much it allows: from its documents, never from our code."""

from __future__ import annotations

import orjson

_WECOM = {
    ("wecom_robot", "text"): 2048,
    ("wecom_robot", "markdown"): 4096,
    ("wecom_robot", "markdown_v2"): 4096,
    ("wecom_app", "text"): 2048,
    ("wecom_app", "markdown"): 2048,
}
"""UTF-8 bytes of `content` (developer.work.weixin.qq.com 91770, 90236). A card's texts have no limit but advice."""
_BODIES = {"dingtalk_robot": 18_000, "feishu_bot": 20_000, "webhook": 1 << 20}
"""Bytes of the whole body: DingTalk refused more than 20,000 (recorded), Feishu's guide says 20 KB."""
_NOTICE, _GROUP = 2048, 15_000
"""DingTalk's app: bytes of `msg` of a work notice, and of `msgParam` of a robot's message."""
_CARD, _TEXT = 30_000, 150_000
"""Feishu's app: bytes of the request that carries a card, or a text."""


def counted(kind: str, request_body: bytes) -> tuple[int, int] | None:
    """What the provider counts of a request and what it allows; None where no document sets a limit."""
    if kind in _BODIES:
        return len(request_body), _BODIES[kind]
    body = orjson.loads(request_body)
    return {"wecom_robot": _wecom, "wecom_app": _wecom, "dingtalk_app": _dingtalk, "feishu_app": _feishu}.get(
        kind, lambda *_: None
    )(kind, body, len(request_body))


def _wecom(kind, body, _):
    msgtype = body.get("msgtype", "template_card")  # only a card is ever put in the place of another
    if msgtype == "template_card":
        return None
    return len(body[msgtype]["content"].encode()), _WECOM[kind, msgtype]


def _dingtalk(_, body, __):
    if "msg" in body:
        return len(orjson.dumps(body["msg"])), _NOTICE
    return len(body["msgParam"].encode()), _GROUP


def _feishu(_, body, length):
    return length, _TEXT if body.get("msg_type") == "text" else _CARD
