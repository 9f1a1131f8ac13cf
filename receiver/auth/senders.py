"""The senders of alerts, known by a header or by a signature over the body."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from receiver.auth import proof
from receiver.auth.settings import WebhookCredential

_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_TOLERANCE = 300.0


class Senders:
    """The credentials of those who post alerts, ready to be asked. Nothing that is sent makes an answer raise."""

    def __init__(self, credentials: Iterable[WebhookCredential]) -> None:
        known = tuple(credentials)
        self.open = not known
        """Whether anyone may post: no credential is configured."""
        self._headers = [(digest, each.name) for each in known if (digest := _digest_of(each)) is not None]
        self._signers = [_Signer(each) for each in known if each.hmac_secret is not None]

    @property
    def wants_signature(self) -> bool:
        """Whether some sender signs its bodies, so that a body must be read before it can be judged."""
        return bool(self._signers)

    def by_header(self, headers: Mapping[str, str]) -> str | None:
        """The name of the credential that the `Authorization` header (bearer or basic) proves, or None."""
        digest = proof.offered(_header(headers, "Authorization"))
        return None if digest is None else proof.holder(digest, self._headers)

    def by_signature(self, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
        """The name of the credential that signed the raw `body`, or None; `now` is in Unix seconds."""
        found = self.signed(headers, body, now)
        return found.name if found else None

    def signed(self, headers: Mapping[str, str], body: bytes, now: float) -> Signed | None:
        """Who signed the raw `body`, or None.

        Grafana's scheme (grafana/alerting `http/hmac.go`): hex HMAC-SHA256 over the body, or over the timestamp
        header's Unix seconds, a colon and the body where such a header is configured. The timestamp is then
        required and may be 300 seconds off.
        """
        for signer in self._signers:
            if signer.signed(headers, body, now):
                return Signed(signer.name, signer.offered(headers), signer.timed)
        return None


class Signed(NamedTuple):
    """A valid signature: the credential's name, the signature, and whether a timestamp is part of it.

    With a timestamp the same signature never comes twice but as a replay; without one a repeated notification may
    have it too.
    """

    name: str
    signature: str
    timed: bool


class _Signer:
    """One credential that signs bodies."""

    def __init__(self, credential: WebhookCredential) -> None:
        secret = credential.hmac_secret.get_secret_value() if credential.hmac_secret else ""
        self.name = credential.name
        self._key = proof.to_bytes(secret)
        self._header = credential.hmac_header
        self._timestamp_header = credential.hmac_timestamp_header
        self.timed = self._timestamp_header is not None

    def offered(self, headers: Mapping[str, str]) -> str:
        return _header(headers, self._header) or ""

    def signed(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        signature = self.offered(headers)
        prefix = self._prefix(headers, now)
        if prefix is None or not _SIGNATURE.fullmatch(signature):
            return False
        expected = hmac.new(self._key, prefix, hashlib.sha256)
        expected.update(body)
        return hmac.compare_digest(expected.digest(), bytes.fromhex(signature))

    def _prefix(self, headers: Mapping[str, str], now: float) -> bytes | None:
        """What is signed before the body; None when a timestamp is required and there is no fresh one."""
        if self._timestamp_header is None:
            return b""
        timestamp = _header(headers, self._timestamp_header) or ""
        if not _SECONDS.fullmatch(timestamp) or abs(now - int(timestamp)) > _TOLERANCE:
            return None
        return f"{timestamp}:".encode()


def _digest_of(credential: WebhookCredential) -> bytes | None:
    if credential.token is not None:
        return proof.bearer(credential.token.get_secret_value())
    if credential.username is not None and credential.password is not None:
        return proof.basic(credential.username, credential.password.get_secret_value())
    return None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """A header's value whatever the case of its name."""
    value = headers.get(name)
    if value is not None:
        return value
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)
