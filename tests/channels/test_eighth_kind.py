"""What one more kind costs, done as an exercise: a file, a template, a test with its example, two lines of registry.

Beside these it is only written about: a chapter of the docs in each language. All else follows from the registry: here
a copy of the package is given exactly these, and must then know the kind everywhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from stage import Service, eventually, free_port, notification

ROOT = Path(__file__).parents[2]
EXERCISE = ROOT / "tests" / "eighth_kind"
FILES = {
    "channel.py": "receiver/channels/parley.py",
    "template.j2": "templates/default/parley.j2",
    "checks.py": "tests/channels/test_parley.py",
}
LINES = {
    "receiver/channels/registry.py": [
        ("from receiver.channels.webhook", "from receiver.channels.parley import Parley\n"),
        ("    )\n}", "        Parley,\n"),
    ],
    "tests/channel_examples.py": [
        ("}\n\n\ndef settings(", '    "parley": {"url": f"https://parley.example/rooms/{CANARY}"},\n')
    ],
}
CHAPTERS = {"docs/channels.md": "\n## `parley`\n", "docs/channels.zh-CN.md": "\n## `parley`\n"}
"""Where the kind is put: files, single lines and the beginning of its chapters."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package, its templates, docs and tests, with the eighth kind put in."""
    copy = tmp_path_factory.mktemp("eight")
    for folder in ("receiver", "templates", "tests", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, place in FILES.items():
        shutil.copy(EXERCISE / name, copy / place)
    for place, lines in LINES.items():
        for before, line in lines:
            put(copy / place, before, line)
    for place, heading in CHAPTERS.items():
        with (copy / place).open("a", encoding="utf-8") as book:
            book.write(heading)
    return copy


def put(file, before, line):
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, line + before), encoding="utf-8")


def run(copy, *arguments):
    """`python -m` in the copy."""
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env={**alone, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=120,
    )


SUITES = [
    *("test_contract", "test_contract_sizes", "test_contract_texts", "test_contract_wire", "test_contract_pools"),
    *("test_contract_throttling", "test_faults"),
    *("test_hostile", "test_injection", "test_channel_mentions", "test_parley"),
]


def test_the_suites_of_every_kind_test_it_from_birth(copy):
    suites = [f"tests/channels/{name}.py" for name in SUITES]
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", *suites, "-k", "parley")
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 80


@pytest.fixture
def room(tmp_path):
    """Its configuration: a room of the chat on this machine, and where it posts to."""
    port = free_port()
    channel = {"name": "talk", "kind": "parley", "url": f"http://127.0.0.1:{port}/rooms/0123456789abcdef"}
    return port, {
        "server": {"listen": f"127.0.0.1:{free_port()}"},
        "storage": {"url": f"sqlite:///{tmp_path}/data/receiver.db"},
        "http": {"allowed_networks": ["127.0.0.0/8"]},
        "channels": [channel],
        "route": {"channels": ["talk"]},
    }


@pytest.mark.parametrize(("change", "said"), [({}, "OK (1 channels, 1 routes)"), ({"room": 1}, "channels[0].room")])
def test_its_configuration_is_checked(copy, room, tmp_path, change, said):
    room[1]["channels"][0] |= change
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(room[1]))
    done = run(copy, "receiver", "check-config", str(tmp_path / "config.yaml"))
    assert (done.returncode, said in done.stdout + done.stderr) == (bool(change), True)
    assert "0123456789abcdef" not in done.stdout + done.stderr


def test_a_kind_that_nobody_has_is_answered_with_all_there_are(copy, room, tmp_path):
    room[1]["channels"][0]["kind"] = "parlay"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(room[1]))
    assert "did you mean parley?" in run(copy, "receiver", "check-config", str(tmp_path / "config.yaml")).stderr


class Chat:
    """Parley itself, on a port of its own: it takes everything."""

    def __init__(self, port):
        self.said, self._port = [], port
        app = web.Application()
        app.router.add_post("/rooms/{room}", self._take)
        self._runner = web.AppRunner(app, access_log=None)

    async def _take(self, request):
        self.said.append((await request.json())["text"])
        return web.json_response({"code": 0})

    async def __aenter__(self):
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()


@pytest.fixture
async def alerted(copy, room, tmp_path, monkeypatch):
    """Starts the service of the copy, with the room's configuration, and has it send an alert."""
    monkeypatch.setenv("PYTHONPATH", str(copy))
    started = []

    async def alerted(*flags):
        started.append(service := Service(tmp_path, room[1], *flags))
        await service.start()
        _, answer = await service.post(notification("DiskFull"))
        await eventually(lambda: sent(service, f"/api/v1/records/{answer['deliveries'][0]['id']}"))
        return service

    yield alerted
    for service in started:
        await service.stop()


async def sent(service, record):
    return (await service.get(record))["state"] == "sent"


async def test_it_sends_an_alert(alerted, room):
    async with Chat(room[0]) as chat:
        counted = await (await alerted()).get("/metrics")
    assert "summary of DiskFull**" in chat.said[0]
    assert 'alertreceiver_notifications_total{channel="talk",kind="parley"} 1' in counted


async def test_in_the_sandbox_nothing_of_it_goes_outside(alerted, room):
    async with Chat(room[0]) as chat:
        (shown,) = (await (await alerted("--sandbox")).get("/sandbox/api/messages"))["items"]
    assert (shown["kind"], shown["name"], "summary of DiskFull" in shown["plain"]) == ("other", "talk", True)
    assert chat.said == []


def test_its_messages_can_be_previewed(copy, tmp_path):
    (tmp_path / "event.json").write_text(json.dumps(notification("DiskFull")))
    done = run(copy, "receiver", "render", "--kind=parley", str(tmp_path / "event.json"))
    assert (done.returncode, "summary of DiskFull**" in done.stdout) == (0, True), done.stderr
