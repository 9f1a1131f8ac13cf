"""Real Alertmanager bodies of ten alerts, each a notification of its own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

LIVE = Path(__file__).parents[1] / "tests" / "payloads" / "alertmanager-live"
_NUMBER = "{number:012d}"


class Bodies:
    """Numbered bodies: the same alerts of `teams` teams over and over, each time of a group that was never seen."""

    def __init__(self, alerts: int = 10, teams: int = 1) -> None:
        self._halves = [self._split(alerts, f"team-{team}") for team in range(teams)]

    def nth(self, number: int) -> bytes:
        """The body with that number."""
        before, after = self._halves[number % len(self._halves)]
        return b"%b%012d%b" % (before, number, after)

    @staticmethod
    def _split(alerts: int, team: str) -> tuple[bytes, bytes]:
        event = of_team(alerts, team)
        event["groupKey"] = f'{{}}/{{team="{team}"}}:{{alertname="Bulk", job="{_NUMBER}"}}'
        before, after = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode().split(_NUMBER.encode())
        return before, after


def of_team(alerts: int, team: str) -> dict[str, Any]:
    """The first alerts of a large live body, said of one team."""
    event: dict[str, Any] = json.loads(_live())
    event["alerts"] = event["alerts"][:alerts]
    for labels in (event["commonLabels"], *(alert["labels"] for alert in event["alerts"])):
        labels["team"] = team
    return event


@cache
def _live() -> bytes:
    return (LIVE / "am-0.33.1" / "bulk_firing_300.json").read_bytes()
