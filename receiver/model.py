"""The facts every room deals in, frozen: Alert and Event as decoded, Delivery, Message and Attempt as kept."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict

Status = Literal["firing", "resolved"]
Priority = Literal["high", "normal", "low"]
Detail = Literal["full", "line", "count"]
"""How fully an alert is told: in full, in one line, or as one of a number."""


class Alert(TypedDict):
    """One alert of an event, in Alertmanager's words.

    Times are RFC 3339 strings as sent, `""` when the sender gave none (or the zero time). `fingerprint` is always
    there: the sender's, or computed. The optional keys come from Grafana, but for the last three: they are added when
    an alert is told that waited. `changes` says how often its status changed meanwhile, `told_by` which channel told of
    it in the place of its own, `in_place_of` for which channel this one does.
    """

    status: Status
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: str
    endsAt: str
    generatorURL: str
    fingerprint: str
    silenceURL: NotRequired[str]
    dashboardURL: NotRequired[str]
    panelURL: NotRequired[str]
    imageURL: NotRequired[str]
    values: NotRequired[dict[str, object] | None]
    valueString: NotRequired[str]
    changes: NotRequired[int]
    told_by: NotRequired[str]
    in_place_of: NotRequired[str]


class Event(TypedDict):
    """One webhook body, normalised: every key is there whatever the sender left out.

    `source` is who sent it (the name of the credential, else the format), `format` what it was told to be by its
    content. `receiver` is unescaped (`web.hook`, not `web\\.hook`).
    """

    source: str
    format: Literal["alertmanager", "grafana"]
    receiver: str
    status: Status
    groupKey: str
    groupLabels: dict[str, str]
    commonLabels: dict[str, str]
    commonAnnotations: dict[str, str]
    externalURL: str
    notification_reason: str
    truncatedAlerts: int
    title: str
    message: str
    alerts: list[Alert]


class State(StrEnum):
    """Where a delivery is. Every delivery ends in exactly one of sent, failed, expired, dropped."""

    QUEUED = "queued"
    """Owed and waiting for its turn, its slot or its retry."""
    SENDING = "sending"
    """A message that carries it is being posted, or its outcome is not known yet."""
    SENT = "sent"
    """Every message that carries it was confirmed by the provider."""
    FAILED = "failed"
    """Given up after at least one attempt: a dead letter."""
    EXPIRED = "expired"
    """Grew too old to be worth sending before it was ever tried."""
    HELD = "held"
    """Held back; `reason` says by what."""
    DROPPED = "dropped"
    """Not to be sent, by a rule; recorded only."""


class MessageState(StrEnum):
    """Where one message (one post) is."""

    PLANNED = "planned"
    """Rendered, its turn has not come."""
    SENDING = "sending"
    """Its slot is taken; it may have been posted."""
    SENT = "sent"
    FAILED = "failed"
    DISCARDED = "discarded"
    """Never to be posted: what it was to tell is planned anew."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event's alerts owed to one channel.

    `alerts` are positions in the event's list, None for all of them. `group` names the notification group whose
    order is kept within the channel. `released_at` is when its age began to count; times are Unix seconds.
    `attempts` counts the tries that count towards the retry schedule. `detail` is how fully the least told of its
    alerts was told, empty before any was. `stands_in` is the id of the delivery that this one is told in the place of,
    `told_by` the name of the channel that tells this one's alerts in its place.
    """

    id: str
    event_id: str
    channel: str
    kind: str
    template: str
    route: str
    group: str
    priority: Priority
    state: State
    created_at: float
    released_at: float
    due_at: float = 0.0
    alerts: tuple[int, ...] | None = None
    reason: str = ""
    attempts: int = 0
    firing: bool = True
    sent_at: float | None = None
    merged_into: str | None = None
    manual: bool = False
    test: bool = False
    detail: Detail | Literal[""] = ""
    told_by: str = ""
    stands_in: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a message tells of one delivery: the positions, in the event, of the alerts, and how fully it tells them."""

    delivery: str
    alerts: tuple[int, ...] = ()
    detail: Detail = "full"


@dataclass(frozen=True, slots=True)
class Message:
    """One post: the exact content, without anything secret or tied to the moment (signatures are added on the wire).

    `id` is the idempotency id, the same on every retry of the same bytes. `carries` is what it tells; a delivery stands
    there once for each level of detail. `number` of `total` counts the parts that a batch was split into; 0 is what
    goes beside them, such as a list of all that was only counted: nobody waits for it. `retried` says that it may have
    been posted before. `target` is whom one call of an app reaches, as its channel writes it; empty
    for what has one destination only. `updates` is what the provider calls the message that this one replaces in
    place, `provider_id` what it calls this one once it was sent.
    """

    id: str
    channel: str
    content: bytes
    carries: tuple[Carried, ...]
    number: int = 1
    total: int = 1
    plain: bool = False
    state: MessageState = MessageState.PLANNED
    sent_at: float | None = None
    retried: bool = False
    target: str = ""
    updates: str = ""
    provider_id: str = ""

    @property
    def deliveries(self) -> tuple[str, ...]:
        """The ids of the deliveries it tells of, each once."""
        return tuple(dict.fromkeys(carried.delivery for carried in self.carries))

    @property
    def tells(self) -> bool:
        """Whether it tells of any alert."""
        return any(carried.alerts for carried in self.carries)


@dataclass(frozen=True, slots=True)
class Card:
    """A message that stands for a group on a channel and can be updated in place.

    One for each target and part (`number`). `posted_at` is when it was posted, `updates` how often it was replaced
    since, `told` a digest of the alerts and statuses it shows, `rank` its highest severity (see severity.rank).
    It is `live` until all its alerts are resolved.
    """

    channel: str
    group: str
    target: str
    number: int
    provider_id: str
    posted_at: float
    updates: int = 0
    told: str = ""
    rank: int = 0
    live: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one message: `at` Unix seconds, `duration` seconds; `error` is empty when it arrived.

    `note` is what there is to know of one that arrived: whom it did not reach.
    """

    message_id: str
    at: float
    duration: float
    http_status: int | None = None
    provider_code: str | None = None
    error: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was taken in: the raw body is the truth, facts are read from it again when needed."""

    id: str
    source: str
    received_at: float
    body: bytes
    path: str = "/webhook"
    channels: tuple[str, ...] = field(default=())


def new_id(now: float) -> str:
    """A fresh id that sorts by time: 12 hex digits of milliseconds, 16 of randomness."""
    return f"{int(now * 1000):012x}{random.getrandbits(64):016x}"


def instant(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC with three fractional digits."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
