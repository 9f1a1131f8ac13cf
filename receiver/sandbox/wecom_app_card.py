"""A WeCom app's template cards: five types, some of which can be updated once (documents 90236 and 94888)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wecom_card import (
    COMMON,
    FIELDS,
    LISTS,
    bad,
    check_action,
    check_image,
    main_title,
    object_of,
    parts_of,
    rows_in,
)
from receiver.sandbox.wire import Note, Refused, only, size, text_of

_TASK_ID = re.compile(r"[0-9A-Za-z_\-@]+")
_ASKING: dict[str, tuple[str, ...]] = {
    "button_interaction": ("sub_title_text", "button_selection", "button_list"),
    "vote_interaction": ("checkbox", "submit_button"),
    "multiple_interaction": ("select_list", "submit_button"),
}
_MOST = {"button_list": 6, "select_list": 3}
_MENU = 3
_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was read: what it shows, and whether a click on it calls back (such a card can be updated)."""

    content: Content
    calls_back: bool
    task_id: str
    has_buttons: bool


def read_app_card(card: Any, note: Note) -> Card:
    """The card of an app. Raises Refused 44004, 40058, or 42014 for its task_id."""
    if card is None or card == {}:
        raise Refused(44004, "empty content")
    if not isinstance(card, dict):
        raise bad("invalid type.")
    kind = text_of(card.get("card_type"))
    if kind not in FIELDS and kind not in _ASKING:
        raise bad("card_type invalid.")
    only(card, (*FIELDS.get(kind, (*COMMON, *_ASKING.get(kind, ()))), "task_id", "action_menu"), "template_card.", note)
    title, rows = _checked(card, kind)
    calls_back = kind in _ASKING or "action_menu" in card
    _check_menu(card)
    task_id = _task_id(card, calls_back)
    parts = (*parts_of(card, rows), *_asked(card, kind))
    return Card(Content("template_card", title=title, parts=parts), calls_back, task_id, kind in _ASKING)


def _checked(card: Mapping[str, Any], kind: str) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    rows = {name: rows_in(card, name, limit, frozenset()) for name, limit in LISTS.items()}
    if kind in _ASKING:
        title = text_of(object_of(card, "main_title").get("title"))
        if not title:
            raise bad("main_title.title missing.")
        if "card_action" in card:
            check_action(card)
        return title, rows
    check_action(card)
    title = main_title(card, kind)
    if kind == "news_notice":
        check_image(card)
    return title, rows


def _check_menu(card: Mapping[str, Any]) -> None:
    if "action_menu" not in card:
        return
    actions = _rows(object_of(card, "action_menu"), "action_list", _MENU)
    for action in actions:
        _check_key(action, "action_menu.action_list")


def _rows(block: Mapping[str, Any], name: str, most: int) -> list[dict[str, Any]]:
    rows = block.get(name)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise bad(f"{name} missing or invalid type.")
    if len(rows) > most:
        raise bad(f"{name} exceed max length {most}.")
    return rows


def _check_key(row: Mapping[str, Any], where: str) -> None:
    key = text_of(row.get("key"))
    if not text_of(row.get("text")) or not key:
        raise bad(f"{where}.text or key missing.")
    if size(key) > _KEY_BYTES:
        raise bad(f"{where}.key exceed max length {_KEY_BYTES}.")


def _task_id(card: Mapping[str, Any], needed: bool) -> str:
    task_id = card.get("task_id", "")
    if not needed and task_id == "":
        return ""
    if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id) or len(task_id) > 128:
        raise Refused(42014, "invalid task_id")
    return task_id


def _asked(card: Mapping[str, Any], kind: str) -> list[Part]:
    """The buttons and questions of a card that wants an answer."""
    if kind == "button_interaction":
        return [_button(row) for row in _rows(card, "button_list", _MOST["button_list"])]
    if kind == "vote_interaction":
        box = object_of(card, "checkbox")
        if not text_of(box.get("question_key")):
            raise bad("checkbox.question_key missing.")
        _check_key(object_of(card, "submit_button"), "submit_button")
        return [Part(text_of(option.get("text"))) for option in _rows(box, "option_list", 20)]
    if kind == "multiple_interaction":
        _check_key(object_of(card, "submit_button"), "submit_button")
        return [Part(text_of(row.get("title"))) for row in _rows(card, "select_list", _MOST["select_list"])]
    return []


def _button(row: Mapping[str, Any]) -> Part:
    if row.get("type", 0) == 1:
        if not text_of(row.get("text")) or not text_of(row.get("url")):
            raise bad("button_list.text or url missing.")
        return Part(row["text"], url=row["url"])
    _check_key(row, "button_list")
    return Part(row["text"])
