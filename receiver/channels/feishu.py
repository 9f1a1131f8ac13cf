"""What Feishu's custom bot and its app have in common: cards, texts where a card does not do, and how they weigh."""

from __future__ import annotations

from typing import Any, ClassVar

from receiver.channels.base import Channel
from receiver.channels.cleaning import cleaned, fitted, json_bytes, wire
from receiver.channels.feishu_card import Element, beside, card, card_link, escape, people, plain_line
from receiver.http import Client
from receiver.text import Extras, Mentions, Text


class Feishu(Channel):
    """A channel that posts cards. A subclass says how large they may be and how they travel."""

    nested: ClassVar[bool]
    """Whether the card travels as a string of JSON within JSON, where quotes and backslashes count once more."""
    takes = frozenset({"fields", "buttons"})

    def __init__(self, settings: Any, client: Client) -> None:
        super().__init__(settings, client)
        self._link = card_link(settings.link)
        self._link_weight = self._weigh_part(self._link)

    def weigh(self, text: str) -> int:
        """Feishu counts the body as it is sent: JSON in UTF-8."""
        return json_bytes(wire(text)[1:-1].decode()) if self.nested else json_bytes(text)

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """A line of a text, or an element of a card beside the one with the body."""
        return self.weigh(plain_line(mentions)) if plain else sum(map(self._weigh_part, people(mentions)))

    def weigh_extras(self, extras: Extras) -> int:
        """The elements above and below the body."""
        return sum(map(self._weigh_part, beside(extras)))

    @staticmethod
    def escape(value: str) -> str:
        """Numeric character references, as Feishu documents for card markdown."""
        return escape(value)

    def card(self, text: Text) -> Element:
        """The card for `text`; its title, which may be as long as the room, is shortened to what is left of it."""
        taken = self.weigh_mentions(text.mentions, False) + self.weigh_extras(text.extras)
        room = self.room(False) - self.weigh(text.body) - taken
        return card(text, fitted(text.title, room, self.weigh, cleaned), self._link)

    def _weigh_part(self, part: Element) -> int:
        """The bytes of one part of a card, with the comma beside it."""
        written = wire(part)
        return 1 + (json_bytes(written.decode()) if self.nested else len(written)) if part else 0
