"""Alertmanager's page for a new silence, its matchers filled in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from receiver.delivery.rendering.markup import Url, text_of, web_url
from receiver.model import Event

_CLASSIC_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_KEPT = 512
"""The longest value, in characters, that is remembered with its name."""


def new_silence(event: Event, labels: dict[str, Any]) -> str:
    """The page for an event of Alertmanager; empty for Grafana's, which gives its own links."""
    base = event["externalURL"]
    if not base or event["format"] != "alertmanager" or not labels:
        return ""
    page = _page(base)
    url = f"{page}%7B{'%2C%20'.join([_matcher(name, value) for name, value in labels.items()])}%7D"
    return Url(url) if page and len(url) <= Url.LIMIT else ""


@lru_cache(maxsize=256)
def _page(base: str) -> str:
    return web_url(f"{base.rstrip('/')}/#/silences/new?filter=")


def _matcher(name: str, value: object) -> str:
    text = text_of(value)
    return _remembered(name, text) if len(text) <= _KEPT else _quoted(name, text)


def _quoted(name: str, value: str) -> str:
    shown = name if _CLASSIC_NAME.fullmatch(name) else f'"{name.translate(_ESCAPES)}"'
    return quote(f'{shown}="{value.translate(_ESCAPES)}"', safe="", errors="replace")


_remembered = lru_cache(maxsize=8192)(_quoted)
"""Labels come back with every alert; to quote them takes longer than all the rest of a short message."""
