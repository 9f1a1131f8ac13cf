"""Real receivers as tests need them: an endpoint that keeps what it gets, an authority with certificates, a proxy."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from contextlib import asynccontextmanager, suppress
from time import time

from aiohttp import web
from components import find


class Receiver:
    """An endpoint that keeps what it gets and answers as it is told, 200 when it is not."""

    def __init__(self):
        self.requests, self.bodies, self.times, self.names, self.answers = [], [], [], [], []

    async def take(self, request):
        self.requests.append(request)
        self.bodies.append(await request.read())
        self.times.append(time())
        self.names.append(request.get_extra_info("peercert"))
        return self.answers.pop(0) if self.answers else web.Response()

    @asynccontextmanager
    async def listening(self, context=None):
        """Yields the port it listens on, with TLS if there is a context."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


class Authority:
    """A certificate authority of a test, and what it signed."""

    def __init__(self, folder):
        self._folder, self._openssl = folder, find("openssl")
        self.file = str(folder / "ca.pem")
        self._run("req", "-x509", *self._new("ca"), "-out", self.file, "-days", "30", "-subj", "/CN=test authority")

    def _new(self, name):
        return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self._path(name, "key")

    def _path(self, name, ending):
        return str(self._folder / f"{name}.{ending}")

    def _run(self, *arguments):
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True)

    def sign(self, name, alternative="DNS:client.example"):
        """Certificate and key of `name`, as files."""
        (self._folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
        request, made = self._path(name, "csr"), self._path(name, "pem")
        self._run("req", *self._new(name), "-out", request, "-subj", f"/CN={name}")
        signer = ("-CA", self.file, "-CAkey", self._path("ca", "key"), "-CAcreateserial")
        self._run("x509", "-req", "-in", request, *signer, "-out", made, "-days", "30", "-extfile", f"{made[:-3]}ext")
        return made, self._path(name, "key")

    def server(self, *, asks=True):
        """A server's side of TLS, which asks for a certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.sign("server", "DNS:hook.example,IP:127.0.0.1"))
        if asks:
            context.load_verify_locations(self.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class Proxy:
    """A forward proxy: CONNECT and absolute-form requests to any name go to one port of this machine."""

    def __init__(self, port, password=""):
        self._port = port
        self._expected = f"Basic {base64.b64encode(f'relay:{password}'.encode()).decode()}" if password else ""
        self.asked = []

    @asynccontextmanager
    async def listening(self):
        """Yields the host and port it listens on."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _take(self, reader, writer):
        with suppress(OSError, asyncio.IncompleteReadError):
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().removesuffix("\r\n\r\n").split("\r\n")
            self.asked.append(first)
            headers = dict(line.split(": ", 1) for line in lines)
            if headers.pop("Proxy-Authorization", "") != self._expected:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            else:
                await self._forward(first, headers, reader, writer)
        writer.close()

    async def _forward(self, first, headers, reader, writer):
        method, target, version = first.split(" ")
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            lines = [f"{method} /{target.split('/', 3)[3]} {version}", *(": ".join(one) for one in headers.items())]
            back.write("\r\n".join([*lines, "", ""]).encode())
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(source, sink):
    with suppress(OSError):
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    sink.close()
