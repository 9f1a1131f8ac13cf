"""`alert-receiver render`: the messages that an event would become, without sending any."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receiver.errors import BadPayload, ConfigError

if TYPE_CHECKING:
    from receiver.config import Settings
    from receiver.delivery.preview import Preview, Shown

DEFAULT_FILE = Path("config.yaml")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Make the command known to the parser of the command line."""
    parser = commands.add_parser("render", parents=[common], help="show what an event would become, send nothing")
    parser.add_argument("event", metavar="EVENT.json", help="what a sender would post; - reads it from standard input")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--channel", default="", metavar="NAME", help="a channel of the configuration")
    where.add_argument("--kind", default="", metavar="KIND", help="a made-up channel of this kind")
    parser.add_argument("--template", default="", metavar="NAME", help="default: the channel's own")
    parser.add_argument("--language", default="", choices=("zh", "en"), help="default: the channel's own")
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        help=f"default: {DEFAULT_FILE} for a channel, none for a kind",
    )
    parser.add_argument("--format", dest="output", choices=("text", "json"), default="text", help="default: text")
    parser.set_defaults(run=run, refuse=parser.error)


def run(chosen: argparse.Namespace) -> int:
    """Print the preview. 0, or 1 when a template fails, a platform would refuse it, or the body is none."""
    from receiver.config import format_faults
    from receiver.delivery.preview import Unknown, Wanted
    from receiver.previews import Previews

    try:
        previews = Previews(_settings(chosen))
        wanted = Wanted(_event(chosen.event), chosen.channel, chosen.kind, chosen.template, chosen.language)
        preview = previews.make(wanted, time.time())
    except ConfigError as error:
        return _wrong(format_faults(chosen.config_file or DEFAULT_FILE, error.faults))
    except OSError as error:
        return _wrong(f"{chosen.event}: cannot be read: {error.strerror}")
    except BadPayload as error:
        return _wrong(f"{chosen.event}: {error}")
    except Unknown as error:
        chosen.refuse(str(error))
    _print(preview, chosen.output)
    return 0 if preview.sound else 1


def _settings(chosen: argparse.Namespace) -> Settings:
    from receiver.config import load
    from receiver.previews import bare

    if chosen.kind and chosen.config_file is None:
        return bare()
    return load(chosen.config_file or DEFAULT_FILE, os.environ)


def _event(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def _wrong(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _print(preview: Preview, output: str) -> None:
    if output == "json":
        from receiver.web.render import told

        print(json.dumps(told(preview), ensure_ascii=False, indent=2))
        return
    print(f"{preview.kind}, template {preview.template}, language {preview.language}")
    for shown in preview.messages:
        print(_harmless("\n".join(["", *_lines(shown)])))
    for warning in preview.warnings:
        print(_harmless(f"warning: {warning}"), file=sys.stderr)


def _lines(shown: Shown) -> Iterator[str]:
    message, readable = shown.message, shown.readable
    yield f"== message {message.number}/{message.total}, {shown.used} of {shown.limit} bytes"
    if message.target:
        yield f"to: {message.target}"
    if readable.mentions:
        yield f"mentions: {', '.join(readable.mentions)}"
    yield "-- as people read it"
    if readable.title and readable.title not in readable.text.partition("\n")[0]:
        yield readable.title
    yield readable.text
    yield from (f"-> {link}" for link in readable.links)
    yield "-- on the wire"
    yield message.content.decode("utf-8", "replace")


def _harmless(text: str) -> str:
    """`text` without what would steer a terminal."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)
