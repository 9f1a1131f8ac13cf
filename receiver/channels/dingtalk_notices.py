"""What became of a work notice: whom it reached, whom it did not and why (getsendresult)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from receiver.channels.answers import Row
from receiver.channels.apps import ids_in, listed
from receiver.errors import Rejected, Throttled, Unavailable, Unreachable

_RESULT = "open.dingtalk.com gets-the-result-of-sending-messages-asynchronously-to-the-enterprise, 2026-07"
_DUPLICATE = "143106"

REASONS: Mapping[str, Row] = {
    "invalid": Row(Unreachable, "not known to the app", _RESULT),
    "forbidden": Row(Unreachable, "not let through by DingTalk", _RESULT),
    "failed": Row(Unavailable, "failed at DingTalk", _RESULT),
    "143103": Row(Throttled, "too many receivers in a minute", _RESULT),
    "143104": Row(Throttled, "too many receivers in a minute", _RESULT),
    "143105": Row(Unreachable, "over the day's limit of 500 notices", _RESULT),
    _DUPLICATE: Row(Unreachable, "had the same content today", _RESULT),
    "1430002": Row(Rejected, "the content is considered unsafe", _RESULT),
    "1430004": Row(Unreachable, "protected from notices", _RESULT),
}
"""Why somebody was not reached, by the list they stand in or by the code beside them."""

_GRAVEST = (Throttled, Rejected, Unavailable, Unreachable)
"""What a notice that reached nobody comes to, if there are several reasons."""


@dataclass(frozen=True, slots=True)
class Result:
    """`missed` says why, by user or `department N`; false while DingTalk has listed nobody at all."""

    reached: frozenset[str]
    missed: Mapping[str, str]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """What was answered, in whatever shape."""
        told = body.get("send_result")
        told = told if isinstance(told, Mapping) else {}
        reached = frozenset((*ids_in(told, "read_user_id_list"), *ids_in(told, "unread_user_id_list")))
        missed = {
            **dict.fromkeys(ids_in(told, "invalid_user_id_list"), "invalid"),
            **{_department(room): "invalid" for room in ids_in(told, "invalid_dept_id_list")},
            **dict.fromkeys(ids_in(told, "failed_user_id_list"), "failed"),
            **dict.fromkeys(ids_in(told, "forbidden_user_id_list"), "forbidden"),
            **dict(_reasons(told)),
        }
        return cls(reached, {who: why for who, why in missed.items() if who not in reached})

    def __bool__(self) -> bool:
        return bool(self.reached or self.missed)

    def note(self, target: Mapping[str, Any], retried: bool) -> str:
        """Whom it did not reach, by reason; not who will get it again, and not who had it from an earlier try."""
        passed_over, again = {_DUPLICATE} if retried else set(), self.again(target)
        told: dict[str, list[str]] = {}
        for who, why in self.missed.items():
            if why not in passed_over and who not in again:
                told.setdefault(why, []).append(who)
        return "; ".join(f"{_worded(why)}: {listed(those)}" for why, those in told.items())

    def again(self, target: Mapping[str, Any]) -> list[str]:
        """The users named in `target` whom DingTalk was too busy to reach; members of departments are not named."""
        busy = {who for who, why in self.missed.items() if row_of(why).error is Throttled}
        return [who for who in _users(target) if who in busy]

    def nobody(self, target: Mapping[str, Any]) -> str:
        """Why nobody of `target` was reached; empty if somebody was, or had the same content before."""
        if self.reached or not asked(target) <= self.missed.keys() or _DUPLICATE in self.missed.values():
            return ""
        return min(self.missed.values(), key=lambda why: _GRAVEST.index(row_of(why).error), default="")


def row_of(why: str) -> Row:
    """What a reason means; one that is not known is final."""
    return REASONS.get(why, REASONS["forbidden"])


def asked(target: Mapping[str, Any]) -> set[str]:
    """Whom a notice is for, as Result calls them."""
    rooms = filter(None, target.get("dept_id_list", "").split(","))
    return {*_users(target), *map(_department, rooms)}


def _users(target: Mapping[str, Any]) -> list[str]:
    return list(filter(None, target.get("userid_list", "").split(",")))


def _department(number: str) -> str:
    return f"department {number}"


def _worded(why: str) -> str:
    return f"{row_of(why).meaning} ({why})" if why.isdecimal() else row_of(why).meaning


def _reasons(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    rows = told.get("forbidden_list")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and isinstance(row.get("userid"), str) and isinstance(row.get("code"), str | int):
            yield row["userid"], str(row["code"])
