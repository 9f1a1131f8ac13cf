"""`python -m benchmarks [accept|end_to_end|routing|parts|all]`: measure, print Markdown."""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import accept, end_to_end, parts, routing
from benchmarks.processes import CORES
from benchmarks.tables import Table

PEER = "prometheus-webhook-dingtalk"
WHAT = ("accept", "end_to_end", "routing", "parts")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*WHAT, "all"), default="all")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs, of which the median is told")
    parser.add_argument("--peer", default=shutil.which(PEER), metavar="PATH", help=f"default: {PEER} on the PATH")
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: a temporary one")
    chosen = parser.parse_args(arguments)
    print(f"# Measured: Python {platform.python_version()}, {len(CORES)} cores, medians of {chosen.runs} runs\n")
    for what in WHAT if chosen.what == "all" else (chosen.what,):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="alert-receiver-", dir=chosen.folder) as folder:
            for table in _measure(what, Path(folder), chosen.runs, chosen.peer):
                print(table, flush=True)
        print(f"_{what}: {time.monotonic() - begun:.0f} s_\n", flush=True)


def _measure(what: str, folder: Path, runs: int, peer: str | None) -> list[Table]:
    if what == "accept":
        return accept.measure(folder, runs)
    if what == "end_to_end":
        return end_to_end.measure(folder, runs, peer)
    return routing.measure(runs) if what == "routing" else parts.measure(folder, runs)


if __name__ == "__main__":
    main()
