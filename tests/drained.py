"""A backlog told to its end by a composer and a planner, a message at each free slot, with an account of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from owed_samples import NOW, planner

from receiver.delivery.bundle import Bundle
from receiver.delivery.composing import Composer
from receiver.delivery.owed import Owed
from receiver.delivery.window import Window
from receiver.model import Message


@dataclass
class Post:
    """One message as it went out; `of` is the bundle it is of."""

    message: Message
    at: float
    of: Bundle
    fill: float

    @property
    def text(self) -> str:
        return self.message.content.decode()


@dataclass
class Drain:
    """One channel with a free window of its own; `posts` is what it sent, `told` when each alert was told, and how."""

    kind: str = "wecom_robot"
    taken: int = 0
    directory: Any = None
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.planner = planner(self.kind, self.directory, **self.settings)
        self.channel = self.planner.channel
        self.composer = Composer(self.planner)
        self.window = Window([NOW] * self.taken, keep=62.0)
        self.now = NOW
        self.posts: list[Post] = []
        self.told: dict[tuple[str, int], tuple[str, float]] = {}
        self._by: dict[tuple[str, int], Bundle] = {}

    def slots(self, number: int) -> list[float]:
        return self.window.upcoming(self.channel.windows, self.now, number)

    def next(self, due: list[Owed]) -> Bundle:
        """The next bundle, with its messages."""
        bundle = self.composer.next(due, self.now, self.slots)
        bundle.messages.extend([] if bundle.messages else self.planner.whole(bundle.owed, self.now))
        return bundle

    def run(self, due: Iterable[Owed], most: int = 500) -> Drain:
        """Tell all that is due; AssertionError if a message is refused, or an alert told twice."""
        left = list(due)
        while left:
            bundle = self.next(left)
            for message in bundle.messages:
                self._post(message, bundle)
            left = [one for one in left if not (one.finished or (one in bundle.owed and not one.positions))]
            assert len(self.posts) <= most
        return self

    def _post(self, message: Message, bundle: Bundle) -> None:
        self.now = self.window.free_at(self.channel.windows, self.now)
        self.window.take(self.now)
        used, limit = self.channel.fill(message.content)
        assert used <= limit
        self.posts.append(Post(message, self.now, bundle, used / limit))
        by_id = {one.id: one for one in bundle.owed}
        for one in message.carries:
            by_id[one.delivery].tell(one.alerts, one.detail)
            for position in one.alerts:
                assert self._by.setdefault((one.delivery, position), bundle) is bundle
                self.told.setdefault((one.delivery, position), (one.detail, self.now))

    @property
    def details(self) -> set[str]:
        """How fully alerts were told."""
        return {detail for detail, _ in self.told.values()}

    @property
    def latest(self) -> float:
        """After how many seconds the last was told."""
        return max((at for _, at in self.told.values()), default=NOW) - NOW
