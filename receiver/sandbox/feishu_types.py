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
_APP_TAGS = {
    "text": ("text", "un_escape", "style"),
    "a": ("text", "href", "un_escape", "style"),
    "at": ("user_id", "user_name", "style"),
    "img": ("image_key", "width", "height"),
    "md": ("text",),
    "hr": (),
    "code_block": ("language", "text"),
    "emotion": ("emoji_type",),
}
_NEEDS = {"a": "href", "at": "user_id", "img": "image_key", "hr": "tag", "emotion": "emoji_type"}
_Tags = Mapping[str, tuple[str, ...]]


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
    return _localized(next(iter(post.values())), note, _TAGS)


def read_app_post(content: Mapping[str, Any], note: Note) -> Content:
    """An app's post: without the wrapper `post`, with more tags and styles. Raises Refused 9499."""
    only(content, _LANGUAGES, "content.", note)
    bodies = [content[language] for language in _LANGUAGES if language in content]
    if not bodies or not all(isinstance(body, dict) for body in bodies):
        raise _bad()
    return _localized(bodies[0], note, _APP_TAGS)


def _bad() -> Refused:
    return Refused(9499, "Bad Request", 400)


def _localized(body: Mapping[str, Any], note: Note, tags: _Tags) -> Content:
    only(body, ("title", "content"), "post body.", note)
    lines = body.get("content")
    if not isinstance(lines, list) or not lines or not all(isinstance(line, list) for line in lines):
        raise _bad()
    parts: list[Part] = []
    mentions: list[str] = []
    for line in lines:
        for element in line:
            _check_element(element, note, tags)
            parts.append(_part(element))
            mentions += _element_pings(element)
    return Content("post", text_of(body.get("title")), tuple(parts), tuple(mentions))


def _check_element(element: Any, note: Note, tags: _Tags) -> None:
    tag = text_of(element.get("tag")) if isinstance(element, dict) else ""
    if tag not in tags or not text_of(element.get(_NEEDS.get(tag, "text"))):
        raise _bad()
    only(element, ("tag", *tags[tag]), f"post {tag}.", note)


def _element_pings(element: Mapping[str, Any]) -> tuple[str, ...]:
    if element["tag"] == "at":
        return ("all" if element["user_id"].lower() == "all" else element["user_id"],)
    return pings(text_of(element.get("text")))


def _part(element: Mapping[str, Any]) -> Part:
    if element["tag"] == "at":
        return Part(f"<at user_id={element['user_id']}>{text_of(element.get('user_name'))}</at>", Dialect.FEISHU_TEXT)
    if element["tag"] == "img":
        return Part(element["image_key"], Dialect.IMAGE)
    if element["tag"] == "hr":
        return Part("", Dialect.RULE)
    text = text_of(element.get("text"))
    if element["tag"] in ("md", "code_block"):
        return Part(text if element["tag"] == "md" else f"```\n{text}\n```", Dialect.FEISHU)
    if element["tag"] == "emotion":
        return Part(f"[{element['emoji_type']}]")
    return Part(text or element["href"], url=element["href"]) if element["tag"] == "a" else Part(text)
