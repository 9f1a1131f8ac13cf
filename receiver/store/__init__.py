"""The outbox and the record: what was accepted and is still owed, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from receiver.errors import ConfigError, Fault
from receiver.store.base import StorageSettings, Store
from receiver.store.sqlite import open_sqlite

_SQLITE = "sqlite:///"


async def open_store(settings: StorageSettings, *, on_commit: Callable[[float], None] | None = None) -> Store:
    """Open the store that `storage.url` names: `sqlite:///data/x.db` relative to the working directory,
    `sqlite:////var/x.db` absolute.

    `on_commit` is called with the seconds of each commit, in whatever thread commits. Raises ConfigError for a URL or
    a database that cannot be used, StoreLocked if another process has it, StoreUnavailable if the disk refuses.
    """
    path = settings.url.removeprefix(_SQLITE)
    if path == settings.url or not path.strip("/"):
        scheme = settings.url.partition(":")[0]  # what follows may hold a password
        raise ConfigError([Fault("storage.url", "must be sqlite:///path/to/file.db", offered=f"{scheme}:...")])
    return await open_sqlite(Path(path), on_commit=on_commit)
