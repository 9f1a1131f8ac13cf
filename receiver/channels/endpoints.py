"""Where a channel posts to: URLs and base URLs from the configuration, taken apart once and strictly.

No error names the URL: it may hold a key.
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator
from yarl import URL

_ODD = re.compile(r"[\x00-\x20\x7f\\]")


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


def with_query(url: str, **parameters: str) -> str:
    """`url` with the parameters, each percent-encoded exactly once."""
    return f"{url}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
