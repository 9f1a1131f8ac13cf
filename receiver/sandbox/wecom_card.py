"""A WeCom robot's template cards: text_notice and news_notice (developer.work.weixin.qq.com, document 91770)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, rows_of, text_of

_COMMON = (
    "card_type",
    "source",
    "main_title",
    "quote_area",
    "horizontal_content_list",
    "jump_list",
    "card_action",
)
_FIELDS = {
    "text_notice": (*_COMMON, "emphasis_content", "sub_title_text"),
    "news_notice": (*_COMMON, "card_image", "image_text_area", "vertical_content_list"),
}
_LISTS = {"horizontal_content_list": 6, "jump_list": 3, "vertical_content_list": 4}
_ROW_NEEDS: dict[str, dict[int, str]] = {
    "horizontal_content_list": {1: "url", 2: "media_id", 3: "userid"},
    "jump_list": {1: "url", 2: "appid"},
}
_NAMES = {"horizontal_content_list": "keyname", "jump_list": "title", "vertical_content_list": "title"}


def read_card(card: Mapping[str, Any], media: frozenset[str], note: Note) -> Content:
    """The card as a message. Raises Refused (40058; 44004 when there is nothing in it)."""
    if not card:
        raise Refused(44004, "empty content")
    kind = text_of(card.get("card_type"))
    if kind not in _FIELDS:
        raise _bad("card_type invalid.")
    only(card, _FIELDS[kind], "template_card.", note)
    _check_action(card)
    title = _main_title(card, kind)
    rows = {name: _rows(card, name, limit, media) for name, limit in _LISTS.items()}
    if kind == "news_notice":
        _check_image(card)
    return Content("template_card", title=title, parts=tuple(_parts(card, rows)))


def _bad(what: str) -> Refused:
    return Refused(40058, f"template_card.{what} invalid Request Parameter")


def _object(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = card.get(name, {})
    if not isinstance(value, dict):
        raise _bad(f"{name} invalid type.")
    return value


def _number(block: Mapping[str, Any]) -> int:
    number = block.get("type", 0)
    return number if isinstance(number, int) else 0


def _check_action(card: Mapping[str, Any]) -> None:
    action = _object(card, "card_action")
    needed = {1: "url", 2: "appid"}.get(_number(action))
    if needed is None or not text_of(action.get(needed)):
        raise _bad("card_action missing or invalid.")


def _main_title(card: Mapping[str, Any], kind: str) -> str:
    title = text_of(_object(card, "main_title").get("title"))
    if kind == "news_notice" and not title:
        raise _bad("main_title.title missing.")
    if not isinstance(card.get("main_title"), dict) or not (title or text_of(card.get("sub_title_text"))):
        raise _bad("main_title.title or sub_title_text missing.")
    return title


def _check_image(card: Mapping[str, Any]) -> None:
    image = _object(card, "card_image")
    if not text_of(image.get("url")):
        raise _bad("card_image.url missing.")
    ratio = image.get("aspect_ratio", 1.3)
    if not isinstance(ratio, int | float) or not 1.3 <= ratio <= 2.25:
        raise _bad("card_image.aspect_ratio out of range.")


def _rows(card: Mapping[str, Any], name: str, limit: int, media: frozenset[str]) -> list[dict[str, Any]]:
    try:
        rows = rows_of(card.get(name))
    except ValueError:
        raise _bad(f"{name} invalid type.") from None
    if len(rows) > limit:
        raise _bad(f"{name} exceed max length {limit}.")
    for row in rows:
        _check_row(row, name, media)
    return rows


def _check_row(row: Mapping[str, Any], name: str, media: frozenset[str]) -> None:
    if not text_of(row.get(_NAMES[name])):
        raise _bad(f"{name}.{_NAMES[name]} missing.")
    needed = _ROW_NEEDS.get(name, {}).get(_number(row))
    if needed and not text_of(row.get(needed)):
        raise _bad(f"{name}.{needed} missing.")
    if needed == "media_id" and row["media_id"] not in media:
        raise Refused(40007, "invalid media_id")


def _parts(card: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> list[Part]:
    main, emphasis = _object(card, "main_title"), _object(card, "emphasis_content")
    texts = [
        text_of(_object(card, "source").get("desc")),
        text_of(main.get("desc")),
        text_of(emphasis.get("title")),
        text_of(emphasis.get("desc")),
        text_of(card.get("sub_title_text")),
        text_of(_object(card, "quote_area").get("quote_text")),
    ]
    parts = [Part(text) for text in texts if text]
    parts += [
        Part(f"{row['keyname']}  {text_of(row.get('value'))}", url=text_of(row.get("url")))
        for row in rows["horizontal_content_list"]
    ]
    parts += [Part(f"{row['title']}  {text_of(row.get('desc'))}") for row in rows["vertical_content_list"]]
    parts += [Part(row["title"], url=text_of(row.get("url"))) for row in rows["jump_list"]]
    parts.append(Part("›", url=text_of(_object(card, "card_action").get("url"))))
    return parts
