"""The load generator, a process of its own: `python -m benchmarks.load` reads an Order from stdin, writes a Tally."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import uvloop

from benchmarks.bodies import Bodies
from benchmarks.wire import Frames, post


@dataclass(frozen=True)
class Order:
    """What to send where: `count` bodies or for `seconds`, as fast as answers come or `rate` a second."""

    port: int
    path: str = "/webhook"
    connections: int = 64
    count: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    first: int = 0
    alerts: int = 10
    teams: int = 1


@dataclass
class Tally:
    """What came of it; `began` is Unix time, latencies are milliseconds from when a request was to be sent."""

    answered: int = 0
    refused: int = 0
    began: float = 0.0
    seconds: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    last: int = 0
    latencies: list[float] = field(default_factory=list, repr=False)

    def count(self, status_line: bytes, latency: float) -> None:
        """One answer."""
        self.answered += 1
        self.refused += status_line[9:10] != b"2"
        self.latencies.append(latency * 1000)

    def close(self, seconds: float, last: int) -> None:
        """Work out the quantiles."""
        ordered = sorted(self.latencies) or [0.0]
        self.p50, self.p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        self.seconds, self.last, self.latencies = seconds, last, []


class Load:
    """Sends the bodies of one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._bodies = Bodies(order.alerts, order.teams)
        self._next = order.first
        self._tally = Tally()
        self._loop = asyncio.get_running_loop()
        self._over = self._loop.create_future()
        self._idle: list[Frames] = []
        self._sent: dict[Frames, float] = {}
        self._waiting: list[float] = []

    async def run(self) -> Tally:
        """Send, wait for the answers, tell."""
        await self._connect()
        self._begun, self._tally.began = self._loop.time(), time.time()
        self._end = self._begun + self._order.seconds if self._order.seconds else float("inf")
        if self._order.rate:
            await self._paced()
        else:
            for connection in list(self._idle):
                self._again(connection)
        await self._over
        self._tally.close(self._loop.time() - self._begun, self._next)
        return self._tally

    async def _connect(self) -> None:
        for _ in range(self._order.connections):
            create: Callable[[], Frames] = lambda: Frames(self._got)  # noqa: E731
            _, connection = await self._loop.create_connection(create, "127.0.0.1", self._order.port)
            self._idle.append(connection)

    def _got(self, connection: Frames, status_line: bytes) -> None:
        now = self._loop.time()
        self._tally.count(status_line, now - self._sent.pop(connection))
        if not self._order.rate:
            self._again(connection)
        elif self._waiting:
            self._send(connection, self._waiting.pop(0))
        else:
            self._idle.append(connection)
            self._settle()

    def _settle(self) -> None:
        """Over when nothing more is to be sent and everything was answered."""
        if not self._sent and not self._more() and not self._over.done():
            self._over.set_result(None)

    def _again(self, connection: Frames) -> None:
        if self._more():
            self._send(connection, self._loop.time())
        else:
            self._settle()

    def _more(self) -> bool:
        sent = self._next - self._order.first
        return (not self._order.count or sent < self._order.count) and self._loop.time() < self._end

    def _send(self, connection: Frames, since: float) -> None:
        self._sent[connection] = since
        connection.transport.write(post(self._order.path, self._bodies.nth(self._next)))
        self._next += 1

    async def _paced(self) -> None:
        at = self._begun
        while self._more():
            await asyncio.sleep(max(0.0, at - self._loop.time()))
            if self._idle:
                self._send(self._idle.pop(), at)
            else:
                self._waiting.append(at)
            at += 1 / self._order.rate
        self._settle()


async def _main() -> None:
    tally = await Load(Order(**json.loads(sys.stdin.read()))).run()
    print(json.dumps(asdict(tally)))


if __name__ == "__main__":
    uvloop.run(_main())
