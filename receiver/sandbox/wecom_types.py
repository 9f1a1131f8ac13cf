"""What each msgtype of a WeCom robot must hold, and who it pings (developer.work.weixin.qq.com, document 91770)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.robots import Media
from receiver.sandbox.wecom_card import read_card
from receiver.sandbox.wire import Note, Refused, only, size, text_of

_AT = re.compile(r"<@\s*([0-9A-Za-z_.@-]{1,64})\s*>")
_FIELDS = {
    "text": ("content", "mentioned_list", "mentioned_mobile_list"),
    "markdown": ("content",),
    "markdown_v2": ("content",),
    "image": ("base64", "md5"),
    "news": ("articles",),
    "file": ("media_id",),
    "voice": ("media_id",),
}
_DIALECTS = {"text": Dialect.WECOM_TEXT, "markdown": Dialect.WECOM, "markdown_v2": Dialect.WECOM_V2}


def pings(text: str) -> tuple[str, ...]:
    """The userids that `<@userid>` in a text or markdown pings, `all` for `<@all>`."""
    return tuple(_everybody(found) for found in _AT.findall(text))


def _everybody(userid: str) -> str:
    return "all" if userid.lower() in ("@all", "all") else userid


def read_content(
    msgtype: str, body: Mapping[str, Any], limits: Mapping[str, int], media: Mapping[str, Media], note: Note
) -> Content:
    """The message in `body`. Raises Refused in the provider's order: empty, too long, against the type's rules."""
    block = body.get(msgtype)
    if block is None:
        raise Refused(44004, "empty content")
    if not isinstance(block, dict):
        raise _bad(f"{msgtype} invalid type.")
    if msgtype == "template_card":
        return read_card(block, media, note)
    only(block, _FIELDS[msgtype], f"{msgtype}.", note)
    if msgtype in _DIALECTS:
        return _worded(msgtype, block, limits[msgtype])
    if msgtype == "image":
        return _image(block)
    if msgtype == "news":
        return _news(block, note)
    return _media(msgtype, block, media)


def _bad(what: str) -> Refused:
    return Refused(40058, f"{what} invalid Request Parameter")


def _worded(msgtype: str, block: Mapping[str, Any], limit: int) -> Content:
    text = block.get("content", "")
    if not isinstance(text, str):
        raise _bad(f"{msgtype}.content invalid type.")
    if not text.strip():
        raise Refused(44004, "empty content")
    if size(text) > limit:
        raise _bad(f"{msgtype}.content exceed max length {limit}.")
    listed = tuple(who for name in ("mentioned_list", "mentioned_mobile_list") for who in _listed(msgtype, block, name))
    mentions = () if msgtype == "markdown_v2" else pings(text) + listed
    return Content(msgtype, parts=(Part(text, _DIALECTS[msgtype]),), mentions=mentions)


def _listed(msgtype: str, block: Mapping[str, Any], name: str) -> list[str]:
    names = block.get(name, []) if msgtype == "text" else []
    if not isinstance(names, list) or not all(isinstance(who, str) for who in names):
        raise _bad(f"text.{name} invalid type.")
    return [_everybody(who) for who in names]


def _image(block: Mapping[str, Any]) -> Content:
    encoded = text_of(block.get("base64"))
    if not encoded:
        raise Refused(44004, "empty content")
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _bad("image.base64 invalid.") from None
    if len(data) > 2 * 1024**2:
        raise Refused(40009, "invalid image size")
    if not data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        raise _bad("image.base64 not a jpg or png.")
    if text_of(block.get("md5")).lower() != hashlib.md5(data, usedforsecurity=False).hexdigest():
        raise _bad("image.md5 mismatch.")
    return Content("image", parts=(Part(f"image, {len(data)} B", Dialect.IMAGE),))


def _news(block: Mapping[str, Any], note: Note) -> Content:
    articles = block.get("articles")
    if not isinstance(articles, list) or not all(isinstance(article, dict) for article in articles):
        raise _bad("news.articles invalid type.")
    if not 1 <= len(articles) <= 8:
        raise Refused(45008, "article count out of limit")
    parts: list[Part] = []
    for article in articles:
        only(article, ("title", "description", "url", "picurl"), "news.articles[].", note)
        parts += _article(article, note)
    return Content("news", title=text_of(articles[0].get("title")), parts=tuple(parts))


def _article(article: Mapping[str, Any], note: Note) -> list[Part]:
    title, url = text_of(article.get("title")), text_of(article.get("url"))
    description = text_of(article.get("description"))
    if not title or not url:
        raise _bad("news.articles.title or url missing.")
    for name, text, limit in (("title", title, 128), ("description", description, 512)):
        if size(text) > limit:
            note(f"news {name} over {limit} bytes is cut silently")
    return [Part(title, url=url), *([Part(description)] if description else [])]


def _media(msgtype: str, block: Mapping[str, Any], media: Mapping[str, Media]) -> Content:
    media_id = text_of(block.get("media_id"))
    if not media_id:
        raise Refused(44004, "empty content")
    if media_id not in media:
        raise Refused(40007, "invalid media_id")
    return Content(msgtype, parts=(Part(f"{msgtype} {media[media_id]}", Dialect.IMAGE),))
