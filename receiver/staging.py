"""`--sandbox`: every channel turned towards a stand-in of its provider within this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from receiver.channels.base import Channel
from receiver.channels.registry import CHANNELS
from receiver.sandbox import Sandbox, provider_app


@dataclass(frozen=True, slots=True)
class Stage:
    """The built-in sandbox on a loopback port of its own."""

    sandbox: Sandbox
    runner: web.AppRunner
    port: int

    def turn(self, settings: Any) -> Any:
        """A channel's settings with the sandbox in the provider's place."""
        return CHANNELS[settings.kind].staged(settings, f"http://127.0.0.1:{self.port}")

    def expect(self, channels: Sequence[Channel]) -> None:
        """Make every channel known to the sandbox, as if its robot had been added to a group."""
        for channel in channels:
            credential, secret = channel.identity
            self.sandbox.register(channel.kind, credential, name=channel.name, secret=secret, **channel.announced)


async def build() -> Stage:
    """A sandbox that listens; its runner is cleaned up by whoever asked for it."""
    sandbox = Sandbox()
    runner = web.AppRunner(provider_app(sandbox), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return Stage(sandbox, runner, runner.addresses[0][1])
