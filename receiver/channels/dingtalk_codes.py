"""What the codes of DingTalk's app mean: numbers of the old API, words of the new one, whatever the HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

from receiver.channels.answers import Row, rows
from receiver.channels.dingtalk import BAN, QUOTA
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unreachable

_GLOBAL = "open.dingtalk.com server-api-error-codes"
_LIMITS = "open.dingtalk.com how-to-process-api-throttling-on-the-dingtalk-server, 2026-05"
_PEOPLE = "open.dingtalk.com chatbots-send-one-on-one-chat-messages-in-batches, 2026-07"
_GROUP = "open.dingtalk.com the-robot-sends-a-group-message, 2026-07"
_RESULT = "open.dingtalk.com gets-the-result-of-sending-messages-asynchronously-to-the-enterprise, 2026-07"
_PROBED = "answers of the live endpoint, 2026-09"
_UNKNOWN_API = "there is no such API at this address: check base_url"


AUTH: Mapping[str, Row] = rows(
    Unavailable,
    _GLOBAL,
    {
        "40000": "the call arrived without its token",
        "40001": "the token is not valid",
        "40014": "the token is not valid",
        "41001": "the call arrived without its token",
        "42001": "the token has ended",
        "InvalidAuthentication": "the token is not valid",
        "invalidParameter.token.invalid": "the token is not valid",
    },
)
"""Another token is fetched, once; what is raised then is that DingTalk does not take it now."""

CODES: Mapping[str, Row] = {
    **AUTH,
    "1111": BAN,
    "-1": Row(Unavailable, "the system is busy", _GLOBAL),
    **rows(
        Misconfigured,
        _PROBED,
        {
            "22": _UNKNOWN_API,
            "404": _UNKNOWN_API,
            "AuthenticationFailed.MissingParameter": "the call arrived without its token: does a proxy remove it?",
            "invalidClientIdOrSecret": "app_key or app_secret is wrong",
        },
    ),
    **rows(
        Throttled,
        _LIMITS,
        {
            "90018": "more than 20 calls of this API in a second",
            "90002": "too many calls of this API inside the platform",
            "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi": "more than 20 calls of this API in a second",
            "Forbidden.AccessDenied.QpsLimitForApi": "too many calls of this API inside the platform",
        },
        wait=1.0,
    ),
    **rows(
        Throttled,
        _GLOBAL,
        {
            **dict.fromkeys(("90001", *(str(code) for code in range(90003, 90015))), "too many calls"),
            "Forbidden.AccessDenied.QpmLimit*": "too many calls of this API in a minute",
            "request.too.fast": "too many calls",
            "request.too.frequent": "too many calls",
            "toomuch.msg": "too many messages",
        },
    ),
    **rows(
        Throttled,
        _GROUP,
        {
            "send.too.fast": "too many messages",
            "send.byToken.tooFast": "too many messages with this token",
            "too.many.group": "too many messages to groups",
            "too.many.people": "too many messages to people",
        },
    ),
    **rows(
        Throttled, _RESULT, {"143103": "too many receivers in a minute", "143104": "too many receivers in a minute"}
    ),
    "90020": QUOTA,
    "Forbidden.AccessDenied.ApiCountLimitForOrg": QUOTA,
    **rows(
        Misconfigured,
        _GLOBAL,
        {
            "40056": "the agent_id is not the app's",
            "60011": "the app lacks a permission, or may not see these people",
            "60020": "this address is not in the app's IP list",
            "Forbidden.AccessDenied.AccessTokenPermissionDenied": "the app lacks a permission",
            "Forbidden.AccessDenied.IpNotInWhiteList": "this address is not in the app's IP list",
        },
    ),
    **rows(
        Misconfigured,
        _GROUP,
        {
            "auth.error": "the app lacks a permission",
            "bot.forbidden.sendMessage": "the robot is muted",
            "chatbotId.notAllow.sendOTO": "the robot may not begin a chat: is it published and switched on?",
            "invalidParameter.robotCode.*": "the robot_code is not the app's robot",
            "ip.not.match": "this address is not in the robot's IP list",
            "resource.not.found": "the robot does not exist",
            "send.forbidden": "the robot is forbidden to send",
            "sign.not.match": "the robot asks for a signature",
            "template.not.existed": "the robot does not exist: check robot_code",
            "template.stopped": "the robot is stopped",
            "token.notExisted": "the robot's token does not exist",
            "unauthorized": "the app lacks a permission",
        },
    ),
    **rows(
        Unreachable,
        _GLOBAL,
        {
            "33012": "nobody of these is known",
            "40003": "a user is not known",
            "40031": "a list of receivers is not valid",
            "60121": "a user is not known",
        },
    ),
    **rows(
        Unreachable,
        _GROUP,
        {
            "bot.stopped": "the robot is stopped in this group",
            "conversation.org.notMatch": "the group belongs to another organisation",
            "group.disbanded": "the group was dissolved",
            "illegal.receivers": "a list of receivers is not valid",
            "invalid.openConversationId": "the group is not known, or the robot is not in it",
            "resource.unavailable": "the robot is stopped, or not in this group",
            "robot.oto.notExist": "there is no chat with the robot",
            "staffId.notExisted": "a user is not known",
        },
    ),
    **rows(Unreachable, _RESULT, {"1430004": "the receiver is protected from notices (高管模式)"}),
    **rows(Rejected, _GLOBAL, {"40035": "a parameter is wrong", "400002": "a parameter is wrong"}),
    **rows(Rejected, _RESULT, {"1430002": "the content is considered unsafe"}),
    **rows(
        Rejected,
        _PEOPLE,
        {
            "contain.*": "the content is considered unsafe",
            "invalid.param.*": "a parameter is wrong",
            "invalidParameter.*": "a parameter is wrong",
            "invalidParameter.msgParam.tooLong": "the message is too long",
            "keywords.not.match": "none of the robot's keywords is in the message",
            "miss.*": "a parameter is missing",
            "receivers.exceed": "too many receivers",
            "sendMessage.model.notMatch": "the message type is not supported",
        },
    ),
    **rows(
        Unavailable,
        _PEOPLE,
        {
            "system.*": "the system is busy",
            "unknown.send.result": "DingTalk does not know whether the message was sent",
            "unknownError": "an internal error",
        },
    ),
}
"""A code that ends in `*` stands for all that begin like it."""


def row_of(code: str) -> Row | None:
    """What a code means; of several families it belongs to, the nearest. None if it is in no table."""
    families = [name for name in CODES if name.endswith("*") and code.startswith(name[:-1])]
    return CODES.get(code) or (CODES[max(families, key=len)] if families else None)
