"""What the writer does: single operations, and those that are done together for all that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Cursor
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """Something to be done within a transaction.

    `run` is called with a cursor and the arguments; its result is what the waiter gets. With `together` it is called
    once for all that wait, with the list of their arguments, before anything else, and answers a list of results.
    What is `growing` is turned away while the disk is full.
    """

    run: Callable[..., Any]
    growing: bool = False
    together: bool = False


Item = tuple[Operation, tuple[Any, ...], "asyncio.Future[Any]"]
"""An operation, its arguments, and who waits for its result."""


def perform(cursor: Cursor, group: Sequence[Item]) -> list[Any]:
    """Do the whole group; the results in its order."""
    results: list[Any] = [None] * len(group)
    together: dict[Operation, list[int]] = {}
    for number, item in enumerate(group):
        if item[0].together:
            together.setdefault(item[0], []).append(number)
    for operation, numbers in together.items():
        answers = operation.run(cursor, [group[number][1] for number in numbers])
        for number, answer in zip(numbers, answers, strict=True):
            results[number] = answer
    for number, (operation, arguments, _) in enumerate(group):
        if not operation.together:
            results[number] = operation.run(cursor, *arguments)
    return results
