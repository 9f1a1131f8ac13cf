"""What an `Authorization` header proves: digests of equal length, so that comparing them tells nothing by its time."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Iterable
from typing import TypeVar

Holder = TypeVar("Holder")


def bearer(token: str) -> bytes:
    """The digest of a bearer token."""
    return _digest(b"bearer", to_bytes(token))


def basic(username: str, password: str) -> bytes:
    """The digest of a name and a password."""
    return _digest(b"basic", to_bytes(f"{username}:{password}"))


def offered(authorization: str | None) -> bytes | None:
    """The digest of what the header's value offers, by either scheme; None when it offers nothing."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer(rest.strip())
    credentials = basic_credentials(authorization)
    return None if credentials is None else basic(*credentials)


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """The name and the password of a basic `Authorization`; None when it is none."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = b64decode(rest.strip(), validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return None
    name, _, password = decoded.partition(":")
    return name, password


def holder(digest: bytes, known: Iterable[tuple[bytes, Holder]]) -> Holder | None:
    """Whose digest it is. All are compared, whichever is found."""
    found = None
    for each, whose in known:
        if hmac.compare_digest(each, digest) and found is None:
            found = whose
    return found


def to_bytes(text: str) -> bytes:
    """`text` in bytes whatever it holds: header values may carry lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def _digest(scheme: bytes, secret: bytes) -> bytes:
    return hashlib.sha256(scheme + b"\0" + secret).digest()
