"""A real Alertmanager in front: firing, resolved, grouped, three hundred alerts in one group."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta

import aiohttp
import components
import pytest
import stage
import yaml
from stage import eventually


class Alertmanager:
    """Alertmanager as a child process, pointed at one webhook."""

    def __init__(self, folder, webhook):
        self.port = stage.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        route = {
            "receiver": "people",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "2s",
            "repeat_interval": "1h",
        }
        receivers = [{"name": "people", "webhook_configs": [{"url": webhook, "send_resolved": True}]}]
        folder.joinpath("am.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))

    async def start(self):
        command = [
            components.find("alertmanager", "prometheus-alertmanager"),
            "--config.file=am.yml",
            "--storage.path=am",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        log = self._folder.joinpath("am.log").open("wb")
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        await eventually(self._ready, 20)

    async def _ready(self):
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def tell(self, *alerts):
        """Post alerts as Prometheus does."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/api/v2/alerts", json=alerts) as response,
        ):
            assert response.status == 200, await response.text()

    async def stop(self):
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 20)


@pytest.fixture
async def people(serve, tmp_path):
    """The service behind a real Alertmanager."""
    components.find("alertmanager", "prometheus-alertmanager")
    service = await serve()
    alertmanager = Alertmanager(tmp_path, f"{service.url}/webhook")
    await alertmanager.start()
    yield alertmanager
    await alertmanager.stop()


def alert(name, instance, *, ended=False, **labels):
    now = datetime.now(UTC)
    end = now - timedelta(seconds=1) if ended else now + timedelta(minutes=10)
    return {
        "labels": {"alertname": name, "instance": instance, "severity": "critical", **labels},
        "annotations": {"summary": f"{instance} 磁盘空间不足"},
        "startsAt": (now - timedelta(minutes=5)).isoformat(),
        "endsAt": end.isoformat(),
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
    }


async def test_firing_then_resolved_reaches_all_groups(people, providers):
    await people.tell(alert("DiskFull", "db-01"), alert("DiskFull", "db-02"))
    for name in ("wecom", "dingtalk", "feishu", "itsm"):
        await eventually(lambda name=name: any("db-01" in text and "db-02" in text for text in providers.told(name)))
    await people.tell(alert("DiskFull", "db-01", ended=True), alert("DiskFull", "db-02", ended=True))
    for name in ("wecom", "dingtalk", "feishu"):
        await eventually(lambda name=name: any("恢复" in text for text in providers.told(name)[1:]))


async def test_three_hundred_alerts_in_one_group_all_arrive(people, providers):
    instances = [f"node-{number:03d}" for number in range(300)]
    await people.tell(*(alert("NodeDown", instance) for instance in instances))

    def missing(name):
        text = "\n".join(providers.told(name))
        return [instance for instance in instances if instance not in text]

    for name in ("dingtalk", "feishu", "itsm"):
        await eventually(lambda name=name: not missing(name), 40)
