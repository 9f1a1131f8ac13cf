"""Who a Feishu text pings, and what a post must hold (open.feishu.cn, custom bot guide)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, text_of

_AT = re.compile(r"<at\s([^<>]*)>", re.IGNORECASE)
_ID = re.compile(
    r"\b(?:ids?|user_id|open_id|union_id|email)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'/]+))", re.IGNORECASE
)
_LANGUAGES = ("zh_cn", "en_us", "ja_jp", "zh_hk", "zh_tw")
_TAGS = {
    "text": ("text", "un_escape"),
    "a": ("text", "href", "un_escape"),
    "at": ("user_id", "user_name"),
    "img": ("image_key", "width", "height"),
}
_NEEDS = {"text": "text", "a": "href", "at": "user_id", "img": "image_key"}


def pings(text: str) -> tuple[str, ...]:
    """Everybody whom `<at …>` in `text` pings, whatever its case and quoting; `all` for everyone."""
    found: list[str] = []
    for attrs in _AT.findall(text):
        for groups in _ID.findall(attrs):
            found += [who.strip() for who in "".join(groups).split(",") if who.strip()]
    return tuple("all" if who.lower() == "all" else who for who in found)


def read_post(content: Mapping[str, Any], note: Note) -> Content:
    """A post as a message, in its first language. Raises Refused 9499."""
    only(content, ("post",), "content.", note)
    post = content.get("post")
    if not isinstance(post, dict) or not post or not all(isinstance(body, dict) for body in post.values()):
        raise _bad()
    only(post, _LANGUAGES, "content.post.", note)
    return _localized(next(iter(post.values())), note)


def _bad() -> Refused:
    return Refused(9499, "Bad Request", 400)


def _localized(body: Mapping[str, Any], note: Note) -> Content:
    only(body, ("title", "content"), "content.post.zh_cn.", note)
    lines = body.get("content")
    if not isinstance(lines, list) or not lines or not all(isinstance(line, list) for line in lines):
        raise _bad()
    parts: list[Part] = []
    mentions: list[str] = []
    for line in lines:
        for element in line:
            _check_element(element, note)
            parts.append(_part(element))
            mentions += _element_pings(element)
    return Content("post", text_of(body.get("title")), tuple(parts), tuple(mentions))


def _check_element(element: Any, note: Note) -> None:
    tag = text_of(element.get("tag")) if isinstance(element, dict) else ""
    if tag not in _TAGS or not text_of(element.get(_NEEDS[tag])):
        raise _bad()
    only(element, ("tag", *_TAGS[tag]), f"post {tag}.", note)


def _element_pings(element: Mapping[str, Any]) -> tuple[str, ...]:
    if element["tag"] == "at":
        return ("all" if element["user_id"].lower() == "all" else element["user_id"],)
    return pings(text_of(element.get("text")))


def _part(element: Mapping[str, Any]) -> Part:
    if element["tag"] == "at":
        return Part(f"<at user_id={element['user_id']}>{text_of(element.get('user_name'))}</at>", Dialect.FEISHU_TEXT)
    if element["tag"] == "img":
        return Part(element["image_key"], Dialect.IMAGE)
    text = text_of(element.get("text"))
    return Part(text or element["href"], url=element["href"]) if element["tag"] == "a" else Part(text)
