"""What the providers' apps have in common: whose token it is, and what comes of asking for one."""

import pytest
from channel_examples import answer, make, message, text

from receiver.channels.apps import App, ids_in, listed, shares
from receiver.channels.registry import CHANNELS
from receiver.errors import DeliveryError, Misconfigured, Throttled, Unavailable
from receiver.http import Client, Http, HttpConfig, HttpSettings
from receiver.sandbox import Sandbox
from receiver.staging import Stage

APPS = [kind for kind in CHANNELS if issubclass(CHANNELS[kind], App)]
WELL = b'{"errcode":0,"code":0,"accessToken":"","expireIn":"7200"}'


class Answering(Client):
    """A client to whom the provider always says the same."""

    def __init__(self, said):
        super().__init__(HttpConfig(), 1, Http(HttpSettings()))
        self._said, self.asked = said, 0

    async def send(self, request):
        self.asked += 1
        return self._said


async def outcome(kind, said):
    """The error that comes of sending while the request for the token is answered so."""
    channel = make(kind, Answering(said))
    with pytest.raises(DeliveryError) as raised:
        await channel.send(message(channel.compose(text(), "0193"), target=channel.targets[0]), 1e9)
    assert channel.client.asked == 1
    return raised.value


@pytest.mark.parametrize("kind", APPS)
def test_a_token_is_common_to_the_channels_of_one_app_at_one_place_only(kind):
    http = Http(HttpSettings())
    places = [{}, {}, {"base_url": "http://[::1]:1"}, {"base_url": "http://[::1]:2"}, {"base_url": "http://[::1]:2/b"}]
    first, again, *others = [make(kind, http.client(), **place)._tokens for place in places]
    assert first is again
    assert len({first, *others}) == 4


@pytest.mark.parametrize("kind", APPS)
@pytest.mark.parametrize("body", [WELL, b"{}", b"", b"[1]"])
async def test_a_good_answer_without_a_token_is_no_reason_to_stop(kind, body):
    error = await outcome(kind, answer(body))
    assert (type(error), error.ambiguous) == (Unavailable, False)


@pytest.mark.parametrize("kind", APPS)
@pytest.mark.parametrize(
    ("status", "expected"), [(302, Misconfigured), (404, Misconfigured), (413, Misconfigured), (429, Throttled)]
)
async def test_a_refusal_without_a_code_is_never_about_the_message(kind, status, expected):
    assert type(await outcome(kind, answer(b"", status))) is expected


def test_two_channels_of_an_app_take_nothing_back_of_what_the_stand_in_was_told():
    cards, texts = ({"format": "template_card", "callback": True}, {"callback": False})
    notices, robot = ({"agent_id": 7, "to": {"departments": [1]}}, {})
    sandbox = Sandbox()
    made = [make("wecom_app", **form) for form in (cards, texts)] + [
        make("dingtalk_app", **f) for f in (notices, robot)
    ]
    Stage(sandbox, None, 1).expect(made)
    wecom, dingtalk = sandbox.robots
    assert (wecom.callback, wecom.agent_id, dingtalk.agent_id) == (True, 1000002, 7)


def test_ids_are_shared_out_each_once():
    assert shares(["a", "b", "a", "c"], 2) == [("a", "b"), ("c",)]
    assert shares([], 2) == []


def test_of_many_ids_the_first_are_named():
    assert listed(["a", "b" * 99]) == f"a, {'b' * 64}"
    assert listed(map(str, range(12))) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


@pytest.mark.parametrize(("found", "ids"), [(["a", 7, None, {}], ["a", "7"]), ("a|b", []), (None, [])])
def test_ids_are_read_whatever_was_answered(found, ids):
    assert ids_in({"ids": found}, "ids") == ids
