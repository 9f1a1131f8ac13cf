"""The whole configuration, put together from what each room declares."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import AfterValidator, Field

from receiver.auth import AuthSettings
from receiver.channels.base import ChannelSettings
from receiver.channels.registry import CHANNELS
from receiver.contacts import ContactSettings
from receiver.delivery.rendering import DisplaySettings, TemplateSettings
from receiver.http import HttpSettings
from receiver.intake.routing import RouteSettings
from receiver.settings import Section, Size, address
from receiver.store.base import StorageSettings

_URL = re.compile(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?")

if TYPE_CHECKING:
    AnyChannel = ChannelSettings
else:
    _kinds = tuple(kind.Settings for kind in CHANNELS.values())
    AnyChannel = Annotated[Union[_kinds], Field(discriminator="kind")]  # noqa: UP007 - the kinds are a table


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listen(value: str) -> str:
    address(value)
    return value


def _external_url(value: str) -> str:
    if not _URL.fullmatch(value):
        raise ValueError("must be an address like https://alerts.example.com, without a query")
    return value.rstrip("/")


def _external_url_default(known: dict[str, Any]) -> str:
    host, port = address(known["listen"]) if "listen" in known else ("", 8060)
    everywhere = host in ("", "::", "0.0.0.0")  # noqa: S104 - compared, not bound
    return f"http://{'localhost' if everywhere else f'[{host}]' if ':' in host else host}:{port}"


class ServerSettings(Section):
    """Where the service listens and how it is reached."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8060"
    external_url: Annotated[str, AfterValidator(_external_url)] = Field(default_factory=_external_url_default)
    max_body: Size = 16 * 1024 * 1024

    def record_url(self, delivery: str) -> str:
        """Where people find the record of a delivery."""
        return f"{self.external_url}/api/v1/records/{delivery}"


class Settings(Section):
    """The whole configuration. Once loaded, `contacts` holds those of `contacts_file` as well, after its own."""

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    storage: StorageSettings = StorageSettings()
    display: DisplaySettings = DisplaySettings()
    templates: TemplateSettings = TemplateSettings()
    http: HttpSettings = HttpSettings()
    contacts: tuple[ContactSettings, ...] = ()
    contacts_file: Path | None = None
    channels: tuple[AnyChannel, ...]
    route: RouteSettings
