"""Many owed deliveries -> the fewest messages; pure. Today each delivery is told by itself."""

from __future__ import annotations

from collections.abc import Sequence

from receiver.store.base import Work


def coalesce(due: Sequence[Work]) -> list[Work]:
    """What to send next, in order, out of all that is due."""
    return list(due)
