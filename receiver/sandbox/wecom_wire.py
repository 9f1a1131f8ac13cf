"""How WeCom words a refusal, and how it reads the ids of recipients."""

from __future__ import annotations

from receiver.sandbox.wire import Call, Refused

_MORE = "https://open.work.weixin.qq.com/devtool/query?e="
_BARE = {40014: "{why}", 42001: "{why}, more info at {more}"}
"""Codes that were seen without the usual hint on the routes of an app."""


def sentence(no: Refused, call: Call, number: int) -> str:
    """The errmsg: the reason, a hint of 25 digits (from the time and `number`), the caller's address, where to read."""
    hint = f"{int(call.at):010d}{number:015d}"
    usual = f"{no.why}, hint: [{hint}], from ip: {call.ip}, more info at {_MORE}{no.code}"
    bare = _BARE.get(no.code) if isinstance(no.code, int) else None
    return bare.format(why=no.why, more=f"{_MORE}{no.code}") if bare else usual
