"""How one channel talks HTTP, in Alertmanager's names: proxy, TLS, credentials, headers."""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from multidict import CIMultiDict
from pydantic import BeforeValidator, Field, SecretStr, model_validator

from receiver import __version__
from receiver.settings import Section

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REFUSED_HEADERS = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_TLS_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


def headers(value: object) -> dict[str, tuple[str, ...]]:
    """Header names with one value or a list; hop-by-hop ones, Host and Content-Length are refused by ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping of header names to values")
    return {_header_name(name): _header_values(name, given) for name, given in value.items()}


def _header_name(name: object) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise ValueError("a header's name must consist of letters, digits and dashes")
    if name.lower() in _REFUSED_HEADERS:
        raise ValueError(f"the header {name} belongs to the connection and cannot be set")
    return name


def _header_values(name: str, given: object) -> tuple[str, ...]:
    values = given if isinstance(given, list | tuple) else (given,)
    plain = tuple(value.get_secret_value() if isinstance(value, SecretStr) else value for value in values)
    if not plain or any(not isinstance(value, str) or _CONTROL.search(value) for value in plain):
        raise ValueError(f"the header {name} must have a text, or a list of texts, without control characters")
    return plain


Headers = Annotated[dict[str, tuple[SecretStr, ...]], BeforeValidator(headers)]


class TlsConfig(Section):
    """How the server proves who it is (it always must), and how we do; files are PEM, read when the channel is made."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = None

    @model_validator(mode="after")
    def _files_can_be_used(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        try:
            self.load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        except OSError as error:
            why = error.strerror if error.strerror and not isinstance(error, ssl.SSLError) else "not usable PEM"
            raise ValueError(f"ca_file, cert_file or key_file cannot be loaded: {why}") from None
        return self

    def load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Put files and versions into `context`. OSError when a file cannot be used."""
        if self.ca_file:
            context.load_verify_locations(cafile=self.ca_file)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file, password="")  # "": never ask on a terminal
        if self.min_version:
            context.minimum_version = _TLS_VERSIONS[self.min_version]
        return context

    def context(self) -> ssl.SSLContext:
        """A verifying TLS context; `ca_file` replaces the system's authorities, as in Alertmanager."""
        return self.load(ssl.create_default_context(cafile=self.ca_file))


class BasicAuth(Section):
    """A user name and a password."""

    username: str
    password: SecretStr


class Authorization(Section):
    """An Authorization header: the scheme and what follows it."""

    type: str = Field(default="Bearer", pattern=_TOKEN.pattern)
    credentials: SecretStr


def authorize(basic: BasicAuth | None, authorization: Authorization | None) -> dict[str, str]:
    """The Authorization header that the settings ask for, if any."""
    if basic:
        pair = f"{basic.username}:{basic.password.get_secret_value()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    if authorization:
        return {"Authorization": f"{authorization.type} {authorization.credentials.get_secret_value()}"}
    return {}


class HttpConfig(Section):
    """How one channel talks HTTP, in Alertmanager's names."""

    proxy_url: SecretStr | None = None
    tls_config: TlsConfig | None = None
    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    http_headers: Headers = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.basic_auth and self.authorization:
            raise ValueError("basic_auth and authorization exclude each other")
        if self.proxy_url and not re.fullmatch(r"https?://[^\s/?#]+/?", self.proxy_url.get_secret_value()):
            raise ValueError("proxy_url must be like http://proxy:3128")
        return self

    def default_headers(self) -> CIMultiDict[str]:
        """What every request of the channel carries unless the request says otherwise."""
        every = CIMultiDict({"User-Agent": f"alert-receiver/{__version__}", "Accept-Encoding": "identity"})
        every.update(authorize(self.basic_auth, self.authorization))
        for name, values in self.http_headers.items():
            every.popall(name, None)
            for value in values:
                every.add(name, value.get_secret_value())
        return every
