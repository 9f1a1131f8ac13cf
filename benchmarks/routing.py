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


def measure(runs: int) -> list[Table]:
    """Microseconds an event of ten alerts, for label sets that were seen before and for new ones."""
    rows = []
    for size in SIZES:
        routes = Routes(RouteSettings.model_validate({"channels": ["a"], "routes": [_route(n) for n in range(size)]}))
        known = median([_timed(routes, size, fresh=False) for _ in range(runs)])
        new = median([_timed(routes, size, fresh=True) for _ in range(runs)])
        rows.append((f"{size:,}", f"{known:.1f}", f"{new:.1f}"))
    return [Table("Routing an event of 10 alerts (µs)", ("routes", "labels seen before", "new labels"), rows)]


def _route(number: int) -> dict[str, Any]:
    return {"matchers": matchers(number), "channels": ["b"]}


def _timed(routes: Routes, size: int, *, fresh: bool) -> float:
    """Microseconds an event; `fresh` labels come for the first time, as after a roll-out."""
    spent, made = 0.0, 0
    for number in range(_ROUNDS):
        event = parse(of_team(10, f"team-{(number % 20) * 37 % size}"), "alertmanager")
        if fresh:
            for alert in event["alerts"]:
                made += 1
                alert["labels"]["pod"] = f"{time.perf_counter_ns()}-{made}"
        else:
            routes.route(event)
        begun = time.perf_counter()
        routes.route(event)
        spent += time.perf_counter() - begun
    return spent / _ROUNDS * 1e6
