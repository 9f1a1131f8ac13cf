"""What DingTalk's custom robot and its app have in common: markup, the heading above a body, the ban of an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from receiver.channels.answers import Answers, Row, code_of
from receiver.channels.cleaning import ENTITY, OPENING, UNSEEN, cleaned, fitted, json_bytes
from receiver.errors import Misconfigured, Throttled
from receiver.http import Response

BAN = Row(
    Throttled, "this address is banned for calling too often", "open.dingtalk.com call-frequency-limit", wait=300.0
)
QUOTA = Row(
    Misconfigured,
    "this month's calls of the organisation are used up: upgrade its edition, or wait for the next month",
    "open.dingtalk.com how-to-process-api-throttling-on-the-dingtalk-server, 2026-05; of robots no document tells",
)

_SUSPECT = re.compile(rf"[{UNSEEN}*_`\\<&~]|\](?=[(\[:]|\Z)|!(?=\[|\Z)")
_BEGINNING = re.compile(r"\s*(?:[#>(]|[-+](?:\s|\Z)|\d+[.)](?:\s|\Z)|[-=]+\s*\Z)")
_MARKUP = re.compile(
    rf"[<`]|{ENTITY}|\*(?!\s)|(?<!\s)\*|(?<![^\W_])_|_(?![^\W_])|\\(?=[!-/:-@\[-`{{-~]|\Z)"
    rf"|\](?=[(\[:]|\Z)|{OPENING}|!(?=\[|\Z)|~~+"
    r"|\A\s*(?:[#>]+|[(*]|[-+](?=\s|\Z)|\d+[.)](?=\s|\Z)|[-=]+\s*\Z)"
)
_INERT = str.maketrans("<`&*_\\[]!~#>(-+.)=", "＜'＆＊＿＼［］！～＃＞（－＋．）＝")


def escaped(value: str) -> str:
    """DingTalk documents no escape: what could become markup is replaced by its full-width twin.

    Nothing here could ping: DingTalk only pings whom the `at` object names, and nothing from an event gets there.
    """
    if not _SUSPECT.search(value) and not _BEGINNING.match(value):
        return value
    return _MARKUP.sub(lambda found: found[0].translate(_INERT), cleaned(value))


def headed(title: str, body: str, room: int) -> str:
    """`body` below as much of `title` as weighs at most `room` bytes in JSON; without one, the body alone."""
    shown = fitted(title, room, json_bytes, escaped)
    return f"#### {shown}\n\n{body}" if shown else body


def opened(answers: Answers, response: Response) -> tuple[Mapping[str, Any], str | None]:
    """The JSON object that was answered, and its `errcode` if it has one.

    Raises what an answer without JSON means; a page is the platform's ban of our address, unless its status says that
    it is a redirect, that there is nothing at this address, or that a gateway failed.
    """
    if response.body.lstrip()[:1] == b"<":
        error = answers.unreadable(response)
        telling = isinstance(error, Misconfigured) or response.status >= 500
        raise error if telling else answers.refusal(response, "1111", "an HTML page", BAN)
    body = answers.body(response)
    code = code_of(body, "errcode")
    if code is None and body.get("punish") is not None:
        code = code_of(body, "status")
    return body, code
