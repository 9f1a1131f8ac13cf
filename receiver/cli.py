"""The command `alert-receiver`: exit status 0, 1 (the answer is bad), 2 (usage)."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from receiver import __version__, logs
from receiver.commands import render
from receiver.errors import ConfigError, ReceiverError

if TYPE_CHECKING:
    from receiver.config import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    chosen = _parser().parse_args(arguments)
    logs.configure(chosen.log_level, chosen.log_format)
    try:
        status: int = chosen.run(chosen)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:  # whoever read the answer has seen enough: say nothing more, not even at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ReceiverError as error:
        print(f"alert-receiver: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--log.level", dest="log_level", choices=logs.LEVELS, default="info", help="default: info")
    common.add_argument("--log.format", dest="log_format", choices=("logfmt", "json"), default="logfmt")
    parser = argparse.ArgumentParser(
        prog="alert-receiver", description="Takes alerts from Alertmanager and Grafana and sees them through to people."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", parents=[common], help="run the service")
    serve.add_argument("--config.file", dest="config_file", type=Path, default=Path("config.yaml"), metavar="FILE")
    serve.add_argument("--web.listen-address", dest="listen", metavar="HOST:PORT", help="instead of server.listen")
    serve.add_argument("--sandbox", action="store_true", help="send nothing outside: a stand-in takes every message")
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check-config", parents=[common], help="say everything that is wrong with a file")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=_check)

    render.add(commands, common)

    sandbox = commands.add_parser("sandbox", parents=[common], help="run only the stand-in of the providers")
    sandbox.add_argument("--web.listen-address", dest="listen", default="127.0.0.1:8061", metavar="HOST:PORT")
    sandbox.set_defaults(run=_sandbox)

    version = commands.add_parser("version", parents=[common], help="print the version")
    version.set_defaults(run=_version)
    return parser


def _serve(chosen: argparse.Namespace) -> int:
    import uvloop

    from receiver import app
    from receiver.config import load

    overrides = {"server.listen": chosen.listen} if chosen.listen else {}
    try:
        settings = load(chosen.config_file, os.environ, overrides=overrides)
    except ConfigError as error:
        return _faulty(chosen.config_file, error)
    _tell_templates(settings)
    try:
        uvloop.run(app.serve(settings, sandbox=chosen.sandbox))
    except OSError as error:
        print(f"alert-receiver: {settings.server.listen}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from receiver.app import check_templates
    from receiver.config import load

    try:
        settings = load(chosen.file, os.environ)
        check_templates(settings)
    except ConfigError as error:
        return _faulty(chosen.file, error)
    routes, channels = 1 + _count(settings.route.routes), len(settings.channels)
    print(f"{chosen.file}: OK ({channels} channels, {routes} routes)")
    return 0


def _tell_templates(settings: Settings) -> None:
    """Log what is wrong with templates: the service starts all the same, and sends plain text in their place."""
    from receiver.app import check_templates

    try:
        check_templates(settings)
    except ConfigError as error:
        for fault in error.faults:
            logs.get("renderer").error("a template is faulty, plain text will be sent", error=str(fault))


def _count(routes: Sequence[object]) -> int:
    return sum(1 + _count(getattr(route, "routes", ())) for route in routes)


def _faulty(path: Path, error: ConfigError) -> int:
    from receiver.config import format_faults

    print(format_faults(path, error.faults), file=sys.stderr)
    return 1


def _sandbox(chosen: argparse.Namespace) -> int:
    from receiver.sandbox import Sandbox, serve

    sandbox = Sandbox()
    sandbox.accept_unknown = True
    try:
        asyncio.run(serve(sandbox, chosen.listen))
    except OSError as error:
        print(f"alert-receiver: {chosen.listen}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _version(_: argparse.Namespace) -> int:
    print(f"alert-receiver {__version__}")
    return 0
