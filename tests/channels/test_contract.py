"""What every kind of channel promises, tested from birth for each one in the registry."""

import logging
import traceback

import orjson
import pytest
from aiohttp import web
from channel_examples import CANARY, EXAMPLES, WHSEC, answer, make, message, settings, text
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Http, HttpSettings

pytestmark = pytest.mark.parametrize("kind", CHANNELS)

LIMITS = {
    "wecom_robot": (4096, 2048),
    "dingtalk_robot": (18000,) * 2,
    "feishu_bot": (20000,) * 2,
    "webhook": (1 << 20,) * 2,
}
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
    b"ok",
]


def size(kind, request_body):
    """What the platform counts of a body."""
    if kind != "wecom_robot":
        return len(request_body)
    body = orjson.loads(request_body)
    return len(body[body["msgtype"]]["content"].encode())


def verdict(channel, response):
    try:
        channel.check(response)
    except DeliveryError as error:
        return error
    return None


def test_an_example_exists_and_is_named_for_its_kind(kind):
    assert CHANNELS[kind].kind == kind
    assert settings(kind).kind == kind
    assert set(CHANNELS) == set(EXAMPLES)


def test_every_status_has_a_class(kind):
    channel = make(kind)
    for status in range(200, 600):
        errors = [verdict(channel, answer(body, status)) for body in BODIES]
        if kind == "webhook" and status < 300:
            assert errors == [None] * len(BODIES)
        else:
            assert all(isinstance(error, Rejected | Misconfigured | Unavailable | Throttled) for error in errors)
            assert {error.http_status for error in errors} == {status}


@given(body=st.binary(max_size=200), status=st.integers(200, 599))
def test_no_answer_at_all_breaks_the_judge(kind, body, status):
    error = verdict(make(kind), answer(body, status))
    assert error is None or (error.detail and len(error.detail) <= 500)


@pytest.mark.parametrize("plain", [False, True])
@given(data=st.data())
def test_what_fits_the_room_never_exceeds_the_limit(kind, plain, data):
    channel = make(kind)
    alphabet = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('<&"\\\n\x00\u202e*_`](#@漢😀'))
    room, longest = channel.room(plain), min(channel.room(plain), 30000)
    unit = data.draw(st.text(alphabet, min_size=1, max_size=8))
    title = data.draw(st.text(alphabet, max_size=20)) * data.draw(st.sampled_from([1, 1, 1, 50, 500]))
    title = cut(channel, title, longest)
    left = room - channel.weigh(title)
    body = unit * min(left // channel.weigh(unit), longest)
    composed = channel.compose(text(title, body, plain=plain), "0193a1b2c3d4e5f6a7b8c9d0e1f2")
    assert channel.weigh(title) + channel.weigh(body) <= room
    assert size(kind, channel.build(message(composed), 1e9).body) <= LIMITS[kind][plain]


def cut(channel, title, room):
    while channel.weigh(title) > room:
        title = title[: len(title) // 2]
    return title


@given(st.lists(st.text(max_size=30), max_size=5))
def test_weight_adds_up(kind, parts):
    channel = make(kind)
    assert channel.weigh("".join(parts)) == sum(channel.weigh(part) for part in parts)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", ""),
        ("t", ""),
        ("", "b"),
        ("磁盘满 💥", "名字 👩‍💻\n第二行"),
        ('"\\\n\t\x00\x1b[31m', '{"a": "\\"}'),
        ("\ud800", "\udfff"),
    ],
)
def test_every_text_makes_a_body_in_utf_8(kind, title, body, plain):
    composed = make(kind).compose(text(title, body, plain=plain), "0193")
    composed.decode()
    if kind != "webhook":
        assert isinstance(orjson.loads(composed), dict)


@given(st.text(max_size=40))
def test_nothing_hidden_survives_the_escape(kind, value):
    escaped = CHANNELS[kind].escape(value)
    assert not any(sign < " " for sign in escaped)
    assert kind == "webhook" or not set("\u202e\u200b\u2066\ufeff\u0085\u2028\x7f") & set(escaped)


@pytest.mark.parametrize(
    "value", ["", "node-exporter", "10.0.0.1:9100", "CPU 95% (load 3)", "数据库主从延迟", "a-b.c/d"]
)
def test_ordinary_values_stay_as_they_are(kind, value):
    assert CHANNELS[kind].escape(value) == value


def test_composing_again_gives_the_same_bytes(kind):
    channel = make(kind)
    assert channel.compose(text(), "0193") == channel.compose(text(), "0193")


def test_the_stored_content_holds_nothing_secret_and_no_time(kind):
    composed = make(kind).compose(text(), "0193")
    assert CANARY.encode() not in composed
    assert b"sign" not in composed
    assert b"timestamp" not in composed


def test_two_channels_with_one_credential_share_a_window(kind):
    assert make(kind, name="a").credential == make(kind, name="b").credential
    assert CANARY not in make(kind).credential


def test_another_credential_or_host_has_its_own_window(kind):
    other = {"url": "https://hook.example/other"} if kind == "webhook" else {next(iter(EXAMPLES[kind])): "other"}
    credentials = {make(kind, **changes).credential for changes in ({}, other, {"base_url": "http://127.0.0.1:1"})}
    assert len(credentials) == 3


def test_the_rate_can_be_changed_and_switched_off(kind):
    assert make(kind).windows == CHANNELS[kind].rates
    assert [str(rate) for rate in make(kind, limits={"rate": "5/10s"}).windows] == ["5/10s"]
    assert make(kind, limits={"rate": 0}).windows == ()


def test_base_url_takes_the_place_of_scheme_and_host(kind):
    own = make(kind).build(message(), 0).url
    path = own.removeprefix("https://").partition("/")[2]
    moved = make(kind, base_url="http://127.0.0.1:8061/prefix/").build(message(), 0).url
    assert moved.partition("timestamp")[0] == f"http://127.0.0.1:8061/prefix/{path}".partition("timestamp")[0]


def test_a_staged_channel_goes_to_the_stand_in_only(kind):
    outside = settings(kind, http_config={"proxy_url": "http://proxy.example:3128"})
    staged = CHANNELS[kind](CHANNELS[kind].staged(outside, "http://127.0.0.1:8061"), Http(HttpSettings()).client())
    url = staged.build(message(), 0).url
    assert url.startswith("http://127.0.0.1:8061/")
    assert staged.identity[0] in url
    assert staged.settings.http_config.proxy_url is None


@pytest.mark.parametrize(
    "base", ["ftp://h", "h", "http://u:p@h", "http://h?x=1", "http://h#f", "http://", "http://a b"]
)
def test_a_base_url_must_be_one(kind, base):
    with pytest.raises(ValidationError):
        settings(kind, base_url=base)


def test_unknown_keys_are_errors_and_show_no_secret(kind):
    with pytest.raises(ValidationError, match="nonsense") as refused:
        settings(kind, nonsense=CANARY)
    assert CANARY not in str(refused.value)


def test_no_secret_shows_in_settings_channel_or_request(kind):
    channel = make(kind)
    request = channel.build(message(channel.compose(text(), "0193")), 1e9)
    shown = f"{channel.settings!r} {channel.settings!s} {channel.settings.model_dump_json()} {channel!r} {request!r}"
    assert CANARY not in shown
    assert WHSEC not in shown


@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 429, 500])
def test_a_provider_that_echoes_our_secrets_does_not_get_them_into_records(kind, status, caplog):
    caplog.set_level(logging.DEBUG)
    channel = make(kind)
    url = channel.build(message(), 0).url
    secrets = [url, *url.split("/"), *str([*EXAMPLES[kind].values()]).split("'")]
    echo = orjson.dumps({"errcode": 40058, "code": 9499, "errmsg": " ".join(secrets), "msg": " ".join(secrets)})
    error = verdict(channel, answer(echo, status))
    if error is not None:
        assert CANARY not in "".join(traceback.format_exception(error))
        assert WHSEC not in error.detail
    assert CANARY not in caplog.text


async def test_send_is_build_post_and_check(kind, aiohttp_server):
    seen = []

    async def take(request):
        seen.append(await request.read())
        return web.Response(body=b'{"errcode":0,"code":0,"errmsg":"ok"}')

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    server = await aiohttp_server(app)
    http = Http(HttpSettings(), trusted=[("127.0.0.1", server.port)])
    channel = make(kind, http.client(), base_url=f"http://127.0.0.1:{server.port}")
    content = channel.compose(text(), "0193")
    assert (await channel.send(message(content), 1e9)).status == 200
    assert len(seen) == 1
    await http.close()
