"""Channels, events and templates for the tests of rendering."""

from __future__ import annotations

from typing import Any

from receiver.channels.registry import CHANNELS
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, TemplateSettings
from receiver.delivery.rendering.samples import alert, event
from receiver.http import Http, HttpSettings

NOW = 1763600000.0
CREDENTIALS = {kind: made.sample for kind, made in CHANNELS.items()}
MARKED = ("wecom_robot", "dingtalk_robot", "feishu_bot")


def channel(kind: str = "wecom_robot", **settings: Any):
    made = CHANNELS[kind]
    return made(
        made.Settings(name="infra", kind=kind, **{**CREDENTIALS[kind], **settings}), Http(HttpSettings()).client()
    )


def renderer(directory=None, **display: Any) -> Renderer:
    return Renderer(DisplaySettings(**display), TemplateSettings(directory=directory))


def batch(*alerts, record_url: str = "", test: bool = False, **changes: Any) -> Batch:
    made = event(*alerts, **changes)
    return Batch(made, made["alerts"], record_url, test)


def template(directory, text: str, name: str = "default/wecom_robot.j2"):
    """A renderer over a folder in which `name` is `text`."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return renderer(directory)


def made(directory, text: str, kind: str = "wecom_robot", facts: Batch | None = None) -> str:
    """What the template text `text` makes for a channel of that kind; AssertionError if it fails."""
    rendering = template(directory, text, f"default/{kind}.j2").render(channel(kind), facts or batch(alert()), NOW)
    assert rendering.failed == ""
    return "".join(part.body for part in rendering.texts)
