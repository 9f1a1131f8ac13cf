"""A disk that is full or fails: 503, nothing acknowledged is lost, nothing refused comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import subprocess

import aiohttp
import components
import pytest
from stage import eventually, notification

SIZE, LARGER = "40m", "120m"
LEFT = 4 * 1024**2
"""What others leave of the disk, in bytes."""
TEXT = os.urandom(20_000).hex()
"""Twice as long as it is when it is packed: chance cannot be told shorter."""


@pytest.fixture
async def small_disk(tmp_path):
    """A folder on a disk of 40 MiB."""
    if os.geteuid() != 0:
        components.missing("only root may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=False)
    if mounted.returncode:
        components.missing("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def on(folder):
    """The configuration of a database on that disk."""
    return {"url": f"sqlite:///{folder}/receiver.db"}


def arrived(providers):
    """The names of the alerts that arrived."""
    return set(re.findall(r'"alertname": ?"(\w+)"', "\n".join(message.text for message in providers.sandbox.messages)))


def kept(database):
    """The names of the alerts in the events that are kept."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        bodies = [body for (body,) in opened.execute("select body from event")]
        assert opened.execute("pragma integrity_check").fetchone() == ("ok",)
    return {re.search(rb'"alertname": ?"(\w+)"', body)[1].decode() for body in bodies}


def fill(folder):
    """Take all room but a little, as another program's files would."""
    disk = os.statvfs(folder)
    with (folder / "other").open("wb") as other:
        os.posix_fallocate(other.fileno(), 0, disk.f_bavail * disk.f_frsize - LEFT)


async def post_until_refused(service, folder, at_most=500):
    """Post until a body is refused; the names of those that were taken, and of the one that was not."""
    fill(folder)
    taken = set()
    for number in range(at_most):
        name = f"Alert{number:03d}"
        status, answer = await service.post(notification(name, group=name, text=TEXT))
        if status != 202:
            assert (status, answer["error"]) == (503, "unavailable")
            return taken, name
        taken.add(name)
    raise AssertionError("the disk never became full")


async def test_a_full_disk_refuses_and_loses_nothing(serve, providers, small_disk):
    service = await serve(storage=on(small_disk), route={"channels": ["itsm"]})
    taken, refused = await post_until_refused(service, small_disk)
    assert len(taken) > 5
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.url}/webhook", json=notification("AlertMore", text=TEXT)) as response,
    ):
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
    assert (await service.get("/-/ready"))["error"] == "unavailable"
    assert await service.get("/-/healthy") == "OK"
    await eventually(lambda: taken <= arrived(providers), 30)
    assert refused not in arrived(providers)
    metrics = await service.get("/metrics")
    assert re.search(r'events_rejected_total\{reason="unavailable",source="unknown"\} [1-9]', metrics)
    subprocess.run(["mount", "-o", f"remount,size={LARGER}", small_disk], check=True)
    await eventually(lambda: is_taken(service), 15)
    await eventually(lambda: "Again" in arrived(providers))
    service.kill()
    assert kept(small_disk / "receiver.db") == taken | {"Again"}


async def is_taken(service):
    return (await service.post(notification("Again")))[0] == 202


async def test_a_full_disk_at_the_start_and_a_kill_lose_nothing(serve, providers, small_disk):
    service = await serve(storage=on(small_disk), channels=[{**providers.channels()[3], "enabled": False}])
    taken, _ = await post_until_refused(service, small_disk)
    service.kill()
    configuration = service.file.read_text()
    service.file.write_text(configuration.replace("enabled: false", "enabled: true"))
    subprocess.run(["mount", "-o", f"remount,size={LARGER}", small_disk], check=True)
    await service.start()
    await eventually(lambda: taken <= arrived(providers), 30)


class FailingDisk:
    """Makes every fifth flush of a process to its disk fail, by strace."""

    def __init__(self, pid, log):
        self._command = [
            components.find("strace"), "-f", "-p", str(pid), "-o", str(log), "-e", "trace=fdatasync,fsync",
            "-e", "inject=fdatasync,fsync:error=EIO:when=5+5",
        ]  # fmt: skip
        self._pid = pid

    async def __aenter__(self):
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE)
        await eventually(lambda: self._is_traced() or self._process.poll() is not None)
        if self._process.poll() is not None:
            components.missing(f"strace may not attach here: {self._process.stderr.read()[-200:]!r}")
        return self

    def _is_traced(self):
        with open(f"/proc/{self._pid}/status") as status:
            return "TracerPid:\t0\n" not in status.read()

    async def __aexit__(self, *_):
        self._process.send_signal(signal.SIGINT)
        await asyncio.to_thread(self._process.wait, 10)
        self._process.stderr.close()


async def test_a_flush_that_fails_is_a_refusal_that_stays_refused(serve, providers, tmp_path):
    service = await serve(route={"channels": ["itsm"]})
    taken, refused = set(), set()
    async with FailingDisk(service.pid, tmp_path / "strace.log"):
        for number in range(60):
            name = f"Alert{number:03d}"
            status, _ = await service.post(notification(name, group=name))
            assert status in (202, 503)
            (taken if status == 202 else refused).add(name)
        service.kill()
    assert "INJECTED" in (tmp_path / "strace.log").read_text()
    assert taken
    assert refused
    assert kept(tmp_path / "data" / "receiver.db") == taken
    await service.start()
    await eventually(lambda: taken <= arrived(providers), 60)
    assert not refused & arrived(providers)


async def test_deliveries_go_on_after_the_disk_failed(serve, providers, tmp_path):
    service = await serve(route={"channels": ["itsm"]})
    taken = set()
    async with FailingDisk(service.pid, tmp_path / "strace.log"):
        for number in range(30):
            name = f"Alert{number:03d}"
            status, _ = await service.post(notification(name, group=name))
            if status == 202:
                taken.add(name)
    await eventually(lambda: taken <= arrived(providers), 60)
    assert (await service.post(notification("After")))[0] == 202
    await eventually(lambda: "After" in arrived(providers))
    assert kept(tmp_path / "data" / "receiver.db") == taken | {"After"}
