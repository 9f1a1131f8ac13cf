"""What a DingTalk app's messages must hold: the robot's msgKey table, and the types of a work notice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, rows_of, text_of

_CARD = ("title", "text")


def _numbered(names: tuple[str, str], count: int) -> tuple[str, ...]:
    return tuple(f"{name}{number}" for number in range(1, count + 1) for name in names)


_KEYS: dict[str, tuple[str, ...]] = {
    "sampleText": ("content",),
    "sampleMarkdown": _CARD,
    "sampleLink": ("text", "title", "picUrl", "messageUrl"),
    "sampleActionCard": (*_CARD, "singleTitle", "singleURL"),
    **{f"sampleActionCard{n}": (*_CARD, *_numbered(("actionTitle", "actionURL"), n)) for n in (2, 3, 4, 5)},
    "sampleActionCard6": (*_CARD, *_numbered(("buttonTitle", "buttonUrl"), 2)),
    "sampleImageMsg": ("photoURL",),
    "sampleAudio": ("mediaId", "duration"),
    "sampleFile": ("mediaId", "fileName", "fileType"),
    "sampleVideo": ("duration", "videoMediaId", "videoType", "picMediaId"),
}
_OPTIONAL = ("picUrl",)
_BUTTON = re.compile(r"(?:action|button)Title(\d)|single(Title)")
_NOTICE: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "link": ("messageUrl", "picUrl", "title", "text"),
    "action_card": ("title", "markdown", "single_title", "single_url", "btn_orientation", "btn_json_list"),
    "oa": ("message_url", "pc_message_url", "head", "body", "status_bar"),
    "image": ("media_id",),
    "file": ("media_id",),
    "voice": ("media_id", "duration"),
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "link": ("messageUrl", "picUrl", "title", "text"),
    "action_card": ("title", "markdown"),
    "oa": ("message_url",),
    "image": ("media_id",),
    "file": ("media_id",),
    "voice": ("media_id", "duration"),
}


def read_msg_param(key: str, param: Any, note: Note) -> Content:
    """The robot's message. Raises Refused (HTTP 400)."""
    if key not in _KEYS:
        raise Refused("invalidParameter.msgKey.invalid", "msgKey不合法", 400)
    if not isinstance(param, dict):
        raise _invalid("不是JSON对象")
    for name in _KEYS[key]:
        if name not in _OPTIONAL and not text_of(param.get(name)).strip():
            raise _invalid(f"缺少{name}")
    only(param, _KEYS[key], "msgParam.", note)
    return Content(key, text_of(param.get("title")), tuple(_param_parts(key, param)))


def _invalid(why: str) -> Refused:
    return Refused("invalidParameter.msgParam.invalid", f"msgParam{why}", 400)


def _param_parts(key: str, param: Mapping[str, str]) -> list[Part]:
    if key == "sampleText":
        return [Part(param["content"])]
    if key == "sampleLink":
        return [Part(param["text"], url=param["messageUrl"])]
    if "text" in param:
        buttons = [name for name in _KEYS[key] if _BUTTON.fullmatch(name)]
        return [Part(param["text"], Dialect.DINGTALK), *(Part(param[name], url=_goal(param, name)) for name in buttons)]
    return [Part(next(iter(param.values())), Dialect.IMAGE)]


def _goal(param: Mapping[str, str], name: str) -> str:
    return param.get(name.replace("Title", "URL")) or param[name.replace("Title", "Url")]


def read_notice(msg: Mapping[str, Any], note: Note) -> Content:
    """A work notice, snake_case throughout. Raises Refused 40035."""
    msgtype = text_of(msg.get("msgtype"))
    if msgtype not in _NOTICE:
        raise Refused(40035, "不合法的参数 msg.msgtype")
    only(msg, ("msgtype", msgtype), "msg.", note)
    block = msg.get(msgtype)
    if not isinstance(block, dict):
        raise _missing(f"msg.{msgtype}")
    for name in _NEEDED[msgtype]:
        if not text_of(block.get(name)).strip():
            raise _missing(f"msg.{msgtype}.{name}")
    only(block, _NOTICE[msgtype], f"msg.{msgtype}.", note)
    read = {"action_card": _action_card, "oa": _oa}.get(msgtype, _worded)
    return Content(msgtype, text_of(block.get("title")) or _oa_title(block), tuple(read(msgtype, block, note)))


def _missing(name: str) -> Refused:
    return Refused(40035, f"缺少参数 {name}")


def _worded(msgtype: str, block: Mapping[str, Any], _: Note) -> list[Part]:
    if msgtype == "text":
        return [Part(block["content"])]
    if msgtype == "link":
        return [Part(block["text"], url=block["messageUrl"])]
    if msgtype == "markdown":
        return [Part(block["text"], Dialect.DINGTALK)]
    return [Part(f"{msgtype} {block['media_id']}", Dialect.IMAGE)]


def _action_card(_: str, block: Mapping[str, Any], note: Note) -> list[Part]:
    text = Part(block["markdown"], Dialect.DINGTALK)
    if text_of(block.get("single_title")) and text_of(block.get("single_url")):
        return [text, Part(block["single_title"], url=block["single_url"])]
    rows = _rows(block.get("btn_json_list"), "msg.action_card.btn_json_list")
    if not rows:
        raise _missing("msg.action_card.btn_json_list")
    for row in rows:
        only(row, ("title", "action_url"), "msg.action_card.btn_json_list[].", note)
        if not text_of(row.get("title")) or not text_of(row.get("action_url")):
            raise _missing("msg.action_card.btn_json_list.title/action_url")
    return [text, *(Part(row["title"], url=row["action_url"]) for row in rows)]


def _rows(value: Any, where: str) -> list[dict[str, Any]]:
    try:
        return rows_of(value)
    except ValueError:
        raise _missing(where) from None


def _oa_title(block: Mapping[str, Any]) -> str:
    body = block.get("body")
    return text_of(body.get("title")) if isinstance(body, dict) else ""


def _oa(_: str, block: Mapping[str, Any], note: Note) -> list[Part]:
    head, body = block.get("head"), block.get("body")
    if not isinstance(head, dict) or not re.fullmatch(r"[0-9A-Fa-f]{8}", text_of(head.get("bgcolor"))):
        raise _missing("msg.oa.head.bgcolor")
    if not isinstance(body, dict):
        raise _missing("msg.oa.body")
    rows = _rows(body.get("form"), "msg.oa.body.form")
    if len(rows) > 6:
        note("msg.oa.body.form over 6 rows; the rest is not shown")
    lines = [Part(f"{text_of(row.get('key'))}{text_of(row.get('value'))}") for row in rows[:6]]
    return [*lines, Part(text_of(body.get("content"))), Part("›", url=block["message_url"])]
