"""A WeCom robot's template cards: text_notice and news_notice (developer.work.weixin.qq.com, document 91770)."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, rows_of, text_of

COMMON = (
    "card_type",
    "source",
    "main_title",
    "quote_area",
    "horizontal_content_list",
    "jump_list",
    "card_action",
)
FIELDS = {
    "text_notice": (*COMMON, "emphasis_content", "sub_title_text"),
    "news_notice": (*COMMON, "card_image", "image_text_area", "vertical_content_list"),
}
LISTS = {"horizontal_content_list": 6, "jump_list": 3, "vertical_content_list": 4}
_ROW_NEEDS: dict[str, dict[int, str]] = {
    "horizontal_content_list": {1: "url", 2: "media_id", 3: "userid"},
    "jump_list": {1: "url", 2: "appid"},
}
_NAMES = {"horizontal_content_list": "keyname", "jump_list": "title", "vertical_content_list": "title"}


def read_card(card: Mapping[str, Any], media: Container[str], note: Note) -> Content:
    """The card as a message. Raises Refused (40058; 44004 when there is nothing in it)."""
    if not card:
        raise Refused(44004, "empty content")
    kind = text_of(card.get("card_type"))
    if kind not in FIELDS:
        raise bad("card_type invalid.")
    only(card, FIELDS[kind], "template_card.", note)
    check_action(card)
    title = main_title(card, kind)
    rows = {name: rows_in(card, name, limit, media) for name, limit in LISTS.items()}
    if kind == "news_notice":
        check_image(card)
    return Content("template_card", title=title, parts=tuple(parts_of(card, rows)))


def bad(what: str) -> Refused:
    return Refused(40058, f"template_card.{what} invalid Request Parameter")


def object_of(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = card.get(name, {})
    if not isinstance(value, dict):
        raise bad(f"{name} invalid type.")
    return value


def _number(block: Mapping[str, Any]) -> int:
    number = block.get("type", 0)
    return number if isinstance(number, int) else 0


def check_action(card: Mapping[str, Any]) -> None:
    action = object_of(card, "card_action")
    needed = {1: "url", 2: "appid"}.get(_number(action))
    if needed is None or not text_of(action.get(needed)):
        raise bad("card_action missing or invalid.")


def main_title(card: Mapping[str, Any], kind: str) -> str:
    title = text_of(object_of(card, "main_title").get("title"))
    if kind == "news_notice" and not title:
        raise bad("main_title.title missing.")
    if not isinstance(card.get("main_title"), dict) or not (title or text_of(card.get("sub_title_text"))):
        raise bad("main_title.title or sub_title_text missing.")
    return title


def check_image(card: Mapping[str, Any]) -> None:
    image = object_of(card, "card_image")
    if not text_of(image.get("url")):
        raise bad("card_image.url missing.")
    ratio = image.get("aspect_ratio", 1.3)
    if not isinstance(ratio, int | float) or not 1.3 <= ratio <= 2.25:
        raise bad("card_image.aspect_ratio out of range.")


def rows_in(card: Mapping[str, Any], name: str, limit: int, media: Container[str]) -> list[dict[str, Any]]:
    try:
        rows = rows_of(card.get(name))
    except ValueError:
        raise bad(f"{name} invalid type.") from None
    if len(rows) > limit:
        raise bad(f"{name} exceed max length {limit}.")
    for row in rows:
        _check_row(row, name, media)
    return rows


def _check_row(row: Mapping[str, Any], name: str, media: Container[str]) -> None:
    if not text_of(row.get(_NAMES[name])):
        raise bad(f"{name}.{_NAMES[name]} missing.")
    needed = _ROW_NEEDS.get(name, {}).get(_number(row))
    if needed and not text_of(row.get(needed)):
        raise bad(f"{name}.{needed} missing.")
    if needed == "media_id" and row["media_id"] not in media:
        raise Refused(40007, "invalid media_id")


def parts_of(card: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> list[Part]:
    main, emphasis = object_of(card, "main_title"), object_of(card, "emphasis_content")
    texts = [
        text_of(object_of(card, "source").get("desc")),
        text_of(main.get("desc")),
        text_of(emphasis.get("title")),
        text_of(emphasis.get("desc")),
        text_of(card.get("sub_title_text")),
        text_of(object_of(card, "quote_area").get("quote_text")),
    ]
    parts = [Part(text) for text in texts if text]
    parts += [
        Part(text_of(row.get("value")), url=text_of(row.get("url")), name=text_of(row["keyname"]))
        for row in rows["horizontal_content_list"]
    ]
    parts += [Part(f"{row['title']}  {text_of(row.get('desc'))}") for row in rows["vertical_content_list"]]
    parts += [Part(row["title"], url=text_of(row.get("url"))) for row in rows["jump_list"]]
    parts.append(Part("›", url=text_of(object_of(card, "card_action").get("url"))))
    return parts
