"""What the codes of WeCom's apps mean, and those that its robots share with them."""

from __future__ import annotations

from receiver.channels.answers import Row
from receiver.errors import Misconfigured, Rejected, Throttled, Unavailable, Unchangeable

DOCUMENTS = "developer.work.weixin.qq.com/document/path"
_CODES = f"{DOCUMENTS}/90313"
_RECORDED = f"{DOCUMENTS}/90313, answers recorded"
_LIMITS = f"{DOCUMENTS}/90454"
_SEND = f"{DOCUMENTS}/90236"
_TOKEN = f"{DOCUMENTS}/91039"
_CHAT = f"{DOCUMENTS}/90248"
_UPDATE = f"{DOCUMENTS}/94888"

COMMON_CODES = {
    "-1": Row(Unavailable, "the system is busy", _CODES),
    "40007": Row(Rejected, "the media id is not valid", _CODES),
    "40008": Row(Rejected, "the message type is not valid", _RECORDED),
    "40058": Row(Rejected, "the message is too long or malformed", _RECORDED),
    "44004": Row(Rejected, "the content is empty", _RECORDED),
    "45002": Row(Rejected, "the content is too long", _CODES),
    "45033": Row(Throttled, "too many calls at once", _LIMITS, wait=5.0),
}
TOKEN_CODES = frozenset({"40001", "40014", "41001", "42001"})
"""What a call is answered that carries a token WeCom does not take."""
UPDATE_CODES = {
    "40058": Row(Unchangeable, "the card cannot be updated any more, or not like this", _UPDATE),
    "42014": Row(Unchangeable, "the card's task id is not valid", _UPDATE),
    "42015": Row(Unchangeable, "the card was sent by another app", _UPDATE),
    "42022": Row(Unchangeable, "the card was updated before, which is possible once", _CODES),
}
"""Codes that mean something else, or occur only, where a card is to be updated."""
CODES = {
    **COMMON_CODES,
    "6000": Row(Unavailable, "two calls changed the same at once", _CODES),
    "40001": Row(Misconfigured, "the secret is wrong, or the app is disabled", _TOKEN),
    "40013": Row(Misconfigured, "the corp_id is unknown", _TOKEN),
    "40014": Row(Unavailable, "the token is not valid", _CODES),
    "40031": Row(Rejected, "the list of users is not valid", _SEND),
    "40032": Row(Rejected, "there are more than 1000 users", _SEND),
    "40050": Row(Misconfigured, "there is no such group chat", _CHAT),
    "40056": Row(Misconfigured, "the agent_id is not valid", _CODES),
    "40091": Row(Misconfigured, "the secret is another company's", _TOKEN),
    "40094": Row(Rejected, "a URL is not valid", _SEND),
    "41001": Row(Unavailable, "the token is missing", _CODES),
    "41002": Row(Misconfigured, "the corp_id is missing", _TOKEN),
    "41004": Row(Misconfigured, "the secret is missing", _TOKEN),
    "42001": Row(Unavailable, "the token has ended", _CODES),
    "42014": Row(Rejected, "the card's task id is not valid", _SEND),
    "43012": Row(Rejected, "the app has no callback URL, so its cards cannot be updated", _CODES),
    "45009": Row(Throttled, "too many calls", _LIMITS, wait=60.0),
    "48002": Row(Misconfigured, "the app has no permission for this call", _CODES),
    "48006": Row(Misconfigured, "the permission was withdrawn after long disuse", _CODES),
    "50002": Row(Misconfigured, "the member has no permission", _CODES),
    "50003": Row(Misconfigured, "the app is disabled", _CODES),
    "60011": Row(Misconfigured, "the app has no permission for these members, departments or tags", _CODES),
    "60020": Row(Misconfigured, "this address is not among the trusted IPs of the app", _CODES),
    "81013": Row(Misconfigured, "no receiver exists and may see the app", _SEND),
    "82001": Row(Rejected, "there are no receivers", _SEND),
    "82002": Row(Rejected, "there are more than 100 departments", _SEND),
    "82003": Row(Rejected, "there are more than 100 tags", _SEND),
    "82004": Row(Rejected, "the content could break clients", _CODES),
    "85002": Row(Rejected, "the content holds forbidden words", _CODES),
    "86001": Row(Misconfigured, "the chat_id is not valid", _CHAT),
    "86003": Row(Misconfigured, "there is no such group chat", _CHAT),
    "86216": Row(Misconfigured, "a member of the group chat is not valid", _CHAT),
    "86217": Row(Misconfigured, "a member of the group chat is not valid", _CHAT),
    "301002": Row(Misconfigured, "the agent_id is another app's", _CODES),
}
