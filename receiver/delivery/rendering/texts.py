"""What a template made becomes texts: a bounded title, and as many parts as the platform's size asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from receiver.channels.base import Channel
from receiver.delivery.rendering.batch import Batch
from receiver.delivery.rendering.facts import Facts
from receiver.delivery.rendering.markup import CUT
from receiver.delivery.rendering.splitting import Measure, Part, shortened, split, trimmed
from receiver.text import Extras, Text

TITLE_BYTES = 200
_NUMBERING = " (99999/99999)"
_NOTES = {
    "zh": ("…（内容过长，已截断，全文见{}）", "…（内容过长，已截断约 {} 字节）", "推送记录"),
    "en": ("… (cut, see {})", "… (cut, about {} bytes more)", "the whole record"),
}


def was_cut(text: Text) -> bool:
    """Whether `text` ends in the note that something was too long for any message."""
    return any(note.partition("{}")[0] in text.body for notes in _NOTES.values() for note in notes[:2])


def beside(extras: Extras, texts: Sequence[Text]) -> tuple[Text, ...]:
    """`texts`, each with what one may want of every part; the image is in the first."""
    first, *others = texts
    return (replace(first, extras=extras), *(replace(text, extras=replace(extras, image="")) for text in others))


def everything(batch: Batch) -> tuple[int, ...]:
    """The positions of all alerts."""
    return tuple(range(len(batch.alerts)))


def of(facts: Facts, title: str, body: str, alerts: tuple[int, ...], plain: bool) -> Text:
    """One text that tells the alerts at the positions `alerts`."""
    return Text(title, body, facts["status"], facts["severity"], plain, alerts)


def bounded(channel: Channel, title: str, room: int, plain: bool) -> tuple[str, int]:
    """The title as it will stand above the body, and its weight."""
    weight = _title_weight(channel, title, plain)
    if weight > (limit := min(TITLE_BYTES, room // 3)):
        title = shortened(title, limit, lambda text: _title_weight(channel, text, plain))
        weight = _title_weight(channel, title, plain)
    return title, weight


def messages(channel: Channel, facts: Facts, title: str, output: str, room: int, plain: bool) -> tuple[Text, ...]:
    """Title and output as one message if its body fits into `room`, else as several."""
    body = trimmed(output.replace(CUT, ""))
    if channel.weigh(body) <= room:
        return (of(facts, title, body, everything(facts.batch), plain),)
    return _parts(channel, facts, title, output.split(CUT), room, plain)


def _parts(
    channel: Channel, facts: Facts, title: str, pieces: Sequence[str], room: int, plain: bool
) -> tuple[Text, ...]:
    unmarked = plain or channel.body_template == "plain"
    measure = Measure(channel.weigh, lambda left: _note(channel, facts, left, unmarked), markup=not unmarked)
    parts = split(pieces, room, measure, _title_weight(channel, _NUMBERING, plain))
    numbers = [f" ({number}/{len(parts)})" if len(parts) > 1 else "" for number in range(1, len(parts) + 1)]
    return tuple(
        of(facts, title + number, part.body, _told(part, pieces, facts), plain)
        for number, part in zip(numbers, parts, strict=True)
    )


def _title_weight(channel: Channel, title: str, plain: bool) -> int:
    """A title may be shown with the channel's markup or, in a preview, without."""
    weight = channel.weigh(title)
    if plain or (shown := channel.escape(title)) == title:
        return weight
    return max(weight, channel.weigh(shown))


def _told(part: Part, pieces: Sequence[str], facts: Facts) -> tuple[int, ...]:
    """The positions in the batch of what `part` tells; of all alerts if the template made no piece for each."""
    views = facts.views
    if len(pieces) != facts.batch.pieces + 2:
        return tuple(range(len(views)))
    return tuple(sorted(views[piece].position for piece in part.pieces if piece < len(views)))


def _note(channel: Channel, facts: Facts, left: int, plain: bool) -> str:
    whole, rest, record = _NOTES[facts.language]
    url = facts["record_url"]
    if not url:
        return "\n" + rest.format(left) + "\n"
    return "\n" + whole.format(f" {url} " if plain else f"[{channel.escape(record)}]({url})") + "\n"
