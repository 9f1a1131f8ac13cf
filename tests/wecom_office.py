"""A sandbox with one WeCom app, and channels that post as it."""

from __future__ import annotations

import orjson
from channel_examples import CANARY, make, message, text

from receiver.errors import DeliveryError
from receiver.http import Http, HttpSettings
from receiver.sandbox import Clock, Sandbox

KIND, CORP = "wecom_app", "ww0123456789"
CHAT = {"to": None, "chat_id": "chat1"}
CARD = {"format": "template_card", "callback": True, "link": "https://ours.example/"}
NOW = 1_700_000_000.0


class Office:
    """A sandbox with one WeCom app, and channels that post as it."""

    def __init__(self, port):
        self.sandbox = Sandbox(Clock(lambda: NOW))
        self.http = Http(HttpSettings(), trusted=[("127.0.0.1", port)], total_timeout=1.0)
        self.base = f"http://127.0.0.1:{port}"

    def app(self, *, members=None, **changes):
        """A channel, its app known to the sandbox and visible to `members` only."""
        channel = make(KIND, self.http.client(), base_url=self.base, **changes)
        self.sandbox.register(KIND, CORP, secret=CANARY, members=members, **channel.announced)
        return channel

    async def post(self, channel, said=None, message_id="0193a1", **changes):
        """What came of one text: a Confirmation, or the error, for each target."""
        content = channel.compose(said or text(), message_id)
        posts = (message(content, message_id, target=target, **changes) for target in channel.targets)
        return [await outcome(channel.send(one, self.sandbox.clock())) for one in posts]

    @property
    def fetches(self):
        return self.sandbox.token_fetches(KIND, CORP)

    def bodies(self, path):
        """What was posted to a path, decoded."""
        return [orjson.loads(one.body) for one in self.sandbox.requests if f"/cgi-bin/{path}?" in one.target]


async def outcome(sending):
    try:
        return await sending
    except DeliveryError as error:
        return error
