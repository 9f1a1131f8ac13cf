"""Start the service with its sandbox, send first alerts as Alertmanager would, and tell how they arrive."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

ADDRESS = ("127.0.0.1", 8060)
URL = "http://{}:{}".format(*ADDRESS)

DISK = {
    "labels": {"alertname": "DiskFull", "severity": "critical", "team": "db", "instance": "db-01:9100"},
    "annotations": {
        "summary": "db-01 磁盘空间不足：/data 仅剩 3%",
        "description": "按当前写入速度，约 20 分钟后写满。",
        "runbook_url": "https://wiki.example.com/runbooks/disk-full",
    },
    "generatorURL": "http://prometheus.example.com/graph?g0.expr=disk_free_ratio+%3C+0.05&g0.tab=1",
}
ERRORS = {
    "labels": {"alertname": "HighErrorRate", "severity": "warning", "team": "app-pay", "service": "pay-api"},
    "annotations": {"summary": "pay-api 5xx 比例 7.2%，高于 5%", "description": "主要来自 POST /v1/orders。"},
    "generatorURL": "http://prometheus.example.com/graph?g0.expr=http_error_ratio+%3E+0.05&g0.tab=1",
}


def body(alert: dict[str, Any]) -> bytes:
    """What Alertmanager posts when this alert begins to fire."""
    since = datetime.now(UTC) - timedelta(minutes=7)
    group = {"alertname": alert["labels"]["alertname"]}
    times = {
        "startsAt": since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
    }
    return json.dumps(
        {
            "version": "4",
            "groupKey": f'{{}}:{{alertname="{group["alertname"]}"}}',
            "receiver": "people",
            "status": "firing",
            "groupLabels": group,
            "commonLabels": alert["labels"],
            "commonAnnotations": alert["annotations"],
            "externalURL": "http://alertmanager.example.com",
            "alerts": [{"status": "firing", **alert, **times}],
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


def refuse_a_taken_port() -> None:
    """What answers there already may page real people: it must not get the first alerts."""
    with socket.socket() as probe:
        if probe.connect_ex(ADDRESS) == 0:
            raise SystemExit(f"  something else answers at {URL} already; end it first")


def wait_until_ready(service: subprocess.Popen[bytes], seconds: float = 30.0) -> None:
    """Until the service takes alerts."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and service.poll() is None:
        if ask("/-/ready"):
            return
        time.sleep(0.1)
    raise SystemExit("  the service did not come up; see its log above")


def wait_until_sent(record: str, seconds: float = 15.0) -> Any:
    """The record of a delivery once it was sent, or as it stands when that takes too long."""
    ends = time.monotonic() + seconds
    while (told := ask(f"/api/v1/records/{record}"))["state"] != "sent" and time.monotonic() < ends:
        time.sleep(0.1)
    return told


def send(alert: dict[str, Any]) -> None:
    """Post an alert and tell what becomes of it."""
    accepted = ask("/webhook", body(alert))
    labels = alert["labels"]
    print(f"\n  {labels['alertname']} {labels['severity']}: accepted, safe on disk (event {accepted['id']})")
    for delivery in accepted["deliveries"]:
        told = wait_until_sent(delivery["id"])
        print(f"    {told['kind']:<15} {told['channel']:<8} {told['state']:<7} {URL}/api/v1/records/{told['id']}")


def main() -> int:
    """Run until interrupted."""
    refuse_a_taken_port()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    command = [sys.executable, "-m", "receiver", "serve", "--config.file=config.example.yaml", "--sandbox"]
    service = subprocess.Popen(command)
    try:
        wait_until_ready(service)
        for alert in (DISK, ERRORS):
            send(alert)
        print(f"\n  The messages, as people see them: {URL}/sandbox/   (Ctrl-C ends)\n", flush=True)
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        service.terminate()
        service.wait(20)


if __name__ == "__main__":
    raise SystemExit(main())
