"""What it costs to find an event's channels among 10 to 10,000 routes."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.bodies import of_team
from benchmarks.end_to_end import matchers
from benchmarks.tables import Table, median
from receiver.intake.alertmanager import parse
from receiver.intake.routing import Routes, RouteSettings

SIZES = (10, 100, 1_000, 10_000)
_ROUNDS = 500
_NEW = ("", "pod", "instance")


def measure(runs: int) -> list[Table]:
    """Microseconds an event of ten alerts: for labels that came before, for new ones that no or some route asks for."""
    rows = []
    for size in SIZES:
        routes = Routes(RouteSettings.model_validate({"channels": ["a"], "routes": [_route(n) for n in range(size)]}))
        rows.append((f"{size:,}", *(f"{median([_timed(routes, size, new) for _ in range(runs)]):.1f}" for new in _NEW)))
    heads = ("routes", "labels seen before", "a new label no route asks for", "new labels, nothing remembered")
    return [Table("Routing an event of 10 alerts (µs)", heads, rows)]


def _route(number: int) -> dict[str, Any]:
    return {"matchers": matchers(number), "channels": ["b"]}


def _timed(routes: Routes, size: int, new: str) -> float:
    """Microseconds an event; each alert's label `new`, if any, comes for the first time, as after a roll-out."""
    spent, made = 0.0, 0
    for number in range(_ROUNDS):
        event = parse(of_team(10, f"team-{(number % 20) * 37 % size}"), "alertmanager")
        if not new:
            routes.route(event)
        for alert in event["alerts"] if new else ():
            made += 1
            alert["labels"][new] = f"node-{time.perf_counter_ns()}{made}:9100"
        begun = time.perf_counter()
        routes.route(event)
        spent += time.perf_counter() - begun
    return spent / _ROUNDS * 1e6
