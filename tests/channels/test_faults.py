"""Every kind against a real server that fails in every way: the class of the fault, and no secret in its words."""

import asyncio
import json
import traceback

import pytest
from channel_examples import CANARY, make, message, text
from provider_words import asks_for_token, taken, token
from raw_servers import raw_server, reset, saying

from receiver.channels.apps import App
from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Http, HttpSettings

STRICT = [kind for kind in CHANNELS if kind != "webhook"]
APPS = [kind for kind in CHANNELS if issubclass(CHANNELS[kind], App)]


def http_answer(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


def giving_tokens(server):
    """`server`, but for an app's request for its token, which is answered well."""

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode().partition("?")[0]
        if asks_for_token(path):
            given = json.dumps(token(path, "t0canary")).encode()
            await saying(http_answer(given, more=b"Connection: close\r\n"))(again(head), writer)
        else:
            await server(again(head), writer)

    return serve


def again(head):
    """A reader that begins with what was read already."""
    reader = asyncio.StreamReader()
    reader.feed_data(head)
    return reader


async def outcome(kind, server, with_token=True):
    """What sending one message to `server` comes to: the error, or None."""
    async with raw_server(giving_tokens(server) if with_token else server) as url:
        base = "/".join(url.split("/")[:3])
        http = Http(HttpSettings(), trusted=[("127.0.0.1", int(base.split(":")[2]))], total_timeout=0.5)
        channel = make(kind, http.client(), base_url=base)
        try:
            await channel.send(message(channel.compose(text(), "0193"), target=channel.targets[0]), 1e9)
            return None
        except DeliveryError as error:
            caught = error
        finally:
            await http.close()
    said = "".join(traceback.format_exception(caught))
    assert CANARY not in said
    assert "t0canary" not in said
    return caught


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("wecom_robot", b'{"errcode":45009,"errmsg":"api freq out of limit"}', Throttled),
        ("wecom_robot", b'{"errcode":93000,"errmsg":"invalid webhook url"}', Misconfigured),
        ("wecom_app", b'{"errcode":45009,"errmsg":"api freq out of limit"}', Throttled),
        ("wecom_app", b'{"errcode":301002,"errmsg":"not allow operate another agent"}', Misconfigured),
        ("dingtalk_robot", b'{"errcode":130101,"errmsg":"send too fast"}', Throttled),
        ("dingtalk_robot", b'{"errcode":310000,"errmsg":"sign not match"}', Rejected),
        ("dingtalk_app", b'{"code":"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi","message":"x"}', Throttled),
        ("dingtalk_app", b'{"code":"Forbidden.AccessDenied.IpNotInWhiteList","message":"x"}', Misconfigured),
        ("feishu_bot", b'{"code":19001,"msg":"param invalid"}', Misconfigured),
        ("feishu_bot", b'{"code":11232,"msg":"frequency limited"}', Throttled),
        ("feishu_app", b'{"code":99991400,"msg":"request trigger frequency limit"}', Throttled),
        ("feishu_app", b'{"code":230002,"msg":"Bot/User can NOT be out of the chat."}', Misconfigured),
    ],
)
async def test_http_200_is_never_success_by_itself(kind, body, expected):
    assert type(await outcome(kind, saying(http_answer(body)))) is expected


@pytest.mark.parametrize("kind", STRICT)
async def test_success_is_recognised(kind):
    path = {"dingtalk_app": "/v1.0/robot", "feishu_app": "/open-apis/im/"}.get(kind, "")
    assert await outcome(kind, saying(http_answer(json.dumps(taken(path)).encode()))) is None


@pytest.mark.parametrize("kind", STRICT)
@pytest.mark.parametrize("body", [b'{"errcode":0,"code":', b'{"errcode":0,"code":0,"x":"' + b"x" * 100_000_000])
async def test_cut_off_json_leaves_the_outcome_open(kind, body):
    error = await outcome(kind, saying(http_answer(body)))
    assert isinstance(error, Unavailable)
    assert error.ambiguous


@pytest.mark.parametrize("kind", STRICT)
async def test_a_page_is_no_success(kind):
    expected = Throttled if kind.startswith("dingtalk") else Unavailable
    assert type(await outcome(kind, saying(http_answer(b"<html>"), pause=0.05))) is expected


@pytest.mark.parametrize("with_token", [True, False])
@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_redirect_stops_the_channel(kind, with_token):
    server = saying(http_answer(b"", b"302 Found", b"Location: /x\r\n"))
    assert type(await outcome(kind, server, with_token)) is Misconfigured


NOTHING = pytest.mark.parametrize("server", [reset, saying(b""), saying(b"", pause=5)])


@pytest.mark.parametrize("kind", CHANNELS)
@NOTHING
async def test_no_answer_leaves_the_outcome_open(kind, server):
    error = await outcome(kind, server)
    assert isinstance(error, Unavailable)
    assert error.ambiguous


@pytest.mark.parametrize("kind", APPS)
@NOTHING
async def test_without_a_token_nothing_was_sent_for_sure(kind, server):
    error = await outcome(kind, server, with_token=False)
    assert isinstance(error, Unavailable)
    assert not error.ambiguous


@pytest.mark.parametrize("kind", APPS)
@pytest.mark.parametrize("answer", [b"<html>", b"{", b'{"errcode":0,"code":0}', b""])
async def test_what_is_no_token_is_no_unknown_outcome(kind, answer):
    error = await outcome(kind, saying(http_answer(answer)), with_token=False)
    assert not getattr(error, "ambiguous", False)
