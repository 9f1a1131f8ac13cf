"""No message of any kind or format is ever larger than its provider allows, by the provider's own count."""

from dataclasses import replace

import pytest
from channel_examples import make, message, text
from channel_forms import FORMS
from hypothesis import given, settings
from hypothesis import strategies as st
from mention_samples import ZHANG, mention
from provider_counts import counted
from rendering_samples import alert, batch, event, renderer

from receiver.delivery.rendering import Batch
from receiver.delivery.rendering.counts import counted as numbered
from receiver.text import Extras, Mentions

pytestmark = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])
ID = "0193a1b2c3d4e5f6a7b8c9d0e1f2"
NOW = 1767700800.0
RENDERER = renderer()
SIGNS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('<&"\\\n\x00\u202e*_`](#@漢😀'))
EXTRAS = Extras((("instance", "db1:9100"), ('"<漢>"', "\\😀")), (("查看", "https://ours.example/?a=1&b=2"),))


def sizes(channel, content):
    """What the provider counts of the requests that carry `content`, one a target, and what it allows."""
    updates = ("om_1",) if channel.updating else ()
    requests = [
        channel.build(message(content, ID, target=target, updates=update), 1e9).body
        for target in channel.targets
        for update in ("", *updates)
    ]
    return [counted(channel.kind, request) or channel.fill(content) for request in requests]


def check(channel, content):
    found, (used, limit) = sizes(channel, content), channel.fill(content)
    assert [size for size in found if size[0] > size[1]] == []
    assert (used, limit) == max(found, key=lambda size: size[0] / size[1])


def cut(channel, title, room):
    while channel.weigh(title) > room:
        title = title[: len(title) // 2]
    return title


@pytest.mark.parametrize("plain", [False, True])
@given(data=st.data())
@settings(deadline=None)
def test_what_fits_the_room_never_exceeds_the_limit(form, plain, data):
    channel = make(form.kind, **form.changes)
    mentions = data.draw(st.sampled_from([Mentions(), Mentions((mention(ZHANG),), everyone=True)]))
    extras = Extras() if plain else taken(channel, data.draw(st.sampled_from([Extras(), EXTRAS])))
    room = channel.room(plain) - channel.weigh_mentions(mentions, plain) - channel.weigh_extras(extras)
    longest = min(room, 30000)
    unit = data.draw(st.text(SIGNS, min_size=1, max_size=8))
    title = data.draw(st.text(SIGNS, max_size=20)) * data.draw(st.sampled_from([1, 1, 1, 50, 500]))
    title = cut(channel, title, longest)
    body = unit * min((room - channel.weigh(title)) // channel.weigh(unit), longest)
    said = replace(text(title, body, plain=plain), mentions=mentions, extras=extras)
    check(channel, channel.compose(said, ID))


def taken(channel, extras):
    """Those that the channel takes."""
    kept = {name: getattr(extras, name) for name in channel.takes}
    return Extras(**kept)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_batch_of_a_thousand_alerts(form, plain, language):
    channel = make(form.kind, **form.changes, language=language)
    alerts = [alert(labels={"alertname": f"Alert{n}", "n": str(n)}, fingerprint=f"{n:016x}") for n in range(1000)]
    rendering = RENDERER.render(channel, batch(*alerts), NOW, plain=plain)
    assert rendering.failed == ""
    assert sorted(place for text in rendering.texts for place in text.alerts) == list(range(1000))
    for said in rendering.texts:
        check(channel, channel.compose(said, ID))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_digest_tells_every_line_and_every_number(form, plain, language):
    channel = make(form.kind, **form.changes, language=language)
    lines = [alert(labels={"alertname": "Line", "instance": f"line{n}."}) for n in range(200)]
    others = [alert(labels={"alertname": f"Number{n}."}) for n in range(40)]
    rendering = RENDERER.render(channel, digest(lines, others), NOW, plain=plain)
    assert rendering.failed == ""
    assert sorted(place for text in rendering.texts for place in text.alerts) == list(range(200))
    told, document = "".join(said.body for said in rendering.texts), form.kind == "webhook" and not plain
    assert document or all(f"line{n}." in told and f"Number{n % 40}." in told for n in range(200))
    for said in rendering.texts:
        check(channel, channel.compose(said, ID))


def digest(lines, others):
    return Batch(event(*lines, *others), lines, digest=True, counts=numbered(others, 40))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("plain", [False, True])
def test_a_batch_of_none(form, plain, language):
    channel = make(form.kind, **form.changes, language=language)
    rendering = RENDERER.render(channel, batch(), NOW, plain=plain)
    assert (rendering.failed, len(rendering.texts)) == ("", 1)
    check(channel, channel.compose(rendering.texts[0], ID))
