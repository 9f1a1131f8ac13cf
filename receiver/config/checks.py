"""What only the whole document can tell: names that must differ, names that must exist, who may reach the listener.

Read from the plain data, so that these faults show beside those within a section.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from receiver.auth.settings import NAME_TAKEN
from receiver.config.findings import Finding, Nothing, Place
from receiver.config.settings import ServerSettings, is_loopback
from receiver.schedules import ScheduleSettings
from receiver.settings import address, seconds
from receiver.store.base import StorageSettings

_NOT_AT_THE_ROOT = ("matchers", "sources", "receivers", "continue")


def check(data: Any) -> Iterator[Finding]:
    """Everything wrong between the sections."""
    yield from _channel_names(data)
    yield from _channels_beside(data)
    yield from _user_names(data)
    yield from _root_route(data)
    yield from _routed_channels(data)
    yield from _listener(data)
    yield from _storage(data)
    yield from _gathered(data)


def _get(data: Any, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []


def _names(data: Any) -> list[str]:
    return [str(_get(channel, "name")) for channel in _list(_get(data, "channels"))]


def _channel_names(data: Any) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, channel in enumerate(_list(_get(data, "channels"))):
        name = _get(channel, "name")
        if isinstance(name, str | int) and first.setdefault(str(name), number) != number:
            rule = f"is taken by channels[{first[str(name)]}]; names must differ"
            yield Finding(("channels", number, "name"), rule, name)


def _channels_beside(data: Any) -> Iterator[Finding]:
    """The channels that a channel turns to: its owner and its fallback."""
    known = _names(data)
    for number, channel in enumerate(_list(_get(data, "channels"))):
        for key in ("owner", "fallback"):
            name = _get(channel, key)
            if not isinstance(name, str | int):
                continue
            if str(name) not in known:
                yield Finding(("channels", number, key), _no_such_channel(str(name), known), name)
            elif key == "fallback" and str(name) == known[number]:
                yield Finding(("channels", number, key), "must be another channel", name)


def _user_names(data: Any) -> Iterator[Finding]:
    taken: set[str] = set()
    for number, user in enumerate(_list(_get(data, "auth", "users"))):
        name = str(_get(user, "name"))
        if name in taken:
            yield Finding(("auth", "users", number, "name"), NAME_TAKEN, name)
        taken.add(name)


def _root_route(data: Any) -> Iterator[Finding]:
    root = _get(data, "route")
    if not isinstance(root, dict):
        return
    if root.get("channels") in (None, []):
        rule = "is required: the root route takes every alert that no other route takes, and must name a channel"
        yield Finding(("route", "channels"), rule)
    for key in _NOT_AT_THE_ROOT:
        if root.get(key):
            yield Finding(("route", key), "cannot stand at the root route, which takes every alert; use route.routes")


def _routed_channels(data: Any) -> Iterator[Finding]:
    known = _names(data)
    for place, route in _routes(_get(data, "route"), ("route",)):
        for number, name in enumerate(_list(route.get("channels"))):
            if isinstance(name, str | int) and str(name) not in known:
                yield Finding((*place, "channels", number), _no_such_channel(str(name), known), name)


def _no_such_channel(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.6)
    return "must be the name of a channel" + (f"; did you mean {near[0]}?" if near else "")


def _routes(route: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    if isinstance(route, dict):
        yield place, route
        for number, child in enumerate(_list(route.get("routes"))):
            yield from _routes(child, (*place, "routes", number))


def _listener(data: Any) -> Iterator[Finding]:
    listen = _get(data, "server", "listen") or ServerSettings.model_fields["listen"].default
    try:
        host, _ = address(listen)
    except (ValueError, TypeError):
        return  # said where it stands
    auth = _get(data, "auth")
    guarded = _get(auth, "webhooks") and _get(auth, "users")
    anonymous = str(_get(auth, "anonymous")).lower() in ("true", "yes", "on", "1")
    if not (guarded or anonymous or is_loopback(host)):
        rule = "can be reached from other machines: set auth.webhooks and auth.users, or auth.anonymous: true"
        yield Finding(("server", "listen"), rule, listen)


def _storage(data: Any) -> Iterator[Finding]:
    url = _get(data, "storage", "url")
    if isinstance(url, str) and not (url.startswith("sqlite:///") and len(url) > len("sqlite:///")):
        rule = "must be sqlite:///path/to/file.db; other databases are not supported by this version"
        yield Finding(("storage", "url"), rule, url)


def _gathered(data: Any) -> Iterator[Finding]:
    """Schedules whose alerts would have expired before they are told."""
    try:
        retention = seconds(_get(data, "storage", "retention") or StorageSettings.model_fields["retention"].default)
    except ValueError:
        return  # said where it stands
    channels = ((("channels", number), each) for number, each in enumerate(_list(_get(data, "channels"))))
    for place, section in (*channels, *_routes(_get(data, "route"), ("route",))):
        schedule = _schedule(_get(section, "schedule"))
        if schedule and schedule.gathers and schedule.longest >= retention:
            key, offered = ("at", Nothing) if schedule.at else ("every", section["schedule"]["every"])
            rule = "is not often enough: what it gathers would expire untold, being older than storage.retention"
            yield Finding((*place, "schedule", key), rule, offered)


def _schedule(data: Any) -> ScheduleSettings | None:
    try:
        return ScheduleSettings.model_validate(data)
    except ValidationError:
        return None  # there is none, or its faults are said where they stand
