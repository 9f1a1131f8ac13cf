"""What DingTalk's app says: written down as a work notice's `msg`, from which a message of its robot is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from receiver.channels.cleaning import json_bytes, wire
from receiver.channels.dingtalk import escaped

Button = tuple[str, str]
"""What a button says, and where it leads."""

MOST_BUTTONS = 5
"""There is no robot's card with more (robot-message-type); a notice's is made alike."""
MOST_WORDS, MOST_URL, MOST_ROWS = 20, 500, 1000
"""Characters of a notice's button, its URL, and all its rows in JSON (message-types-and-data-format)."""
_ROW = len(',"actionTitle1":"","actionURL1":""') + len("\n\n")


def text(content: str) -> dict[str, Any]:
    """A message without markup."""
    return {"msgtype": "text", "text": {"content": content}}


def markdown(title: str, said: str, buttons: Sequence[Button]) -> dict[str, Any]:
    """A markdown, or with buttons a card. `title` is what a phone shows before the message is opened."""
    if not buttons:
        return {"msgtype": "markdown", "markdown": {"title": title, "text": said}}
    card = {"title": title, "markdown": said}
    if len(buttons) == 1:
        ((words, url),) = buttons
        return {"msgtype": "action_card", "action_card": {**card, "single_title": words, "single_url": url}}
    rows = {"btn_orientation": "0", "btn_json_list": _rows(buttons)}
    return {"msgtype": "action_card", "action_card": {**card, **rows}}


def by_robot(msg: Mapping[str, Any]) -> dict[str, str]:
    """The same as `msgKey` and `msgParam` of the robot's APIs (robot-message-type)."""
    block = msg[msg["msgtype"]]
    if msg["msgtype"] != "action_card":
        return _keyed({"text": "sampleText", "markdown": "sampleMarkdown"}[msg["msgtype"]], block)
    param = {"title": block["title"], "text": block["markdown"]}
    if "single_url" in block:
        single = {"singleTitle": block["single_title"], "singleURL": block["single_url"]}
        return _keyed("sampleActionCard", {**param, **single})
    for number, row in enumerate(block["btn_json_list"], 1):
        param |= {f"actionTitle{number}": row["title"], f"actionURL{number}": row["action_url"]}
    return _keyed(f"sampleActionCard{len(block['btn_json_list'])}", param)


def placed(buttons: Sequence[Button], *, notice: bool) -> tuple[list[Button], list[Button]]:
    """Those that can be buttons, and the others, which are to be links."""
    fit: list[Button] = []
    rest: list[Button] = []
    for words, url in buttons:
        button = words or "…", url
        fits = len(fit) < MOST_BUTTONS and (not notice or _fits_notice([*fit, button]))
        (fit if fits else rest).append(button)
    return fit, rest


def links(buttons: Sequence[Button]) -> str:
    """The line of links below a text; empty without any."""
    return "\n\n" + " · ".join(f"[{escaped(words)}]({url})" for words, url in buttons) if buttons else ""


def weigh(buttons: Sequence[Button]) -> int:
    """How many bytes buttons take at most, in JSON, whether they can be buttons or not."""
    return sum(_ROW + json_bytes(url) + max(map(json_bytes, (words or "…", escaped(words)))) for words, url in buttons)


def _fits_notice(buttons: Sequence[Button]) -> bool:
    words, url = buttons[-1]
    return (
        len(words) <= MOST_WORDS and len(url) <= MOST_URL and len(wire({"rows": _rows(buttons)}).decode()) <= MOST_ROWS
    )


def _rows(buttons: Sequence[Button]) -> list[dict[str, str]]:
    return [{"title": words, "action_url": url} for words, url in buttons]


def _keyed(key: str, param: Mapping[str, str]) -> dict[str, str]:
    return {"msgKey": key, "msgParam": wire(dict(param)).decode()}
