"""The only outbound socket: timeouts, no redirects, a size bound, redaction, and the address guard."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from receiver.addresses import BlockedAddress, Guard, GuardedResolver, HttpSettings
from receiver.errors import DeliveryError, Misconfigured, Unavailable
from receiver.http_config import Authorization, BasicAuth, Headers, HttpConfig, TlsConfig, authorize

__all__ = [
    "Authorization",
    "BasicAuth",
    "Client",
    "Headers",
    "Http",
    "HttpConfig",
    "HttpSettings",
    "Request",
    "Response",
    "TlsConfig",
    "authorize",
    "host_of",
]

T = TypeVar("T")

MAX_ANSWER = 65536
"""How much of an answer is kept, in bytes; of a longer one the rest is not read and its connection is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; its repr names the host only. `url` is sent as it is, byte for byte."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"

    def __repr__(self) -> str:
        return f"Request({self.method} to {host_of(self.url)}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer: at most MAX_ANSWER bytes of its body, header names in any case, `duration` in seconds."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    duration: float = 0.0


class Client:
    """One channel's connections: made when first used, kept between messages, never one per message."""

    def __init__(self, config: HttpConfig, connections: int, http: Http) -> None:
        self._config = config
        self._connections = connections
        self._http = http
        self._session: aiohttp.ClientSession | None = None
        self._options: dict[str, Any] = {"allow_redirects": False}
        if config.proxy_url:
            self._options["proxy"] = config.proxy_url.get_secret_value()
        if config.tls_config:
            self._options["ssl"] = config.tls_config.context()
            self._options["server_hostname"] = config.tls_config.server_name

    async def send(self, request: Request) -> Response:
        """Send `request` once and return the answer, whatever its status; redirects are answers.

        Raises Unavailable when there is no answer (`ambiguous` if the request may have arrived), and Misconfigured
        when the address must not be reached. No error text holds the URL's path or query, or a header.
        """
        started, body = time.perf_counter(), _Body(request.body)
        try:
            async with self._open().request(
                request.method,
                URL(request.url, encoded=True),
                data=body,
                headers=request.headers,
                **self._options,
            ) as answer:
                said = await _bounded(answer)
                return Response(answer.status, answer.headers, said, time.perf_counter() - started)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RuntimeError) as error:
            failure = self._http.failure(error, host_of(request.url), body.sent)
        raise failure  # outside of the handler: aiohttp's exception, which names the URL, does not travel along

    def common(self, key: str, make: Callable[[], T]) -> T:
        """What all channels of the service have in common under `key`, made by the first that asks: a token's cache."""
        return self._http.common.setdefault(key, make())  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Close the connections; a later `send` opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = self._http.session(self._config.default_headers(), self._connections)
        return self._session


class Http:
    """All outbound connections: who may be reached, how long to wait. Times are in seconds."""

    def __init__(
        self,
        settings: HttpSettings,
        *,
        trusted: Collection[tuple[str, int]] = (),
        resolver: AbstractResolver | None = None,
        connect_timeout: float = 3.0,
        total_timeout: float = 10.0,
    ) -> None:
        self._guard = Guard(settings, trusted)
        self._resolver = resolver
        self._timeout = aiohttp.ClientTimeout(total=total_timeout, sock_connect=connect_timeout)
        self._clients: list[Client] = []
        self.common: dict[str, Any] = {}

    def client(self, config: HttpConfig = HttpConfig(), connections: int = 2) -> Client:  # noqa: B008 - frozen
        """The connections of one channel, at most `connections` at a time."""
        client = Client(config, connections, self)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close every client's connections."""
        for client in self._clients:
            await client.close()

    def session(self, default_headers: CIMultiDict[str], connections: int) -> aiohttp.ClientSession:
        """A session that is guarded and bounded, and keeps no cookies."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                resolver=GuardedResolver(self._resolver or aiohttp.ThreadedResolver(), self._guard),
                socket_factory=self._guard.socket,
            ),
            headers=default_headers,
            timeout=self._timeout,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def failure(self, error: Exception, host: str, sent: bool) -> DeliveryError:
        """What `error` means; `sent` says that the request had been written when it came."""
        cause = getattr(error, "os_error", error)
        if isinstance(cause, BlockedAddress):
            return Misconfigured(cause.sentence, reason="other")
        if isinstance(error, aiohttp.InvalidURL):
            return Misconfigured("the channel's address is not a valid URL", reason="other")
        if isinstance(error, TimeoutError):
            what = f"no answer within {self._timeout.total:g} s" if sent else "no connection in time"
            return Unavailable(f"{host}: {what}", reason="contextDeadlineExceeded", ambiguous=sent)
        if sent:
            text = f"{host}: the connection broke before the whole answer was there"
            return Unavailable(text, reason="other", ambiguous=True)
        return Unavailable(f"{host}: {_unconnected(error, cause)}", reason="other")


def host_of(url: str) -> str:
    """The host of `url`: the only part of it that may be shown."""
    try:
        return URL(url, encoded=True).host or "?"
    except ValueError:
        return "?"


def _unconnected(error: Exception, cause: object) -> str:
    """Why no connection came about, in words that name no URL."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved"
    certificate = getattr(error, "certificate_error", cause)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        return f"TLS: the certificate was not accepted: {certificate.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS: the handshake failed ({cause.reason or 'closed'})"
    through = "to the proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
    why = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else type(error).__name__
    return f"the connection {through}failed: {why}"


class _Body(aiohttp.BytesPayload):
    """A body that knows whether it was written; aiohttp's tracing would tell as well, at a higher cost."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.sent = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """As aiohttp's; the head of the request goes out with the first bytes."""
        self.sent = True
        await super().write_with_length(writer, content_length)


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    while len(body) <= MAX_ANSWER and (chunk := await answer.content.readany()):
        body += chunk
    if len(body) > MAX_ANSWER:
        answer.close()
    return bytes(body[:MAX_ANSWER])
