"""Structured logs, logfmt or JSON, one line an entry whatever a value holds."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

LEVELS = ("debug", "info", "warn", "error")
_LONGEST = 1000


def configure(level: str = "info", form: Literal["logfmt", "json"] = "logfmt") -> None:
    """Send every log of the process to stderr from now on, in the given form, from the given level up."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        _stamp,
        structlog.processors.format_exc_info,
        _tame,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _rename, _renderer(form)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(_number(level))
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL if level != "debug" else logging.DEBUG)


def get(component: str) -> Any:
    """The logger of one room."""
    return structlog.get_logger(component=component)


def _number(level: str) -> int:
    return {"debug": 10, "info": 20, "warn": 30, "error": 40}[level]


def _renderer(form: str) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.processors.LogfmtRenderer(key_order=["ts", "level", "component", "msg"], bool_as_flag=False)


def _stamp(_: Any, __: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """When, to the millisecond, and the level as `--log.level` calls it: both as Prometheus and Alertmanager log."""
    entry["ts"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if entry["level"] == "warning":
        entry["level"] = "warn"
    return entry


def _rename(_: Any, __: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    if "event" in entry:
        entry["msg"] = entry.pop("event")
    return entry


def _tame(_: Any, __: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Cut long values and make control characters visible: a label can neither end a line nor colour a terminal."""
    for key, value in entry.items():
        if isinstance(value, str):
            entry[key] = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in value[:_LONGEST])
            if "\n" in entry[key]:
                entry[key] = entry[key].replace("\n", "\\n")
    return entry
