"""The whole way: in, durable, 1,000 routes, the default template, a post to a local sink, settled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.load import Order
from benchmarks.processes import MEASURED, Process, free_port, load, running, server, service
from benchmarks.tables import Table, median

CHANNELS = 16
ROUTES = 1000
TEAMS = 500
MESSAGES = 5000


def configuration(sink: int) -> dict[str, Any]:
    """16 robots without a limit and 1,000 routes, every tenth with a regular expression."""
    channels = [
        {"name": f"robot-{number}", "kind": "dingtalk_robot", "access_token": f"{number:064d}", "limits": {"rate": 0}}
        for number in range(CHANNELS)
    ]
    for channel in channels:
        channel["base_url"] = f"http://127.0.0.1:{sink}"
    routes = [{"matchers": matchers(number), "channels": [f"robot-{number % CHANNELS}"]} for number in range(ROUTES)]
    return {"channels": channels, "route": {"channels": ["robot-0"], "routes": routes}}


def matchers(number: int) -> list[str]:
    """One route's conditions."""
    if number % 10 == 0:
        return [f'team="team-{number}"', 'instance=~"node-[0-9]+:9100"']
    return [f'team="team-{number}"']


def measure(folder: Path, runs: int, peer: str | None) -> list[Table]:
    """Messages a second of the service and of the peer if there is one."""
    sink = server("sink", folder)
    with running(sink):
        ours = service(folder, configuration(sink.port))
        with running(ours):
            other = _peer(peer, sink.port, folder) if peer else server("bare", folder)
            with running(other):
                return [_compare(_Whole(ours, sink), other, "/dingtalk/sink/send" if peer else "/webhook", runs)]


def _peer(path: str, sink: int, folder: Path) -> Process:
    file, port = folder / "peer.yaml", free_port()
    url = f"http://127.0.0.1:{sink}/robot/send?access_token={'t' * 64}"
    file.write_text(yaml.safe_dump({"targets": {"sink": {"url": url}}}))
    command = [path, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    return Process(command, port, MEASURED, folder / "peer.log", GOMAXPROCS="1")


class _Whole:
    """The service and the sink its messages end in."""

    def __init__(self, service: Process, sink: Process) -> None:
        self.service = service
        self._sink = sink
        self._first = 0

    def rate(self, count: int) -> float:
        """Messages a second, from the first request until every delivery is sent and settled."""
        before = int(self._sink.get("/"))
        began = load(Order(self.service.port, count=count, first=self._first, teams=TEAMS)).began
        while int(self._sink.get("/")) < before + count:
            time.sleep(0.02)
        while self.service.metric("alertreceiver_queue_length"):
            time.sleep(0.02)
        self._first += count
        return count / (time.time() - began)


def _compare(ours: _Whole, other: Process, path: str, runs: int) -> Table:
    ours.rate(500)
    load(Order(other.port, path, count=500, teams=TEAMS))
    rates = []
    for _ in range(runs):
        tally = load(Order(other.port, path, count=MESSAGES, teams=TEAMS))
        rates.append((ours.rate(MESSAGES), tally.answered / tally.seconds))
    return _table(rates, ours.service, other, "send" in path)


def _table(rates: list[tuple[float, float]], ours: Process, other: Process, is_peer: bool) -> Table:
    name = (
        "prometheus-webhook-dingtalk (no store)" if is_peer else "bare handler, nothing sent (the peer was not found)"
    )
    ratio = median([one / another for one, another in rates])
    rows = [
        (name, f"{median([rate for _, rate in rates]):,.0f}", "1", f"{other.memory:.0f}"),
        ("alert-receiver", f"{median([rate for rate, _ in rates]):,.0f}", f"{ratio:.2f}", f"{ours.memory:.0f}"),
    ]
    title = "The whole way (10 alerts a message, 1,000 routes, 16 channels, one core)"
    return Table(title, ("", "messages/s", "ratio", "most MiB"), rows)
