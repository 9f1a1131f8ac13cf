"""A long message as several: whole alerts where they fit, and what is too long for any message cut with care."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import regex

Weigh = Callable[[str], int]
Note = Callable[[int], str]

_ATOM = regex.compile(
    r"\\."
    r"|&\#?\w{1,31};"
    r"|!?\[(?:\\.|[^\[\]\\\n]){0,2000}\]\([^()\s]{0,9000}\)"
    r"|<(/?)([A-Za-z_@][^\s<>/]{0,40})[^<>\n]{0,400}>"
    r"|`[^`\n]{0,2000}`"
    r"|(\*\*)"
)
"""What must not be cut in two: escapes, character references, links, tags, code, the marks of bold."""

_BLANK = regex.compile(r"\A(?: *+\n)+")
_NO_END = frozenset({"br", "hr"})
_SPARE = 64
"""Weight kept for the ends of what is open at a cut."""


@dataclass(frozen=True, slots=True)
class Part:
    """One message's body and which of the pieces it tells of (positions among the alerts' pieces)."""

    body: str
    pieces: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a platform counts: `weigh` is additive, `note(bytes)` says that so much was left out."""

    weigh: Weigh
    note: Note
    markup: bool = True


def split(pieces: Sequence[str], room: int, measure: Measure, numbering: int = 0) -> list[Part]:
    """`pieces` (head, one for each alert, foot) in the fewest parts, in order, each weighing at most `room`.

    One piece alone is taken as an alert. Parts of several weigh `numbering` less, for their numbers in the title. The
    head begins each part if it is short, else the first; a piece too long for any part ends in a note.
    """
    head, alerts, foot = ("", pieces, "") if len(pieces) == 1 else (pieces[0], pieces[1:-1], pieces[-1])
    whole = trimmed("".join(pieces))
    if measure.weigh(whole) <= room:
        return [Part(whole, tuple(range(len(alerts))))]
    packing = _Packing(max(room - numbering, 1), measure)
    packing.begin(head)
    for position, alert in enumerate(alerts):
        packing.add(alert, position, foot if position == len(alerts) - 1 else "")
    packing.add(foot, None)
    return packing.parts()


def trimmed(body: str) -> str:
    """`body` without the blank lines around it."""
    return _BLANK.sub("", body).rstrip("\n")


class _Packing:
    def __init__(self, room: int, measure: Measure) -> None:
        self._room, self._measure = room, measure
        self._weigh = measure.weigh
        self._head, self._head_weight = "", 0
        self._done: list[Part] = []
        self._texts: list[str] = []
        self._pieces: list[int] = []
        self._weight = 0
        self._filled = False
        """Is there more in this part than a head?"""

    def begin(self, head: str) -> None:
        weight = self._weigh(head)
        if weight > self._room // 3:
            self.add(head, None)
            return
        self._texts, self._weight = [head], weight
        if weight <= self._room // 8:
            self._head, self._head_weight = head, weight

    def add(self, piece: str, position: int | None, foot: str = "") -> None:
        """Take `piece` in, and leave room for the `foot` that follows if it is a short one."""
        if not piece.strip():
            if position is not None:
                self._pieces.append(position)
            return
        weight = self._weigh(piece)
        room = self._beside(foot, self._head_weight + weight) if foot else self._room
        if self._weight + weight > room and (self._filled or self._head_weight + weight <= room):
            self._close()
        if self._weight + weight > room:
            piece = cut(piece, room - self._weight, self._measure)
            weight = self._weigh(piece)
        self._texts.append(piece)
        self._weight += weight
        self._filled = True
        if position is not None:
            self._pieces.append(position)

    def _beside(self, foot: str, least: int) -> int:
        """The room that leaves some for a short `foot`, unless it is for it alone that `least` would be cut."""
        behind = self._weigh(foot)
        room = self._room - behind
        return self._room if behind > self._room // 3 or room < least <= self._room else room

    def _close(self) -> None:
        self._done.append(Part(trimmed("".join(self._texts)), tuple(self._pieces)))
        self._texts = [self._head] if self._head else []
        self._pieces, self._weight, self._filled = [], self._head_weight, False

    def parts(self) -> list[Part]:
        if self._filled or self._pieces or not self._done:
            self._close()
        return self._done


def cut(text: str, room: int, measure: Measure) -> str:
    """The longest beginning of `text` that weighs at most `room` with the note of what is left out."""
    note = measure.note(len(text.encode("utf-8", "replace")))
    keep = room - measure.weigh(note) - (_SPARE if measure.markup else 0)
    if keep <= 0:
        return text[: _safe_end(text, _prefix(text, max(room, 0), measure.weigh), measure.markup)[0]]
    end, closing = _safe_end(text, _prefix(text, keep, measure.weigh), measure.markup)
    rest = len(text[end:].encode("utf-8", "replace"))
    return text[:end].rstrip() + closing + measure.note(rest)


def _prefix(text: str, room: int, weigh: Weigh) -> int:
    """How many characters from the start weigh at most `room`."""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if weigh(text[:middle]) <= room else (low, middle - 1)
    return low


def _safe_end(text: str, end: int, markup: bool) -> tuple[int, str]:
    """The last place at or before `end` where `text` may be cut, and what closes the markup that is open there."""
    after, bold = 0, False
    closers: list[str] = []
    for atom in _ATOM.finditer(text, 0, min(len(text), end + 10_000)) if markup else ():
        if atom.end() > end:
            end = min(end, atom.start())
            break
        after = atom.end()
        if atom[3]:
            bold = not bold
        elif atom[2] and atom[2].lower() not in _NO_END:
            closers = closers[:-1] if atom[1] else [*closers, f"</{atom[2]}>"]
    end = max(_sign_end(text, after, end), after if after <= end else 0)
    closing = ("**" if bold else "") + "".join(reversed(closers))
    return end, closing if len(closing) <= _SPARE else ""


def _sign_end(text: str, start: int, end: int) -> int:
    """The last boundary between visible signs (grapheme clusters) at or before `end`."""
    begin = max(start, end - 64)
    last = begin
    for sign in regex.finditer(r"\X", text, pos=begin, endpos=min(len(text), end + 64)):
        if sign.end() > end:
            break
        last = sign.end()
    return last


def shortened(text: str, limit: int, weigh: Weigh) -> str:
    """`text` if it weighs at most `limit`, else its beginning, cut between signs, with `…`."""
    if weigh(text) <= limit:
        return text
    end = _prefix(text, max(limit - weigh("…"), 0), weigh)
    return text[: _sign_end(text, 0, end)].rstrip() + "…"
