"""Whom a WeCom app's message is for: lists of ids joined with pipes (developer.work.weixin.qq.com, document 90236)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from receiver.sandbox.apps import App
from receiver.sandbox.wire import Note, Refused

EVERYBODY = "@all"
_MOST = {"users": (1000, 40032), "departments": (100, 82002), "tags": (100, 82003)}
_NAMES = {"users": "touser", "departments": "toparty", "tags": "totag"}
_ARRAYS = {"users": "userids", "departments": "partyids", "tags": "tagids"}


@dataclass(frozen=True, slots=True)
class Recipients:
    """Ids by sort: those the app can reach, and those it cannot."""

    valid: dict[str, list[str]]
    invalid: dict[str, list[str]]
    unlicensed: list[str]

    @property
    def reached(self) -> list[str]:
        """Everybody who is to get the message."""
        return [who for ids in self.valid.values() for who in ids]

    def answer(self) -> dict[str, str]:
        """The ids that cannot be reached, as a send answers them: lower-cased, joined with pipes."""
        named = {"invaliduser": "users", "invalidparty": "departments", "invalidtag": "tags"}
        return {name: "|".join(self.invalid[sort]).lower() for name, sort in named.items()}


def read_joined(body: Mapping[str, Any], app: App, note: Note) -> Recipients:
    """The recipients of message/send. Raises Refused 40031, 82001, 40032, 82002, 82003."""
    ids = {sort: _split(body.get(name, ""), name, note) for sort, name in _NAMES.items()}
    _check_counts(ids)
    if ids["users"] == [EVERYBODY]:
        if ids["departments"] or ids["tags"]:
            note("toparty and totag are ignored beside @all")
        return Recipients({"users": [EVERYBODY]}, {sort: [] for sort in _NAMES}, [])
    return _sorted(ids, app)


def read_arrays(body: Mapping[str, Any], app: App) -> Recipients:
    """The recipients of update_template_card, given as arrays or as `atall`."""
    if body.get("atall") == 1:
        return Recipients({"users": [EVERYBODY]}, {sort: [] for sort in _ARRAYS}, [])
    ids = {sort: _listed(body.get(name, []), name) for sort, name in _ARRAYS.items()}
    _check_counts(ids)
    return _sorted(ids, app)


def _split(joined: Any, name: str, note: Note) -> list[str]:
    if not isinstance(joined, str):
        raise Refused(40031, f"invalid {name} list")
    ids = [who.strip() for who in joined.split("|")] if joined else []
    if not all(ids):
        note(f"an empty id in {name}")
    if len(set(ids)) < len(ids):
        note(f"an id is given twice in {name}")
    return list(dict.fromkeys(filter(None, ids)))


def _listed(ids: Any, name: str) -> list[str]:
    if not isinstance(ids, list) or any(isinstance(who, bool) or not isinstance(who, str | int) for who in ids):
        raise Refused(40031, f"invalid {name} list")
    return [str(who) for who in ids]


def _check_counts(ids: Mapping[str, list[str]]) -> None:
    if not any(ids.values()):
        raise Refused(82001, "touser & toparty & totag are all empty")
    for sort, (most, code) in _MOST.items():
        if len(ids[sort]) > most:
            raise Refused(code, f"more than {most} {sort}")


def _sorted(ids: Mapping[str, list[str]], app: App) -> Recipients:
    unlicensed = [who for who in ids["users"] if app.lists("unlicensed", who)]
    known = {sort: [who for who in named if _knows(app, sort, who)] for sort, named in ids.items()}
    valid = {sort: [who for who in named if who not in unlicensed] for sort, named in known.items()}
    invalid = {sort: [who for who in named if who not in known[sort]] for sort, named in ids.items()}
    return Recipients(valid, invalid, unlicensed)


def _knows(app: App, sort: str, who: str) -> bool:
    if sort not in app.members or app.lists("unlicensed", who):
        return True
    return who.lower() in {str(member).lower() for member in app.members[sort]}
