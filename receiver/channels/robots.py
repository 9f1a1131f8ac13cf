"""What the robots of groups have in common: where they post to, and that several may serve one group as a pool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar
from urllib.parse import parse_qsl

from pydantic import BeforeValidator, SecretStr, model_validator

from receiver.channels.answers import secrets_of
from receiver.channels.base import Channel, ChannelSettings, digest
from receiver.channels.endpoints import endpoint
from receiver.http import Client, host_of
from receiver.settings import Misfit, Section, secret_twins

MOST = 20
"""How many robots a pool may have."""

_CREDENTIAL = re.compile(r"[A-Za-z0-9._~-]{1,512}")


class Address(NamedTuple):
    """What the address of one kind of robot looks like.

    `field` is its credential's name in the configuration, `parameter` the one in the query, or None when the credential
    is the end of the path.
    """

    host: str
    path: str
    field: str
    parameter: str | None

    def taken_apart(self, url: str) -> tuple[str, str]:
        """The base and the credential of a robot's whole URL. ValueError if it is none."""
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


class Key(Section):
    """One robot of a pool; a plain text is its credential alone.

    No error names a key that it does not know: where token and secret were written as `token: secret` it is one.
    """

    field: ClassVar[str]
    """The name of the credential."""

    @model_validator(mode="before")
    @classmethod
    def _may_stand_alone(cls, data: Any) -> Any:
        if isinstance(data, str | int):
            return {cls.field: data}
        if isinstance(data, Mapping) and not data.keys() <= cls.model_fields.keys():
            known = (key for pair in secret_twins(cls) for key in pair)
            raise ValueError(f"holds a key that is not known here; known are {', '.join(known)}")
        return data

    @model_validator(mode="after")
    def _has_a_credential(self) -> Self:
        if not _CREDENTIAL.fullmatch(self.credential):
            raise ValueError(f"must be the robot's {self.field} alone, not its whole URL")
        return self

    @property
    def credential(self) -> str:
        """The robot's key or token."""
        secret: SecretStr = getattr(self, self.field)
        return secret.get_secret_value()


def _some(keys: object) -> object:
    """Counted as they were written: those that are wrong are robots, too."""
    if isinstance(keys, list | tuple) and not 0 < len(keys) <= MOST:
        raise ValueError(f"must have between 1 and {MOST} entries")
    return keys


K = TypeVar("K", bound=Key)
Keys = Annotated[tuple[K, ...], BeforeValidator(_some)]


class RobotSettings(ChannelSettings):
    """One robot by its credential or its whole `url`, or several robots of the same group by `keys`."""

    address: ClassVar[Address]
    url: SecretStr | None = None
    keys: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _names_its_robots_once(self) -> Self:
        field = self.address.field
        given = [name for name in (field, "url", "keys") if getattr(self, name) not in (None, ())]
        if not given:
            raise ValueError(f"needs one of {field}, url and keys ({field} and url also as a _file)")
        if len(given) > 1:
            raise ValueError(f"has {given[0]} beside {' and '.join(given[1:])}; keep one")
        if self.keys and getattr(self, "secret", None) is not None:
            raise Misfit((("secret",), "cannot stand beside keys: each of them has its own"))
        self._check_pool()
        self.place()
        return self

    def _check_pool(self) -> None:
        known: dict[str, int] = {}
        first = [known.setdefault(key.credential, number) for number, key in enumerate(self.keys)]
        twins = [(number, twin) for number, twin in enumerate(first) if twin != number]
        if twins:
            raise Misfit(*((("keys", number), f"is the same robot as keys[{twin}]") for number, twin in twins))

    def members(self) -> tuple[Self, ...]:
        """The settings of each robot by itself; of one that is no pool, these."""
        return tuple(self.model_copy(update={**dict(key), "keys": ()}) for key in self.keys) or (self,)

    def place(self) -> tuple[str, str]:
        """The base URL and the credential, a pool's first. ValueError if it is not valid."""
        if self.keys:
            return self.members()[0].place()
        if self.url is not None:
            base, credential = self.address.taken_apart(self.url.get_secret_value())
        else:
            field = self.address.field
            base, credential = self.address.host, getattr(self, field).get_secret_value()
            if not _CREDENTIAL.fullmatch(credential):
                raise ValueError(f"{field} must be the robot's {field} alone; a whole URL belongs in url")
        return self.base_url or base, credential


class Robot(Channel):
    """A channel that posts as the robot of a group; a pool posts as its members only."""

    def __init__(self, settings: Any, client: Client) -> None:
        super().__init__(settings, client)
        first = settings.members()[0]
        self._base, self._token = first.place()
        secret = getattr(first, "secret", None)
        self._secret: str = secret.get_secret_value() if secret else ""
        self._credential = digest(self.kind, host_of(self._base), self._token)
        self._secrets = {self._token, *secrets_of(settings)}

    @cached_property
    def members(self) -> tuple[Channel, ...]:
        """The robots of the pool, each with its own window; one that is none is its only member."""
        if not self.settings.keys:
            return (self,)
        members = tuple(type(self)(settings, self.client) for settings in self.settings.members())
        for member in members:
            member._secrets |= self._secrets  # none says anything of another's
        return members

    @property
    def provider(self) -> str:
        """The platform, or the host that stands in its place."""
        host = host_of(self._base)
        return self.kind.partition("_")[0] if host == host_of(self.settings.address.host) else host

    @property
    def credential(self) -> str:
        """Shared by all channels that post with the same credential to the same host."""
        return self._credential

    @property
    def identity(self) -> tuple[str, str | None]:
        """The robot's credential and the secret it signs with."""
        return self._token, self._secret or None
