"""What a Feishu app's message must hold: `content` is a JSON-encoded string for every type (im/v1/messages)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from receiver.sandbox.dialects import Dialect
from receiver.sandbox.feishu_card import read_card
from receiver.sandbox.feishu_types import pings, read_app_post
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.robots import Options
from receiver.sandbox.wire import Note, Refused, only, text_of

_KEYS = {
    "image": "image_key",
    "file": "file_key",
    "audio": "file_key",
    "media": "file_key",
    "sticker": "file_key",
    "share_chat": "chat_id",
    "share_user": "user_id",
}
TYPES = ("text", "post", "interactive", *_KEYS)


@dataclass(frozen=True, slots=True)
class Written:
    """What an app wrote. `shared` says that the card may be updated for all; `declared` that it says so itself."""

    content: Content
    shared: bool = False
    declared: bool = False


def check_size(msg_type: str, length: int, options: Options) -> None:
    """Raises Refused 230025 for a request of `length` bytes that is too long for its type."""
    limit = options.feishu_text_limit if msg_type == "text" else options.feishu_card_limit
    if length > limit:
        raise Refused(230025, "The length of the message content reaches its limit.", 400)


def read_content(msg_type: str, content: Any, at_all: bool, note: Note) -> Written:
    """The message in `content`. Raises Refused (HTTP 400): 230001 for a wrong parameter, 230099 for a wrong card."""
    if not isinstance(content, str):
        raise wrong("content is not a string in json format")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise wrong("content is not a string in json format") from None
    if not isinstance(value, dict):
        raise wrong("content is not a json object")
    if msg_type == "interactive":
        return _card(value, at_all, note)
    read: dict[str, Callable[[Mapping[str, Any], Note], Content]] = {"text": _text, "post": _post}
    if msg_type in read:
        return Written(read[msg_type](value, note))
    return Written(_keyed(msg_type, value, note))


def wrong(what: str) -> Refused:
    """230001: `what` is wrong with a parameter."""
    return Refused(230001, f"Your request contains an invalid request parameter, ext={what}.", 400)


def _card(card: Mapping[str, Any], at_all: bool, note: Note) -> Written:
    try:
        content = read_card(card, at_all, note)
    except Refused as no:
        why = no.why if no.code == 11246 else "Failed to create card content, ext=ErrCode: 200621; ErrMsg: parse card"
        raise Refused(230099, why, 400) from None
    config = card.get("config")
    declared = isinstance(config, dict) and config.get("update_multi") is True
    by_default = card.get("schema") == "2.0" or card.get("type") == "template"
    return Written(content, shared=declared or by_default, declared=declared or card.get("type") == "template")


def _text(content: Mapping[str, Any], note: Note) -> Content:
    only(content, ("text",), "content.", note)
    text = text_of(content.get("text"))
    if not text.strip():
        raise wrong("text is empty")
    return Content("text", parts=(Part(text, Dialect.FEISHU_APP_TEXT),), mentions=pings(text))


def _post(content: Mapping[str, Any], note: Note) -> Content:
    try:
        return read_app_post(content, note)
    except Refused:
        raise wrong("invalid post content") from None


def _keyed(msg_type: str, content: Mapping[str, Any], note: Note) -> Content:
    name = _KEYS[msg_type]
    only(content, (name, "image_key") if msg_type == "media" else (name,), "content.", note)
    if not text_of(content.get(name)):
        raise wrong(f"{name} missing")
    return Content(msg_type, parts=(Part(content[name], Dialect.IMAGE),))
