"""Which records are asked for: the filters of a query string, and those of a JSON body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from receiver.model import State
from receiver.store.base import Query

MOST = 500
"""How many items one page may have."""
UNSENT = (State.HELD, State.FAILED, State.EXPIRED)
"""The states of what can be sent again."""

_FILTERS = ("channel", "template", "state", "q", "since", "until", "limit", "cursor")


def asked_for(query: Mapping[str, str]) -> Query:
    """The page of records that a query string asks for. ValueError, with a sentence, for one that is not understood."""
    _check(query, _FILTERS)
    return Query(
        channel=_several(query, "channel"),
        template=_several(query, "template"),
        state=_states(_several(query, "state"), tuple(State)),
        q=query.get("q", ""),
        since=_time("since", query.get("since")),
        until=_time("until", query.get("until")),
        limit=_limit(query),
        cursor=query.get("cursor") or None,
    )


def page(query: Mapping[str, str]) -> tuple[int, str | None]:
    """How many items a query string asks for, and from where on. ValueError as `asked_for`."""
    _check(query, ("limit", "cursor"))
    return _limit(query), query.get("cursor") or None


class _Unsent(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request: each filter once, or as a list."""

    channel: str | list[str] = []
    template: str | list[str] = []
    state: str | list[str] = State.FAILED.value
    q: str = ""
    since: str | None = None
    until: str | None = None


_DECODE = msgspec.json.Decoder(_Unsent).decode


def unsent(body: bytes) -> Query:
    """The records that a body asks to be sent again; without a state those that failed. ValueError as `asked_for`."""
    try:
        asked = _DECODE(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)[:500]) from None
    states = _states(_listed(asked.state), UNSENT)
    if not states:
        raise ValueError(f"state must be one of {', '.join(UNSENT)}")
    return Query(
        channel=_listed(asked.channel),
        template=_listed(asked.template),
        state=states,
        q=asked.q,
        since=_time("since", asked.since),
        until=_time("until", asked.until),
        limit=MOST,
    )


def _check(query: Mapping[str, str], known: tuple[str, ...]) -> None:
    if unknown := [name for name in query if name not in known]:
        raise ValueError(f"no filter is named {unknown[0][:60]}; there are {', '.join(known)}")


def _limit(query: Mapping[str, str]) -> int:
    wanted = query.get("limit", "50")
    if not wanted.isdecimal() or not 1 <= int(wanted) <= MOST:
        raise ValueError(f"limit must be a number from 1 to {MOST}")
    return int(wanted)


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return tuple(one for one in ([value] if isinstance(value, str) else value) if one)


def _several(asked: Mapping[str, str], name: str) -> tuple[str, ...]:
    values: list[str] = asked.getall(name, []) if hasattr(asked, "getall") else [asked[name]] if name in asked else []
    return tuple(value for value in values if value)


def _states(states: tuple[str, ...], known: tuple[State, ...]) -> tuple[str, ...]:
    for state in states:
        if state not in known:
            raise ValueError(f"no state is named {state[:60]}; there are {', '.join(known)}")
    return states


def _time(name: str, given: str | None) -> float | None:
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given.replace(" ", "+"))  # a + that the query string turned into a space
        return at.timestamp() if at.tzinfo else at.replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be a time in RFC 3339, like 2026-12-01T09:00:00Z") from None
