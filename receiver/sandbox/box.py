"""The sandbox itself: the robots, the platforms that judge their calls, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from receiver.sandbox.clock import Clock
from receiver.sandbox.dingtalk import DingTalk
from receiver.sandbox.faults import Fault, Faults
from receiver.sandbox.feishu import Feishu
from receiver.sandbox.ledger import Ledger, Posted, Seen
from receiver.sandbox.robots import Options, Robot, Robots
from receiver.sandbox.webhook import Webhook
from receiver.sandbox.wecom import WeCom
from receiver.sandbox.wire import Platform

PLATFORMS: tuple[type[Platform], ...] = (WeCom, DingTalk, Feishu, Webhook)


class Sandbox:
    """A strict stand-in of WeCom, DingTalk, Feishu and webhook receivers.

    It judges every call in the order and with the answers of the real provider, keeps what a person in the group
    would have read, and notes in `violations` what the provider tolerates and a good client never does. Memory is
    bounded. It belongs to one event loop.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock if isinstance(clock, Clock) else Clock(clock)
        self.options = Options()
        self.robots = Robots()
        self.ledger = Ledger()
        self.faults = Faults()
        self.stopping = asyncio.Event()
        self.platforms = tuple(platform(self.robots, self.ledger, self.options) for platform in PLATFORMS)

    @property
    def messages(self) -> deque[Posted]:
        """Every message that arrived, oldest first; the latest 100,000."""
        return self.ledger.messages

    @property
    def requests(self) -> deque[Seen]:
        """Every request, raw, oldest first; the latest 100,000, bodies of the latest 5,000."""
        return self.ledger.requests

    @property
    def violations(self) -> list[str]:
        """What the real provider tolerates and our clients must not do; tests assert that this is empty."""
        return self.ledger.violations

    @property
    def accept_unknown(self) -> bool:
        """Whether a credential nobody registered is registered on first use, unsigned and without keywords."""
        return self.robots.accept_unknown

    @accept_unknown.setter
    def accept_unknown(self, accepted: bool) -> None:
        self.robots.accept_unknown = accepted

    def register(
        self,
        kind: str,
        credential: str,
        *,
        name: str = "",
        secret: str | None = None,
        keywords: Iterable[str] = (),
        ip_list: Iterable[str] = (),
        monthly: int | None = None,
        at_all: bool = True,
    ) -> Robot:
        """Add a robot to a group; `name` is what the group is called here (default: a digest of the credential).

        `credential` is WeCom's key, DingTalk's access_token, Feishu's hook token or the last part of a webhook's
        path; `secret` switches signature checks on. ValueError for an unknown kind.
        """
        robot = Robot(kind, credential, name, secret, tuple(keywords), tuple(ip_list), monthly, at_all)
        self.robots.add(robot)
        return robot

    def unregister(self, kind: str, credential: str) -> None:
        """Remove a robot from its group: its credential is refused from now on."""
        self.robots.remove(kind, credential)

    def fault(self, target: str, fault: Fault, times: int | None = 1) -> None:
        """Answer the next `times` calls (None: all) to a kind, a robot's name or `*` with `fault`."""
        self.faults.order(target, fault, times)

    def clear_faults(self) -> None:
        """End every fault."""
        self.faults.clear()

    def worst_window(self, kind: str, name: str, seconds: float) -> int:
        """The most messages that got through to this robot in any `seconds`; an empty name means the whole kind."""
        return self.ledger.worst_window(kind, name, seconds)
