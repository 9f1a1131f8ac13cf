"""The template files: found, compiled once, rendered; and what is wrong with one, by file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, Self

import jinja2

from receiver.channels.base import Channel
from receiver.delivery.rendering.bounds import TEXT_LIMIT
from receiver.delivery.rendering.compiling import CodeCache
from receiver.delivery.rendering.environment import TemplateEnvironment
from receiver.delivery.rendering.filters import Form, equip
from receiver.delivery.rendering.markup import VALUE_LIMIT, defused
from receiver.delivery.rendering.sources import Sources, roots
from receiver.errors import TemplateError

DEFAULT = "default"
_FOLDER = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,62}")
_SHARED = ("title", "plain", "digest_title")
"""Templates for all kinds."""


class TemplateFailure(TemplateError):
    """One template that could not be compiled or rendered: its file, the line if known, the cause."""

    def __init__(self, path: str, line: int | None, cause: str) -> None:
        super().__init__(f"{path}:{line}: {cause}" if line else f"{path}: {cause}")
        self.path, self.line, self.cause = path, line, cause

    @classmethod
    def of(cls, error: Exception, name: str) -> Self:
        """What `error` says of the template called `name`, or of the one that it extends, includes or imports."""
        if isinstance(error, jinja2.TemplateSyntaxError):
            return cls(error.name or name, error.lineno, error.message or "syntax error")
        if isinstance(error, jinja2.TemplateNotFound):
            missing = error.name or name
            return cls(name, None, "there is no such file" if missing == name else f"there is no template {missing}")
        words = str(error) if isinstance(error, TemplateError | jinja2.TemplateError) else f"{_kind(error)}: {error}"
        path, line = _place(error) or (name, None)
        return cls(path, line, words[:500])


def _kind(error: Exception) -> str:
    return type(error).__name__


def _place(error: Exception) -> tuple[str, int] | None:
    """The innermost template, and its line, in which `error` was raised."""
    place, frame = None, error.__traceback__
    while frame is not None:
        template = frame.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = template.name or "", template.get_corresponding_lineno(frame.tb_lineno)
        frame = frame.tb_next
    return place


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template and the environment that escapes for it."""

    environment: TemplateEnvironment
    template: jinja2.Template

    def render(self, facts: Mapping[str, Any], alerts: int, takes: Collection[str] = ()) -> str:
        """What it makes of `facts`, allowed the work of that many alerts, with marks for what is to be taken out of it.

        TemplateFailure if it cannot.
        """
        self.environment.budget.start(alerts)
        try:
            return self.environment.text(self.template, facts, takes)
        except TemplateFailure:  # of the plain text that this one quotes
            raise
        except Exception as error:
            raise TemplateFailure.of(error, self.template.name or "") from error


class Library:
    """The templates in the configured directory and the shipped ones, each compiled at most once.

    One environment for each way to escape; titles and plain text share one. For one thread only: an environment renders
    one message at a time.
    """

    def __init__(self, sources: Sources, zone: tzinfo) -> None:
        self._sources = sources
        self._zone = zone
        self._environments: dict[tuple[Form, Callable[[str], str]], TemplateEnvironment] = {}
        self._found: dict[tuple[str, bool, str, str, Callable[[str], str]], Compiled | TemplateFailure] = {}

    def title(self, channel: Channel, language: str, digest: bool = False) -> Compiled:
        """The one-line title: the template's own, or the default one. TemplateFailure if it is bad."""
        return self._template("digest_title" if digest else "title", channel, language)

    def plain(self, channel: Channel, language: str, digest: bool = False) -> Compiled:
        """The plain text form: the template's own, or the default one, as of a digest. TemplateFailure if it is bad."""
        return self._template("plain", channel, language, digest)

    def body(self, channel: Channel, language: str, digest: bool = False) -> Compiled:
        """The template for the channel's kind. TemplateFailure if there is none or it is bad.

        Of a digest it is the shipped one, but for a webhook: its document is always that of its own template.
        """
        return self._template(channel.body_template, channel, language, digest and channel.kind != "webhook")

    def words(self, channel: Channel, language: str) -> str:
        """The file with what a digest says: the template's own, or the default one. The shipped looks extend it."""
        folders = [channel.settings.template, DEFAULT]
        return self._sources.name(folders, "digest", language) or f"{DEFAULT}/digest.{language}.j2"

    def _template(self, noun: str, channel: Channel, language: str, digest: bool = False) -> Compiled:
        key = (noun, digest, channel.settings.template, language, channel.escape)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._load(noun, channel, language, digest)
        if isinstance(found, TemplateFailure):
            raise found.with_traceback(None)
        return found

    def _load(self, noun: str, channel: Channel, language: str, digest: bool) -> Compiled | TemplateFailure:
        template: str = channel.settings.template
        if digest:  # a look of somebody's own knows nothing of digests
            name = self._sources.shipped(f"{DEFAULT}/{noun}.j2") or self.words(channel, language)
        else:
            folders = [template, DEFAULT] if noun in _SHARED else [template]
            name = self._sources.name(folders, noun, language) or f"{template}/{noun}.{language}.j2"
        environment = self._environment(noun, channel)
        try:
            return Compiled(environment, environment.get_template(name))
        except Exception as error:
            return TemplateFailure.of(error, name)

    def _environment(self, noun: str, channel: Channel) -> TemplateEnvironment:
        form: Form = "markup"
        if noun in _SHARED:
            form, escape = "plain", defused
        elif noun == "webhook":
            form, escape = "json", channel.escape
        else:
            escape = channel.escape
        key = (form, escape)
        if key not in self._environments:
            limit = TEXT_LIMIT if form == "json" else VALUE_LIMIT
            made = TemplateEnvironment(self._sources, escape, limit)
            equip(made, form, self._zone)
            made.bytecode_cache = CodeCache((*key, self._zone))
            self._environments[key] = made
        return self._environments[key]


def folders(directory: Path | None) -> list[str]:
    """The templates there are: the folders in the configured directory and the shipped one, by plain names only."""
    found = {path.name for root in roots(directory) if root.is_dir() for path in root.iterdir() if path.is_dir()}
    return sorted(filter(_FOLDER.fullmatch, found))
