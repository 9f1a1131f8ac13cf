"""Batches of alerts become the words of messages: rendered from templates, split to the platform's size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from weakref import WeakKeyDictionary

import orjson
from pydantic import field_validator

from receiver.channels.base import Channel
from receiver.delivery.rendering import plaintext, samples, times
from receiver.delivery.rendering.extras import taken, within
from receiver.delivery.rendering.facts import Batch, Facts, of_channel
from receiver.delivery.rendering.library import Library, TemplateFailure
from receiver.delivery.rendering.markup import CUT, defused, text_of
from receiver.delivery.rendering.splitting import Measure, Part, shortened, split
from receiver.errors import Fault
from receiver.model import Mentions, Text
from receiver.settings import Section

__all__ = ["Batch", "DisplaySettings", "Renderer", "Rendering", "TemplateSettings"]

TITLE_BYTES = 200
_NUMBERING = " (99999/99999)"
_NOBODY = Mentions()
_NOTES = {
    "zh": ("…（内容过长，已截断，全文见{}）", "…（内容过长，已截断约 {} 字节）", "推送记录"),
    "en": ("… (cut, see {})", "… (cut, about {} bytes more)", "the whole record"),
}


class DisplaySettings(Section):
    """How times and words are shown: an IANA time zone, and the language of the messages."""

    timezone: str = "Asia/Shanghai"
    language: Literal["zh", "en"] = "zh"

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        times.zone(value)
        return value


class TemplateSettings(Section):
    """Where templates are looked for before the shipped ones."""

    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """The messages of a batch; `failed` says which template failed and why, empty when none did."""

    texts: tuple[Text, ...]
    failed: str = ""


class Renderer:
    """Renders what channels send. Templates are read and compiled once; new files need a new Renderer.

    A file is looked for in the configured directory, then among the shipped ones: `<template>/<kind>.<language>.j2`,
    then `<template>/<kind>.j2`. `title` and `plain` are shared by all kinds and fall back to the template `default`.
    """

    def __init__(self, display: DisplaySettings, templates: TemplateSettings) -> None:
        self._language = display.language
        self._zone = times.zone(display.timezone)
        self._library = Library(templates.directory, self._zone)
        self._lock = Lock()
        self._given: WeakKeyDictionary[Channel, dict[str, Any]] = WeakKeyDictionary()

    def language(self, channel: Channel) -> str:
        """The language that `channel` speaks."""
        chosen: str = channel.settings.language or self._language
        return chosen

    def render(
        self, channel: Channel, batch: Batch, now: float, *, plain: bool = False, mentions: Mentions = _NOBODY
    ) -> Rendering:
        """The messages that tell `batch` at the Unix time `now`, each within the channel's room. Never raises.

        A template that fails to compile or render, or does too much, is replaced by built-in plain text. The first
        message has the `mentions`; all of them leave room for them.
        """
        rendering = self._rendered(channel, batch, now, plain, mentions)
        if not mentions:
            return rendering
        first, *others = rendering.texts
        return replace(rendering, texts=(replace(first, mentions=mentions), *others))

    def _rendered(self, channel: Channel, batch: Batch, now: float, plain: bool, mentions: Mentions) -> Rendering:
        try:
            with self._lock:
                return Rendering(self._from_templates(channel, batch, now, plain, mentions))
        except Exception as error:
            failed = str(error)[:600] or type(error).__name__
        try:
            return Rendering(self._built_in(channel, batch, now, mentions), failed)
        except Exception as error:  # an event such as no parser makes: say at least that there was one
            title = shortened(defused(text_of(batch.event.get("title")) or "alert"), TITLE_BYTES, len)
            text = Text(title, f"{type(error).__name__}; {failed[:200]}", "firing", plain=True, alerts=_all(batch))
            return Rendering((text,), failed)

    def check(self, channels: Iterable[Channel]) -> list[Fault]:
        """Every template that `channels` use, compiled and rendered on sample events: what is wrong, file and line."""
        return list(dict.fromkeys(fault for channel in channels for fault in self._faults(channel)))

    def _faults(self, channel: Channel) -> Iterator[Fault]:
        library, heading = self._library, ""
        for batch in samples.batches():
            for form in (library.title, library.body, library.plain):
                facts = self._facts(channel, batch, samples.NOW)
                facts["heading"] = heading
                try:
                    with self._lock:
                        output = form(channel, facts.language).render(facts, len(batch.alerts))
                    if form == library.title:
                        heading = " ".join(output.split())
                    if form == library.body and channel.kind == "webhook" and "json" in channel.settings.content_type:
                        orjson.loads(output)
                except orjson.JSONDecodeError as error:
                    yield Fault(f"{channel.settings.template}/{channel.kind}", f"the body is no JSON: {error.msg}")
                except TemplateFailure as error:
                    yield Fault(error.path, error.cause, error.line)
                except Exception as error:
                    yield Fault(f"{channel.settings.template}/{channel.kind}", f"{type(error).__name__}: {error}")

    def _facts(self, channel: Channel, batch: Batch, now: float) -> Facts:
        given = self._given.get(channel)
        if given is None:
            given = self._given[channel] = of_channel(channel)
        return Facts(batch, given, now, channel.settings.language or self._language, self._zone)

    def _from_templates(
        self, channel: Channel, batch: Batch, now: float, plain: bool, mentions: Mentions = _NOBODY
    ) -> tuple[Text, ...]:
        facts, library = self._facts(channel, batch, now), self._library
        title = " ".join(library.title(channel, facts.language).render(facts, len(batch.alerts)).split())
        room = channel.room(plain) - channel.weigh_mentions(mentions, plain)
        title, weight = _bounded(channel, title, room, plain)
        facts["heading"] = title
        form = library.plain if plain else library.body
        output = form(channel, facts.language).render(facts, len(batch.alerts))
        if channel.kind == "webhook" and not plain:
            texts: tuple[Text, ...] = (_text(title, output, facts, _all(batch), plain),)
        else:
            output, extras = taken(output, () if plain else channel.takes)
            extras = within(channel, extras, room // 2)
            texts = _messages(channel, facts, title, output, room - weight - channel.weigh_extras(extras), plain)
            texts = tuple(replace(text, extras=extras) for text in texts) if extras else texts
        facts.forget()
        return texts

    def _built_in(self, channel: Channel, batch: Batch, now: float, mentions: Mentions) -> tuple[Text, ...]:
        facts = self._facts(channel, batch, now)
        room = channel.room(True) - channel.weigh_mentions(mentions, True)
        title, weight = _bounded(channel, plaintext.title(facts), room, True)
        return _messages(channel, facts, title, CUT.join(plaintext.pieces(facts)), room - weight, True)


def _all(batch: Batch) -> tuple[int, ...]:
    return tuple(range(len(batch.alerts)))


def _text(title: str, body: str, facts: Facts, alerts: tuple[int, ...], plain: bool) -> Text:
    return Text(title, body, facts["status"], facts["severity"], plain, alerts)


def _bounded(channel: Channel, title: str, room: int, plain: bool) -> tuple[str, int]:
    """The title as it will stand above the body, and its weight."""
    weight = _title_weight(channel, title, plain)
    if weight > (limit := min(TITLE_BYTES, room // 3)):
        title = shortened(title, limit, lambda text: _title_weight(channel, text, plain))
        weight = _title_weight(channel, title, plain)
    return title, weight


def _messages(channel: Channel, facts: Facts, title: str, output: str, room: int, plain: bool) -> tuple[Text, ...]:
    """Title and output as one message if its body fits into `room`, else as several."""
    body = output.replace(CUT, "").strip("\n")
    if channel.weigh(body) <= room:
        return (_text(title, body, facts, _all(facts.batch), plain),)
    return _parts(channel, facts, title, output.split(CUT), room, plain)


def _parts(
    channel: Channel, facts: Facts, title: str, pieces: Sequence[str], room: int, plain: bool
) -> tuple[Text, ...]:
    unmarked = plain or channel.body_template == "plain"
    measure = Measure(channel.weigh, lambda left: _note(channel, facts, left, unmarked), markup=not unmarked)
    parts = split(pieces, room, measure, _title_weight(channel, _NUMBERING, plain))
    numbers = [f" ({number}/{len(parts)})" if len(parts) > 1 else "" for number in range(1, len(parts) + 1)]
    return tuple(
        _text(title + number, part.body, facts, _told(part, pieces, facts), plain)
        for number, part in zip(numbers, parts, strict=True)
    )


def _title_weight(channel: Channel, title: str, plain: bool) -> int:
    """A title may be shown with the channel's markup or, in a preview, without."""
    weight = channel.weigh(title)
    if plain or (shown := channel.escape(title)) == title:
        return weight
    return max(weight, channel.weigh(shown))


def _told(part: Part, pieces: Sequence[str], facts: Facts) -> tuple[int, ...]:
    """The positions in the batch of what `part` tells; of all alerts if the template made no piece for each."""
    views = facts.views
    if len(pieces) != len(views) + 2:
        return tuple(range(len(views)))
    return tuple(sorted(views[piece].position for piece in part.pieces))


def _note(channel: Channel, facts: Facts, left: int, plain: bool) -> str:
    whole, rest, record = _NOTES[facts.language]
    url = facts["record_url"]
    if not url:
        return "\n" + rest.format(left) + "\n"
    return "\n" + whole.format(f" {url} " if plain else f"[{channel.escape(record)}]({url})") + "\n"
