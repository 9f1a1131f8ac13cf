"""Feishu's message cards: 2.0, which refuses an unknown property, and 1.0, which ignores it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from receiver.sandbox.dialects import Dialect, links_of
from receiver.sandbox.feishu_schema import (
    ANY,
    BODY,
    CARD,
    CARD_1,
    CONFIG,
    ELEMENTS,
    HEADER,
    TEMPLATES,
    TEXT,
    UNCHECKED,
)
from receiver.sandbox.feishu_types import pings
from receiver.sandbox.ledger import Content, Part
from receiver.sandbox.wire import Note, Refused, only, text_of

_MOST_ELEMENTS = 200
_LONGEST_BUTTON = 100


def read_card(card: Any, at_all: bool, note: Note) -> Content:
    """The card as a message. Raises Refused: 9499 if it is no card, 11246 if it is a wrong one."""
    if not isinstance(card, dict) or not card:
        raise Refused(9499, "Bad Request", 400)
    if card.get("type") == "template":
        return _template(card, note)
    content = _read_2(card, note) if card.get("schema") == "2.0" else _read_1(card, note)
    if "all" in content.mentions and not at_all:
        raise _bad(100290, "at all is not allowed in this group")
    _check_header(card, note)
    return content


def _bad(code: int, why: str) -> Refused:
    return Refused(11246, f"Failed to create card content, ext=ErrCode: {code}; ErrMsg: {why}; ")


def _template(card: Mapping[str, Any], note: Note) -> Content:
    only(card, ("type", "data"), "card.", note)
    data = card.get("data")
    if not isinstance(data, dict) or not text_of(data.get("template_id")):
        raise _bad(200621, "parse card json err, template_id missing")
    return Content("interactive", parts=(Part(f"template {data['template_id']}"),))


def _strict(value: Any, allowed: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _bad(200621, f"parse card json err, {where} must be an object")
    unknown = sorted(set(value) - set(allowed))
    if unknown:
        raise _bad(200621, f"parse card json err, unknown property: {unknown[0]}, path: {where}")
    return value


def _read_2(card: Mapping[str, Any], note: Note) -> Content:
    _strict(card, CARD, "ROOT")
    config = _strict(card.get("config", {}), CONFIG, "ROOT -> config")
    if config.get("update_multi", True) is not True:
        raise _bad(200621, "parse card json err, update_multi can only be true")
    body = _strict(card.get("body"), BODY, "ROOT -> body")
    header = _strict(card.get("header", {}), HEADER, "ROOT -> header")
    if header:
        _check_text(header.get("title"), "ROOT -> header -> title")
    elements = list(_walk(body.get("elements"), "ROOT -> body -> elements"))
    if _count(header, elements) > _MOST_ELEMENTS:
        raise _bad(11310, f"card element count over {_MOST_ELEMENTS}")
    if any(len(_said(_dict(one.get("text")))) > _LONGEST_BUTTON for one in elements if one.get("tag") == "button"):
        note(f"a button's text is over {_LONGEST_BUTTON} characters")
    return _content(card, elements, text_of(_dict(config.get("summary")).get("content")))


def _count(header: Mapping[str, Any], elements: list[Mapping[str, Any]]) -> int:
    """Components and the texts in them count alike."""
    titles = sum(name in header for name in ("title", "subtitle"))
    return titles + sum(len(_texts(element)) for element in elements)


def _check_text(text: Any, where: str) -> None:
    text = _strict(text, TEXT, where)
    if text.get("tag") not in ("plain_text", "lark_md", "markdown") or not isinstance(text.get("content"), str):
        raise _bad(200621, f"parse card json err, wrong text, path: {where}")


def _walk(elements: Any, where: str) -> Iterator[Mapping[str, Any]]:
    """Every component below, checked, parents first."""
    if not isinstance(elements, list):
        raise _bad(200621, f"parse card json err, {where} must be a list")
    for number, element in enumerate(elements):
        tag = text_of(_dict(element).get("tag"))
        path = f"{where} -> [{number}](tag: {tag})"
        if tag not in ELEMENTS and tag not in UNCHECKED:
            raise _bad(200861, f"cards of schema V2 no longer support this capability, path: {path}")
        yield _strict(element, (*ANY, *ELEMENTS[tag]), path) if tag in ELEMENTS else element
        _check_needs(tag, element, path)
        for name in ("elements", "columns"):
            if name in element and tag != "table":
                yield from _walk(element[name], f"{path} -> {name}")


def _check_needs(tag: str, element: Mapping[str, Any], path: str) -> None:
    if tag in ("markdown", "plain_text", "lark_md") and not isinstance(element.get("content"), str):
        raise _bad(200621, f"parse card json err, content missing, path: {path}")
    if tag == "div" or (tag == "button" and "text" in element):
        _check_text(element.get("text"), f"{path} -> text")
    if tag == "collapsible_panel":
        _check_text(_dict(element.get("header")).get("title"), f"{path} -> header -> title")
    if tag == "img" and not text_of(element.get("img_key")):
        raise _bad(200570, f"image key missing, path: {path}")
    if tag == "column_set" and "columns" not in element:
        raise _bad(200621, f"parse card json err, columns missing, path: {path}")


def _read_1(card: Mapping[str, Any], note: Note) -> Content:
    if card.get("schema", "1.0") != "1.0":
        raise _bad(200621, "parse card json err, unknown schema")
    if not isinstance(card.get("elements"), list):
        raise _bad(200621, "parse card json err, elements missing")
    only(card, CARD_1, "card.", note)
    return _content(card, list(_walk_1(card["elements"])), "")


def _walk_1(elements: Any) -> Iterator[Mapping[str, Any]]:
    for element in elements if isinstance(elements, list) else []:
        if isinstance(element, dict):
            yield element
            for name in ("elements", "columns", "actions", "fields"):
                yield from _walk_1(element.get(name))


def _check_header(card: Mapping[str, Any], note: Note) -> None:
    header = _dict(card.get("header"))
    if text_of(header.get("template", "default")) not in TEMPLATES:
        note("header.template is no colour Feishu knows")
    if len(_tags(header)) > 3:
        note("more than 3 tags in the header; the rest is not shown")


def _tags(header: Mapping[str, Any]) -> list[Any]:
    tags = header.get("text_tag_list")
    return tags if isinstance(tags, list) else []


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _content(card: Mapping[str, Any], elements: list[Mapping[str, Any]], summary: str) -> Content:
    header = _dict(card.get("header"))
    title = _dict(header.get("title"))
    texts = [_dict(header.get("subtitle")), *(text for element in elements for text in _texts(element))]
    mentions = [who for text in [title, *texts] if _dialect(text) is Dialect.FEISHU for who in pings(_said(text))]
    parts = [Part(_said(_dict(header.get("subtitle"))))] if header.get("subtitle") else []
    aside = {id(child) for element in elements if element.get("tag") == "column" for child in _texts_in(element)}
    parts += [replace(part, aside=id(element) in aside) for element in elements for part in _parts(element)]
    whole = text_of(_dict(card.get("card_link")).get("url"))
    parts += [Part("›", url=whole)] if whole else []
    parts += [Part("", url=url) for url in links_of(_said(title), _dialect(title))]
    tags = tuple(_said(_dict(_dict(tag).get("text"))) for tag in _tags(header))
    accent = text_of(header.get("template")) if header else ""
    return Content("interactive", _said(title), tuple(parts), tuple(mentions), accent, tags, summary)


def _said(text: Mapping[str, Any]) -> str:
    return text_of(text.get("content"))


def _dialect(text: Mapping[str, Any]) -> Dialect:
    return Dialect.FEISHU if text.get("tag") in ("markdown", "lark_md") else Dialect.PLAIN


def _texts(element: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every text of one component itself, without its children's."""
    held = [element.get("text"), _dict(element.get("header")).get("title"), element.get("alt"), element.get("title")]
    return [element, *(text for text in held if isinstance(text, dict))]


def _texts_in(element: Mapping[str, Any]) -> list[Any]:
    held = element.get("elements")
    return [child for child in held if _dict(child).get("tag") == "markdown"] if isinstance(held, list) else []


def _parts(element: Mapping[str, Any]) -> list[Part]:
    tag = element.get("tag")
    if tag == "hr":
        return [Part("", Dialect.RULE)]
    if tag == "img":
        return [Part(text_of(element.get("img_key")), Dialect.IMAGE)]
    parts = [Part(_said(text), _dialect(text)) for text in _texts(element) if _said(text)]
    url = next(iter(_urls(element)), "")
    if tag == "button" and parts:
        return [Part(parts[0].text, url=url)]
    return [*parts, *([Part("›", url=url)] if url else [])]


def _urls(element: Mapping[str, Any]) -> Iterator[str]:
    behaviors = element.get("behaviors")
    for behavior in behaviors if isinstance(behaviors, list) else []:
        if text_of(_dict(behavior).get("default_url")):
            yield str(behavior["default_url"])
    if text_of(element.get("url")):
        yield str(element["url"])
    nested = _dict(element.get("multi_url")) or _dict(_dict(element.get("action")).get("multi_url"))
    if text_of(nested.get("url")):
        yield str(nested["url"])
