"""A platform's markdown as HTML for the page.

Everything that is not recognised is escaped: the text of an alert is hostile.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

from markupsafe import Markup, escape

from receiver.sandbox.dialects import Dialect, blocks, pieces, word_of

_DEEPEST = 6
_COLOURS = {
    "info": "green",
    "comment": "grey",
    "warning": "orange",
    "gray": "grey",
    "carmine": "red",
    "highlight": "orange",
}
_NAMED = frozenset(
    ("red", "orange", "yellow", "green", "turquoise", "blue", "wathet", "indigo", "purple", "violet", "grey")
)


_LINK = Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>')


def safe_url(url: str) -> str:
    """`url` if a click on it can do no harm (http, https), else the empty string."""
    return url if re.match(r"https?://[^\s]+\Z", url, re.IGNORECASE) else ""


def html_of(text: str, dialect: Dialect) -> Markup:
    """`text` as HTML that is safe to show: no script, no style, no image, links only to http and https."""
    if dialect is Dialect.JSON:
        return Markup("<pre>{}</pre>").format(_indented(text))
    return Markup("").join(_block(kind, lines, dialect) for kind, lines in blocks(text, dialect))


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _block(kind: str, lines: list[str], dialect: Dialect) -> Markup:
    text = "\n".join(lines)
    if kind == "fence":
        return Markup("<pre>{}</pre>").format(text)
    if kind == "rule":
        return Markup("<hr>")
    if kind in ("ul", "ol"):
        items = Markup("").join(Markup("<li>{}</li>").format(_inline(line, dialect)) for line in lines)
        return Markup(f"<{kind}>") + items + Markup(f"</{kind}>")  # noqa: S704 - kind is one of ours
    shown = _lines(_inline(text, dialect), dialect)
    return Markup(f"<{kind}>") + shown + Markup(f"</{kind}>")  # noqa: S704 - kind is one of ours


def _lines(shown: Markup, dialect: Dialect) -> Markup:
    broken = re.sub(r" {2,}\n", "<br>", str(shown)) if dialect is Dialect.DINGTALK else str(shown)
    return Markup(broken.replace("\n", " " if dialect is Dialect.DINGTALK else "<br>"))  # noqa: S704 - escaped above


def _inline(text: str, dialect: Dialect, depth: int = 0) -> Markup:
    if depth > _DEEPEST:
        return escape(text)
    shown = (
        escape(html.unescape(piece)) if isinstance(piece, str) else _element(piece, dialect, depth)
        for piece in pieces(text, dialect)
    )
    return Markup("").join(shown)


def _element(match: re.Match[str], dialect: Dialect, depth: int) -> Markup:
    for name, show in _SHOWN.items():
        if match.groupdict().get(name) is not None:
            return show(match, lambda inner: _inline(inner, dialect, depth + 1))
    return escape(match[0])


_Show = Callable[[re.Match[str], Callable[[str], Markup]], Markup]


def _show_link(match: re.Match[str], inline: Callable[[str], Markup]) -> Markup:
    url = safe_url(html.unescape(match["url"]))
    if not url:
        return escape(match[0])
    return _LINK.format(url, inline(match["label"]) or url)


def _show_at(match: re.Match[str], _: Callable[[str], Markup]) -> Markup:
    return Markup('<span class="at">@{}</span>').format(word_of(match, Dialect.PLAIN)[1:])


def _wrap(name: str, group: str) -> _Show:
    return lambda match, inline: Markup(f"<{name}>") + inline(match[group]) + Markup(f"</{name}>")  # noqa: S704 - ours


_SHOWN: dict[str, _Show] = {
    "escaped": lambda match, _: escape(match["escaped"]),
    "code": lambda match, _: Markup("<code>{}</code>").format(match["code"][1:-1]),
    "url": _show_link,
    "auto": lambda match, _: _LINK.format(match["auto"], match["auto"]),
    "bold": _wrap("strong", "bold"),
    "italic": _wrap("em", "italic"),
    "strike": _wrap("s", "strike"),
    "font": lambda match, inline: Markup('<span class="c-{}">{}</span>').format(
        colour(match["colour"]), inline(match["font"])
    ),
    "tag": lambda match, _: Markup('<span class="tag c-{}">{}</span>').format(
        colour(match["tagcolour"] or "grey"), match["tag"]
    ),
    "br": lambda _match, _inline: Markup("<br>"),
    "at": _show_at,
    "attrs": _show_at,
}


def colour(name: str) -> str:
    """The page's class for a colour: the platforms' names, the nearest one for `#RRGGBB`, else grey."""
    name = _COLOURS.get(name.lower(), name.lower())
    if name.startswith("#"):
        return _nearest(name)
    base = name.split("-")[0]
    return base if base in _NAMED else "grey"


def _nearest(code: str) -> str:
    if not re.fullmatch(r"#[0-9a-f]{6}", code):
        return "grey"
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    if max(red, green, blue) - min(red, green, blue) < 40:
        return "grey"
    if red >= green and red >= blue:
        return "orange" if green > 100 else "red"
    return "green" if green >= blue else "blue"
