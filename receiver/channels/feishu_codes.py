"""What the codes of Feishu's app mean, whatever the HTTP status beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from receiver.channels.answers import Row, rows
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable, Unreachable

_SEND = "open.feishu.cn, im/v1/messages create, error codes"
_UPDATE = "open.feishu.cn, im/v1/messages patch, error codes"
_COMMON = "open.feishu.cn, server-side error codes"
_LIMITS = "open.feishu.cn, frequency control"


AUTH = rows(
    Unavailable,
    _COMMON,
    {
        "20005": "the access token is not valid",
        "20013": "the tenant access token is not valid",
        "99991663": "the token is not valid or has ended",
        "99991664": "the app's token is not valid",
        "99991665": "the tenant's token is not valid",
        "99991668": "the token is not valid",
        "99991671": "the token has a wrong form",
        "99991677": "the token has ended",
    },
)
"""Another token is fetched, once; refused again, it is left for later."""

CODES: Mapping[str, Row] = {
    **AUTH,
    **rows(
        Throttled,
        _LIMITS,
        {
            "11232": "too many messages",
            "11233": "too many messages in this chat",
            "11247": "too many messages inside the platform",
            "99991400": "too many calls",
        },
    ),
    **rows(Throttled, _COMMON, {"18121": "it is being sent just now"}, 1.0),
    **rows(
        Throttled,
        _SEND,
        {"230020": "more than 5 a second to this receiver", "230049": "it is being sent just now"},
        1.0,
    ),
    **rows(
        Unavailable,
        _COMMON,
        {
            "1500": "an internal error",
            "1663": "an internal error",
            "1668": "an internal error",
            "2200": "an internal error, often from too many calls",
            "5000": "an internal error",
            "10101": "an internal error",
            "10500": "an internal error",
        },
    ),
    **rows(
        Misconfigured,
        _COMMON,
        {
            "10005": "the app is not known in this organisation",
            "10012": "there is no token for this app",
            "10013": "there is no token for this organisation",
            "10014": "the app is disabled",
            "10015": "app_secret is wrong",
            "11205": "the app has no bot: add the ability and publish a version",
            "11207": "the app cannot be used in this organisation",
            "11210": "the app is not installed in this organisation",
            "11223": "the app lacks the permission to send messages",
            "11240": "the app has no bot: add the ability and publish a version",
            "20002": "app_id and app_secret do not belong together",
            "99991401": "this address is not in the app's IP list",
            "99991403": "this month's calls of the organisation are used up",
            "99991543": "app_id or app_secret is wrong",
            "99991661": "the call arrived without its token: does a proxy remove the header Authorization?",
            "99991662": "the app is disabled",
            "99991672": "the app lacks a permission",
            "99991673": "the app cannot be used in this organisation",
            "99991676": "the app lacks a permission",
        },
    ),
    **rows(
        Misconfigured,
        _SEND,
        {
            "230006": "the app has no bot: add the ability and publish a version",
            "230027": "the app lacks a permission",
            "230036": "the organisation's encryption key was deleted",
        },
    ),
    **rows(
        Unreachable,
        _SEND,
        {
            "230002": "the bot is not in the chat",
            "230013": "the user is outside of what the app may reach, or has left",
            "230018": "the chat's settings forbid it",
            "230029": "the user has left",
            "230034": "the receiver's id is not valid, or of another type",
            "230035": "the chat is muted, or the receiver blocks the bot",
            "230038": "the user belongs to another organisation",
            "230053": "the user does not want messages of the bot",
            "230075": "bots cannot write into encrypted chats",
            "232009": "the chat was dissolved",
        },
    ),
    **rows(
        Unreachable,
        _COMMON,
        {
            "18120": "the bot may not write to this user",
            "99992351": "the open_id does not exist",
            "99992352": "the open_id does not exist",
            "99992353": "the open_id does not exist",
            "99992355": "the chat_id does not exist",
            "99992356": "the chat_id does not exist",
            "99992359": "the user_id does not exist",
            "99992360": "the user_id does not exist",
            "99992361": "the open_id belongs to another app",
            "99992363": "the union_id does not exist",
            "99992364": "the id does not exist, or belongs to another organisation",
            "99992381": "the union_id belongs to another organisation",
        },
    ),
    **rows(
        Rejected,
        _SEND,
        {
            "230001": "a parameter is wrong",
            "230017": "the resource belongs to another bot",
            "230022": "the content is sensitive",
            "230025": "the message is too long",
            "230028": "the content did not pass the organisation's audit",
            "230054": "cards are not allowed in this chat",
            "230055": "the file is of another type",
            "230099": "the card could not be made",
        },
    ),
    **rows(
        Rejected,
        _COMMON,
        {
            "9499": "the request is malformed",
            "10001": "a parameter is wrong",
            "11235": "only the group's owner may mention all",
            "11246": "the card could not be made",
            "11248": "the content is sensitive",
            "11312": "the content did not pass the organisation's audit",
            "18054": "the content could not be made",
            "99992402": "a parameter is wrong",
        },
    ),
    **rows(
        Unchangeable,
        _UPDATE,
        {
            "230011": "the message was recalled",
            "230031": "the message is older than 14 days",
            "230110": "the message was deleted",
        },
    ),
    **rows(Unchangeable, _COMMON, {"99992354": "the message does not exist"}),
}

EVERYONE_REFUSED = frozenset({"11235", "230099/11235", "230099/100290"})
"""A card that mentions all where that is not allowed; 100290 also stands for a person who cannot be mentioned."""

_ABOUT_THE_MESSAGE = frozenset({"230001", "230027"})
"""Of an update: the message's id is wrong, or another app sent it."""
_WRONG_APP = Row(Misconfigured, "app_id or app_secret is missing or wrong", _COMMON)
_PART = re.compile(r"ErrCode: ([0-9]{1,9})")


def of_a_post(code: str, said: str, status: int) -> Row:
    """What `code` means for a message that was posted. A wrong receiver is Unreachable."""
    if code == "230001" and "receive_id" in said:
        return CODES["230034"]
    row = CODES.get(code) or _unknown(status)
    return replace(row, error=Rejected) if row.error is Unchangeable else row


def of_an_update(code: str, _: str, status: int) -> Row:
    """What `code` means for a card that was to be replaced. Posted anew it tells what else there is to know."""
    row = CODES.get(code) or _unknown(status)
    gone = row.error is Unreachable or code in _ABOUT_THE_MESSAGE
    return replace(row, error=Unchangeable) if gone else row


def of_a_token(code: str, _: str, status: int) -> Row:
    """What `code` means for a token that was asked for."""
    return _WRONG_APP if code == "10003" else CODES.get(code) or _unknown(status)


def full(code: str, said: str) -> str:
    """`code`, with the one for the part of a card that is wrong, which only the text `said` names: `230099/200621`."""
    part = _PART.search(said) if code == "230099" else None
    return f"{code}/{part[1]}" if part else code


def _unknown(status: int) -> Row:
    if status == 429:
        return CODES["99991400"]
    return Row(Unavailable if status >= 500 else Rejected, "a code that is not in the documents", "")
