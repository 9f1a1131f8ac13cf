"""Previews of messages with all that a configuration says: its channels, templates, contacts and routes."""

from __future__ import annotations

from functools import cached_property
from typing import Any, get_args
from zoneinfo import ZoneInfo

from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.config import Settings
from receiver.contacts import Contacts
from receiver.delivery.preview import Audience, Preview, Rehearsal, Unknown, Wanted, preview
from receiver.delivery.rendering import DisplaySettings
from receiver.delivery.rendering.library import folders
from receiver.http import Http, HttpSettings
from receiver.intake.formats import parse
from receiver.intake.routing import Routes
from receiver.model import Event
from receiver.reading import read

LANGUAGES: tuple[str, ...] = get_args(DisplaySettings.model_fields["language"].annotation)


class Previews:
    """Makes previews.

    Each has a Renderer of its own, some 50 ms to make and to fill: an edited template shows at once, and no sender
    waits for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channels = {channel.name: channel for channel in settings.channels}

    @cached_property
    def _contacts(self) -> Contacts:
        """Made with the first preview: a service that shows none need not start with a second set."""
        return Contacts(self._settings.contacts, ZoneInfo(self._settings.display.timezone))

    @cached_property
    def _routes(self) -> Routes:
        return Routes(self._settings.route)

    def make(self, wanted: Wanted, now: float) -> Preview:
        """What is `wanted`, as it would go out at the Unix time `now`. Not to be called where an event loop runs.

        Raises Unknown for a name that nothing has, BadPayload when the event cannot be understood.
        """
        channel = self._channel(wanted)
        event = parse(wanted.event, "", now)
        return preview(
            channel,
            event,
            Rehearsal(self._settings.display, self._settings.templates),
            Audience(self._contacts, self._routes.mentions),
            read=read,
            record_url=self._settings.server.record_url,
            route=self._route(event, wanted.channel),
            now=now,
        )

    def _channel(self, wanted: Wanted) -> Channel:
        found = self._found(wanted)
        changes: dict[str, Any] = {}
        if wanted.template:
            changes["template"] = self._template(wanted.template)
        if wanted.language:
            if wanted.language not in LANGUAGES:
                raise Unknown("language", wanted.language, LANGUAGES)
            changes["language"] = wanted.language
        settings = found.model_copy(update=changes)
        return CHANNELS[settings.kind](settings, Http(HttpSettings()).client())

    def _found(self, wanted: Wanted) -> Any:
        if wanted.kind:
            if wanted.kind not in CHANNELS:
                raise Unknown("kind", wanted.kind, CHANNELS)
            return CHANNELS[wanted.kind].Settings.model_validate(_sample(wanted.kind))
        if wanted.channel not in self._channels:
            raise Unknown("channel", wanted.channel, self._channels)
        return self._channels[wanted.channel]

    def _template(self, name: str) -> str:
        known = folders(self._settings.templates.directory)
        if name not in known:
            raise Unknown("template", name, known)
        return name

    def _route(self, event: Event, channel: str) -> str:
        """Which route takes the event's alerts to the channel; empty if none does."""
        return next((share.route for share in self._routes.route(event) if share.channel == channel), "")


def bare() -> Settings:
    """The configuration of who has none: a made-up channel of each kind, and every default."""
    channels = [_sample(kind) for kind in CHANNELS]
    return Settings.model_validate({"channels": channels, "route": {"channels": list(CHANNELS)}})


def _sample(kind: str) -> dict[str, Any]:
    return {"name": kind, "kind": kind, **CHANNELS[kind].sample}
