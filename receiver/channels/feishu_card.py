"""Feishu's messages in its own words: the card (second schema) with people, facts and buttons in it, and plain text.

"Card JSON 2.0 structure" of open.feishu.cn: a property it does not know is an error, 200 elements are the most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from receiver.channels.cleaning import ENTITY, UNSEEN, cleaned, plain, preview
from receiver.severity import colour
from receiver.text import Extras, Mention, Mentions, Text

Element = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

MOST_FIELDS = 20
"""Facts in two columns; each pair takes 5 of the elements. What is more stands in lines below them."""
MOST_BUTTONS = 12
"""Buttons in a row; each takes 3 of the elements. What is more are links below them."""
LONGEST_BUTTON = 100
"""Characters of a button's text (open.feishu.cn, button component)."""
LONGEST_LINK = 2000

_SUSPECT = re.compile(f"[{UNSEEN}<\\[\\]*~`&\\\\_!]")
_BEGINNING = re.compile(r"\s*(?:[#>(]|[-+](?:\s|\Z)|\d+[.)](?:\s|\Z)|[-=]+\s*\Z)")
_MARKUP = re.compile(
    rf"[<\[\]*~`]|{ENTITY}|\\(?=[!-/:-@\[-`{{-~]|\Z)|(?<![^\W_])_|_(?![^\W_])|!(?=\[|\Z)|:(?=[A-Za-z0-9_+-]+:)"
    r"|\A\s*(?:[#>]+|\(|[-+](?=\s|\Z)|\d+[.)](?=\s|\Z)|[-=]+\s*\Z)"
)
_LITERAL = {ord(sign): f"&#{ord(sign)};" for sign in "<[]*~`&\\_!:#>(-+.)="}
_ACTIVE = re.compile(r"(?:<|&lt;|&#0*60;|&#x0*3c;)(?=[\s/]*(?:at\b|[bisu]\s*>))|\](?=\()", re.IGNORECASE)
"""What would begin a mention or a tag in a text, or make a link of it (im/v1/messages, message content)."""
_WEB = re.compile(rf"https?://[^\s{UNSEEN}]{{1,{LONGEST_LINK}}}", re.IGNORECASE)


def escape(value: str) -> str:
    """Numeric character references, as Feishu documents for card markdown, for as few characters as will do."""
    if not (_SUSPECT.search(value) or _BEGINNING.match(value) or value.count(":") > 1):
        return value
    return _MARKUP.sub(lambda found: found[0].translate(_LITERAL), cleaned(value))


def card(text: Text, title: str, link: Element) -> Element:
    """The card for `text` under the `title`, which has its room; all of it leads where `link` says.

    The header is green when all is resolved, grey when the card does not count any more, else of the severity's colour.
    Mentions have an element of their own, which no markup of the body can reach.
    """
    body = [] if text.extras and not text.body else [_markdown(text.body or "…")]
    return {
        "schema": "2.0",
        "config": {"update_multi": True, "summary": {"content": preview(text.title) or "…"}},
        **link,
        "header": {
            "template": _template(text),
            "title": {"tag": "plain_text", "content": title or "…"},
        },
        "body": {
            "elements": [*facts(text.extras.fields), *body, *people(text.mentions), *buttons(text.extras.buttons)]
        },
    }


def card_link(url: str) -> Element:
    """Where the whole card leads to; nothing if `url` is not one of the web."""
    return {"card_link": {"url": url}} if _WEB.fullmatch(url) else {}


def beside(extras: Extras) -> list[Element]:
    """The elements that `extras` add to a card."""
    return [*facts(extras.fields), *buttons(extras.buttons)]


def people(mentions: Mentions) -> list[Element]:
    """An element that mentions: bots may name an open_id, a user_id or `all` (custom bot guide)."""
    said = [f"<at id={who.feishu}></at>" if who.feishu else escape(f"@{who.name}") for who in mentions.people]
    said += ["<at id=all></at>"] if mentions.everyone else []
    return [_markdown(" ".join(said))] if said else []


def facts(fields: Pairs) -> list[Element]:
    """`fields` in two columns, each name above its value."""
    shown = [_markdown(_fact(name, value, "\n")) for name, value in fields[:MOST_FIELDS]]
    rows = [_columns(shown[start : start + 2], width="weighted") for start in range(0, len(shown), 2)]
    rest = "\n".join(_fact(name, value, " ") for name, value in fields[MOST_FIELDS:])
    return [*rows, *([_markdown(rest)] if rest else [])]


def buttons(targets: Pairs) -> list[Element]:
    """A row of buttons that open their URLs; it goes on in the next line where it is too long."""
    shown = [_button(text, url) for text, url in targets[:MOST_BUTTONS]]
    rest = " · ".join(f"[{escape(text or url)}]({url})" for text, url in targets[MOST_BUTTONS:])
    row = [{**_columns(shown), "flex_mode": "flow"}] if shown else []
    return [*row, *([_markdown(rest)] if rest else [])]


def plain_text(text: Text) -> str:
    """What a `text` message says: title, body and mentions, whose tags differ from those of a card."""
    content = plain(f"{text.title}\n{text.body}" if text.title else text.body)
    inert = _ACTIVE.sub(lambda found: ")" if found[0] == "]" else "(", content)  # neither is longer
    return inert + plain_line(text.mentions)


def plain_line(mentions: Mentions) -> str:
    """The line of a `text` message that mentions."""
    said = [_plainly(person) for person in mentions.people]
    said += ['<at user_id="all">所有人</at>'] if mentions.everyone else []
    return "\n\n" + " ".join(said) if said else ""


def _plainly(person: Mention) -> str:
    return f'<at user_id="{person.feishu}">{person.name}</at>' if person.feishu else f"@{person.name}"


def _template(text: Text) -> str:
    if text.muted:
        return "grey"
    return "green" if text.status == "resolved" else colour(text.severity)


def _markdown(content: str) -> Element:
    return {"tag": "markdown", "content": content}


def _fact(name: str, value: str, between: str) -> str:
    return f"<font color='grey'>{escape(name)}</font>{between}{escape(value)}" if name else escape(value)


def _columns(elements: Sequence[Element], **shape: str) -> Element:
    return {"tag": "column_set", "columns": [{"tag": "column", **shape, "elements": [one]} for one in elements]}


def _button(text: str, url: str) -> Element:
    words = cleaned(text) or url
    words = words if len(words) <= LONGEST_BUTTON else words[: LONGEST_BUTTON - 1] + "…"
    return {
        "tag": "button",
        "text": {"tag": "plain_text", "content": words},
        "behaviors": [{"type": "open_url", "default_url": url}],
    }
