"""Short facts, buttons and images: written in place, and taken out for the channels with a place of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from receiver.channels.base import Channel
from receiver.channels.cleaning import cleaned
from receiver.delivery.rendering.markup import Safe, text_of, to_json, web_url
from receiver.delivery.rendering.splitting import shortened
from receiver.model import Extras

MARK: Final = "\x1c"
"""What the first of a mark's three parts begins with; no value can hold it, nor what ends the others."""

LONGEST = 240
"""How many characters of a fact or a button's text are taken."""

_MARKED = re.compile(r"(^[> ]*)?\x1c([a-z]+) ([^\x1d]*)\x1d([^\x1f]*)\x1f( *\n)?", re.MULTILINE)
Escape = Callable[[object], str]


def filters(escape: Escape, link: Callable[[object, object], str], *, marked: bool) -> dict[str, Callable[..., Any]]:
    """The filters `fields`, `buttons` and `image`; without marks where nothing is ever taken out (`marked`)."""

    def fields(facts: Mapping[str, object], prefix: str = "", equals: str = ": ", end: str = "\n") -> str:
        shown = [(name, text) for name, value in facts.items() if (text := text_of(value).strip())]
        lines = [f"{prefix}{escape(name)}{equals}{escape(_value(facts[name]))}" for name, _ in shown]
        return _mark("fields", [(_short(name), _short(text)) for name, text in shown], end.join(lines), marked)

    def buttons(targets: Mapping[str, object], separator: str = " ") -> str:
        shown = [(text, url) for text, target in targets.items() if target and (url := web_url(target))]
        inline = separator.join(link(text, url) for text, url in shown)
        return _mark("buttons", [(_short(text), url) for text, url in shown], inline, marked)

    def image(url: object, text: object = "", embed: object = False) -> str:
        target = web_url(url)
        inline = f"![{escape(text)}]({target})" if embed else link(text or target, target)
        return _mark("image", target, inline, marked) if target else ""

    return {"fields": fields, "buttons": buttons, "image": image}


def _value(value: object) -> object:
    return value if isinstance(value, Safe) else text_of(value).strip()


def _short(text: str) -> str:
    return shortened(cleaned(text), LONGEST, len)


def _mark(name: str, taken: object, inline: str, marked: bool) -> str:
    if not taken:
        return ""
    return Safe(f"{MARK}{name} {to_json(taken)}\x1d{inline}\x1f" if marked else inline)


def taken(output: str, names: Collection[str]) -> tuple[str, Extras]:
    """`output` without its marks: those in `names` as extras, the lines they stood on left out; the others in place."""
    if MARK not in output:
        return output, Extras()
    found: dict[str, Any] = {"fields": {}, "buttons": {}, "image": ""}

    def replaced(mark: re.Match[str]) -> str:
        before, name, made, inline, end = mark.groups("")
        if name not in names:
            return before + inline + end
        made = orjson.loads(made)
        if name == "image":
            found["image"] = found["image"] or made
        else:
            found[name] |= {tuple(pair): None for pair in made}
        return ""

    text = _MARKED.sub(replaced, output)
    return text, Extras(tuple(found["fields"]), tuple(found["buttons"]), found["image"])


def within(channel: Channel, extras: Extras, room: int) -> Extras:
    """The first of `extras` that weigh at most `room`."""
    while extras and channel.weigh_extras(extras) > room:
        if extras.fields and len(extras.fields) >= len(extras.buttons):
            extras = replace(extras, fields=extras.fields[:-1])
        elif extras.buttons:
            extras = replace(extras, buttons=extras.buttons[:-1])
        else:
            extras = replace(extras, image="")
    return extras
