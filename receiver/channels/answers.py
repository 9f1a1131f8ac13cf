"""What a provider's answer means. HTTP 200 is never success by itself: the code in the body decides."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import orjson
from pydantic import BaseModel, SecretStr

from receiver.channels.cleaning import cleaned
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import BasicAuth, Response, authorize

_RESETS = ("x-ogw-ratelimit-reset", "RateLimit-Reset", "X-RateLimit-Reset")
_NUMBER = re.compile("[0-9]{1,11}")
_EPOCH = 1e9


@dataclass(frozen=True, slots=True)
class Row:
    """One code of a provider: the class it belongs to, what it says, the document it comes from.

    `wait` is how many seconds the credential rests when it is Throttled.
    """

    error: type[DeliveryError]
    meaning: str
    source: str
    wait: float = 60.0


def rows(error: type[DeliveryError], source: str, meanings: Mapping[str, str], wait: float = 60.0) -> dict[str, Row]:
    """Codes of one class and one document, with what each says."""
    return {code: Row(error, meaning, source, wait) for code, meaning in meanings.items()}


BUSY = Row(Throttled, "too many requests", "RFC 6585, 4")
"""What HTTP 429 means beside a code that nobody documents, or without any."""
UNKNOWN = Row(Rejected, "a code that is not in the documents", "")


class Answers:
    """Reads the answers of `provider`, whose codes stand in `table`.

    No text it makes holds one of `secrets`, or of the tokens in `known`, a collection that changes while it is used.
    """

    def __init__(
        self, provider: str, table: Mapping[str, Row], secrets: Collection[str], known: Collection[str] = ()
    ) -> None:
        self._provider = provider
        self._table = table
        self._secrets = secrets
        self._known = known

    def body(self, response: Response) -> Mapping[str, Any]:
        """The JSON object that was answered; raises what an answer without one means."""
        try:
            found = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise self.unreadable(response)
        return found

    def judge(self, response: Response, code: str | None, text: object) -> None:
        """Return if `code` is zero and the status is not a failure; raise the class of the code otherwise."""
        if code is None or (code == "0" and not 200 <= response.status < 300):
            raise self.unreadable(response)
        if code != "0":
            raise self.refusal(response, code, text)

    def refusal(self, response: Response, code: str, text: object, row: Row | None = None) -> DeliveryError:
        """The error for a code; one that stands in no table is Rejected, unless the status says what it is about.

        Who is throttled rests as long as the code's row or the answer's headers say, whichever is longer.
        """
        row = row or self._table.get(code) or (BUSY if response.status == 429 else UNKNOWN)
        said = f": {text}" if isinstance(text, str) and text else ""
        detail = self.redacted(f"{self._provider} answered {code}, {row.meaning}{said}")
        if row.error is Throttled:
            wait = max(row.wait, rest(response) or 0.0)
            return Throttled(detail, retry_after=wait, http_status=response.status, code=code)
        return row.error(detail, http_status=response.status, code=code)

    def unreadable(self, response: Response) -> DeliveryError:
        """The error for an answer without a code: a gateway's page, a redirect, something cut off."""
        status, answered = response.status, f"{self._provider} answered HTTP {response.status}"
        if 300 <= status < 400:
            return Misconfigured(f"{answered}, a redirect: check url or base_url", http_status=status)
        if status in {404, 405, 410}:
            return Misconfigured(f"{answered}: nothing that takes messages is at this address", http_status=status)
        if status == 413:
            return Rejected(f"{answered}: the message is too long", http_status=status)
        if status == 429:
            wait = rest(response) or BUSY.wait
            return Throttled(f"{answered}: {BUSY.meaning}", retry_after=wait, http_status=status)
        maybe = status < 300 or status in {502, 504}
        return Unavailable(f"{answered} without a readable code", http_status=status, ambiguous=maybe)

    def redacted(self, text: str) -> str:
        """`text` fit for records and logs: without secrets and control characters, at most 500 characters."""
        tokens = [form for token in self._known for form in (token, quote(token, safe=""))]
        for secret in sorted([*self._secrets, *tokens], key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return cleaned(text)[:500]


def code_of(body: Mapping[str, Any], name: str) -> str | None:
    """The code under `name`, given as a whole number or a text of one; None when there is none."""
    value = body.get(name)
    if isinstance(value, str) and len(value) < 20 and value.strip().removeprefix("-").isdecimal():
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def retry_after(response: Response) -> float | None:
    """The seconds of a Retry-After header, at most 900; a date counts from the answer's own Date header."""
    value = _header(response, "Retry-After")
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return min(float(value), 900.0)
    until, since = _moment(value), _moment(_header(response, "Date"))
    return None if until is None or since is None else min(max(until - since, 0.0), 900.0)


def rest(response: Response) -> float | None:
    """The seconds that an answer asks to wait, at most 900: its Retry-After, or else until its window begins anew.

    That is told in seconds by Feishu (open.feishu.cn, frequency control) and in draft-ietf-httpapi-ratelimit-headers;
    a number beyond any wait is a moment, as others write it.
    """
    asked = retry_after(response)
    told = [value for name in _RESETS if _NUMBER.fullmatch(value := _header(response, name))]
    if asked is not None or not told:
        return asked
    until = float(told[0])
    since = _moment(_header(response, "Date")) if until >= _EPOCH else 0.0
    return None if since is None else min(max(until - since, 0.0), 900.0)


def secrets_of(section: object) -> Iterator[str]:
    """Every secret text within a section of the configuration, also as it looks inside a URL or a header."""
    if isinstance(section, SecretStr):
        value = section.get_secret_value()
        if len(value) >= 4:
            yield from {value, value.removeprefix("whsec_"), quote(value, safe=""), quote(value)}
        return
    inner: Iterable[object] = ()
    if isinstance(section, BasicAuth):
        yield authorize(section, None)["Authorization"].removeprefix("Basic ")
    if isinstance(section, BaseModel):
        inner = section.__dict__.values()
    elif isinstance(section, Mapping):
        inner = section.values()
    elif isinstance(section, list | tuple):
        inner = section
    for part in inner:
        yield from secrets_of(part)


def _header(response: Response, name: str) -> str:
    for key, value in response.headers.items():
        if key.lower() == name.lower():
            return value.strip()
    return ""


def _moment(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
