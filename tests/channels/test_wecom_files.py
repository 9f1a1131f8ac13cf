"""A file by WeCom's robot: uploaded first, then posted, by one and the same robot."""

import pytest
from channel_examples import CANARY, POOLS, answer, make, message
from stand_in import NOW, StandIn

from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Misconfigured, Rejected, Throttled, Unavailable
from receiver.http import Http, HttpSettings
from receiver.sandbox import Fault, provider_app

NAME, LIFE = "alerts-20260921-1204.csv", 3 * 86400.0
TEXTS = ["状态,实例\r\n", "\ufeffa\r\n--file-0193\r\n--\r\n", '"; filename="x"\r\n\r\n', "x" * 3_000_000, "a\ud800" * 9]


def file(channel, text="status,instance\r\n"):
    return message(channel.attach(NAME, text), "0193f00d")


class Slow(StandIn):
    """After each upload so many seconds go by."""

    async def send(self, request):
        said = await super().send(request)
        self.sandbox.clock.advance(LIFE if "upload" in request.url else 0.0)
        return said


class Answering(StandIn):
    """Answers uploads as it is told."""

    def __init__(self, body, status=200):
        super().__init__()
        self.uploaded = answer(body, status)

    async def send(self, request):
        return self.uploaded if "upload" in request.url else await super().send(request)


@pytest.mark.parametrize("text", TEXTS, ids=["words", "a boundary", "a head", "large", "surrogates"])
async def test_people_get_the_file_as_it_was_made(text):
    stand_in = StandIn()
    channel = stand_in.channel("wecom_robot")
    await channel.send(file(channel, text), NOW)
    [posted] = stand_in.sandbox.messages
    size = len(text.encode(errors="replace"))
    assert (posted.msgtype, posted.plain) == ("file", f"file {NAME}, {size} B")
    assert stand_in.sandbox.violations == []


async def test_it_goes_out_over_a_socket(aiohttp_server):
    stand_in = StandIn()
    stand_in.channel("wecom_robot")
    server = await aiohttp_server(provider_app(stand_in.sandbox))
    http = Http(HttpSettings(allowed_networks=("127.0.0.0/8",)))
    channel = make("wecom_robot", http.client(), base_url=str(server.make_url("/")))
    await channel.send(file(channel), NOW)
    await http.close()
    assert [one.plain for one in stand_in.sandbox.messages] == [f"file {NAME}, 17 B"]
    assert stand_in.sandbox.violations == []


async def test_the_robot_of_a_pool_that_posts_has_uploaded():
    stand_in = StandIn()
    channel = stand_in.channel("wecom_robot", **POOLS["wecom_robot"])
    for member in channel.members:
        await member.send(file(channel), NOW)
    assert [request.url.partition("key=")[2] for request in stand_in.sent] == [
        f"{key}{more}" for key in (CANARY, f"{CANARY}-2") for more in ("&type=file", "")
    ]
    assert len(stand_in.sandbox.messages) == 2


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (f'{{"errcode":93000,"errmsg":"invalid webhook url {CANARY}"}}', 200, Misconfigured),
        ('{"errcode":45009,"errmsg":"api freq out of limit"}', 200, Throttled),
        ('{"errcode":45001,"errmsg":"media size out of limit"}', 200, Rejected),
        ('{"errcode":40004,"errmsg":"invalid media type"}', 200, Rejected),
        ('{"errcode":-1,"errmsg":"system busy"}', 200, Unavailable),
        ('{"errcode":0,"errmsg":"ok","type":"file"}', 200, Unavailable),
        ('{"errcode":0,"errmsg":"ok","media_id":7}', 200, Unavailable),
        ("<html>", 200, Unavailable),
        ("", 502, Unavailable),
        ("", 404, Misconfigured),
    ],
)
async def test_an_upload_that_is_refused_is_judged_as_every_call_and_nothing_is_posted(body, status, error):
    stand_in = Answering(body, status)
    channel = stand_in.channel("wecom_robot")
    with pytest.raises(DeliveryError) as raised:
        await channel.send(file(channel), NOW)
    assert type(raised.value) is error
    assert not getattr(raised.value, "ambiguous", False)
    assert CANARY not in raised.value.detail
    assert not stand_in.sandbox.messages


async def test_what_was_uploaded_too_long_ago_is_refused():
    stand_in = Slow()
    channel = stand_in.channel("wecom_robot")
    with pytest.raises(Rejected, match="40007"):
        await channel.send(file(channel), NOW)


async def test_an_upload_can_go_wrong_by_itself(aiohttp_server):
    stand_in = StandIn()
    stand_in.channel("wecom_robot")
    stand_in.sandbox.fault("ops/upload", Fault("not_found"))
    server = await aiohttp_server(provider_app(stand_in.sandbox))
    http = Http(HttpSettings(allowed_networks=("127.0.0.0/8",)))
    channel = make("wecom_robot", http.client(), base_url=str(server.make_url("/")))
    with pytest.raises(Misconfigured):
        await channel.send(file(channel), NOW)
    await channel.send(message(channel.attach("other.csv", "a,b,c,d")), NOW)
    await http.close()
    assert [one.plain for one in stand_in.sandbox.messages] == ["file other.csv, 7 B"]


def test_what_is_kept_is_the_file_and_no_id_of_anybody():
    channel = make("wecom_robot")
    content = file(channel, "状态").content
    assert content.decode() == f'{{"msgtype":"file","file":{{"name":"{NAME}","text":"状态"}}}}'
    assert channel.fill(content) == (6, 20 * 1024**2)


@pytest.mark.parametrize("kind", [kind for kind in CHANNELS if kind != "wecom_robot"])
def test_no_other_kind_hands_over_files(kind):
    assert make(kind).attach(NAME, "a") is None
