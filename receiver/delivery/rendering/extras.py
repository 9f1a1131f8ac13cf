"""Short facts, buttons and images: written in place, and taken out for the channels with a place of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from receiver.channels.base import Channel
from receiver.channels.cleaning import cleaned
from receiver.delivery.rendering.environment import TemplateEnvironment
from receiver.delivery.rendering.markup import Safe, standing, text_of, web_url
from receiver.delivery.rendering.splitting import shortened
from receiver.text import Extras

MARK: Final = "\x1f"
"""What stands on both sides of the number of what was held back; a control character, which no value can hold."""

LONGEST = 240
"""How many characters of a fact or a button's text are taken."""

Link = Callable[[object, object], str]
Targets = list[tuple[str, str]]
Held = tuple[str, Sequence[Any]]
"""The name of what was held back, and the things themselves."""


def filters(environment: TemplateEnvironment, link: Link) -> dict[str, Callable[..., Any]]:
    """The filters `fields`, `buttons`, `links` and `image`.

    What is taken out of the rendering under way (`environment.takes`) they hold back and mark, else it stands in place.
    """
    escape = environment.escape

    def held(name: str, things: Sequence[Any]) -> str:
        if not things:
            return ""
        environment.held.append((name, things))
        return Safe(f"{MARK}{len(environment.held) - 1}{MARK}")

    def fields(facts: object, prefix: str = "", equals: str = ": ", end: str = "\n") -> str:
        shown = [(name, text) for name, value in _items(facts) if (text := _value(value))]
        if "fields" in environment.takes:
            return held("fields", [(_short(name), _short(text)) for name, text in shown])
        before, between = standing(prefix), standing(equals)
        lines = [f"{before}{escape(name)}{between}{escape(text)}" for name, text in shown]
        return Safe(standing(end).join(lines)) if lines else ""

    def links(targets: object, separator: str = " ", room: object = None) -> str:
        shown = fitting(reachable(targets), room)
        return Safe(standing(separator).join([link(text, url) for text, url in shown])) if shown else ""

    def buttons(targets: object, separator: str = " ", room: object = None) -> str:
        if "buttons" in environment.takes:
            return held("buttons", [(_short(text), url) for text, url in reachable(targets)])
        return links(targets, separator, room)

    def image(url: object, text: object = "", embed: object = False) -> str:
        target = web_url(url)
        if "image" in environment.takes or not target:
            return held("image", [target] if target else [])
        return Safe(f"![{escape(text)}]({target})" if embed else link(text or target, target))

    return {"fields": fields, "links": links, "buttons": buttons, "image": image}


def _items(facts: object) -> Collection[tuple[object, object]]:
    return facts.items() if isinstance(facts, dict) else ()


def reachable(targets: object) -> Targets:
    """Those of `targets` (text and URL) that lead somewhere."""
    return [(text_of(text), url) for text, target in _items(targets) if target and (url := web_url(target))]


def fitting(targets: Targets, room: object) -> Targets:
    """The first of `targets` whose URLs have at most `room` characters together; a longer one is passed over."""
    if not isinstance(room, int):
        return targets
    shown = []
    for text, url in targets:
        if len(url) <= room:
            room -= len(url)
            shown.append((text, url))
    return shown


def _value(value: object) -> str:
    text = text_of(value).strip()
    return Safe(text) if type(value) is Safe else text


def _short(text: object) -> str:
    return shortened(cleaned(text_of(text)), LONGEST, len)


def taken(output: str, held: Sequence[Held]) -> tuple[str, Extras]:
    """`output` without its marks and the lines that only they stood on, and what of `held` they mark, each once."""
    if MARK not in output:
        return output, Extras()
    found: dict[str, dict[Any, None]] = {"fields": {}, "buttons": {}, "image": {}}
    first, *marks = output.split(MARK)
    before, end, line = first.rpartition("\n")
    kept = [before, end]
    for number, rest in zip(marks[::2], marks[1::2], strict=False):
        name, things = held[int(number)]
        found[name] |= dict.fromkeys(things)
        words, end, rest = rest.partition("\n")
        line += words
        if end:
            kept += [line, end] if line.strip("> -") else []
            before, end, line = rest.rpartition("\n")
            kept += [before, end]
    kept.append(line if line.strip("> -") else "")
    return "".join(kept), Extras(tuple(found["fields"]), tuple(found["buttons"]), next(iter(found["image"]), ""))


def within(channel: Channel, extras: Extras, room: int) -> tuple[Extras, int]:
    """The most of `extras` that weighs at most `room`, and its weight.

    What is given up first: all buttons but one, from the last; then the image; then the facts, from the last.
    """
    for fewer in _fewer(extras):
        if (weight := channel.weigh_extras(fewer)) <= room:
            return fewer, weight
    return Extras(), 0


def _fewer(extras: Extras) -> Iterator[Extras]:
    yield extras
    while len(extras.buttons) > 1:
        yield (extras := replace(extras, buttons=extras.buttons[:-1]))
    if extras.image:
        yield (extras := replace(extras, image=""))
    while extras.fields:
        yield (extras := replace(extras, fields=extras.fields[:-1]))
