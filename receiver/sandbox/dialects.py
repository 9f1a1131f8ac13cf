"""The platforms' markdown: each dialect's blocks and inline pieces, the plain words and the links.

Each dialect is the subset its provider documents (WeCom 91770, DingTalk robot-message-type, Feishu card 2.0). What
a dialect does not know stays literal text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Dialect(StrEnum):
    """How a text is to be read."""

    PLAIN = "plain"
    WECOM_TEXT = "wecom_text"
    WECOM_APP_TEXT = "wecom_app_text"
    WECOM_TEXTCARD = "wecom_textcard"
    WECOM = "wecom"
    WECOM_V2 = "wecom_v2"
    DINGTALK = "dingtalk"
    FEISHU_TEXT = "feishu_text"
    FEISHU_APP_TEXT = "feishu_app_text"
    FEISHU = "feishu"
    JSON = "json"
    RULE = "rule"
    IMAGE = "image"


_CODE = r"(?P<code>`[^`\n]{1,4000}+`)"
_LINK = r"!?\[(?P<label>[^\]]{0,2000}+)\]\(\s*+<?(?P<url>[^)\s<>]{1,2000}+)[^)]{0,300}+\)"
_AUTO = r"<(?P<auto>https?://[^<>\s]{1,2000})>"
_BOLD = r"\*\*(?P<bold>[^\n]{1,2000}?)\*\*"
_ITALIC = r"(?<![*\w])\*(?P<italic>[^*\s][^*\n]{0,1000}?)\*(?!\*)"
_STRIKE = r"~~(?P<strike>[^\n]{1,1000}?)~~"
_FONT = r"<font\s+color\s*=\s*[\"']?(?P<colour>[#\w-]{1,30})[\"']?\s*>(?P<font>(?s:.){0,4000}?)</font>"
_TAG = r"<text_tag(?:\s+color\s*=\s*[\"']?(?P<tagcolour>[\w-]{1,30})[\"']?)?\s*>(?P<tag>[^<]{0,300})</text_tag>"
_BREAK = r"(?P<br><br\s*/?>)"
_WECOM_AT = r"<@\s*(?P<at>[0-9A-Za-z_.@-]{1,64})\s*>"
_FEISHU_AT = r"<at\s(?P<attrs>[^<>]{1,500})>(?:(?P<shown>[^<>]{0,200})</at>)?"
_ANCHOR = r"<a\s+href\s*=\s*[\"'](?P<url>[^\"'<>\s]{1,2000})[\"']\s*>(?P<label>[^<]{0,2000})</a>"
_DIV = r"<div\s+class\s*=\s*[\"'](?P<colour>gray|highlight|normal)[\"']\s*>(?P<font>(?s:.){0,4000}?)</div>"
_B = r"<b>(?P<bold>[^\n]{0,2000}?)</b>"
_I = r"<i>(?P<italic>[^\n]{0,2000}?)</i>"
_S = r"<s>(?P<strike>[^\n]{0,2000}?)</s>"
_ESCAPED = r"\\(?P<escaped>[!-/:-@\[-`{-~])"

_INLINE: dict[Dialect, str] = {
    Dialect.WECOM_TEXT: _WECOM_AT,
    Dialect.WECOM_APP_TEXT: _ANCHOR,
    Dialect.WECOM_TEXTCARD: "|".join((_DIV, _BREAK)),
    Dialect.WECOM: "|".join((_CODE, _LINK, _BOLD, _FONT, _WECOM_AT)),
    Dialect.WECOM_V2: "|".join((_CODE, _LINK, _BOLD, _ITALIC)),
    Dialect.DINGTALK: "|".join((_LINK, _BOLD, _ITALIC, _FONT, _BREAK)),
    Dialect.FEISHU_TEXT: _FEISHU_AT,
    Dialect.FEISHU_APP_TEXT: "|".join((_LINK, _B, _I, _S, _FEISHU_AT)),
    Dialect.FEISHU: "|".join((_ESCAPED, _CODE, _LINK, _AUTO, _BOLD, _ITALIC, _STRIKE, _FONT, _TAG, _BREAK, _FEISHU_AT)),
}
_LISTS = (Dialect.WECOM_V2, Dialect.DINGTALK, Dialect.FEISHU)
_FENCES = (Dialect.WECOM_V2, Dialect.FEISHU)
_MARKDOWN = (Dialect.WECOM, *_LISTS)
_UNBROKEN = (
    Dialect.PLAIN,
    Dialect.WECOM_TEXT,
    Dialect.WECOM_APP_TEXT,
    Dialect.WECOM_TEXTCARD,
    Dialect.FEISHU_TEXT,
    Dialect.FEISHU_APP_TEXT,
    Dialect.JSON,
)


def links_of(text: str, dialect: Dialect) -> list[str]:
    """Every target a reader of `text` can click."""
    found: list[str] = []
    for kind, lines in blocks(text, dialect):
        found += _targets("\n".join(lines), dialect) if kind != "fence" else ()
    return found


def _targets(text: str, dialect: Dialect) -> Iterator[str]:
    for piece in pieces(text, dialect):
        if isinstance(piece, re.Match):
            groups = piece.groupdict()
            target = groups.get("url") or groups.get("auto")
            if target:
                yield html.unescape(target)
            inner = groups.get("bold") or groups.get("italic") or groups.get("strike") or groups.get("font")
            if inner:
                yield from _targets(inner, dialect)


def plain_of(text: str, dialect: Dialect) -> str:
    """What a person reads: the words without the markup."""
    if dialect in (Dialect.PLAIN, Dialect.JSON):
        return text
    return "\n".join(
        "\n".join(lines) if kind == "fence" else _words("\n".join(lines), dialect)
        for kind, lines in blocks(text, dialect)
        if kind != "rule"
    )


def _words(text: str, dialect: Dialect) -> str:
    return "".join(
        html.unescape(piece) if isinstance(piece, str) else word_of(piece, dialect) for piece in pieces(text, dialect)
    )


def word_of(match: re.Match[str], dialect: Dialect) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "br" in found:
        return "\n"
    if "at" in found or "attrs" in found:
        return "@" + (found.get("shown") or found.get("at") or _attribute(found["attrs"]))
    for name in ("code", "escaped", "auto"):
        if name in found:
            return found[name].strip("`") if name == "code" else found[name]
    inner = next((found[name] for name in ("label", "bold", "italic", "strike", "font", "tag") if name in found), "")
    return _words(inner, dialect)


def _attribute(attrs: str) -> str:
    match = re.search(r"=\s*[\"']?([^\"'\s/]+)", attrs)
    return match[1] if match else ""


@lru_cache
def _pattern(dialect: Dialect) -> re.Pattern[str] | None:
    return re.compile(_INLINE[dialect], re.IGNORECASE) if dialect in _INLINE else None


def pieces(text: str, dialect: Dialect) -> Iterator[str | re.Match[str]]:
    pattern = _pattern(dialect)
    last = 0
    for match in pattern.finditer(text) if pattern else ():
        if match.start() > last:
            yield text[last : match.start()]
        yield match
        last = match.end()
    if last < len(text):
        yield text[last:]


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str
    text: str


_RULES: tuple[tuple[str, re.Pattern[str], tuple[Dialect, ...]], ...] = (
    ("rule", re.compile(r"\s*(?:-{3,}|\*{3,})\s*()$"), (Dialect.WECOM_V2, Dialect.FEISHU)),
    ("blockquote", re.compile(r">+ ?(.*)$"), _MARKDOWN),
    ("ul", re.compile(r"\s*[-*+] +(.*)$"), _LISTS),
    ("ol", re.compile(r"\s*\d{1,3}[.)] +(.*)$"), _LISTS),
)


def _line(line: str, dialect: Dialect) -> _Line:
    heading = re.match(r"(#{1,6}) +(.*)$", line) if dialect in _MARKDOWN else None
    if heading:
        return _Line(f"h{len(heading[1])}", heading[2])
    for kind, pattern, dialects in _RULES:
        match = pattern.match(line) if dialect in dialects else None
        if match:
            return _Line(kind, match[1])
    return _Line("p" if line.strip() or dialect in _UNBROKEN else "", line)


def blocks(text: str, dialect: Dialect) -> Iterator[tuple[str, list[str]]]:
    kind = ""
    held: list[str] = []
    for line in _lexed(text, dialect):
        if held and (line.kind != kind or line.kind.startswith("h")):
            yield kind, held
            held = []
        kind = line.kind
        if kind:
            held.append(line.text)
    if held:
        yield kind, held


def _lexed(text: str, dialect: Dialect) -> Iterator[_Line]:
    fenced = False
    for line in text.split("\n"):
        if dialect in _FENCES and line.lstrip().startswith("```"):
            fenced = not fenced
            yield _Line("", "")
        else:
            yield _Line("fence", line) if fenced else _line(line.rstrip("\r"), dialect)
