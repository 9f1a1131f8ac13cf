"""How the answers of DingTalk's app are judged: both APIs, their tokens, and what comes of a work notice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from receiver.channels.answers import Answers, Row, code_of
from receiver.channels.apps import ids_in, listed
from receiver.channels.base import Confirmation
from receiver.channels.cleaning import wire
from receiver.channels.dingtalk import opened
from receiver.channels.dingtalk_codes import AUTH, CODES, row_of
from receiver.channels.dingtalk_notices import REASONS, Result
from receiver.channels.dingtalk_notices import row_of as reason
from receiver.channels.tokens import Token, TokenRefused
from receiver.errors import DeliveryError, Misconfigured, Unavailable, Unreachable
from receiver.http import Response

_WRAPPED = "88"
"""The old API's errcode when the code proper is in `sub_code`."""
_BROKEN = Row(Unavailable, "a code that is not in the documents", "")


class AppAnswers(Answers):
    """Judges by the code, whatever the HTTP status. `alone` says that the channel has one target only."""

    def __init__(self, secrets: Collection[str], known: Collection[str], alone: bool) -> None:
        super().__init__("DingTalk", CODES, secrets, known)
        self._alone = alone

    def taken(self, response: Response, proof: str = "processQueryKey") -> Mapping[str, Any]:
        """What was answered well: errcode 0, or without a code a status of 2xx and the text `proof`.

        Raises the class of the code otherwise; TokenRefused if another token may help.
        """
        body, code = opened(self, response)
        if code == _WRAPPED:
            code = code_of(body, "sub_code") or _word(body, "sub_code") or code
        code = code or _word(body, "code")
        well = 200 <= response.status < 300
        if well and (code == "0" or (code is None and isinstance(body.get(proof), str))):
            return body
        if code is None or code == "0":
            raise self.unreadable(response)
        raise self._refused(response, self.redacted(code)[:100], _said(body))

    def confirmed(self, response: Response, target: Mapping[str, Any]) -> Confirmation:
        """The confirmation of a message to `target`, as far as the answer itself tells whom it reaches."""
        body = self.taken(response)
        if "processQueryKey" not in body:
            return Confirmation(response.status, "0", provider_id=code_of(body, "task_id") or "")
        users, unknown = target.get("userIds", ()), ids_in(body, "invalidStaffIdList")
        note = f"{REASONS['invalid'].meaning}: {listed(unknown)}" if unknown else ""
        if users and set(users) <= set(unknown):
            raise self.refusal(response, "invalidStaffIdList", listed(unknown), self._final(REASONS["invalid"]))
        busy = set(ids_in(body, "flowControlledStaffIdList")) - set(unknown)
        again = [who for who in users if who in busy]
        left = wire({"userIds": again}).decode() if again else ""
        return Confirmation(response.status, None, self.redacted(note), str(body["processQueryKey"]), left)

    def followed(
        self, confirmed: Confirmation, response: Response, target: Mapping[str, Any], retried: bool
    ) -> Confirmation:
        """`confirmed` with what the `response` says came of the notice. Raises if it reached nobody."""
        result = Result.of(self.taken(response))
        note = self.redacted(result.note(target, retried))
        if why := result.nobody(target):
            raise self.refusal(response, why, note, self._final(reason(why)))
        again = result.again(target)
        left = wire({"userid_list": ",".join(again)}).decode() if again else ""
        return replace(confirmed, note=note, left=left)

    def token(self, response: Response) -> Token:
        """The token that was answered, and the seconds it has left."""
        body = self.taken(response, "accessToken")
        return Token(_word(body, "accessToken") or "", float(code_of(body, "expireIn") or 0))

    def _refused(self, response: Response, code: str, text: str) -> DeliveryError:
        row = row_of(code)
        if row is None and response.status >= 500:
            row = _BROKEN
        error = self.refusal(response, code, text, self._final(row) if row else None)
        return TokenRefused(error) if code in AUTH else error

    def _final(self, row: Row) -> Row:
        """With one target only, whoever cannot be reached makes the channel useless."""
        return replace(row, error=Misconfigured) if row.error is Unreachable and self._alone else row


def _word(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _said(body: Mapping[str, Any]) -> str:
    """The sentence beside a code, and which permissions the app lacks."""
    said = next((text for name in ("sub_msg", "message", "errmsg") if (text := _word(body, name))), "")
    denied = body.get("accessdenieddetail")
    scopes = ids_in(denied, "requiredScopes") if isinstance(denied, Mapping) else []
    return f"{said} ({', '.join(scopes)})" if scopes else said
