"""What is to be said of how alerts came here: they changed while they waited, or one channel stands in for another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from receiver.delivery.rendering.markup import text_of
from receiver.delivery.rendering.splitting import shortened
from receiver.delivery.rendering.words import NOTES

_CHANNELS = ("told_by", "in_place_of")
_LONGEST = 64
"""Characters of a channel's name, which has at most 63."""


def notes_of(told: Mapping[str, Any], language: str, said: Sequence[str] = ()) -> tuple[str, ...]:
    """The notes of one alert, or of one count of them, without those that were `said` of all of them."""
    notes = (_changes(told, language), *(_channel(key, told, language) for key in _CHANNELS))
    return tuple(note for note in notes if note and note not in said)


def alike(told: Sequence[Mapping[str, Any]], language: str) -> tuple[str, ...]:
    """The notes that all of several alerts or counts have alike: which channels they came by."""
    if len(told) < 2:
        return ()
    first = told[0]
    shared = [key for key in _CHANNELS if first.get(key) and all(one.get(key) == first[key] for one in told)]
    return tuple([_channel(key, first, language) for key in shared])


def _changes(told: Mapping[str, Any], language: str) -> str:
    changes, words = told.get("changes"), NOTES[language]
    if not isinstance(changes, int) or changes < 1:
        return ""
    return words[told["status"]] if changes == 1 else words["changes"].format(changes)


def _channel(key: str, told: Mapping[str, Any], language: str) -> str:
    name = told.get(key)
    return NOTES[language][key].format(shortened(text_of(name), _LONGEST, len)) if name else ""
