"""Whom messages are for, as their channels write it: compact JSON in the provider's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from receiver.model import Message, MessageState, new_id

_BETWEEN = re.compile(r"([|,])")
_NOBODY = frozenset({"receive_id_type"})
"""What is nobody by itself."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is left of messages when only those who are configured are to be reached.

    `messages` are left, `fresh` those of them that take the place of others, `dropped` the ids of those that are not to
    be posted, `notes` whom they were for.
    """

    messages: tuple[Message, ...]
    fresh: tuple[Message, ...]
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def sifted(messages: Iterable[Message], targets: Collection[str], now: float) -> Sifted | None:
    """`messages` without whom `targets` do not name any more; None if they name everybody.

    Where others are left of a target, a message for them takes the place of the one for all.
    """
    configured = Configured(targets)
    left = [(message, configured.left_of(message.target)) for message in messages]
    gone = [message for message, target in left if target != message.target]
    if not gone:
        return None
    new = {
        message.id: readdressed(message, target, now) for message, target in left if target and target != message.target
    }
    kept = tuple(new.get(message.id, message) for message, target in left if target is not None)
    notes = dict.fromkeys(f"configured no more: {message.target}" for message in gone if message.target)
    return Sifted(kept, tuple(new.values()), tuple(message.id for message in gone), tuple(notes))


def readdressed(message: Message, target: str, now: float) -> Message:
    """What `message` tells, to `target`, as a message that was never posted."""
    return replace(message, id=new_id(now), target=target, state=MessageState.PLANNED, retried=False)


class Configured:
    """Whom the configuration names: `targets`."""

    def __init__(self, targets: Collection[str]) -> None:
        self._targets = frozenset(targets)

    def left_of(self, target: str) -> str | None:
        """What is left of `target` when only those named are to be reached; None if that is nobody.

        A part of one of them, whom the provider was too busy to reach, is left as it is.
        """
        if target in self._targets:
            return target
        try:
            wanted, allowed = _read(target), self._allowed
        except ValueError:
            return None
        if wanted and allowed.issuperset(_pairs(wanted)):
            return target
        left = {key: [one for one in _ids(value) if (key, one) in allowed] for key, value in wanted.items()}
        told = {key: _written(ids, wanted[key]) for key, ids in left.items() if ids}
        if told.keys() <= _NOBODY:
            return None
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def _allowed(self) -> frozenset[tuple[str, str]]:
        """Every id that is named, with its key. ValueError where there is one destination only."""
        return frozenset(pair for target in self._targets for pair in _pairs(_read(target)))


def _read(target: str) -> dict[str, Any]:
    """The object that a target is. ValueError if it is none."""
    read = json.loads(target)
    if not isinstance(read, dict):
        raise ValueError("a target is an object")
    return read


def _pairs(target: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in target.items():
        yield from ((key, one) for one in _ids(value))


def _ids(value: Any) -> list[str]:
    """The ids in a list, or between the bars or commas of a string."""
    return [str(one) for one in value] if isinstance(value, list) else _BETWEEN.split(str(value))[::2]


def _written(ids: list[str], like: Any) -> Any:
    """`ids` as they stood before: a list, or a string with the same sign between them."""
    if isinstance(like, list):
        return ids
    between = _BETWEEN.search(str(like))
    return between[0].join(ids) if between else ids[0]
