"""`python -m benchmarks [accept|end_to_end|routing|parts|storm|all]`: measure, print Markdown."""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import accept, end_to_end, parts, routing, storm
from benchmarks.processes import CORES
from benchmarks.tables import Table

PEER = "prometheus-webhook-dingtalk"
WHAT = ("accept", "end_to_end", "routing", "parts", "storm")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=(*WHAT, "all"), default="all")
    parser.add_argument("--runs", type=int, default=5, help="interleaved runs, of which the median is told")
    parser.add_argument("--peer", default=shutil.which(PEER), metavar="PATH", help=f"default: {PEER} on the PATH")
    parser.add_argument("--folder", type=Path, help="where the databases are made; default: a temporary one")
    parser.add_argument("--quick", action="store_true", help="storm: only what takes less than a minute")
    chosen = parser.parse_args(arguments)
    print(f"# Measured: Python {platform.python_version()}, {len(CORES)} cores, medians of {chosen.runs} runs\n")
    for what in WHAT if chosen.what == "all" else (chosen.what,):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="alert-receiver-", dir=chosen.folder) as folder:
            for table in _measure(what, Path(folder), chosen):
                print(table, flush=True)
        print(f"_{what}: {time.monotonic() - begun:.0f} s_\n", flush=True)


def _measure(what: str, folder: Path, chosen: argparse.Namespace) -> list[Table]:
    if what == "accept":
        return accept.measure(folder, chosen.runs)
    if what == "end_to_end":
        return end_to_end.measure(folder, chosen.runs, chosen.peer)
    if what == "storm":
        return storm.measure(folder, quick=chosen.quick)
    return routing.measure(chosen.runs) if what == "routing" else parts.measure(folder, chosen.runs)


if __name__ == "__main__":
    main()
