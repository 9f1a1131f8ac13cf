"""Every kind on the wire: one post a send, an app's token fetched before it, and no secret in any word about it."""

import logging
import traceback

import orjson
import pytest
from aiohttp import web
from channel_examples import CANARY, EXAMPLES, WHSEC, make, message, settings, text
from channel_forms import FORMS, Form
from provider_words import asks_for_token, taken, token
from pydantic import ValidationError

from receiver.channels.apps import App
from receiver.channels.base import Confirmation
from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError
from receiver.http import Http, HttpSettings

TOKEN = "token0canary"
each_kind = pytest.mark.parametrize("kind", CHANNELS)
each_form = pytest.mark.parametrize("form", FORMS, ids=[form.id for form in FORMS])


def echo(said, number):
    """An answer that repeats `said`, in the words of each provider; some of them say that the token is no good."""
    return [
        {"errcode": 40058, "errmsg": said},
        {"errcode": 40014, "errmsg": said},
        {"code": 9499, "msg": said},
        {"code": 99991663, "msg": said},
        {"errcode": 88, "sub_code": "40014", "sub_msg": said, "errmsg": said},
        {"errcode": 88, "sub_code": "40035", "sub_msg": said, "errmsg": said},
        {"code": "InvalidAuthentication", "message": said},
        {"code": "invalidParameter.robotCode.notExist", "message": said},
        {"errcode": "0", "invaliduser": said, "note": said},
    ][number]


class Provider:
    """Any provider: gives tokens if it `gives`, and answers every post by `answer(request, body)`."""

    def __init__(self, answer, gives=True):
        self.tokens, self.posts, self._answer, self._gives = 0, [], answer, gives
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self._take)

    async def _take(self, request):
        body = await request.read()
        if self._gives and asks_for_token(request.path):
            self.tokens += 1
            return web.json_response(token(request.path, f"{TOKEN}{self.tokens}"))
        if not request.path.endswith("/getsendresult"):
            self.posts.append(request)
        return self._answer(request, body.decode())


@pytest.fixture
async def connect(aiohttp_server):
    """Starts a Provider; a way to make channels that talk to it, each in a service of its own."""
    opened = []

    async def connect(provider):
        server = await aiohttp_server(provider.app, access_log=None)
        base = f"http://127.0.0.1:{server.port}"

        def channel(form):
            opened.append(Http(HttpSettings(), trusted=[("127.0.0.1", server.port)]))
            made = make(form.kind, opened[-1].client(), base_url=base, **form.changes)
            made.pauses = (0.0, 0.0)  # before DingTalk is asked what came of a work notice
            return made

        return channel

    yield connect
    for http in opened:
        await http.close()


@each_form
async def test_a_send_is_one_post_and_a_confirmation(form, connect):
    provider = Provider(lambda request, _: web.json_response(taken(request.path)))
    channel = (await connect(provider))(form)
    for target in channel.targets * 2:
        said = await channel.send(message(channel.compose(text(), "0193"), target=target), 1e9)
        assert isinstance(said, Confirmation)
        assert (said.status, said.note, said.left) == (200, "", "")
    assert len(provider.posts) == 2 * len(channel.targets)
    assert provider.tokens == issubclass(CHANNELS[form.kind], App)


class Echo:
    """Answers with all it got, and says no with a status and in words of its own."""

    def __init__(self, number, status, secrets):
        self._number, self._status, self._secrets = number, status, " ".join(leaves(secrets))

    def __call__(self, request, body):
        everything = f"{request.raw_path} {' '.join(request.headers.values())} {self._secrets} {body}"
        return web.Response(body=orjson.dumps(echo(everything[:8000], self._number)), status=self._status)


def leaves(value):
    """Every text within a value."""
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [str(value)]


async def words(channel):
    """All that is said about one try: the note of a confirmation, or the error and where it came from."""
    try:
        return (await channel.send(message(channel.compose(text(), "0193"), target=channel.targets[0]), 1e9)).note
    except DeliveryError as error:
        return f"{error.detail} {''.join(traceback.format_exception(error))}"


@each_form
@pytest.mark.parametrize("number", range(9))
async def test_a_provider_that_echoes_all_it_got_gets_no_secret_into_records(form, number, connect, caplog):
    caplog.set_level(logging.DEBUG)
    for status in (200, 301, 400, 401, 404, 429, 500):
        provider = Provider(Echo(number, status, EXAMPLES[form.kind]))
        said = await words((await connect(provider))(form))
        assert not [secret for secret in (CANARY, WHSEC, TOKEN) if secret in said + caplog.text]


@pytest.mark.parametrize("kind", [kind for kind in CHANNELS if issubclass(CHANNELS[kind], App)])
@pytest.mark.parametrize("number", range(9))
async def test_nor_does_one_that_gives_no_token(kind, number, connect, caplog):
    caplog.set_level(logging.DEBUG)
    for status in (200, 400, 429, 500):
        provider = Provider(Echo(number, status, EXAMPLES[kind]), gives=False)
        said = await words((await connect(provider))(Form(kind)))
        assert said
        assert CANARY not in said + caplog.text


@each_kind
def test_unknown_keys_are_errors_and_show_no_secret(kind):
    with pytest.raises(ValidationError, match="nonsense") as refused:
        settings(kind, nonsense=CANARY)
    assert CANARY not in str(refused.value)


@each_form
def test_no_secret_shows_in_settings_channel_or_request(form):
    channel = make(form.kind, **form.changes)
    request = channel.build(message(channel.compose(text(), "0193"), target=channel.targets[0]), 1e9)
    asked = channel.token_request() if isinstance(channel, App) else ""
    shown = f"{channel.settings!r} {channel.settings!s} {channel.settings.model_dump_json()} {channel!r} {request!r}"
    assert not [secret for secret in (CANARY, WHSEC) if secret in f"{shown} {asked!r} {channel.windows!r}"]
