"""What every kind of channel promises, tested from birth for each one in the registry and each of its formats."""

from pathlib import Path

import orjson
import pytest
from channel_examples import CANARY, EXAMPLES, answer, make, message, settings, text
from channel_forms import FORMS, receivers
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.channels.apps import App
from receiver.channels.registry import CHANNELS
from receiver.channels.tokens import TokenRefused
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable, Unreachable
from receiver.http import Http, HttpSettings
from receiver.sandbox import KINDS, Sandbox
from receiver.staging import introduce

ROOT = Path(__file__).parents[2]
CLASSES = Rejected | Misconfigured | Unavailable | Throttled | Unreachable | TokenRefused
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'{"errcode":',
    b"<html>",
    b"\xff\xfe",
    b"[" * 9000,
    b'{"errcode":true}',
    b'{"code":[],"data":1}',
    b"ok",
]
each_kind = pytest.mark.parametrize("kind", CHANNELS)
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


def verdict(channel, response):
    try:
        channel.check(response)
    except DeliveryError as error:
        return error
    return None


def of(form, **changes):
    """A channel of that form."""
    return make(form.kind, **form.changes, **changes)


def posted(channel, said=None, number=0, **changes):
    """The request that says `said` to one of the channel's targets."""
    content = channel.compose(said or text(), "0193a1b2c3d4e5f6a7b8c9d0e1f2")
    return channel.build(message(content, target=channel.targets[number], **changes), 1e9)


@each_kind
def test_an_example_exists_and_is_named_for_its_kind(kind):
    assert CHANNELS[kind].kind == kind
    assert settings(kind).kind == kind
    assert set(CHANNELS) == set(EXAMPLES)


@each_kind
def test_the_sample_is_whole(kind):
    sample = CHANNELS[kind].Settings.model_validate({"name": "ops", "kind": kind, **CHANNELS[kind].sample})
    channel = CHANNELS[kind](sample, Http(HttpSettings()).client())
    assert [posted(channel, number=number).body for number in range(len(channel.targets))]


@each_kind
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_chapter_of_the_docs_is_about_it(kind, language):
    book = ROOT / "docs" / {"en": "channels.md", "zh": "channels.zh-CN.md"}[language]
    headings = [line for line in book.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert any(f"`{kind}`" in heading for heading in headings)


@each_form
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_is_shipped_for_it(form, language):
    stem = ROOT / "templates" / form.changes.get("template", "default") / of(form).body_template
    assert any(stem.with_name(f"{stem.name}{ending}").is_file() for ending in (f".{language}.j2", ".j2"))


@each_form
def test_every_status_has_a_class(form):
    channel = of(form)
    for status in range(200, 600):
        errors = [verdict(channel, answer(body, status)) for body in BODIES]
        if form.kind == "webhook" and status < 300:
            assert errors == [None] * len(BODIES)
        else:
            assert all(isinstance(error, CLASSES) for error in errors)
            assert {error.http_status for error in errors} == {status}


@each_form
@given(body=st.binary(max_size=200), status=st.integers(200, 599))
def test_no_answer_at_all_breaks_the_judge(form, body, status):
    error = verdict(of(form), answer(body, status))
    assert error is None or (error.detail and len(error.detail) <= 500)


@each_form
def test_the_targets_are_one_or_compact_json(form):
    targets = of(form).targets
    if issubclass(CHANNELS[form.kind], App):
        assert all(orjson.dumps(orjson.loads(target)).decode() == target and len(target) > 2 for target in targets)
        assert len(set(targets)) == len(targets) > 0
    else:
        assert targets == ("",)
    assert CANARY not in "".join(targets)


@each_form
def test_every_target_is_in_its_own_request_only(form):
    channel = of(form)
    requests = [posted(channel, number=number) for number in range(len(channel.targets))]
    assert len({(request.url, request.body) for request in requests}) == len(requests)
    for target, request in zip(channel.targets, requests, strict=True):
        assert [who for who in receivers(target) if who not in f"{request.url} {request.body.decode()}"] == []


@each_kind
def test_two_channels_with_one_credential_share_a_window(kind):
    assert make(kind, name="a").credential == make(kind, name="b").credential
    assert CANARY not in make(kind).credential


@each_kind
def test_another_credential_or_host_has_its_own_window(kind):
    first = next(iter(EXAMPLES[kind]))
    other = "https://hook.example/other" if first == "url" else f"{EXAMPLES[kind][first][:-1]}0"
    credentials = {make(kind, **changes).credential for changes in ({}, {first: other}, {"base_url": "http://[::1]:1"})}
    assert len(credentials) == 3


@each_kind
def test_the_rate_can_be_changed_and_switched_off(kind):
    assert make(kind).windows == CHANNELS[kind].rates
    assert [str(rate) for rate in make(kind, limits={"rate": "5/10s"}).windows] == ["5/10s"]
    assert make(kind, limits={"rate": 0}).windows == ()


@each_form
def test_base_url_takes_the_place_of_scheme_and_host(form):
    path = posted(of(form)).url.removeprefix("https://").partition("/")[2]
    moved = posted(of(form, base_url="http://127.0.0.1:8061/prefix/")).url
    assert moved.partition("timestamp")[0] == f"http://127.0.0.1:8061/prefix/{path}".partition("timestamp")[0]


@each_kind
@pytest.mark.parametrize(
    "base", ["ftp://h", "h", "http://u:p@h", "http://h?x=1", "http://h#f", "http://", "http://a b"]
)
def test_a_base_url_must_be_one(kind, base):
    with pytest.raises(ValidationError):
        settings(kind, base_url=base)


@each_form
def test_a_staged_channel_goes_to_the_stand_in_only(form):
    outside = settings(form.kind, **form.changes, http_config={"proxy_url": "http://proxy.example:3128"})
    kind = CHANNELS[form.kind]
    staged = kind(kind.staged(outside, "http://127.0.0.1:8061"), Http(HttpSettings()).client())
    first = staged.token_request() if isinstance(staged, App) else posted(staged)
    assert all(request.url.startswith("http://127.0.0.1:8061/") for request in (first, posted(staged)))
    assert staged.identity[0] in f"{first.url} {first.body}"
    assert staged.settings.http_config.proxy_url is None


@each_form
def test_what_is_announced_makes_it_known_to_the_stand_in(form):
    channel, sandbox = of(form), Sandbox()
    assert form.kind in KINDS or not channel.announced
    introduce(channel, sandbox)
    assert [(robot.name, robot.kind in (form.kind, "other")) for robot in sandbox.robots] == [("ops", True)]
