"""What the providers answer when all is well, by the path of the call."""

from __future__ import annotations

from typing import Any


def asks_for_token(path: str) -> bool:
    """Whether a call is an app's request for its token."""
    return path.endswith(("/gettoken", "/accessToken", "/tenant_access_token/internal"))


def token(path: str, value: str) -> dict[str, Any]:
    """A token, in the words of whichever provider was asked."""
    if path.endswith("/accessToken"):
        return {"accessToken": value, "expireIn": 7200}
    if path.endswith("/internal"):
        return {"code": 0, "msg": "ok", "tenant_access_token": value, "expire": 7200}
    return {"errcode": 0, "errmsg": "ok", "access_token": value, "expires_in": 7200}


def taken(path: str) -> dict[str, Any]:
    """That a message was taken; of a work notice also whom it reached."""
    if path.startswith("/v1.0/"):
        return {"processQueryKey": "k1", "invalidStaffIdList": [], "flowControlledStaffIdList": []}
    if path.startswith("/open-apis/im/"):
        return {"code": 0, "msg": "success", "data": {"message_id": "om_1", "msg_type": "interactive"}}
    if path.endswith("/getsendresult"):
        return {"errcode": 0, "send_result": {"unread_user_id_list": ["manager4220"]}}
    return {"errcode": 0, "code": 0, "errmsg": "ok", "msgid": "m1", "task_id": 1, "request_id": "r1"}
