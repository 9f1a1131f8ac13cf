"""The processes of a measurement: each pinned to one core, started, asked, ended."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from benchmarks.load import Order, Tally

CORES = sorted(os.sched_getaffinity(0))
MEASURED, BESIDE = CORES[0], CORES[-1]
"""What is measured has a core of its own; the load and the sink share the other one."""
_ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Process:
    """One server, ready to be asked on its port."""

    def __init__(self, command: Sequence[str], port: int, core: int, log: Path, **environment: str) -> None:
        self.port = port
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        self._await(log)

    def _await(self, log: Path) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"a server did not start: {log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)

    @property
    def cpu(self) -> float:
        """Processor seconds used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """The most memory it ever held, in MiB."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self._process.pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0

    def get(self, path: str) -> str:
        """What it answers to a GET."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
            text: str = answer.read().decode()
            return text

    def metric(self, name: str) -> float:
        """The sum of one metric over its labels."""
        lines = self.get("/metrics").splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[{{ ]", line))


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Stop them at the end."""
    try:
        yield
    finally:
        for process in processes:
            process.stop()


def server(which: str, folder: Path) -> Process:
    """The bare handler, on the measured core, or the sink, beside it."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.servers", which, str(port)]
    return Process(command, port, MEASURED if which == "bare" else BESIDE, folder / f"{which}.log")


def service(folder: Path, configuration: dict[str, Any]) -> Process:
    """The service, its database in `folder`."""
    port = free_port()
    whole = {
        "server": {"listen": f"127.0.0.1:{port}"},
        "storage": {"url": f"sqlite:///{folder / 'receiver.db'}"},
        "http": {"allowed_networks": ["127.0.0.0/8"]},
        **configuration,
    }
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(whole))
    command = [sys.executable, "-m", "receiver", "serve", f"--config.file={file}"]
    return Process(command, port, MEASURED, folder / "service.log")


def load(order: Order) -> Tally:
    """Have an order carried out on the core beside."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=_ROOT,
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {BESIDE}),
    )
    tally = Tally(**json.loads(done.stdout))
    if tally.refused:
        raise RuntimeError(f"{tally.refused} of {tally.answered} requests were not answered 2xx")
    return tally
