"""DingTalk's app before a sandbox on a port of its own, whose clock goes on a little with each look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import orjson
import pytest
from channel_examples import make, message, text

from receiver.channels.base import Confirmation
from receiver.channels.dingtalk_app import DingTalkApp
from receiver.http import Http, HttpSettings
from receiver.model import new_id
from receiver.sandbox import Clock, Posted, Sandbox, provider_app
from receiver.sandbox.faults import Fault
from receiver.text import Text

NOW = 1_767_700_800.0
STEP = 0.06
"""Seconds the sandbox's clock goes on with each look: no call is one too many."""
KEY, SECRET, AGENT = "dingoaexample", "app-secret-0123456789", 256271667
ONE = {"to": {"users": ["u1"]}}
TWO = {"to": {"users": ["u1"], "conversations": ["cid1"]}}
NOTICES = {"agent_id": AGENT, "to": {"users": ["u1", "u2"]}}


class Stage:
    """A sandbox that knows one app, and that app's channels."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(Clock(count(NOW, STEP).__next__))
        self.http: Http
        self.url = ""

    async def start(self, aiohttp_server: Any) -> None:
        server = await aiohttp_server(provider_app(self.sandbox))
        self.url = f"http://127.0.0.1:{server.port}"
        self.http = Http(HttpSettings(), trusted=[("127.0.0.1", server.port)])

    def app(self, *, members: Any = None, monthly: int | None = None, **changes: Any) -> DingTalkApp:
        """A channel, and the app it belongs to made known with `members`."""
        channel = self.channel(**changes)
        named = {"name": "duty", "secret": SECRET, "members": members, "monthly": monthly, **channel.announced}
        self.sandbox.register("dingtalk_app", KEY, **named)
        return channel

    def channel(self, **changes: Any) -> DingTalkApp:
        """Another channel of the same app."""
        credentials = {"app_key": KEY, "app_secret": SECRET, "base_url": self.url}
        return make("dingtalk_app", self.http.client(), **{**credentials, **changes})

    def fault(self, step: str, body: Any, status: int = 200, times: int | None = 1) -> None:
        """The next calls of a step are answered with `body`."""
        said = body if isinstance(body, str) else orjson.dumps(body).decode()
        self.sandbox.fault(f"dingtalk_app/{step}", Fault("answer", status=status, body=said), times)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was asked of the calls whose path ends in `path`."""
        return [orjson.loads(seen.body) for seen in self.sandbox.requests if seen.target.split("?")[0].endswith(path)]

    @property
    def messages(self) -> list[Posted]:
        return list(self.sandbox.messages)


async def say(channel: DingTalkApp, said: Text | None = None, number: int = 0, **changes: Any) -> Confirmation:
    """Compose `said` and send it to one target; a new message unless it has an `id`."""
    message_id = changes.pop("id", "") or new_id(NOW)
    content = channel.compose(said or text(), message_id)
    return await channel.send(message(content, message_id, target=channel.targets[number], **changes), NOW)


@asynccontextmanager
async def staged(aiohttp_server: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A stage whose app does not wait for results; all that is noted at its end are repeats of a notice."""
    monkeypatch.setattr(DingTalkApp, "pauses", (0.0, 0.0))
    stage = Stage()
    await stage.start(aiohttp_server)
    yield stage
    await stage.http.close()
    assert [noted for noted in stage.sandbox.violations if "143106" not in noted] == []
