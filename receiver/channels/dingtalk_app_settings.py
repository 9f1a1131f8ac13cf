"""The settings of DingTalk's app: its credentials, whom it reaches, and by which calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from receiver.channels.apps import shares
from receiver.channels.base import ChannelSettings
from receiver.channels.cleaning import wire
from receiver.settings import Misfit, Section, shaped

EVERYBODY = "@all"
"""The user id that stands for everybody in the organisation."""
MOST_AT_ONCE = 20
"""Users of one batchSend; its table of errors says 100."""
MOST_USERS, MOST_DEPARTMENTS = 100, 20
"""Of one work notice (asyncsend_v2)."""


def _id(value: str) -> str:
    if not value.isprintable() or not 0 < len(value) <= 128 or set(value) & set(" ,"):
        raise ValueError("must be an id of at most 128 characters, without commas, spaces or control characters")
    return value


Id = Annotated[str, AfterValidator(_id)]
Number = Annotated[str, shaped("[0-9]{1,19}", "must be the number of a department")]


class Receivers(Section):
    """Whom the app writes to: users by userId, groups by openConversationId, departments by number."""

    users: tuple[Id, ...] = ()
    conversations: tuple[Id, ...] = ()
    departments: tuple[Number, ...] = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.users or self.conversations or self.departments):
            raise ValueError("must name at least one of users, conversations and departments")
        if EVERYBODY in self.users and (set(self.users) > {EVERYBODY} or self.departments):
            raise ValueError(f"{EVERYBODY} stands for everybody: beside it only conversations can be named")
        return self

    def calls(self, users_by_robot: bool) -> Iterator[dict[str, Any]]:
        """What each call says of its receivers. Users get the robot's messages, or else notices."""
        for conversation in dict.fromkeys(self.conversations):
            yield {"openConversationId": conversation}
        if EVERYBODY in self.users:
            yield {"to_all_user": True}
        elif users_by_robot:
            yield from ({"userIds": some} for some in shares(self.users, MOST_AT_ONCE))
        users = () if users_by_robot or EVERYBODY in self.users else self.users
        yield from _notices(users, self.departments)


class DingTalkAppSettings(ChannelSettings):
    """`app_key` and `app_secret` as the developer console shows them; work notices need its `agent_id`.

    Users get the robot's messages, unless there is an `agent_id` and no `robot_code`: then they get work notices.
    """

    kind: Literal["dingtalk_app"]
    app_key: Id
    app_secret: SecretStr = Field(min_length=1)
    robot_code: Id | None = None
    agent_id: int | None = Field(default=None, ge=1)
    to: Receivers
    format: Literal["markdown", "action_card"] = "markdown"

    @model_validator(mode="after")
    def _can_reach_them(self) -> Self:
        asked = {"departments": bool(self.to.departments), "users": EVERYBODY in self.to.users}
        if self.agent_id is None and any(asked.values()):
            rule = "can be reached by work notices only, which need agent_id"
            names = {"departments": "departments", "users": f"{EVERYBODY}: everybody"}
            raise Misfit(*((("to", key), f"{names[key]} {rule}") for key, wanted in asked.items() if wanted))
        return self

    def targets(self) -> tuple[str, ...]:
        """What each call says of its receivers, in JSON."""
        by_robot = self.robot_code is not None or self.agent_id is None
        return tuple(wire(target).decode() for target in self.to.calls(by_robot))


def _notices(users: tuple[str, ...], departments: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Users and departments in the fewest work notices."""
    several = zip_longest(shares(users, MOST_USERS), shares(departments, MOST_DEPARTMENTS), fillvalue=())
    for some, rooms in several:
        lists = {"userid_list": ",".join(some), "dept_id_list": ",".join(rooms)}
        yield {name: joined for name, joined in lists.items() if joined}


def gets_notice(target: Mapping[str, Any]) -> bool:
    """Whether a call is a work notice."""
    return not {"openConversationId", "userIds"} & target.keys()
