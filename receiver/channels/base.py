"""What every channel is: its settings, its limits, and the three steps of a send. A channel opens no socket."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import StringConstraints

from receiver.channels.endpoints import BaseUrl
from receiver.channels.limits import LimitSettings, month_of
from receiver.contacts import MentionSettings
from receiver.http import Client, HttpConfig, Request, Response, host_of
from receiver.model import Delivery, Message, Priority, State, StoredEvent, new_id
from receiver.schedules import ScheduleSettings
from receiver.settings import Rate, Section
from receiver.text import Extras, Mentions, Text

JSON = {"Content-Type": "application/json; charset=utf-8"}
"""The header of every JSON body."""

ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class ChannelSettings(Section):
    """The fields every kind of channel has."""

    name: ChannelName
    kind: str
    description: str = ""
    enabled: bool = True
    template: str = "default"
    language: Literal["zh", "en"] | None = None
    header: str = ""
    footer: str = ""
    link: str = ""
    mentions: MentionSettings | None = None
    limits: LimitSettings = LimitSettings()
    schedule: ScheduleSettings | None = None
    owner: ChannelName | None = None
    fallback: ChannelName | None = None
    base_url: BaseUrl | None = None
    http_config: HttpConfig = HttpConfig()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A provider's word that a message was taken: its HTTP status, and its code where it gives one.

    `note` says whom it does not reach (a partial success), `left` is the target of those who are to get it again in
    `wait` seconds; `provider_id` is what the message is called from now on, where it can be updated.
    """

    status: int
    code: str | None = None
    note: str = ""
    provider_id: str = ""
    left: str = ""
    wait: float = 60.0


@dataclass(frozen=True, slots=True)
class Updating:
    """For how many seconds a message can be updated in place, and how often (None: as often as need be)."""

    seconds: float
    times: int | None = None


class Channel(ABC):
    """A named destination. A subclass says what differs: the wire body, the request, how an answer is judged."""

    kind: ClassVar[str]
    Settings: ClassVar[type[ChannelSettings]]
    """What the kind's part of the configuration looks like."""
    sample: ClassVar[Mapping[str, Any]]
    """The least configuration of the kind, its credentials made up: what a preview without a channel is made for."""
    rates: ClassVar[tuple[Rate, ...]] = ()
    """The provider's limits as exact sliding windows; `limits.rate` of the settings replaces them."""
    everyone_refused: ClassVar[frozenset[str]] = frozenset()
    """The provider's codes for a message that was refused because it mentions everyone."""
    merges: ClassVar[bool] = True
    """Whether one message may tell alerts of several groups."""
    metered: ClassVar[bool] = False
    """Whether the provider counts what is posted in a month."""

    takes: frozenset[str] = frozenset()
    """Which of the Extras ("fields", "buttons", "image") have a place of their own; the others stand in the body."""

    updating: Updating | None = None
    """Whether messages of this channel can be updated in place."""

    def __init__(self, settings: Any, client: Client) -> None:
        self.settings = settings
        self.client = client

    @property
    def name(self) -> str:
        """The channel's name."""
        name: str = self.settings.name
        return name

    def owed(
        self,
        event: StoredEvent,
        *,
        route: str = "",
        group: str = "",
        priority: Priority = "normal",
        held: str = "",
        due_at: float = 0.0,
        alerts: tuple[int, ...] | None = None,
        firing: bool = True,
    ) -> Delivery:
        """A new delivery of `event` to this channel, from when it came in; `held` says why it waits, until `due_at`."""
        now = event.received_at
        return Delivery(
            id=new_id(now),
            event_id=event.id,
            channel=self.name,
            kind=self.kind,
            template=self.settings.template,
            route=route,
            group=group,
            priority=priority,
            state=State.HELD if held else State.QUEUED,
            reason=held,
            created_at=now,
            released_at=now,
            due_at=due_at,
            alerts=alerts,
            firing=firing,
        )

    @property
    def body_template(self) -> str:
        """The stem of the template file that makes the bodies; `plain` where the platform shows no markup."""
        return self.kind

    @property
    def members(self) -> tuple[Channel, ...]:
        """Who posts: of a pool each robot, as a channel with its own credential; else only this channel itself.

        All the rest of a pool's work, composing and weighing, is its own; its credential is the first member's.
        """
        return (self,)

    @property
    def provider(self) -> str:
        """Who can be down as a whole: the platform, or the host where a `base_url` stands in its place."""
        base = self.settings.base_url
        return host_of(base) if base else self.kind.partition("_")[0]

    def month(self, now: float) -> str:
        """The calendar month that a post at `now` counts towards (`2026-11`, in China); empty where none is counted."""
        return month_of(now) if self.metered or self.settings.limits.monthly else ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Whom the channel reaches, one call each; a robot has one destination, which needs no name."""
        return ("",)

    @property
    def windows(self) -> tuple[Rate, ...]:
        """The rate limits in force for this channel; empty when switched off."""
        chosen = self.settings.limits.rate
        if chosen is None:
            return self.rates
        return (chosen,) if chosen.count else ()

    @property
    @abstractmethod
    def credential(self) -> str:
        """What shares one rate window: a digest of the secret, never the secret."""

    @property
    @abstractmethod
    def identity(self) -> tuple[str, str | None]:
        """What the provider knows the channel by, and its signing secret: only ever told to a stand-in."""

    @property
    def announced(self) -> Mapping[str, Any]:
        """What else a stand-in is told when the channel is made known to it."""
        return {}

    @classmethod
    def staged(cls, settings: Any, stand_in: str) -> Any:
        """`settings` turned towards the stand-in of the providers at the URL `stand_in`."""
        return settings.model_copy(update={"base_url": stand_in, "http_config": HttpConfig()})

    @abstractmethod
    def room(self, plain: bool) -> int:
        """How many bytes, as `weigh` counts them, the title and body of one message may have together."""

    @abstractmethod
    def weigh(self, text: str) -> int:
        """How many bytes `text` takes in this channel's wire body; additive over concatenation."""

    def weigh_mentions(self, mentions: Mentions, plain: bool) -> int:
        """How many bytes of the room `compose` takes for `mentions`; none where the kind ignores them."""
        return 0

    def weigh_extras(self, extras: Extras) -> int:
        """How many bytes of the room `compose` takes for `extras`, all of them such as the channel takes."""
        return 0

    @abstractmethod
    def fill(self, content: bytes) -> tuple[int, int]:
        """How many bytes of a composed `content` the provider counts, and how many it allows."""

    def beside(self, mentions: Mentions) -> Mentions:
        """Those of `mentions` that a message with markup cannot hold: a plain one of their own follows it."""
        return Mentions()

    @staticmethod
    def escape(value: str) -> str:
        """`value` as it must stand in this channel's markup to be read literally: no ping, no link, no heading."""
        return value

    @abstractmethod
    def compose(self, text: Text, message_id: str) -> bytes:
        """The wire body for `text`, without signature or timestamp.

        Within the provider's limits as long as title, body, mentions and extras together weigh no more than the room.
        """

    def attach(self, name: str, text: str) -> bytes | None:
        """The wire body that hands over a file of that `name`, which is ASCII, and `text`; None where none can be."""
        return None

    @abstractmethod
    def build(self, message: Message, now: float) -> Request:
        """The request that posts `message` at the Unix time `now`, signed where the kind signs."""

    @abstractmethod
    def check(self, response: Response) -> Confirmation:
        """The provider's confirmation of a message; raises the DeliveryError its answer means otherwise."""

    async def send(self, message: Message, now: float) -> Confirmation:
        """Post `message` once. Raises DeliveryError unless the provider confirmed it."""
        return self.check(await self.client.send(self.build(message, now)))


def digest(*secrets: str) -> str:
    """A short name for a credential that does not give it away (SHA-256, 16 hex digits)."""
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()[:16]
