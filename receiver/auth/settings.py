"""The `auth` section of the configuration."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, SecretStr, model_validator

from receiver.settings import Misfit, Section, shaped

Role = Literal["viewer", "operator"]
NAME_TAKEN = "is taken by another user; names must differ"

_HASH = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("must not be empty")
    return secret


def _bcrypt_hash(secret: SecretStr) -> SecretStr:
    if not _HASH.fullmatch(secret.get_secret_value()):
        raise ValueError("must be a bcrypt hash with a cost of 4 to 16, as `htpasswd -nBC 12 NAME` prints it")
    return secret


def _user_name(name: str) -> str:
    if not name or ":" in name or not name.isprintable():
        raise ValueError("must be a name without colons and control characters")
    return name


SourceName = Annotated[
    str,
    shaped(
        "[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
        "must be at most 63 letters, digits, dots, dashes or underscores, a letter or digit first",
    ),
]
UserName = Annotated[str, AfterValidator(_user_name)]
HeaderName = Annotated[
    str,
    shaped(
        "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", "must be the name of an HTTP header, like X-Grafana-Alerting-Signature"
    ),
]
Secret = Annotated[SecretStr, AfterValidator(_not_empty)]
PasswordHash = Annotated[SecretStr, AfterValidator(_bcrypt_hash)]


class WebhookCredential(Section):
    """What one sender of alerts proves itself by: a bearer token, basic auth, or an HMAC over the body (Grafana).

    Several credentials may share a name, so that one can take the other's place without a gap.
    """

    name: SourceName
    token: Secret | None = None
    username: UserName | None = None
    password: Secret | None = None
    hmac_secret: Secret | None = None
    hmac_header: HeaderName = "X-Grafana-Alerting-Signature"
    hmac_timestamp_header: HeaderName | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; give both or neither")
        if sum(proof is not None for proof in (self.token, self.username, self.hmac_secret)) != 1:
            raise ValueError("give exactly one of token, username with password, or hmac_secret")
        needless = sorted({"hmac_header", "hmac_timestamp_header"} & self.model_fields_set)
        if self.hmac_secret is None and needless:
            raise Misfit(*(((key,), "goes with hmac_secret only") for key in needless))
        return self


class UserSettings(Section):
    """Who may use the pages and the API: a password's bcrypt hash (people) or a token (machines)."""

    name: UserName
    role: Role = "viewer"
    password_hash: PasswordHash | None = None
    token: Secret | None = None

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if (self.password_hash is None) == (self.token is None):
            raise ValueError("give exactly one of password_hash or token")
        return self


class AuthSettings(Section):
    """Who may do what; `anonymous` opens a listener beyond loopback to everyone."""

    webhooks: tuple[WebhookCredential, ...] = ()
    users: tuple[UserSettings, ...] = ()
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_user_a_name(self) -> Self:
        names = [user.name for user in self.users]
        repeated = [number for number, name in enumerate(names) if name in names[:number]]
        if repeated:
            raise Misfit(*((("users", number, "name"), NAME_TAKEN) for number in repeated))
        return self
