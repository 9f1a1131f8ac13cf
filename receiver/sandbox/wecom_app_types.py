"""What each msgtype of a WeCom app must hold (developer.work.weixin.qq.com, documents 90236 and 90248)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wecom_types import pings
from receiver.sandbox.wire import Note, Refused, only, size, text_of

CHAT_TYPES = ("text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown")
"""What appchat/send takes."""
TYPES = (*CHAT_TYPES, "miniprogram_notice", "template_card")
"""What message/send takes; markdown_v2 is for robots only."""

_BYTES = 2048
_FIELDS = {
    "text": ("content",),
    "markdown": ("content",),
    "textcard": ("title", "description", "url", "btntxt"),
    "news": ("articles",),
    "miniprogram_notice": ("appid", "page", "title", "description", "emphasis_first_item", "content_item"),
}
_ARTICLE = ("title", "description", "url", "picurl", "appid", "pagepath")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def read_content(msgtype: str, body: Mapping[str, Any], note: Note, *, chat: bool = False) -> Content:
    """The message in `body`, of any type but template_card; `chat` for a group chat, where it may ping.

    Raises Refused: 44004 empty, 40058 wrong or too long, 40007 media, 40094 an address without a scheme.
    """
    block = body.get(msgtype)
    if block is None:
        raise Refused(44004, "empty content")
    if not isinstance(block, dict):
        raise bad(f"{msgtype} invalid type.")
    read: dict[str, Callable[[Mapping[str, Any], Note, bool], Content]] = {
        "text": _text,
        "markdown": _markdown,
        "textcard": _textcard,
        "news": _news,
        "miniprogram_notice": _notice,
    }
    if msgtype not in read:
        raise Refused(40007, "invalid media_id")  # nothing was uploaded here
    more = ("mentioned_list",) if chat and msgtype == "text" else ()
    only(block, (*_FIELDS[msgtype], *more), f"{msgtype}.", note)
    return read[msgtype](block, note, chat)


def bad(what: str) -> Refused:
    """40058 for `what`."""
    return Refused(40058, f"{what} invalid Request Parameter")


def _worded(block: Mapping[str, Any], msgtype: str) -> str:
    text = block.get("content", "")
    if not isinstance(text, str):
        raise bad(f"{msgtype}.content invalid type.")
    if not text.strip():
        raise Refused(44004, "empty content")
    return text


def _text(block: Mapping[str, Any], note: Note, chat: bool) -> Content:
    text = _worded(block, "text")
    listed = block.get("mentioned_list", []) if chat else []
    if not isinstance(listed, list) or not all(isinstance(who, str) for who in listed):
        raise bad("text.mentioned_list invalid type.")
    if size(text) > _BYTES:
        note(f"text.content over {_BYTES} bytes is cut silently")
        text = text.encode(errors="replace")[:_BYTES].decode(errors="ignore")
    mentions = tuple("all" if who == "@all" else who for who in listed)
    return Content("text", parts=(Part(text, Dialect.WECOM_APP_TEXT),), mentions=mentions)


def _markdown(block: Mapping[str, Any], _: Note, chat: bool) -> Content:
    text = _worded(block, "markdown")
    if size(text) > _BYTES:
        raise bad(f"markdown.content exceed max length {_BYTES}.")
    return Content("markdown", parts=(Part(text, Dialect.WECOM),), mentions=pings(text) if chat else ())


def _textcard(block: Mapping[str, Any], note: Note, chat: bool) -> Content:
    title, text, url = (_needed(block, "textcard", name) for name in ("title", "description", "url"))
    _check_url(url)
    if size(url) > _BYTES:
        raise bad(f"textcard.url exceed max length {_BYTES}.")
    for name, value, most in (("title", title, 128), ("description", text, 512)):
        long, unit = (size(value), "bytes") if chat else (len(value), "characters")
        if long > most:
            note(f"textcard.{name} over {most} {unit} is cut silently")
    button = text_of(block.get("btntxt"))
    if len(button) > 4:
        note("textcard.btntxt over 4 characters is cut silently")
    parts = (Part(text, Dialect.WECOM_TEXTCARD), Part(button or "详情", url=url))
    return Content("textcard", title=title, parts=parts)


def _needed(block: Mapping[str, Any], msgtype: str, name: str) -> str:
    value = text_of(block.get(name))
    if not value.strip():
        raise bad(f"{msgtype}.{name} missing.")
    return value


def _check_url(url: str) -> None:
    if not _URL.fullmatch(url):
        raise Refused(40094, "invalid url, scheme missing")


def _news(block: Mapping[str, Any], note: Note, _: bool) -> Content:
    articles = block.get("articles")
    if not isinstance(articles, list) or not all(isinstance(article, dict) for article in articles):
        raise bad("news.articles invalid type.")
    if not 1 <= len(articles) <= 8:
        raise Refused(45008, "article count out of limit")
    parts = [part for article in articles for part in _article(article, note)]
    return Content("news", title=text_of(articles[0].get("title")), parts=tuple(parts))


def _article(article: Mapping[str, Any], note: Note) -> list[Part]:
    only(article, _ARTICLE, "news.articles[].", note)
    title, url = _needed(article, "news.articles", "title"), text_of(article.get("url"))
    if url:
        _check_url(url)
    elif not (text_of(article.get("appid")) and text_of(article.get("pagepath"))):
        raise bad("news.articles.url missing.")
    text = text_of(article.get("description"))
    for name, value, most in (("title", title, 128), ("description", text, 512)):
        if size(value) > most:
            note(f"news {name} over {most} bytes is cut silently")
    return [Part(title, url=url), *([Part(text)] if text else [])]


def _notice(block: Mapping[str, Any], _: Note, __: bool) -> Content:
    _needed(block, "miniprogram_notice", "appid")
    title, text = _needed(block, "miniprogram_notice", "title"), text_of(block.get("description"))
    return Content("miniprogram_notice", title=title, parts=(Part(title), Part(text)))
