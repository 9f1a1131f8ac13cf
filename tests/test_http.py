"""The outbound socket against real servers: what goes on the wire, every way an answer fails to come, what is said."""

import asyncio
import gzip
import logging
import shutil
import socket
import ssl
import subprocess
import time
import traceback
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver
from raw_servers import CANARY, raw_server, reset, saying

from receiver.errors import Misconfigured, Unavailable
from receiver.http import MAX_ANSWER, Http, HttpConfig, HttpSettings, Request, Response

LOOPBACK = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8", "::1/128"]})


class Everywhere(AbstractResolver):
    """Every name is this machine, at addresses given in order."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses or ("127.0.0.1",)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0}
            for each in self.addresses
        ]

    async def close(self):
        pass


@pytest.fixture
async def http():
    http = Http(LOOPBACK, connect_timeout=0.5, total_timeout=0.6)
    yield http
    await http.close()


async def failing(http: Http, url: str, config: HttpConfig | None = None):
    """The error of a send, checked to hold no secret in any of its forms."""
    request = Request(url, CANARY.encode(), {"X-Key": CANARY})
    with pytest.raises((Unavailable, Misconfigured)) as raised:
        await http.client(config or HttpConfig()).send(request)
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(request)
    assert CANARY not in shown
    assert raised.value.__context__ is None
    return raised.value


async def test_a_request_goes_out_byte_for_byte(http, aiohttp_server):
    seen = []

    async def take(request):
        seen.append((request.method, request.raw_path, dict(request.headers), await request.read()))
        return web.Response(status=201, body=b"yes", headers={"X-Answer": "1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    server = await aiohttp_server(app)
    url = f"http://127.0.0.1:{server.port}/send?sign=a%2Fb%2Bc%3D&x=%e4"
    answer = await http.client().send(Request(url, b'{"a":1}', {"Content-Type": "application/json"}, method="PUT"))
    method, path, headers, body = seen[0]
    assert (method, path, body) == ("PUT", "/send?sign=a%2Fb%2Bc%3D&x=%e4", b'{"a":1}')
    assert headers["User-Agent"].startswith("alert-receiver/")
    assert headers["Content-Type"] == "application/json"
    assert (answer.status, answer.body, answer.headers["x-answer"]) == (201, b"yes", "1")
    assert answer.duration > 0


async def test_one_connection_serves_many_messages(http, aiohttp_server):
    peers = set()

    async def take(request):
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(headers={"Set-Cookie": "a=b"}, text=request.headers.get("Cookie", "none"))

    app = web.Application()
    app.router.add_post("/", take)
    server = await aiohttp_server(app)
    client = http.client()
    answers = [await client.send(Request(f"http://127.0.0.1:{server.port}/", b"")) for _ in range(5)]
    assert len(peers) == 1
    assert {answer.body for answer in answers} == {b"none"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_answers_and_never_followed(http, status):
    taken = []

    async def redirect(reader, writer):
        taken.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 %d Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n" % status)

    async with raw_server(redirect) as url:
        assert (await http.client().send(Request(url, b""))).status == status
    assert len(taken) == 1


async def test_of_a_huge_answer_only_the_beginning_is_read(http):
    written = 0

    async def flood(reader, writer):
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        try:
            while written < 104857600:
                writer.write(b"x" * 65536)
                written += 65536
                await writer.drain()
        except ConnectionError:
            pass

    async with raw_server(flood) as url:
        answer = await http.client().send(Request(url, b""))
    assert (answer.status, len(answer.body)) == (200, MAX_ANSWER)
    assert written < 20_000_000


async def test_a_gzip_bomb_is_cut_off_too(http):
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with raw_server(saying(head + bomb)) as url:
        assert len((await http.client().send(Request(url, b""))).body) == MAX_ANSWER


async def test_a_refused_connection_is_definite(http):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await failing(http, f"http://127.0.0.1:{port}/{CANARY}")
    assert (type(error), error.ambiguous, error.reason) == (Unavailable, False, "other")
    assert error.detail == "127.0.0.1: the connection failed: Connection refused"


async def test_a_name_that_does_not_resolve_is_definite(http):
    error = await failing(http, f"http://name.invalid/{CANARY}")
    assert (error.ambiguous, error.detail) == (False, "name.invalid: the name cannot be resolved")


async def test_a_connection_that_takes_too_long_is_definite():
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    http = Http(LOOPBACK, connect_timeout=0.2)
    error = await failing(http, f"http://127.0.0.1:{port}/{CANARY}")
    assert (error.ambiguous, error.reason) == (False, "contextDeadlineExceeded")
    await http.close()
    for each in (*fillers, full):
        each.close()


async def test_no_answer_in_time_is_ambiguous(http):
    async with raw_server(saying(b"", close=False)) as url:
        error = await failing(http, url)
    assert (error.ambiguous, error.reason) == (True, "contextDeadlineExceeded")


async def test_an_answer_that_drips_is_a_timeout(http):
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    started = time.monotonic()
    async with raw_server(drip) as url:
        error = await failing(http, url)
    assert (error.ambiguous, error.reason) == (True, "contextDeadlineExceeded")
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "answer",
    [
        reset,
        saying(b""),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
        saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nX-Long: " + CANARY.encode() * 9000 + b"\r\n\r\n"),
    ],
)
async def test_what_breaks_after_the_request_was_written_is_ambiguous(http, answer):
    async with raw_server(answer) as url:
        error = await failing(http, url)
    assert isinstance(error, Unavailable)
    assert error.ambiguous


async def test_nothing_is_logged_that_holds_a_secret(http, caplog):
    caplog.set_level(logging.DEBUG)
    async with raw_server(reset) as url:
        await failing(http, url)
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://localhost.:{port}/",
        "http://127.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://①②⑦.⓪.⓪.①:{port}/",
        "http://127。0。0。1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://rebound.example:{port}/",
    ],
)
async def test_no_spelling_of_loopback_gets_through(url):
    connected = []

    async def note(reader, writer):
        connected.append(await reader.read(1))

    http = Http(HttpSettings(), resolver=Everywhere() if "rebound" in url else None, total_timeout=1.0)
    async with raw_server(note) as there:
        with pytest.raises((Misconfigured, Unavailable)):
            await http.client().send(Request(url.format(port=there.split(":")[2].split("/")[0]), b""))
    await http.close()
    assert connected == []


async def test_a_blocked_address_names_the_setting_and_not_the_url():
    http = Http(HttpSettings())
    error = await failing(http, f"http://127.0.0.1/{CANARY}?{CANARY}")
    assert isinstance(error, Misconfigured)
    assert "127.0.0.1 is a loopback address: it must be listed in http.allowed_networks" in error.detail
    await http.close()


async def test_trusted_addresses_are_reached():
    async with raw_server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url:
        http = Http(HttpSettings(), trusted=[("127.0.0.1", int(url.split(":")[2].split("/")[0]))])
        assert (await http.client().send(Request(url, b""))).status == 200
        await http.close()


@pytest.mark.parametrize("addresses", [("127.0.0.2", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")])
async def test_of_a_name_only_the_allowed_address_is_used(addresses):
    settings = HttpSettings.model_validate({"allowed_networks": ["127.0.0.1/32"]})
    async with raw_server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as url:
        http = Http(settings, resolver=Everywhere(*addresses))
        answer = await http.client().send(Request(url.replace("127.0.0.1", "mixed.example"), b""))
        assert answer.status == 200
        await http.close()


async def test_the_guard_judges_the_proxy_when_there_is_one():
    config = HttpConfig.model_validate({"proxy_url": f"http://u:{CANARY}@127.0.0.1:3128"})
    http = Http(HttpSettings())
    error = await failing(http, f"http://example.org/{CANARY}", config)
    assert isinstance(error, Misconfigured)
    await http.close()


async def test_a_proxy_gets_the_request_and_our_credentials(http):
    seen = []

    async def proxy(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(proxy) as url:
        at = url.split("/")[2]
        config = HttpConfig.model_validate({"proxy_url": f"http://u:p@{at}"})
        assert (await http.client(config).send(Request("http://nowhere.invalid/x", b""))).status == 200
    assert seen[0].startswith(b"POST http://nowhere.invalid/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dTpw" in seen[0]


async def test_a_proxy_that_refuses_is_definite(http):
    async with raw_server(saying(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as url:
        config = HttpConfig.model_validate({"proxy_url": f"http://u:{CANARY}@{url.split('/')[2]}"})
        error = await failing(http, f"https://nowhere.invalid/{CANARY}", config)
    assert (error.ambiguous, error.detail) == (False, "nowhere.invalid: the proxy answered 407")


async def test_the_environment_is_not_asked_for_a_proxy(http, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with raw_server(saying(b"HTTP/1.1 204 Ok\r\n\r\n")) as url:
        assert (await http.client().send(Request(url, b""))).status == 204


async def test_a_closed_client_opens_again(http):
    async with raw_server(saying(b"HTTP/1.1 204 Ok\r\n\r\n")) as url:
        client = http.client()
        await client.send(Request(url, b""))
        await client.close()
        assert (await client.send(Request(url, b""))).status == 204


def test_what_is_shown_of_requests_and_answers():
    assert repr(Request(f"https://h.example/{CANARY}", CANARY.encode())) == "Request(POST to h.example, 13 bytes)"
    assert CANARY not in repr(Response(200, {"X": CANARY}, CANARY.encode()))


def certificate(folder, name: str, start: str, end: str):
    """A self-signed certificate for `name`, valid from `start` to `end` (YYYYMMDD)."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, request, made = folder / "key.pem", folder / "request.pem", folder / "cert.pem"
    config = f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\n"
    config += "policy=p\ndefault_md=sha256\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
    config += f"[req]\ndistinguished_name=d\n[d]\n[v]\nsubjectAltName=DNS:{name}\n"
    (folder / "conf").write_text(config)
    (folder / "index").write_text("")
    make = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}"]
    subprocess.run([*make, "-config", folder / "conf", "-reqexts", "v"], check=True, capture_output=True)
    sign = ["openssl", "ca", "-batch", "-selfsign", "-config", folder / "conf", "-keyfile", key, "-in", request]
    span = ["-out", made, "-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z", "-notext"]
    subprocess.run([*sign, *span], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context, {"ca_file": str(made)}


@asynccontextmanager
async def tls_server(context):
    async def ok(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = await asyncio.start_server(ok, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://hook.example:{server.sockets[0].getsockname()[1]}/{CANARY}"


@pytest.mark.parametrize(
    ("name", "end", "trusted", "expected"),
    [
        ("hook.example", "20490101", True, None),
        ("hook.example", "20210101", True, "certificate has expired"),
        ("other.example", "20490101", True, "not valid for 'hook.example'"),
        ("hook.example", "20490101", False, "self-signed certificate"),
    ],
)
async def test_certificates_are_always_verified(tmp_path, name, end, trusted, expected):
    context, tls = certificate(tmp_path, name, "20200101", end)
    http = Http(LOOPBACK, resolver=Everywhere())
    config = HttpConfig.model_validate({"tls_config": tls} if trusted else {})
    async with tls_server(context) as url:
        if expected is None:
            assert (await http.client(config).send(Request(url, b""))).status == 200
        else:
            error = await failing(http, url, config)
            assert isinstance(error, Unavailable)
            assert (expected in error.detail, error.ambiguous, error.reason) == (True, False, "other")
    await http.close()


async def test_server_name_stands_for_the_host(tmp_path):
    context, tls = certificate(tmp_path, "other.example", "20200101", "20490101")
    http = Http(LOOPBACK, resolver=Everywhere())
    config = HttpConfig.model_validate({"tls_config": {**tls, "server_name": "other.example", "min_version": "TLS12"}})
    async with tls_server(context) as url:
        assert (await http.client(config).send(Request(url, b""))).status == 200
    await http.close()


async def test_a_server_without_tls_is_definite(http):
    async with raw_server(saying(b"HTTP/1.1 400 Bad\r\n\r\n")) as url:
        error = await failing(http, url.replace("http:", "https:"))
    assert isinstance(error, Unavailable)
    assert not error.ambiguous
