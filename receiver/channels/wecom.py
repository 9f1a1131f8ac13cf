"""What WeCom's robots and apps have in common: two markdowns, a card, a plain text, and whom each can mention."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import orjson

from receiver.channels.base import Channel
from receiver.channels.cleaning import ENTITY, OPENING, UNSEEN, cleaned, fitted, plain, utf8, wire
from receiver.channels.wecom_card import MAX_CARD, Card, written_out
from receiver.http import Client
from receiver.text import Extras, Mention, Mentions, Text

HOST = "https://qyapi.weixin.qq.com"
MAX_TEXT = 2048
"""Bytes of `text.content` (documents 91770 and 90236; 5120 was seen to pass, which nobody promises)."""
MENTIONS = 512
"""Bytes of a content that mentions may take; userids beyond it are mentioned in a message of their own."""

_SUSPECT = re.compile(rf"[{UNSEEN}<`&*]|\](?=\(|\Z)")
_BEGINNING = re.compile(r"\s*[#>(]")
_MARKUP = re.compile(rf"[<`]|{ENTITY}|\](?=\(|\Z)|{OPENING}|\*\*+|\A\s*(?:#+|>+|\()")
_SUSPECT_V2 = re.compile(rf"[{UNSEEN}<`&*|~]|\](?=[(\[:]|\Z)|!(?=\[|\Z)")
_BEGINNING_V2 = re.compile(r"\s*(?:[#>(]|[-+](?:\s|\Z)|\d+[.)](?:\s|\Z)|[-=]+\s*\Z)")
_MARKUP_V2 = re.compile(
    rf"[<`|]|{ENTITY}|\*(?!\s)|(?<!\s)\*|\](?=[(\[:]|\Z)|{OPENING}|!(?=\[|\Z)|~~+"
    r"|\A\s*(?:[#>]+|[(*]|[-+](?=\s|\Z)|\d+[.)](?=\s|\Z)|[-=]+\s*\Z)"
)
_INERT = str.maketrans("<`&[]*#>(|!~-+.)=", "＜'＆［］＊＃＞（｜！～－＋．）＝")
_TITLES = {"markdown": '## <font color="{colour}">{title}</font>\n', "markdown_v2": "## {title}\n"}
_COLOURS = {"firing": "warning", "resolved": "info"}


def escape_v1(value: str) -> str:
    """WeCom documents no escape: what could become markdown is replaced by its full-width twin."""
    if not _SUSPECT.search(value) and not _BEGINNING.match(value):
        return value
    return _MARKUP.sub(lambda found: found[0].translate(_INERT), cleaned(value))


def escape_v2(value: str) -> str:
    """The same for markdown_v2, which also knows italics, lists, rules, images, code blocks and tables."""
    if not _SUSPECT_V2.search(value) and not _BEGINNING_V2.match(value):
        return value
    return _MARKUP_V2.sub(lambda found: found[0].translate(_INERT), cleaned(value))


class Form(Protocol):
    """One way to say something with more than plain words."""

    @property
    def takes(self) -> frozenset[str]:
        """Which extras have a place of their own."""

    @property
    def escape(self) -> Callable[[str], str]:
        """The same function for all channels of one form: the templates compiled for it are known by it."""

    @property
    def room(self) -> int:
        """Bytes of title and body together, as `weigh` counts them."""

    def weigh(self, text: str) -> int:
        """Bytes of `text`; additive, and never less than in UTF-8."""

    def weigh_extras(self, extras: Extras) -> int:
        """Bytes of the room that `extras` take."""

    def compose(self, text: Text, line: str) -> dict[str, Any] | None:
        """The message, with the `line` of mentions behind the body; None if it can only be said as a `text`."""


class Markdown:
    """`markdown`, or `markdown_v2`, which has no colours; at most `most` bytes."""

    def __init__(self, msgtype: str, most: int) -> None:
        self.takes: frozenset[str] = frozenset()
        self._msgtype = msgtype
        self._title = _TITLES[msgtype]
        self.escape = escape_v2 if msgtype == "markdown_v2" else escape_v1
        self.room = most - len(self._title.format(colour="warning", title=""))

    def weigh(self, text: str) -> int:
        """WeCom counts the content's UTF-8 bytes."""
        return utf8(text)

    def weigh_extras(self, extras: Extras) -> int:
        """They stand in the body."""
        return 0

    def compose(self, text: Text, line: str) -> dict[str, Any]:
        """The title is a heading in the colour of the status."""
        body = text.body + line
        title = fitted(text.title, self.room - utf8(body), utf8, self.escape)
        heading = self._title.format(colour=_COLOURS[text.status], title=title) if title else ""
        return {"msgtype": self._msgtype, self._msgtype: {"content": heading + body}}


class WeCom(Channel):
    """A channel to WeCom. A subclass says how much a markdown holds and whom its messages can mention."""

    most: ClassVar[int]
    """Bytes of a markdown."""
    active: ClassVar[re.Pattern[str]]
    """The `<` that would do something in a `text`; it becomes `(`, for the bytes must not grow: they were weighed."""

    def __init__(self, settings: Any, client: Client) -> None:
        super().__init__(settings, client)
        card = settings.format == "template_card"
        self._form: Form = Card(settings.link, MAX_TEXT - 1) if card else Markdown(settings.format, self.most)
        self.takes = self._form.takes
        self.escape = self._form.escape  # type: ignore[method-assign]  # known by the instance's format

    @property
    def body_template(self) -> str:
        """Robots and apps show the same markdown; a card shows none."""
        return {"markdown_v2": "wecom_robot_v2", "template_card": "plain"}.get(self.settings.format, "wecom_robot")

    def room(self, plain: bool) -> int:
        """What is left of the content beside the title's markup."""
        return MAX_TEXT - 1 if plain else self._form.room

    def weigh(self, text: str) -> int:
        """UTF-8 bytes, in a card those of JSON."""
        return self._form.weigh(text)

    def weigh_extras(self, extras: Extras) -> int:
        """Those of a card that are words."""
        return self._form.weigh_extras(extras)

    def fill(self, content: bytes) -> tuple[int, int]:
        """The content of the message in UTF-8, or the whole card."""
        body = orjson.loads(content)
        kind = body["msgtype"]
        if kind == "template_card":
            return len(wire(body[kind])), MAX_CARD
        return utf8(body[kind]["content"]), MAX_TEXT if kind == "text" else self.most

    @staticmethod
    def escape(value: str) -> str:
        """As the first markdown needs it; each channel's own is that of its format."""
        return escape_v1(value)

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """Those that stand in the content; the lists of a `text` take nothing of it."""
        return self.weigh(self._line(mentions, plain))

    def beside(self, mentions: Mentions) -> Mentions:
        """Whom only a `text` can mention, and userids beyond the room for mentions."""
        held = {person for person, _ in self._held(mentions, False)}
        left = tuple(one for one in mentions.people if one not in held and self._lists(Mentions((one,))))
        return Mentions(left, mentions.everyone and bool(self._lists(Mentions(everyone=True))))

    def compose(self, text: Text, message_id: str) -> bytes:
        """A message in the channel's format, or a `text` when plain."""
        line = self._line(text.mentions, text.plain)
        made = None if text.plain else self._form.compose(text, line)
        if made is not None:
            return wire(made)
        body = written_out(text.body, text.extras.fields)
        content = self.active.sub("(", plain(f"{text.title}\n{body}" if text.title else body)) + line
        lists = self._lists(text.mentions) if text.plain else {}
        return wire({"msgtype": "text", "text": {"content": content, **lists}})

    @abstractmethod
    def _shown(self, person: Mention, plain: bool) -> str:
        """How `person` stands in a content; empty for who is only in the lists of a `text`."""

    @abstractmethod
    def _lists(self, mentions: Mentions) -> dict[str, list[str]]:
        """The lists by which a `text` mentions; empty when nobody."""

    def _held(self, mentions: Mentions, plain: bool) -> list[tuple[Mention, str]]:
        """Who stands in the content and how, while there is room."""
        held: list[tuple[Mention, str]] = []
        left = MENTIONS - len("\n\n")
        for person in mentions.people:
            shown = self._shown(person, plain)
            if shown and (weight := utf8(f"{shown} ")) <= left:
                held.append((person, shown))
                left -= weight
        return held

    def _line(self, mentions: Mentions, plain: bool) -> str:
        shown = " ".join(shown for _, shown in self._held(mentions, plain))
        return f"\n\n{shown}" if shown else ""
