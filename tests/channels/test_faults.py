"""Every kind against a real server that fails in every way: the class of the fault, and no secret in its words."""

import traceback

import pytest
from channel_examples import CANARY, make, message, text
from raw_servers import raw_server, reset, saying

from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Http, HttpSettings

ROBOTS = [kind for kind in CHANNELS if kind != "webhook"]


def http_answer(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


async def outcome(kind, server):
    """What sending one message to `server` comes to: the error, or None."""
    async with raw_server(server) as url:
        base = "/".join(url.split("/")[:3])
        http = Http(HttpSettings(), trusted=[("127.0.0.1", int(base.split(":")[2]))], total_timeout=0.5)
        channel = make(kind, http.client(), base_url=base)
        try:
            await channel.send(message(channel.compose(text(), "0193")), 1e9)
            return None
        except DeliveryError as error:
            caught = error
        finally:
            await http.close()
    assert CANARY not in "".join(traceback.format_exception(caught))
    return caught


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("wecom_robot", b'{"errcode":45009,"errmsg":"api freq out of limit"}', Throttled),
        ("wecom_robot", b'{"errcode":93000,"errmsg":"invalid webhook url"}', Misconfigured),
        ("dingtalk_robot", b'{"errcode":130101,"errmsg":"send too fast"}', Throttled),
        ("dingtalk_robot", b'{"errcode":310000,"errmsg":"sign not match"}', Rejected),
        ("feishu_bot", b'{"code":19001,"msg":"param invalid"}', Misconfigured),
        ("feishu_bot", b'{"code":11232,"msg":"frequency limited"}', Throttled),
    ],
)
async def test_http_200_is_never_success_by_itself(kind, body, expected):
    assert type(await outcome(kind, saying(http_answer(body)))) is expected


@pytest.mark.parametrize("kind", ROBOTS)
async def test_success_is_recognised(kind):
    assert await outcome(kind, saying(http_answer(b'{"errcode":0,"code":0}'))) is None


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize("body", [b'{"errcode":0,"code":', b'{"errcode":0,"code":0,"x":"' + b"x" * 100_000_000])
async def test_cut_off_json_leaves_the_outcome_open(kind, body):
    error = await outcome(kind, saying(http_answer(body)))
    assert isinstance(error, Unavailable)
    assert error.ambiguous


@pytest.mark.parametrize("kind", ROBOTS)
async def test_a_page_is_no_success(kind):
    expected = Throttled if kind == "dingtalk_robot" else Unavailable
    assert type(await outcome(kind, saying(http_answer(b"<html>"), pause=0.05))) is expected


@pytest.mark.parametrize("kind", CHANNELS)
async def test_a_redirect_stops_the_channel(kind):
    assert type(await outcome(kind, saying(http_answer(b"", b"302 Found", b"Location: /x\r\n")))) is Misconfigured


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("server", [reset, saying(b""), saying(b"", pause=5)])
async def test_no_answer_leaves_the_outcome_open(kind, server):
    error = await outcome(kind, server)
    assert isinstance(error, Unavailable)
    assert error.ambiguous
