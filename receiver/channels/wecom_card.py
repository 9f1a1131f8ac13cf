"""WeCom's template cards: short facts, links to jump to, a picture (documents 91770 and 90236)."""

from __future__ import annotations

import re
from typing import Any

from receiver.channels.cleaning import cleaned, json_bytes, plain, wire
from receiver.text import Extras, Text

Facts = tuple[tuple[str, str], ...]
"""Names and values."""

MAX_CARD = 4096
"""Bytes of a whole card as JSON. No document limits it; this is what a robot's markdown may have."""

_SPARE = 192
"""Bytes of it that are kept for what an app adds."""
_FACTS = 6
_JUMPS = 3
_WEB = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)


class Card:
    """A `text_notice`, or a `news_notice` where there is a picture.

    A click on a card must lead somewhere (`card_action`): to the `link` of the channel, else where its first button
    leads. What has neither goes out as a `text`, so a card has `room` for no more words than one.
    """

    def __init__(self, link: str, room: int) -> None:
        self.takes = frozenset({"fields", "buttons", "image"})
        self.escape = cleaned
        self.room = room
        self._link = link if _WEB.fullmatch(link) else ""

    def weigh(self, text: str) -> int:
        """Bytes inside a JSON string."""
        return json_bytes(text)

    def weigh_extras(self, extras: Extras) -> int:
        """The facts; URLs stand in that part of the card which words never take."""
        return sum(len(wire(_row(*fact))) + 1 for fact in extras.fields)

    def compose(self, text: Text, line: str) -> dict[str, Any] | None:
        """The card, or None if it leads nowhere.

        Facts beyond the sixth are lines below the body; a picture and up to three links are there while they fit.
        """
        card = self._leading(_notice(text, line), text.extras)
        if card is None:
            return None
        if text.extras.image:
            card = _fitting(_with_picture(card, text.extras.image), card)
        for title, url in text.extras.buttons:
            card = _fitting(_with_jump(card, title, url), card)
        return {"msgtype": "template_card", "template_card": card}

    def _leading(self, card: dict[str, Any], extras: Extras) -> dict[str, Any] | None:
        """`card` with the first place that it can lead to; None if there is none."""
        for url in (self._link, *(url for _, url in extras.buttons)):
            made = {**card, "card_action": {"type": 1, "url": url}}
            if url and _fits(made):
                return made
        return None


def written_out(body: str, facts: Facts) -> str:
    """`body`, and each of `facts` on a line below it."""
    return "\n".join([body, *(f"{name}: {value}" for name, value in facts)])


def _notice(text: Text, line: str) -> dict[str, Any]:
    facts, more = text.extras.fields[:_FACTS], text.extras.fields[_FACTS:]
    parts = {
        "sub_title_text": plain(written_out(text.body, more)) + line,
        "horizontal_content_list": [_row(*fact) for fact in facts],
    }
    title = {"title": plain(text.title) or "…"}
    return {"card_type": "text_notice", "main_title": title, **{name: part for name, part in parts.items() if part}}


def _row(name: str, value: str) -> dict[str, str]:
    return {"keyname": name or "…", "value": value}


def _with_picture(card: dict[str, Any], image: str) -> dict[str, Any]:
    """`card` as a `news_notice`, whose longer words are a quotation."""
    words = {"quote_area": {"type": 0, "quote_text": card["sub_title_text"]}} if "sub_title_text" in card else {}
    rest = {name: value for name, value in card.items() if name != "sub_title_text"}
    return {**rest, "card_type": "news_notice", "card_image": {"url": image}, **words}


def _with_jump(card: dict[str, Any], title: str, url: str) -> dict[str, Any]:
    jumps = [*card.get("jump_list", ()), {"type": 1, "title": title or "…", "url": url}]
    return {**card, "jump_list": jumps[:_JUMPS]}


def _fitting(grown: dict[str, Any], card: dict[str, Any]) -> dict[str, Any]:
    return grown if _fits(grown) else card


def _fits(card: dict[str, Any]) -> bool:
    return len(wire(card)) <= MAX_CARD - _SPARE
