"""Previews of every kind: the messages as they are planned, as they are read, and what is said about them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from mention_samples import contacts
from rendering_samples import alert, batch, event
from structlog.testing import capture_logs

from receiver.channels.registry import CHANNELS
from receiver.delivery.preview import MOST, Audience, Readable, Rehearsal, preview
from receiver.delivery.rendering import DisplaySettings, TemplateSettings
from receiver.http import Http, HttpSettings
from receiver.intake.routing import Routes, RouteSettings
from receiver.reading import read

NOW = 1763600000.0
ZONE = ZoneInfo("Asia/Shanghai")
KINDS = list(CHANNELS)
TALKING = [kind for kind in CHANNELS if kind != "webhook"]


def channel(kind, **settings):
    made = CHANNELS[kind]
    offered = {"name": "infra", "kind": kind, **made.sample, **settings}
    return made(made.Settings.model_validate(offered), Http(HttpSettings()).client())


def previewed(kind, *alerts, directory=None, route=None, reading=read, changes=None, **settings):
    """The preview of an event on a made-up channel."""
    routes = Routes(RouteSettings.model_validate({"channels": ["infra"], "mentions": route}))
    return preview(
        channel(kind, **settings),
        event(*alerts, **(changes or {})),
        Rehearsal(DisplaySettings(), TemplateSettings(directory=directory)),
        Audience(contacts(zone=ZONE), routes.mentions),
        read=reading,
        record_url=lambda delivery: f"https://receiver.example/records/{delivery}",
        route="route",
        now=NOW,
    )


def many(number, **more):
    return [alert(labels={"alertname": f"Alert{index}x"}, fingerprint=str(index), **more) for index in range(number)]


def write(folder, text, name):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_an_alert_becomes_a_sound_message_within_its_limit(kind):
    made = previewed(kind, alert())
    assert (made.kind, made.template, made.language, made.sound, made.warnings) == (kind, "default", "zh", True, ())
    for shown in made.messages:
        assert 0 < shown.used <= shown.limit
        assert (shown.message.number, shown.message.total) == (1, 1)
        assert "DiskFull" in shown.readable.title + shown.readable.text


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_one_message_for_each_target(kind):
    targets = channel(kind).targets
    assert [shown.message.target for shown in previewed(kind, alert()).messages] == list(targets)


@pytest.mark.parametrize("kind", TALKING)
def test_what_is_read_has_no_markup_and_what_links_lead_to_stands_beside(kind):
    (shown, *_) = previewed(kind, alert()).messages
    assert "97% of / is used" in shown.readable.text
    assert "](http" not in shown.readable.text
    assert any(link.startswith("http://prometheus.example:9090/graph") for link in shown.readable.links)


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_is_the_channels(kind):
    made = previewed(kind, alert(), language="en")
    assert made.language == "en"
    if kind in TALKING:
        assert "FIRING" in made.messages[0].readable.title + made.messages[0].readable.text


@pytest.mark.parametrize("kind", TALKING)
def test_a_storm_is_split_into_numbered_messages_that_nobody_refuses(kind):
    made = previewed(kind, *many(400, annotations={"summary": "磁盘" * 40}))
    totals = {shown.message.total for shown in made.messages}
    assert made.sound
    assert len(totals) == 1
    assert made.warnings == (f"split into {totals.pop()} messages: one has no room for all",)
    assert all(shown.used <= shown.limit for shown in made.messages)
    told = "\n".join(shown.readable.text for shown in made.messages)
    assert all(f"Alert{index}x" in told for index in range(400))


def test_of_a_great_storm_the_first_messages_are_shown():
    made = previewed("wecom_robot", *many(6000))
    assert len(made.messages) == MOST
    assert made.warnings[-1] == f"only the first {MOST} of {made.messages[0].message.total} messages are shown"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", TALKING)
def test_an_alert_too_long_for_any_message_is_told_to_be_cut(kind, language):
    made = previewed(kind, alert(annotations={"description": "x " * 100_000}), language=language)
    assert "cut: something is too long for any message" in made.warnings
    assert made.sound


BROKEN = {"syntax": ("ok\n{% if %}\n", 2), "fails": ("a\nb\n{{ 1 // 0 }}", 3), "missing": ("{% include 'none' %}", 1)}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_template_that_fails_is_named_with_its_line_and_the_plain_text_is_shown(kind, broken, tmp_path):
    text, line = BROKEN[broken]
    name = f"own/{channel(kind).body_template}.j2"
    made = previewed(kind, alert(), directory=write(tmp_path, text, name), template="own")
    (warning,) = made.warnings
    where = name if broken == "missing" else f"{name}:{line}"
    assert warning.startswith(f"the template failed, built-in plain text would go out: {where}")
    assert (made.sound, made.messages[0].message.plain) == (False, True)
    assert "DiskFull" in made.messages[0].readable.title + made.messages[0].readable.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_neither_logs_nor_counts(kind, tmp_path):
    folder = write(tmp_path, "{{ 1 // 0 }}", f"own/{channel(kind).body_template}.j2")
    with capture_logs() as logged:
        made = previewed(kind, alert(), directory=folder, template="own", mentions={"label": "team"})
    assert logged == []
    assert "no contact is named db: nobody is mentioned for it" in made.warnings


@pytest.mark.parametrize("kind", TALKING)
def test_whom_the_route_and_the_channel_mention_is_pinged(kind):
    made = previewed(kind, alert(), route=["张三"], mentions=["all"])
    (zhang, everyone) = (set(previewed(kind, alert(), mentions=[who]).messages[-1].readable.mentions) for who in WHO)
    assert {who for shown in made.messages for who in shown.readable.mentions} == zhang | everyone
    assert made.warnings == ()


WHO = ("张三", "all")


def test_a_message_beside_that_only_mentions_is_no_split():
    made = previewed("wecom_robot", alert(), mentions=["all"])
    assert [shown.readable.mentions for shown in made.messages] == [(), ("all",)]
    assert made.warnings == ()


def test_what_a_platform_says_is_told_once_with_the_message_it_is_said_of():
    def strict(_channel, message, _now):
        return Readable(refusal="too long" if message.number == 2 else "", faults=("odd",))

    made = previewed("wecom_robot", *many(100), reading=strict)
    said = ("message 1: odd", "message 2: the platform would refuse it: too long")
    assert made.warnings[-2:] == said
    assert not made.sound


def test_a_webhook_that_promises_json_and_makes_none_is_refused(tmp_path):
    folder = write(tmp_path, '{"text": {{ title }}}', "own/webhook.j2")
    made = previewed("webhook", alert(), directory=folder, template="own")
    assert made.warnings[0].startswith("the platform would refuse it: the body is no JSON: ")
    assert not made.sound
    assert previewed("webhook", alert(), directory=folder, template="own", content_type="text/plain").sound


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_of_nothing_is_previewed(kind):
    assert previewed(kind).sound
    assert previewed(kind, *batch(alert(labels={}, annotations={}, startsAt="")).alerts).sound
