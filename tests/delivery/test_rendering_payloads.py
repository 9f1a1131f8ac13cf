"""S9: every shipped template tells every body that real senders have posted."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendering_samples import CREDENTIALS, NOW, channel, renderer

from receiver.delivery.rendering import Batch
from receiver.errors import BadPayload
from receiver.intake.formats import parse

HERE = Path(__file__).parents[1] / "payloads"
SHARED = Path(__file__).parents[3] / "shared" / "payloads" / "public"
BODIES = sorted({*HERE.rglob("*.json"), *SHARED.rglob("*.json")})
SHIPPED = renderer()


def test_there_are_bodies_to_tell():
    assert any(HERE in body.parents for body in BODIES)


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_every_kind_tells_every_body(path):
    try:
        event = parse(path.read_bytes(), "test", NOW)
    except BadPayload:
        pytest.skip("no event: silences, custom payloads")
    for kind in CREDENTIALS:
        for language in ("zh", "en"):
            there = channel(kind, language=language)
            for plain in (False, True):
                rendering = SHIPPED.render(there, Batch(event, event["alerts"]), NOW, plain=plain)
                assert rendering.failed == ""
                told = "\n".join(text.body for text in rendering.texts)
                assert sum(len(text.alerts) for text in rendering.texts) >= len(event["alerts"])
                assert all(
                    there.weigh(text.title) + there.weigh(text.body) <= there.room(plain) for text in rendering.texts
                )
                assert told.strip() or not event["alerts"]
