"""S9: every shipped template tells every body that real senders have posted."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendering_samples import CREDENTIALS, NOW, channel, renderer

from receiver.delivery.rendering import Batch
from receiver.errors import BadPayload
from receiver.intake.formats import parse

HERE = Path(__file__).parents[1] / "payloads"


def is_notification(body: Path) -> bool:
    """Not a silence or a custom payload."""
    try:
        parse(body.read_bytes(), "test", NOW)
    except BadPayload:
        return False
    return True


SHARED = Path(__file__).parents[3] / "shared" / "payloads" / "public"
BODIES = sorted(body for body in {*HERE.rglob("*.json"), *SHARED.rglob("*.json")} if is_notification(body))
SHIPPED = renderer()


def test_there_are_bodies_to_tell():
    assert any(HERE in body.parents for body in BODIES)


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_every_kind_tells_every_body(path):
    event = parse(path.read_bytes(), "test", NOW)
    for kind in CREDENTIALS:
        for language in ("zh", "en"):
            there = channel(kind, language=language)
            for plain in (False, True):
                rendering = SHIPPED.render(there, Batch(event, event["alerts"]), NOW, plain=plain)
                assert rendering.failed == ""
                told = "\n".join(text.title + text.body for text in rendering.texts)
                assert sum(len(text.alerts) for text in rendering.texts) >= len(event["alerts"])
                assert all(
                    there.weigh(text.title) + there.weigh(text.body) <= there.room(plain) for text in rendering.texts
                )
                assert told.strip() or not event["alerts"]
