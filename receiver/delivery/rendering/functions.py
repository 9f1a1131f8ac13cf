"""What templates can do with values: Alertmanager's and Prometheus' functions under their names."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from receiver.channels.cleaning import plain
from receiver.delivery.rendering import numbers, times
from receiver.delivery.rendering.bounds import Budget, replaced
from receiver.delivery.rendering.expressions import match, re_replace_all
from receiver.delivery.rendering.markup import text_of, to_json
from receiver.errors import TemplateError

_FIRST = ("alertname",)


class Pair(NamedTuple):
    """A label or an annotation, as Alertmanager's SortedPairs gives it."""

    Name: str
    Value: str


def title(text: object) -> str:
    """Each word with a capital, the rest in lower case, as Alertmanager does."""
    return re.sub(r"[^\W_]+(?:['’][^\W_]+)*", lambda word: word[0][0].upper() + word[0][1:].lower(), text_of(text))


def entities(text: object) -> str:
    """What may stand in Slack's mrkdwn or in HTML: `& < >` as entities, nothing that hides or reverses text."""
    return escape(plain(text_of(text)), quote=False)


def strip_port(text: object) -> str:
    """`host:9100` as `host`, `[::1]:9100` as `::1`."""
    host = text_of(text)
    found = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):[^:]*", host)
    return (found[1] or found[2] or "") if found else host


def strip_domain(text: object) -> str:
    """`db1.example.com:9100` as `db1:9100`; addresses stay as they are."""
    whole = text_of(text)
    host = strip_port(whole)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.partition(".")[0] + (whole[len(host) :] if whole.startswith(host) else "")
    return whole


def base64_encode(text: object) -> str:
    """URL-safe base64, as Alertmanager's."""
    return base64.urlsafe_b64encode(text_of(text).encode("utf-8", "replace")).decode()


def base64_decode(text: object) -> str:
    """URL-safe base64 read; TemplateError if it is none."""
    try:
        return base64.urlsafe_b64decode(text_of(text)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise TemplateError("base64decode: this is no base64") from None


def sorted_pairs(labels: object) -> list[Pair]:
    """The pairs by name, alertname first."""
    return [Pair(name, value) for name, value in sorted(_dict(labels).items(), key=lambda pair: _order(pair[0]))]


def _order(name: object) -> tuple[bool, str]:
    return name not in _FIRST, text_of(name)


def _dict(labels: object) -> Mapping[str, Any]:
    if isinstance(labels, dict):
        return labels
    return dict(labels) if isinstance(labels, list | tuple) else {}


def remove(labels: object, names: object) -> dict[str, Any]:
    """`labels` without those called `names` (a list or one name)."""
    gone = {names} if isinstance(names, str) else set(names)  # type: ignore[call-overload]
    return {name: value for name, value in _dict(labels).items() if name not in gone}


def length(value: Any) -> int:
    """How many characters, items or keys."""
    return len(value)


def make_list(*items: object) -> list[object]:
    """A list of the arguments."""
    return list(items)


def make_dict(*pairs: object, **named: object) -> dict[Any, object]:
    """A dict of alternating keys and values, as in Alertmanager; or of one dict, and of named arguments."""
    if len(pairs) == 1 and isinstance(pairs[0], dict):
        return {**pairs[0], **named}
    if len(pairs) % 2:
        raise TemplateError("dict: needs a value for each key")
    return {**{text_of(key): value for key, value in zip(pairs[::2], pairs[1::2], strict=True)}, **named}


def bounded(budget: Budget) -> dict[str, Callable[..., Any]]:
    """The filters whose result may be much larger than what they are given."""

    def append(items: object, *more: object) -> list[object]:
        """A new list: `items` and then `more`."""
        listed = items if isinstance(items, list | tuple) else [items]
        budget.text(len(listed))
        return [*listed, *more]

    def replace(text: object, old: object, new: object, count: int = -1) -> str:
        value, out, into = text_of(text), text_of(old), text_of(new)
        budget.text(replaced(value, out, into))
        return value.replace(out, into, -1 if count is None else count)

    def center(text: object, width: int = 80) -> str:
        budget.text(max(width, len(text_of(text))))
        return text_of(text).center(width)

    def indent(text: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
        value = text_of(text)
        budget.text((width if isinstance(width, int) else len(width)) * (value.count("\n") + 1) + len(value))
        margin = " " * width if isinstance(width, int) else width
        lines = value.split("\n")
        made = [margin + line if line or blank else line for line in lines[1:]]
        return "\n".join([margin + lines[0] if first else lines[0], *made])

    def rounded(value: object, precision: int = 0, method: str = "common") -> float:
        if not -20 < precision < 20 or method not in ("common", "ceil", "floor"):
            raise TemplateError("round: precision or method out of range")
        amount, scale = numbers.number(value), 10.0**precision
        if method == "common":
            return round(amount, precision)
        return (-(-amount * scale // 1) if method == "ceil" else amount * scale // 1) / scale

    def total(items: object, start: float = 0) -> float:
        return sum((i if isinstance(i, int) else numbers.number(i) for i in budget.steps(items)), start)

    def form(text: object, *args: object, **named: object) -> str:
        return budget.percent(text_of(text), named or args)

    return {
        "append": append,
        "replace": replace,
        "center": center,
        "indent": indent,
        "round": rounded,
        "sum": total,
        "format": form,
        "reReplaceAll": re_replace_all(budget),
        "string": text_of,
    }


FILTERS: dict[str, Callable[..., Any]] = {
    "toUpper": lambda text: text_of(text).upper(),
    "toLower": lambda text: text_of(text).lower(),
    "title": title,
    "entities": entities,
    "trimSpace": lambda text: text_of(text).strip(),
    "match": match,
    "safeHtml": text_of,
    "safeUrl": text_of,
    "urlUnescape": lambda text: unquote_plus(text_of(text)),
    "urlQueryEscape": lambda text: quote_plus(text_of(text), errors="replace"),
    "urlquery": lambda text: quote_plus(text_of(text), errors="replace"),
    "stringSlice": make_list,
    "toJson": to_json,
    "base64encode": base64_encode,
    "base64decode": base64_decode,
    "SortedPairs": sorted_pairs,
    "Remove": remove,
    "Names": lambda labels: [pair.Name for pair in sorted_pairs(labels)],
    "Values": lambda labels: [pair.Value for pair in sorted_pairs(labels)],
    "thousands": numbers.thousands,
    "humanize": numbers.humanize,
    "humanize1024": numbers.humanize1024,
    "humanizePercentage": numbers.humanize_percentage,
    "humanizeDuration": numbers.humanize_duration,
    "toDuration": lambda value: times.Span(numbers.number(value)),
    "parseDuration": numbers.parse_duration,
    "stripPort": strip_port,
    "stripDomain": strip_domain,
}
"""Filters that need nothing but their value."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "list": make_list,
    "dict": make_dict,
    "stringSlice": make_list,
    "len": length,
}
"""Global functions whose arguments stand as they do in Go."""


def go_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter as a function: in Go the value stands last, `match("^db", instance)`."""

    def called(*args: Any) -> Any:
        if not args:
            raise TemplateError("a function needs a value")
        return function(args[-1], *args[:-1])

    return called
