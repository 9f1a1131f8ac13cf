"""Whom Feishu's app writes to, in the sorts of ids that im/v1/messages knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import model_validator

from receiver.channels.cleaning import wire
from receiver.contacts.ids import Email
from receiver.settings import Section, shaped

AppId = Annotated[str, shaped(r"cli_[0-9A-Za-z]{1,60}", "must be an App ID, which begins with cli_")]
OpenId = Annotated[str, shaped(r"ou_[0-9A-Za-z_-]{1,61}", "must be an open_id, which begins with ou_")]
UnionId = Annotated[str, shaped(r"on_[0-9A-Za-z_-]{1,61}", "must be a union_id, which begins with on_")]
ChatId = Annotated[str, shaped(r"oc_[0-9A-Za-z_-]{1,61}", "must be a chat_id, which begins with oc_")]
UserId = Annotated[
    str,
    shaped(
        r"(?!o[unc]_)[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}", "must be a user_id: not an open_id, a union_id or a chat_id"
    ),
]


class Receivers(Section):
    """People by any of their ids, chats by theirs; at least one of them all."""

    open_ids: tuple[OpenId, ...] = ()
    user_ids: tuple[UserId, ...] = ()
    union_ids: tuple[UnionId, ...] = ()
    emails: tuple[Email, ...] = ()
    chat_ids: tuple[ChatId, ...] = ()

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not any(self.targets()):
            raise ValueError("must name at least one of open_ids, user_ids, union_ids, emails and chat_ids")
        return self

    def targets(self) -> Iterator[str]:
        """One for each receiver, each once, in the words of the request."""
        for sort, ids in self:
            for one in dict.fromkeys(ids):
                yield wire({"receive_id_type": sort.removesuffix("s"), "receive_id": one}).decode()
