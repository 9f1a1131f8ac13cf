"""Start the service with its sandbox, send a first alert as Alertmanager would, and show it arriving."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

URL = "http://127.0.0.1:8060"


def body() -> bytes:
    """What Alertmanager posts when a disk fills up."""
    since = datetime.now(UTC) - timedelta(minutes=7)
    labels = {"alertname": "DiskFull", "severity": "critical", "team": "db", "instance": "db-01:9100"}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {
            "summary": "db-01 磁盘空间不足：/data 仅剩 3%",
            "description": "按当前写入速度，约 20 分钟后写满。",
        },
        "startsAt": since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=disk_free_ratio+%3C+0.05&g0.tab=1",
    }
    group = {"alertname": "DiskFull"}
    return json.dumps(
        {
            "version": "4",
            "groupKey": '{}:{alertname="DiskFull"}',
            "receiver": "people",
            "status": "firing",
            "groupLabels": group,
            "commonLabels": labels,
            "commonAnnotations": alert["annotations"],
            "externalURL": "http://alertmanager.example.com",
            "alerts": [alert],
        }
    ).encode()


def ask(path: str, data: bytes | None = None) -> Any:
    """One request to the service; None while it does not answer."""
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            said = response.read()
    except (urllib.error.URLError, ConnectionError):
        return None
    return json.loads(said) if said.startswith((b"{", b"[")) else said.decode()


def wait_for(path: str, service: subprocess.Popen[bytes], seconds: float = 30.0) -> Any:
    """Ask until there is an answer with something in it."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and service.poll() is None:
        said = ask(path)
        if said and (not isinstance(said, dict) or said.get("items")):
            return said
        time.sleep(0.2)
    raise SystemExit("the service did not come up; see its log above")


def wait_until_sent(record: str, seconds: float = 15.0) -> Any:
    """The record of a delivery once it was sent, or as it stands when that takes too long."""
    ends = time.monotonic() + seconds
    while (told := ask(f"/api/v1/records/{record}"))["state"] != "sent" and time.monotonic() < ends:
        time.sleep(0.2)
    return told


def main() -> int:
    """Run until interrupted."""
    command = [sys.executable, "-m", "receiver", "serve", "--config.file=config.example.yaml", "--sandbox"]
    service = subprocess.Popen(command)
    try:
        wait_for("/-/ready", service)
        if service.poll() is not None:
            raise SystemExit(f"the service ended; does another one answer at {URL}?")
        accepted = ask("/webhook", body())
        print(f"\n  accepted, durable: {json.dumps(accepted)}")
        for delivery in accepted["deliveries"]:
            told = wait_until_sent(delivery["id"])
            print(f"\n  {told['kind']} {told['channel']}: {told['state']}\n  {told['content']}")
        print(f"\n  See it as people do: {URL}/sandbox/   (Ctrl-C ends)\n", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        service.terminate()
        service.wait(20)


if __name__ == "__main__":
    raise SystemExit(main())
