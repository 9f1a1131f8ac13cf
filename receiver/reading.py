"""How people would read a message: its channel posts it to the stand-in of its provider, within this process.

So it is read from the very request that would go out, with the sandbox's own understanding of the platform.
"""

from __future__ import annotations

import asyncio

import orjson
from multidict import CIMultiDict
from yarl import URL

from receiver.channels.base import Channel
from receiver.delivery.preview import Readable
from receiver.errors import DeliveryError
from receiver.http import Client, Http, HttpConfig, HttpSettings, Request, Response
from receiver.model import Message
from receiver.sandbox import Sandbox
from receiver.sandbox.wire import Answer, Call
from receiver.staging import introduce, turned

_HOST = "http://sandbox.invalid"


class Line(Client):
    """A channel's way to `sandbox` without any socket: each request is answered on the spot."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(HttpConfig(), 1, Http(HttpSettings()))
        self._sandbox = sandbox
        self.sent: list[Request] = []

    async def send(self, request: Request) -> Response:
        """The answer of the platform whose path it is; 404 if it is nobody's."""
        self.sent.append(request)
        url = URL(request.url, encoded=True)
        call = Call(
            method=request.method,
            target=url.raw_path_qs,
            path=url.path,
            query=url.query,
            headers=CIMultiDict(request.headers),
            body=request.body,
            at=self._sandbox.clock(),
            ip="127.0.0.1",
        )
        platform = self._sandbox.platform(call.path)
        answer = platform.answer(call) if platform else Answer(404)
        return Response(answer.status, {"Content-Type": answer.content_type, **answer.headers}, answer.body)


def read(channel: Channel, message: Message, now: float) -> Readable:
    """What people get of `message` at the Unix time `now`. Not to be called where an event loop runs.

    Each message has a stand-in of its own, which knows only this channel: there is no rate that it could exceed.
    """
    sandbox = Sandbox(lambda: now)
    line = Line(sandbox)
    twin = type(channel)(turned(channel.settings, _HOST), line)
    introduce(twin, sandbox)
    notes: tuple[str, ...] = ()
    refusal = ""
    try:
        said = asyncio.run(twin.send(message, now))
        notes = (said.note,) if said.note else ()
    except DeliveryError as error:
        refusal = error.detail
    posted = list(sandbox.messages)
    return Readable(
        title=next((one.title for one in posted), ""),
        text="\n".join(one.plain for one in posted),
        mentions=tuple(dict.fromkeys(who for one in posted for who in one.mentions)),
        links=tuple(dict.fromkeys(link for one in posted for link in one.links)),
        refusal=refusal or _broken_promise(line.sent[-1:]),
        faults=(*notes, *(fault.removeprefix(f"{channel.name}: ") for fault in sandbox.violations)),
    )


def _broken_promise(sent: list[Request]) -> str:
    """What is wrong with a body that a webhook's receiver would have to parse: no platform judges it."""
    for request in sent:
        if "json" in request.headers.get("Content-Type", ""):
            try:
                orjson.loads(request.body)
            except orjson.JSONDecodeError as error:
                return f"the body is no JSON: {error}"
    return ""
