"""Taking events in: durable before the answer, beside a bare handler that decodes and keeps nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.load import Order
from benchmarks.processes import Process, load, running, server, service
from benchmarks.tables import Table, median

SECONDS = 3.0
PACES = (50, 500)


def configuration(sink: int) -> dict[str, Any]:
    """One robot with the provider's own limit: what a storm meets, so that almost nothing is sent meanwhile."""
    robot = {"name": "duty", "kind": "dingtalk_robot", "access_token": "t" * 64}
    return {"channels": [{**robot, "base_url": f"http://127.0.0.1:{sink}"}], "route": {"channels": ["duty"]}}


def measure(folder: Path, runs: int) -> list[Table]:
    """Requests a second and the time to the answer."""
    sink = server("sink", folder)
    with running(sink):
        bare = server("bare", folder)
        with running(bare):
            ours = service(folder, configuration(sink.port))
            with running(ours):
                return _compare(ours, bare, runs)


def _compare(ours: Process, bare: Process, runs: int) -> list[Table]:
    figures: dict[str, list[float]] = {"bare": [], "service": []}
    paced: dict[int, list[tuple[float, float]]] = {pace: [] for pace in PACES}
    first = 0
    for process in (bare, ours):
        first = load(Order(process.port, seconds=1.0, first=first)).last
    for _ in range(runs):
        for name, process in (("bare", bare), ("service", ours)):
            tally = load(Order(process.port, seconds=SECONDS, first=first))
            figures[name].append(tally.answered / tally.seconds)
            first = tally.last
        for pace in PACES:
            tally = load(Order(ours.port, seconds=2.0, rate=pace, first=first))
            paced[pace].append((tally.p50, tally.p99))
            first = tally.last
    return [_throughput(figures, ours.memory), _latency(paced)]


def _throughput(figures: dict[str, list[float]], memory: float) -> Table:
    ratio = median([ours / bare for ours, bare in zip(figures["service"], figures["bare"], strict=True)])
    rows = [
        ("bare aiohttp handler (uvloop, orjson), nothing kept", f"{median(figures['bare']):,.0f}", "1", ""),
        (
            "alert-receiver, on disk before the answer",
            f"{median(figures['service']):,.0f}",
            f"{ratio:.2f}",
            f"{memory:.0f}",
        ),
    ]
    return Table(
        "Accepting (10 alerts a body, 64 connections, one core)", ("", "requests/s", "ratio", "most MiB"), rows
    )


def _latency(paced: dict[int, list[tuple[float, float]]]) -> Table:
    rows = [
        (f"{pace} a second", f"{median([p50 for p50, _ in said]):.1f}", f"{median([p99 for _, p99 in said]):.1f}")
        for pace, said in paced.items()
    ]
    return Table("Time to the answer at a steady pace (ms)", ("", "p50", "p99"), rows)
