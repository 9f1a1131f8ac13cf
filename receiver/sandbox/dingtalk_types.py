"""What each msgtype of a DingTalk robot must hold, and who it pings (open.dingtalk.com, robot-message-type)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, text_of

TYPES = ("text", "link", "markdown", "actionCard", "feedCard")
_FIELDS = {
    "text": ("content",),
    "link": ("title", "text", "messageUrl", "picUrl"),
    "markdown": ("title", "text"),
    "actionCard": ("title", "text", "singleTitle", "singleURL", "btnOrientation", "btns", "hideAvatar"),
    "feedCard": ("links",),
}
_REQUIRED = {
    "text": ("content",),
    "link": ("title", "text", "messageUrl"),
    "markdown": ("title", "text"),
    "actionCard": ("title", "text"),
    "feedCard": (),
}
_MOST_MENTIONS = 50


def read_content(body: Mapping[str, Any], note: Note) -> Content:
    """The message in `body`. Raises Refused 40035 for what is missing."""
    msgtype = body["msgtype"]
    block = body.get(msgtype)
    if not isinstance(block, dict):
        raise _missing(msgtype)
    only(block, _FIELDS[msgtype], f"{msgtype}.", note)
    for name in _REQUIRED[msgtype]:
        if not text_of(block.get(name)).strip():
            raise _missing(f"{msgtype}.{name}")
    read = {"link": _link, "actionCard": _action_card, "feedCard": _feed_card}.get(msgtype, _worded)
    parts = tuple(read(msgtype, block, note))
    return Content(msgtype, text_of(block.get("title")), parts, tuple(_pings(body, _mentionable(msgtype, block))))


def _missing(name: str) -> Refused:
    return Refused(40035, f"缺少参数 {name}")


def _worded(msgtype: str, block: Mapping[str, Any], _: Note) -> list[Part]:
    if msgtype == "text":
        return [Part(block["content"])]
    return [Part(block["text"], Dialect.DINGTALK)]


def _link(_: str, block: Mapping[str, Any], __: Note) -> list[Part]:
    return [Part(block["text"], url=block["messageUrl"])]


def _action_card(_: str, block: Mapping[str, Any], note: Note) -> list[Part]:
    text = Part(block["text"], Dialect.DINGTALK)
    if text_of(block.get("singleTitle")) and text_of(block.get("singleURL")):
        return [text, Part(block["singleTitle"], url=block["singleURL"])]
    return [text, *_rows(block.get("btns"), "actionCard.btns", ("title", "actionURL"), note)]


def _feed_card(_: str, block: Mapping[str, Any], note: Note) -> list[Part]:
    return _rows(block.get("links"), "feedCard.links", ("title", "messageURL", "picURL"), note)


def _rows(rows: Any, where: str, fields: tuple[str, ...], note: Note) -> list[Part]:
    if not isinstance(rows, list) or not rows:
        raise _missing(where)
    parts = []
    for row in rows:
        if not isinstance(row, dict) or not all(text_of(row.get(name)) for name in fields):
            raise _missing(f"{where}.{'/'.join(fields)}")
        only(row, fields, f"{where}[].", note)
        parts.append(Part(row["title"], url=row[fields[1]]))
    return parts


def _mentionable(msgtype: str, block: Mapping[str, Any]) -> str:
    """The text an `at` must also stand in; link and feedCard cannot mention."""
    return text_of(block.get("content" if msgtype == "text" else "text")) if msgtype not in ("link", "feedCard") else ""


def _at(body: Mapping[str, Any]) -> Mapping[str, Any]:
    at = body.get("at")
    return at if isinstance(at, dict) else {}


def _listed(body: Mapping[str, Any]) -> list[str]:
    at = _at(body)
    mobiles = at.get("atMobiles") if body["msgtype"] != "actionCard" else None
    lists = [names for names in (mobiles, at.get("atUserIds")) if isinstance(names, list)]
    return [who for names in lists for who in names if isinstance(who, str) and who]


def _stands_in(who: str, text: str) -> bool:
    return re.search(rf"@{re.escape(who)}(?![0-9A-Za-z_-])", text) is not None


def _pings(body: Mapping[str, Any], text: str) -> list[str]:
    found = [who for who in _listed(body) if _stands_in(who, text)]
    everybody = _at(body).get("isAtAll") in (True, "true") and body["msgtype"] not in ("link", "feedCard")
    return [*found, "all"] if everybody else found


def check_mentions(body: Mapping[str, Any], note: Note) -> None:
    """Note what is in `at` and pings nobody, and what is no list of strings."""
    at, msgtype = _at(body), body["msgtype"]
    only(at, ("atMobiles", "atUserIds", "isAtAll"), "at.", note)
    if "at" in body and not isinstance(body["at"], dict):
        note("at is not an object")
    if at and msgtype in ("link", "feedCard"):
        note(f"a {msgtype} cannot mention")
        return
    text = _mentionable(msgtype, body[msgtype])
    for who in _listed(body):
        if not _stands_in(who, text):
            note(f"{who} is in at but @{who} is not in the text")
    if len(_listed(body)) > _MOST_MENTIONS:
        note(f"more than {_MOST_MENTIONS} mentions")
