"""The service as a process of its own, the sandbox beside it, and the words a flow test needs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from receiver.sandbox import Sandbox, provider_app

LIVE = Path(__file__).parent / "payloads" / "alertmanager-live"
DINGTALK_SECRET = "SEC0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"
FEISHU_SECRET = "feishu-signing-secret"
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WECOM_KEY = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"
DINGTALK_TOKEN = "d" * 64
FEISHU_TOKEN = "f" * 36
CORP, CORP_SECRET, AGENT = "ww0123456789abcdef", "corp-secret-0123456789", 1000002
APP_KEY, APP_SECRET, NOTICES = "dingabcdef012345", "app-secret-0123456789", 256271667
APP_ID, APP_ID_SECRET = "cli_0123456789abcdef", "feishu-app-secret-0123456789"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def eventually(what: Callable[[], Any | Awaitable[Any]], seconds: float = 15.0) -> Any:
    """The first true answer of `what`, asked again and again for at most `seconds`; else its last answer, asserted."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        said = what()
        if asyncio.iscoroutine(said):
            said = await said
        if said:
            return said
        assert asyncio.get_running_loop().time() < deadline, f"did not come true within {seconds} s"
        await asyncio.sleep(0.05)


class Providers:
    """The sandbox on a port of its own, with one robot of each kind."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.sandbox.register("wecom_robot", WECOM_KEY, name="wecom")
        self.sandbox.register("dingtalk_robot", DINGTALK_TOKEN, name="dingtalk", secret=DINGTALK_SECRET)
        self.sandbox.register("feishu_bot", FEISHU_TOKEN, name="feishu", secret=FEISHU_SECRET)
        self.sandbox.register("webhook", "itsm", name="itsm", secret=HOOK_SECRET)
        self.sandbox.register("wecom_app", CORP, name="duty", secret=CORP_SECRET, agent_id=AGENT)
        self.sandbox.register("dingtalk_app", APP_KEY, name="oncall", secret=APP_SECRET, agent_id=NOTICES)
        self.sandbox.register("feishu_app", APP_ID, name="lark", secret=APP_ID_SECRET)
        self.port = 0

    async def start(self) -> None:
        self._runner = web.AppRunner(provider_app(self.sandbox), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.sandbox.stopping.set()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def told(self, name: str = "") -> list[str]:
        """What people read in a group, or in all of them."""
        posted = (one for one in self.sandbox.messages if not name or one.name == name)
        return [f"{one.title}\n{one.plain}" for one in posted]

    def channels(self, **more: Any) -> list[dict[str, Any]]:
        """The configuration of one channel of each kind; `more` goes into each."""
        kinds = [
            {"name": "wecom", "kind": "wecom_robot", "key": WECOM_KEY, "base_url": self.url},
            {
                "name": "dingtalk",
                "kind": "dingtalk_robot",
                "access_token": DINGTALK_TOKEN,
                "secret": DINGTALK_SECRET,
                "base_url": self.url,
            },
            {
                "name": "feishu",
                "kind": "feishu_bot",
                "token": FEISHU_TOKEN,
                "secret": FEISHU_SECRET,
                "base_url": self.url,
            },
            {"name": "itsm", "kind": "webhook", "url": f"{self.url}/hooks/itsm", "signing_secret": HOOK_SECRET},
        ]
        return [{**kind, **more} for kind in kinds]

    def apps(self, **more: Any) -> list[dict[str, Any]]:
        """The configuration of one channel of each kind of app."""
        kinds = [
            {
                "name": "duty",
                "kind": "wecom_app",
                "corp_id": CORP,
                "agent_id": AGENT,
                "secret": CORP_SECRET,
                "to": {"users": ["zhangsan", "lisi"]},
            },
            {
                "name": "oncall",
                "kind": "dingtalk_app",
                "app_key": APP_KEY,
                "app_secret": APP_SECRET,
                "agent_id": NOTICES,
                "robot_code": APP_KEY,
                "to": {"users": ["manager4220"], "conversations": ["cid6KeBBLoveMJOGXoYKF5x7EeiodoA=="]},
            },
            {
                "name": "lark",
                "kind": "feishu_app",
                "app_id": APP_ID,
                "app_secret": APP_ID_SECRET,
                "to": {"chat_ids": ["oc_a0553eda9014c201e6969b478895c230"]},
            },
        ]
        return [{**kind, "base_url": self.url, **more} for kind in kinds]


def settings(folder: Path, providers: Providers, **sections: Any) -> dict[str, Any]:
    """A whole configuration: everything goes to every channel unless `sections` say otherwise."""
    channels = sections.pop("channels", None) or providers.channels()
    return {
        "server": {"listen": f"127.0.0.1:{free_port()}"},
        "storage": {"url": f"sqlite:///{folder / 'data' / 'receiver.db'}"},
        "http": {"allowed_networks": ["127.0.0.0/8"]},
        "channels": channels,
        "route": {"channels": [channel["name"] for channel in channels]},
        **sections,
    }


class Service:
    """`alert-receiver serve` as a child process."""

    def __init__(self, folder: Path, configuration: dict[str, Any], *flags: str) -> None:
        self.folder = folder
        self.file = folder / "config.yaml"
        self.log = folder / "service.log"
        self.url = f"http://{configuration['server']['listen']}"
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.file.write_text(yaml.safe_dump(configuration, allow_unicode=True))

    async def start(self) -> None:
        command = [sys.executable, "-m", "receiver", "serve", f"--config.file={self.file}", *self._flags]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, env=os.environ)
        await eventually(self._ready, 20.0)

    async def _ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def kill(self) -> None:
        """kill -9, at once."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None or self._process.poll() is not None:
            return -1
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait, 30)

    async def post(self, body: bytes | dict[str, Any], path: str = "/webhook", **headers: str) -> tuple[int, Any]:
        """POST a body; (status, the answer)."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Content-Type": "application/json",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=data, headers=headers) as response,
        ):
            return response.status, await response.json()

    async def get(self, path: str, **headers: str) -> Any:
        """GET a path; the decoded answer."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            text = await response.text()
            return json.loads(text) if response.content_type == "application/json" else text


def notification(*names: str, status: str = "firing", group: str = "g", **labels: str) -> dict[str, Any]:
    """An Alertmanager body with one alert a name."""
    alerts = [
        {
            "status": status,
            "labels": {"alertname": name, "severity": "warning", **labels},
            "annotations": {"summary": f"summary of {name}"},
            "startsAt": "2026-01-02T03:04:05.678Z",
            "endsAt": "2026-01-02T03:14:05.678Z" if status == "resolved" else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
        }
        for name in names
    ]
    return {
        "version": "4",
        "receiver": "people",
        "status": status,
        "groupKey": group,
        "groupLabels": {"group": group},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com",
        "alerts": alerts,
    }


class Client:
    """The service's application within this process, on a port of its own."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        self._configuration = configuration

    async def start(self) -> None:
        from aiohttp.test_utils import TestClient, TestServer

        from receiver.app import SERVICE, create_app
        from receiver.config import load

        folder = Path(self._configuration["storage"]["url"].removeprefix("sqlite:///")).parent
        folder.mkdir(parents=True, exist_ok=True)
        file = folder.parent / "in-process.yaml"
        file.write_text(yaml.safe_dump(self._configuration))
        app = await create_app(load(file, {}))
        self.service = app[SERVICE]
        self.http = TestClient(TestServer(app))
        await self.http.start_server()

    async def stop(self) -> None:
        await self.http.close()

    async def post_body(self, body: bytes, path: str = "/webhook", **options: Any) -> tuple[int, Any]:
        """POST raw bytes; (status, the answer)."""
        async with self.http.post(path, data=body, **options) as response:
            return response.status, await response.json()
