from __future__ import annotations

import json

import aiohttp
import pytest
import raw_client
import stage
import yaml
from aiohttp import web

from receiver.app import SERVICE, create_app
from receiver.config import load
from receiver.model import Delivery, State, StoredEvent, new_id
from receiver.web.patience import bind, listen


class Face:
    """The service within this process behind the listener it really has."""

    async def start(self, folder, configuration):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        file = folder / "face.yaml"
        file.write_text(yaml.safe_dump(configuration))
        self.app = await create_app(load(file, {}))
        self.service = self.app[SERVICE]
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        sockets = bind("127.0.0.1:0")
        self._servers = await listen(self._runner, sockets, keepalive_timeout=75.0, lingering_time=1.0)
        self.port = sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self):
        for server in self._servers:
            server.close()
        await self._runner.cleanup()

    async def ask(self, method, path, body=None):
        """Call the API with a body in JSON; (status, the answer)."""
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, json=body) as response:
            return response.status, await response.json()

    async def get(self, path):
        """What the API answers."""
        status, answer = await self.ask("GET", path)
        assert status == 200, answer
        return answer

    async def owe(self, *names, channel="wecom", group="g", at=None, state=State.QUEUED, reason="", **fields):
        """Have a delivery of an event with one alert a name kept, as it is after it came to a state; its id."""
        store = self.service.store
        now = store.now() if at is None else at
        event = StoredEvent(new_id(now), "am", now, json.dumps(stage.notification(*names, group=group)).encode())
        facts = {"kind": "wecom_robot", "template": "default", "route": "route", "group": group, "priority": "normal"}
        times = {"created_at": now, "released_at": now}
        told = {"channel": channel, "state": state, "reason": reason}
        owed = Delivery(id=new_id(now), event_id=event.id, **{**facts, **times, **told, **fields})
        await store.accept(event, [owed], [])
        return owed.id

    async def send(self, body, *headers, **request):
        """Post raw bytes with raw header lines; the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await raw_client.exchange(self.port, raw_client.post(data, *headers, **request))


@pytest.fixture
async def face(tmp_path, providers):
    """Starts the service in this process with sections of its configuration."""
    started = []

    async def start(**sections):
        one = Face()
        await one.start(tmp_path, stage.settings(tmp_path, providers, **sections))
        started.append(one)
        return one

    yield start
    for one in started:
        await one.stop()
