"""Any HTTP endpoint: the body as its template makes it, signed by Standard Webhooks 1.0.0 when a secret is set."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from typing import ClassVar, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from receiver.channels.answers import Answers, rest, retry_after, secrets_of
from receiver.channels.base import Channel, ChannelSettings, Confirmation, digest
from receiver.channels.cleaning import utf8, wire
from receiver.channels.endpoints import Endpoint, endpoint
from receiver.errors import DeliveryError, Misconfigured, Reason, Rejected, Throttled, Unavailable
from receiver.http import Authorization, BasicAuth, Client, Headers, HttpConfig, Request, Response, authorize, host_of
from receiver.model import Message
from receiver.text import Text

MAX_BODY = 1 << 20
"""Bytes of a body; receivers set their own limits and answer 413."""
_SIGNATURE_HEADERS = {"webhook-id", "webhook-timestamp", "webhook-signature"}
_JSON_SPECIAL = re.compile(r'["\\\x00-\x1f]')
_RETRIED = {408, 425, 429}


class WebhookSettings(ChannelSettings):
    """Where and how to post; `signing_secret` is `whsec_` and 24 to 64 bytes in base64."""

    kind: Literal["webhook"]
    url: SecretStr
    method: Literal["POST", "PUT"] = "POST"
    content_type: str = Field(default="application/json", pattern=r"^[\w.+-]+/[\w.+-]+(?:; ?[\w-]+=[\w.-]+)*$")
    headers: Headers = Field(default_factory=dict)
    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    signing_secret: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        endpoint(value.get_secret_value())
        return value

    @field_validator("headers")
    @classmethod
    def _leaves_signatures_alone(cls, value: Headers) -> Headers:
        if _SIGNATURE_HEADERS & {name.lower() for name in value}:
            raise ValueError("webhook-id, webhook-timestamp and webhook-signature are set by the service")
        return value

    @field_validator("signing_secret")
    @classmethod
    def _is_a_standard_webhooks_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not 24 <= len(_signing_key(value)) <= 64:
            raise ValueError("must be whsec_ followed by 24 to 64 bytes in base64")
        return value

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        given = (self.basic_auth, self.authorization, self.http_config.basic_auth, self.http_config.authorization)
        if sum(each is not None for each in given) > 1:
            raise ValueError("keep one of basic_auth and authorization")
        return self

    def place(self) -> Endpoint:
        """Where to post, `base_url` standing for the URL's scheme and host when it is set."""
        found = endpoint(self.url.get_secret_value())
        return Endpoint(self.base_url or found.base, found.path)


class Webhook(Channel):
    """An endpoint that takes messages by HTTP."""

    kind = "webhook"
    Settings = WebhookSettings
    sample: ClassVar = {"url": "https://webhook.example/alerts"}
    merges = False

    def __init__(self, settings: WebhookSettings, client: Client) -> None:
        super().__init__(settings, client)
        place = settings.place()
        self._url = place.url
        self._is_json = "json" in settings.content_type
        if not self._is_json:
            self.escape = _literally  # type: ignore[method-assign]  # the markup is known by instance, not by kind
        self._signing_key = _signing_key(settings.signing_secret) if settings.signing_secret else b""
        self._headers = {
            **authorize(settings.basic_auth, settings.authorization),
            **{name: ", ".join(v.get_secret_value() for v in values) for name, values in settings.headers.items()},
            "Content-Type": _with_charset(settings.content_type),
        }
        self._credential = digest(self.kind, place.base, place.path)
        self._answers = Answers("the webhook", {}, {*_parts_of(place), *secrets_of(settings)})

    @classmethod
    def staged(cls, settings: WebhookSettings, stand_in: str) -> WebhookSettings:
        """The stand-in takes webhooks at /hooks/NAME."""
        return settings.model_copy(
            update={
                "url": SecretStr(f"{stand_in}/hooks/{settings.name}"),
                "base_url": None,
                "http_config": HttpConfig(),
            }
        )

    @property
    def provider(self) -> str:
        """The host that it posts to."""
        return host_of(self._url)

    @property
    def credential(self) -> str:
        """Shared by all channels that post to the same URL."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The last part of the URL's path, and the signing secret."""
        secret = self.settings.signing_secret
        last = self.settings.place().path.partition("?")[0].rpartition("/")[2]
        return last, secret.get_secret_value() if secret else None

    def room(self, plain: bool) -> int:
        """All of MAX_BODY, since one document cannot be split; a plain text may grow sixfold as JSON."""
        return MAX_BODY // 8 if plain else MAX_BODY

    def weigh(self, text: str) -> int:
        """Bytes in UTF-8."""
        return utf8(text)

    def fill(self, content: bytes) -> tuple[int, int]:
        """The whole body; what an endpoint allows is its own affair."""
        return len(content), MAX_BODY

    @staticmethod
    def escape(value: str) -> str:
        """`value` as it stands within the quotes of a JSON string; unchanged where the body is not JSON."""
        return json.dumps(value, ensure_ascii=False)[1:-1] if _JSON_SPECIAL.search(value) else value

    def compose(self, text: Text, message_id: str) -> bytes:
        """The body exactly as rendered; a plain text is wrapped into an object where JSON is promised."""
        if not (text.plain and self._is_json):
            return text.body.encode("utf-8", "replace")
        return wire({"status": text.status, "severity": text.severity, "title": text.title, "text": text.body})

    def build(self, message: Message, now: float) -> Request:
        """`webhook-id` on every request, the same on every retry; timestamp and signature when there is a secret."""
        webhook_id, timestamp = f"msg_{message.id}", str(int(now))
        headers = {**self._headers, "webhook-id": webhook_id}
        if self._signing_key:
            signature = sign(self._signing_key, webhook_id, timestamp, message.content)
            headers |= {"webhook-timestamp": timestamp, "webhook-signature": signature}
        return Request(self._url, message.content, headers, self.settings.method)

    def check(self, response: Response) -> Confirmation:
        """Arrived if and only if the status is 2xx (Standard Webhooks 1.0.0; 408 and 425 are tried again too)."""
        if not 200 <= response.status < 300:
            raise self._failure(response)
        return Confirmation(response.status)

    def _failure(self, response: Response) -> DeliveryError:
        status = response.status
        detail = f"the webhook answered HTTP {status}"
        if status < 400:
            return Misconfigured(f"{detail}: redirects are not followed, check url", http_status=status)
        if status == 410:
            return Misconfigured(f"{detail}: the endpoint is gone for good", http_status=status, reason="clientError")
        said = response.body[:500].decode("utf-8", "replace").strip()
        detail = self._answers.redacted(f"{detail}: {said}" if said else detail)
        if status in {401, 403}:
            return Misconfigured(detail, http_status=status)
        wait = rest(response) if status == 429 else retry_after(response)
        if status in {429, 503} and wait is not None:
            return Throttled(detail, retry_after=wait, http_status=status)
        if status in _RETRIED or status >= 500:
            reason: Reason = "rateLimited" if status == 429 else "serverError"
            return Unavailable(detail, http_status=status, reason=reason, ambiguous=status in {502, 504})
        return Rejected(detail, http_status=status)


def sign(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """The `webhook-signature` of Standard Webhooks 1.0.0, version 1: HMAC-SHA256 in base64."""
    signed = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def _signing_key(secret: SecretStr) -> bytes:
    prefix, _, encoded = secret.get_secret_value().partition("whsec_")
    try:
        return b"" if prefix else base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""


def _literally(value: str) -> str:
    return value


def _with_charset(content_type: str) -> str:
    return content_type if "charset" in content_type else f"{content_type}; charset=utf-8"


def _parts_of(place: Endpoint) -> set[str]:
    """What an endpoint may echo of a URL that holds secrets: the whole, the path, each value of the query."""
    path, _, query = place.path.partition("?")
    values = {pair.partition("=")[2] for pair in query.split("&")}
    return {part for part in {place.url, place.path, path, query, *values} if len(part) >= 4}
