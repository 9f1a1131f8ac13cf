"""`--sandbox`: every channel turned towards a stand-in of its provider within this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.sandbox import KINDS, OTHER, Sandbox, provider_app


@dataclass(frozen=True, slots=True)
class Stage:
    """The built-in sandbox on a loopback port of its own."""

    sandbox: Sandbox
    runner: web.AppRunner
    port: int

    def turn(self, settings: Any) -> Any:
        """A channel's settings with the sandbox in the provider's place."""
        return turned(settings, f"http://127.0.0.1:{self.port}")

    def expect(self, channels: Sequence[Channel]) -> None:
        """Make every channel known to the sandbox, as if its robot had been added to a group.

        Of an app it is told all that any of the app's channels says.
        """
        announced: dict[tuple[str | None, ...], dict[str, Any]] = {}
        for member in (member for channel in channels for member in channel.members):
            told = announced.setdefault((member.kind, *member.identity), {})
            told |= {name: value for name, value in member.announced.items() if value or name not in told}
            introduce(member, self.sandbox, told)


def turned(settings: Any, stand_in: str) -> Any:
    """A channel's settings with the sandbox at the URL `stand_in` in the place of its provider."""
    place = stand_in if settings.kind in KINDS else f"{stand_in}/{OTHER}/{settings.name}"
    return CHANNELS[settings.kind].staged(settings, place)


def introduce(channel: Channel, sandbox: Sandbox, announced: Mapping[str, Any] | None = None) -> None:
    """Make `channel` known to the sandbox under its name, with what is `announced`: by itself, unless given.

    The robots of a pool are all in the group of that name.
    """
    if channel.kind not in KINDS:
        sandbox.register(OTHER, channel.name, name=channel.name)
        return
    for member in channel.members:
        credential, secret = member.identity
        told = announced or member.announced
        sandbox.register(channel.kind, credential, name=channel.name, secret=secret, **told)


async def build() -> Stage:
    """A sandbox that listens; its runner is cleaned up by whoever asked for it."""
    sandbox = Sandbox()
    runner = web.AppRunner(provider_app(sandbox), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return Stage(sandbox, runner, runner.addresses[0][1])
