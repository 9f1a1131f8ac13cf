"""Batches of alerts become the words of messages: rendered from templates, split to the platform's size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import local
from typing import Any, Literal
from weakref import WeakKeyDictionary

import orjson
from pydantic import field_validator

from receiver.channels.base import Channel
from receiver.delivery.rendering import digests, plaintext, samples, texts, times
from receiver.delivery.rendering.batch import Batch
from receiver.delivery.rendering.extras import taken, within
from receiver.delivery.rendering.facts import Facts, of_channel
from receiver.delivery.rendering.library import Library, TemplateFailure
from receiver.delivery.rendering.markup import CUT, defused, text_of
from receiver.delivery.rendering.sheet import sheet
from receiver.delivery.rendering.sources import Sources
from receiver.delivery.rendering.splitting import shortened
from receiver.errors import Fault
from receiver.model import Alert
from receiver.settings import Section
from receiver.text import Extras, Mentions, Text

__all__ = ["Batch", "DisplaySettings", "Renderer", "Rendering", "TemplateSettings"]

_NOBODY = Mentions()


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
    """Renders what channels send, in any thread, and none waits for another. Templates are read and compiled once; new
    files need a new Renderer.

    A file is looked for in the configured directory, then among the shipped ones: `<template>/<kind>.<language>.j2`,
    then `<template>/<kind>.j2`. `title`, `plain`, `digest` and `digest_title` are shared by all kinds and fall back to
    the template `default`. A digest has the shipped look of its kind.
    """

    def __init__(self, display: DisplaySettings, templates: TemplateSettings) -> None:
        self._language = display.language
        self._zone = times.zone(display.timezone)
        self._sources = Sources(templates.directory)
        self._of_thread = local()
        self._given: WeakKeyDictionary[Channel, dict[str, Any]] = WeakKeyDictionary()

    @property
    def _library(self) -> Library:
        """The calling thread's."""
        try:
            library: Library = self._of_thread.library
        except AttributeError:
            library = self._of_thread.library = Library(self._sources, self._zone)
        return library

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
            return Rendering(self._from_templates(channel, batch, now, plain, mentions))
        except Exception as error:
            failed = str(error)[:600] or type(error).__name__
        try:
            return Rendering(self._built_in(channel, batch, now, mentions), failed)
        except Exception as error:  # an event such as no parser makes: say at least that there was one
            title = shortened(defused(text_of(batch.event.get("title")) or "alert"), texts.TITLE_BYTES, len)
            body, told = f"{type(error).__name__}; {failed[:200]}", texts.everything(batch)
            return Rendering((Text(title, body, "firing", plain=True, alerts=told),), failed)

    def sheet(self, channel: Channel, alerts: Sequence[Alert], now: float, more: int = 0) -> tuple[str, str]:
        """What a file that lists the alerts is called at the Unix time `now`, and its text; see sheet.sheet."""
        name = f"alerts-{datetime.fromtimestamp(now, self._zone):%Y%m%d-%H%M}.csv"
        return name, sheet(alerts, self._zone, self.language(channel), more)

    def check(self, channels: Iterable[Channel]) -> list[Fault]:
        """Every template that `channels` use, compiled and rendered on sample events: what is wrong, file and line."""
        return list(dict.fromkeys(fault for channel in channels for fault in self._faults(channel)))

    def _faults(self, channel: Channel) -> Iterator[Fault]:
        library, kind, heading = self._library, channel.kind, ""
        promised = kind == "webhook" and "json" in channel.settings.content_type
        for batch in samples.batches():
            for form in (library.title, library.body, library.plain):
                file = f"{channel.settings.template}/{kind}"
                try:
                    facts = self._facts(channel, batch, samples.NOW)
                    facts["heading"] = heading
                    quoting = form == library.body and kind == "webhook"
                    facts.plainly = self._plainly(channel, facts) if quoting else None
                    compiled = form(channel, facts.language, batch.digest)
                    file = compiled.template.name or file
                    output = compiled.render(facts, batch.pieces)
                    if form == library.title:
                        heading = " ".join(output.split())
                    if form == library.body and promised:
                        orjson.loads(output)
                except orjson.JSONDecodeError as error:
                    promised = False  # told once
                    yield Fault(file, f"the body is no JSON: {error.msg} near {error.doc[: error.pos + 9][-30:]!r}")
                except TemplateFailure as error:
                    yield Fault(error.path, error.cause, error.line)
                except Exception as error:
                    yield Fault(file, f"{type(error).__name__}: {error}")

    def _facts(self, channel: Channel, batch: Batch, now: float) -> Facts:
        given = self._given.get(channel)
        if given is None:
            given = self._given[channel] = of_channel(channel)
        facts = Facts(batch, given, now, channel.settings.language or self._language, self._zone)
        if batch.digest:
            facts["words"] = self._library.words(channel, facts.language)
            digests.complete(facts)
        return facts

    def _from_templates(
        self, channel: Channel, batch: Batch, now: float, plain: bool, mentions: Mentions = _NOBODY
    ) -> tuple[Text, ...]:
        facts, library = self._facts(channel, batch, now), self._library
        named = library.title(channel, facts.language, batch.digest)
        title = " ".join(named.render(facts, batch.pieces).split())
        room = channel.room(plain) - channel.weigh_mentions(mentions, plain)
        title, weight = texts.bounded(channel, title, room, plain)
        facts["heading"] = title
        if channel.kind == "webhook" and not plain:
            made = self._document(channel, facts, title)
        else:
            made = self._parts(channel, facts, title, room - weight, plain)
        facts.forget()
        return made

    def _document(self, channel: Channel, facts: Facts, title: str) -> tuple[Text, ...]:
        """One whole body, never split; it may quote the plain text."""
        facts.plainly = self._plainly(channel, facts)
        body = self._library.body(channel, facts.language).render(facts, facts.batch.pieces)
        return (texts.of(facts, title, body, texts.everything(facts.batch), False),)

    def _parts(self, channel: Channel, facts: Facts, title: str, room: int, plain: bool) -> tuple[Text, ...]:
        """As many bodies as have to be, what stands beside them taken out."""
        library, digest = self._library, facts.batch.digest
        compiled = (library.plain if plain else library.body)(channel, facts.language, digest)
        output = compiled.render(facts, facts.batch.pieces, () if plain else channel.takes)
        output, extras = taken(output, compiled.environment.held)
        if not extras:
            return texts.messages(channel, facts, title, output, room, plain)
        extras, weight = within(channel, extras, room // 2)
        return texts.beside(extras, texts.messages(channel, facts, title, output, room - weight, plain))

    def _plainly(self, channel: Channel, facts: Facts) -> Callable[[Collection[str]], tuple[str, Extras]]:
        def plainly(takes: Collection[str]) -> tuple[str, Extras]:
            compiled = self._library.plain(channel, facts.language, facts.batch.digest)
            facts.plainly = None  # plain text quotes nothing
            output = compiled.render(facts, facts.batch.pieces, takes)
            facts.plainly = plainly
            return taken(output, compiled.environment.held)

        return plainly

    def _built_in(self, channel: Channel, batch: Batch, now: float, mentions: Mentions) -> tuple[Text, ...]:
        facts = self._facts(channel, batch, now)
        room = channel.room(True) - channel.weigh_mentions(mentions, True)
        title, weight = texts.bounded(channel, plaintext.title(facts), room, True)
        return texts.messages(channel, facts, title, CUT.join(plaintext.pieces(facts)), room - weight, True)
