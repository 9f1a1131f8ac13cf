"""Whom WeCom's app writes to, in as few calls as will do, and whom of them a message did not reach (document 90236)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any, Self

import orjson
from pydantic import AfterValidator, model_validator

from receiver.channels.apps import ids_in, listed, shares
from receiver.channels.cleaning import UNSEEN, wire
from receiver.settings import Section

EVERYONE = "@all"
_MOST = {"touser": 1000, "toparty": 100, "totag": 100}
"""How many of each sort a call may have, by its parameter."""
_ARRAYS = {"touser": "userids", "toparty": "partyids", "totag": "tagids"}
_MISSED = {"touser": "invaliduser", "toparty": "invalidparty", "totag": "invalidtag"}
_WORDS = {"touser": "users", "toparty": "departments", "totag": "tags"}

_ID = re.compile(rf"[^\s|@{UNSEEN}][^\s|{UNSEEN}]{{0,63}}")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be an id: 1 to 64 characters, no spaces, no |, no @ at its beginning")
    return value


def _user(value: str) -> str:
    return value if value == EVERYONE else _id(value)


Id = Annotated[str, AfterValidator(_id)]


class Receivers(Section):
    """Members by userid, departments and tags by id, at least one; `users: ["@all"]` are all who can see the app."""

    users: tuple[Annotated[str, AfterValidator(_user)], ...] = ()
    departments: tuple[Id, ...] = ()
    tags: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        named = (*self.users, *self.departments, *self.tags)
        if not named:
            raise ValueError("must name at least one of users, departments and tags")
        if EVERYONE in named and len(named) > 1:
            raise ValueError("must name nobody beside @all")
        return self

    def targets(self) -> tuple[str, ...]:
        """The fewest calls that reach all of them, each once, in the words of the request."""
        lists = zip(_MOST.items(), (self.users, self.departments, self.tags), strict=True)
        calls = zip_longest(*(shares(ids, most) for (_, most), ids in lists), fillvalue=())
        return tuple(
            wire({name: "|".join(ids) for name, ids in zip(_MOST, call, strict=True) if ids}).decode() for call in calls
        )


def arrays(target: Mapping[str, str]) -> dict[str, Any]:
    """`target` as update_template_card wants it (document 94888): ids of departments and tags are numbers there."""
    if target.get("touser") == EVERYONE:
        return {"atall": 1}
    listed: dict[str, Any] = {}
    for name, ids in target.items():
        split = ids.split("|")
        listed[_ARRAYS[name]] = split if name == "touser" else [int(one) if one.isdecimal() else one for one in split]
    return listed


class Missed:
    """Whom the answer to a call names as not reached: joined with pipes after a post, listed after an update."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._unknown = {name: _ids(answer, key) for name, key in _MISSED.items()}
        self._unlicensed = _ids(answer, "unlicenseduser")

    @property
    def note(self) -> str:
        """The same in words; empty when everybody was reached."""
        unknown = [f"{_WORDS[name]} {listed(ids)}" for name, ids in self._unknown.items() if ids]
        said = [f"not reached: {'; '.join(unknown)}"] if unknown else []
        said += [f"without licence: {listed(self._unlicensed)}"] if self._unlicensed else []
        return "; ".join(said)

    def is_all_of(self, target: str) -> bool:
        """Whether nobody of `target` was reached. WeCom answers with ids in small letters."""
        missed = {**self._unknown, "touser": [*self._unknown["touser"], *self._unlicensed]}
        wanted = orjson.loads(target or "{}")
        return bool(wanted) and all(
            {one.lower() for one in ids.split("|")} <= {one.lower() for one in missed.get(name, ())}
            for name, ids in wanted.items()
        )


def _ids(answer: Mapping[str, Any], name: str) -> list[str]:
    joined = answer.get(name)
    return [one for one in joined.split("|") if one] if isinstance(joined, str) else ids_in(answer, name)
