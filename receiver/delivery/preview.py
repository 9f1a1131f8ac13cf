"""What a message would be, without sending it: planned as every delivery is, read as its platform would show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from receiver.channels.base import Channel
from receiver.delivery.addressees import Addressees
from receiver.delivery.owed import Owed
from receiver.delivery.planning import Planner
from receiver.delivery.rendering import Batch, Renderer, Rendering
from receiver.delivery.rendering.texts import was_cut
from receiver.errors import ReceiverError
from receiver.metrics import Metrics
from receiver.model import Delivery, Event, Message, StoredEvent, new_id
from receiver.store.base import Work
from receiver.text import Mentions

MOST = 100
"""How many messages a preview shows; the rest of a storm are only counted."""

_FEW = 12
_NOBODY = Mentions()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to preview: `event` as a sender posts it, on the configured `channel` or on a made-up one of `kind`.

    `template` and `language` stand in the place of the channel's own; empty ones do not.
    """

    event: bytes
    channel: str = ""
    kind: str = ""
    template: str = ""
    language: str = ""


class Unknown(ReceiverError):
    """Something that was asked for by a name which nothing has; `noun` says what: channel, kind, template, language."""

    def __init__(self, noun: str, name: str, known: Iterable[str] = ()) -> None:
        names = list(known)
        near = get_close_matches(name[:64], names, 1, 0.6)
        listed = f"; there are {', '.join(names)}" if 0 < len(names) <= _FEW else ""
        super().__init__(f"no {noun} is named {name[:64]!r}" + (f"; did you mean {near[0]}?" if near else listed))
        self.noun = noun


@dataclass(frozen=True, slots=True)
class Readable:
    """What people get of one message: title, words without markup, whom it really pings, where it leads.

    `refusal` is why its platform would not take it, empty if it would; `faults` are what it takes all the same and
    does not promise.
    """

    title: str = ""
    text: str = ""
    mentions: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    refusal: str = ""
    faults: tuple[str, ...] = ()


Read = Callable[[Channel, Message, float], Readable]
"""How a channel's message would be read at a Unix time."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One message of a preview: `used` of `limit` bytes as its platform counts them."""

    message: Message
    readable: Readable
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go out, the first MOST messages of it, and what there is to say about it.

    It is `sound` unless a template failed, so that these are the words of the built-in plain text, or a platform would
    refuse a message.
    """

    kind: str
    template: str
    language: str
    messages: tuple[Shown, ...]
    warnings: tuple[str, ...]
    sound: bool


class Rehearsal(Renderer):
    """A renderer that remembers what became of its latest batch; a template that fails here costs nobody a message."""

    latest = Rendering(())

    def render(
        self, channel: Channel, batch: Batch, now: float, *, plain: bool = False, mentions: Mentions = _NOBODY
    ) -> Rendering:
        """As every renderer's, but for what it says of a failure: that is kept in `latest`."""
        self.latest = super().render(channel, batch, now, plain=plain, mentions=mentions)
        return replace(self.latest, failed="")


class Audience(Addressees):
    """Finds whom a preview mentions, and keeps the names that no contact has."""

    unknown: tuple[str, ...] = ()

    def tell(self, channel: Channel, delivery: Delivery, unknown: Sequence[str]) -> None:  # noqa: ARG002
        """Nothing is logged: nobody is missed yet."""
        self.unknown = tuple(unknown)


def preview(
    channel: Channel,
    event: Event,
    renderer: Rehearsal,
    audience: Audience,
    *,
    read: Read,
    record_url: Callable[[str], str],
    route: str = "",
    now: float,
) -> Preview:
    """The messages that would tell all of `event` on `channel` if `route` took it there at the Unix time `now`."""
    planner = Planner(channel, renderer, audience, Metrics(), record_url=record_url)
    messages = planner.whole([Owed(_work(channel, event, route, now), lambda _: event)], now)
    shown = tuple(_shown(channel, message, read, now) for message in messages[:MOST])
    return Preview(
        kind=channel.kind,
        template=channel.settings.template,
        language=renderer.language(channel),
        messages=shown,
        warnings=(
            *_of_rendering(renderer.latest, len(messages)),
            *(f"no contact is named {name}: nobody is mentioned for it" for name in audience.unknown),
            *_of_messages(shown),
        ),
        sound=not renderer.latest.failed and not any(one.readable.refusal for one in shown),
    )


def _work(channel: Channel, event: Event, route: str, now: float) -> Work:
    """A delivery that nobody owes."""
    stored = StoredEvent(new_id(now), event["source"], now, b"")
    return Work(channel.owed(stored, route=route), stored)


def _shown(channel: Channel, message: Message, read: Read, now: float) -> Shown:
    used, limit = channel.fill(message.content)
    return Shown(message, read(channel, message, now), used, limit)


def _of_rendering(rendering: Rendering, planned: int) -> Iterator[str]:
    if rendering.failed:
        yield f"the template failed, built-in plain text would go out: {rendering.failed}"
    if len(rendering.texts) > 1:
        yield f"split into {len(rendering.texts)} messages: one has no room for all"
    if any(map(was_cut, rendering.texts)):
        yield "cut: something is too long for any message"
    if planned > MOST:
        yield f"only the first {MOST} of {planned} messages are shown"


def _of_messages(shown: Sequence[Shown]) -> Iterator[str]:
    """What platforms say of the messages: each word once, with the first message it is said of if there are several."""
    first: dict[str, int] = {}
    for place, one in enumerate(shown, 1):
        refused = (f"the platform would refuse it: {one.readable.refusal}",) if one.readable.refusal else ()
        for word in (*refused, *one.readable.faults):
            first.setdefault(word, place)
    for word, place in first.items():
        yield f"message {place}: {word}" if len(shown) > 1 else word
