"""Where a channel posts to: URLs and base URLs from the configuration, taken apart once and strictly.

No error names the URL: it may hold a key.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import AfterValidator, SecretStr
from yarl import URL

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_CREDENTIAL = re.compile(r"[A-Za-z0-9._~-]{1,512}")


class Endpoint(NamedTuple):
    """A URL in two parts: `base` is scheme, host, port and perhaps a path prefix; `path` the rest with its query."""

    base: str
    path: str

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.base + self.path


def endpoint(url: str) -> Endpoint:
    """`url` taken apart, an ASCII one kept byte for byte. ValueError unless it is a plain http or https URL."""
    if _ODD.search(url):
        raise ValueError("the URL must not hold spaces, control characters or backslashes")
    try:
        parsed = URL(url, encoded=url.isascii())
        same_host = not url.isascii() or urlsplit(url).hostname == (parsed.host or "").lower()
        port_is_valid = parsed.explicit_port is None or 0 < parsed.explicit_port < 65536
    except (ValueError, UnicodeError):
        raise ValueError("the URL cannot be understood") from None
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host or not (same_host and port_is_valid):
        raise ValueError("the URL must begin with https:// or http:// and a host")
    if parsed.user is not None or parsed.password is not None:
        raise ValueError("the URL must not hold a user name or a password: use basic_auth")
    if "#" in url:
        raise ValueError("the URL must not hold a fragment")
    port = f":{parsed.explicit_port}" if parsed.explicit_port else ""
    host = f"[{parsed.raw_host}]" if ":" in parsed.raw_host else parsed.raw_host
    query = f"?{parsed.raw_query_string}" if parsed.raw_query_string else ""
    return Endpoint(f"{parsed.scheme}://{host.lower()}{port}", (parsed.raw_path or "/") + query)


def base(url: str) -> str:
    """`url` as a base: scheme, host, port and path prefix. ValueError when it has a query or is no URL."""
    found = endpoint(url)
    if "?" in found.path:
        raise ValueError("a base URL must not hold a query")
    return found.url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base)]


class Robot(NamedTuple):
    """What the address of one kind of robot looks like.

    `field` is its credential's name in the configuration, `parameter` the one in the query, or None when the credential
    is the end of the path.
    """

    host: str
    path: str
    field: str
    parameter: str | None

    def locate(self, value: SecretStr | None, url: SecretStr | None, base_url: str | None) -> tuple[str, str]:
        """The base and the credential. ValueError unless exactly one of `value` and `url` is given, and valid."""
        if url is not None and value is None:
            found, secret = self._from_url(url.get_secret_value())
            return base_url or found, secret
        if url is not None:
            raise ValueError(f"has {self.field} beside url; keep one")
        if value is None:
            raise ValueError(f"needs one of {self.field} and url (each also as a _file)")
        secret = value.get_secret_value()
        if not _CREDENTIAL.fullmatch(secret):
            raise ValueError(f"{self.field} must be the robot's {self.field} alone; a whole URL belongs in url")
        return base_url or self.host, secret

    def _from_url(self, url: str) -> tuple[str, str]:
        found = endpoint(url)
        where, _, query = found.path.partition("?")
        prefix, _, rest = where.partition(self.path)
        pairs = parse_qsl(query, keep_blank_values=True)
        if self.parameter is None:
            valid, secret = where.count(self.path) == 1 and not query, rest
        else:
            valid = where.endswith(self.path) and [name for name, _ in pairs] == [self.parameter]
            secret = pairs[0][1] if pairs else ""
        if not valid or not _CREDENTIAL.fullmatch(secret):
            shape = f"{self.path}?{self.parameter}=..." if self.parameter else f"{self.path}..."
            raise ValueError(f"url must be the robot's whole URL, ending in {shape} and nothing else")
        return found.base + prefix, secret


def with_query(url: str, **parameters: str) -> str:
    """`url` with the parameters, each percent-encoded exactly once."""
    return f"{url}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
