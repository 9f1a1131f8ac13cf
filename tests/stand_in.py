"""The sandbox without sockets, as a channel's client: each request is judged on the spot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from channel_examples import settings

from receiver.channels.registry import CHANNELS
from receiver.reading import Line
from receiver.sandbox import Clock, Posted, Sandbox
from receiver.staging import introduce, turned

NOW = 1_767_700_800.0
T = TypeVar("T")


class StandIn(Line):
    """A line to a sandbox of its own, whose clock stands still until it is moved."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(Clock(lambda: NOW))
        super().__init__(self.sandbox)

    def channel(self, kind: str, **changes: Any) -> Any:
        """A channel of `kind` that the sandbox knows."""
        channel = CHANNELS[kind](turned(settings(kind, **changes), "http://127.0.0.1:8061"), self)
        introduce(channel, self.sandbox)
        channel.pauses = (0.0, 0.0)  # before DingTalk is asked what came of a work notice
        return channel

    def common(self, key: str, make: Callable[[], T]) -> T:
        """As every client's; what has a clock has the sandbox's."""
        made = super().common(key, make)
        if hasattr(made, "_clock"):
            made._clock = self.sandbox.clock
        return made

    async def post(self, channel: Any, messages: list[Any]) -> list[Posted]:
        """What people see once the messages were sent, minutes between them, so that no limit is in the way."""
        for message in messages:
            self.sandbox.clock.advance(200)
            await channel.send(message, self.sandbox.clock())
        return list(self.sandbox.messages)
