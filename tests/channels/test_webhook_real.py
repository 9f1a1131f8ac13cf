"""Webhooks against real receivers: client certificates, proxies, methods and headers, bodies that must stay JSON."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from time import time

import pytest
import stage
from aiohttp import web
from channel_examples import WHSEC, message, settings
from real_receivers import Authority, Proxy, Receiver
from rendering_samples import NOW, alert, batch, template
from stage import eventually, notification

from receiver.channels.webhook import Webhook
from receiver.errors import DeliveryError, Misconfigured, Throttled, Unavailable
from receiver.http import Http, HttpSettings
from receiver.sandbox.webhook import sign

LOOPBACK = HttpSettings.model_validate({"allowed_networks": ["127.0.0.0/8"]})
BODY = '{"text": "磁盘满"}'.encode()


@pytest.fixture
def receiver():
    return Receiver()


@asynccontextmanager
async def channel(url, **changes):
    """A webhook with a client of its own, closed at the end."""
    http = Http(LOOPBACK)
    plain = {"headers": None, "basic_auth": None, "signing_secret": None}
    chosen = settings("webhook", **{**plain, "url": url, **changes})
    try:
        yield Webhook(chosen, http.client(chosen.http_config))
    finally:
        await http.close()


async def sent(url, content=BODY, **changes):
    """The confirmation of one message, or the error it ended with."""
    async with channel(url, **changes) as webhook:
        try:
            return await webhook.send(message(content, "0193ab"), time())
        except DeliveryError as error:
            return error


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


async def test_a_receiver_that_wants_a_client_certificate_gets_it(receiver, authority):
    cert, key = authority.sign("relay")
    tls = {"ca_file": authority.file, "cert_file": cert, "key_file": key}
    async with receiver.listening(authority.server()) as port:
        confirmed = await sent(f"https://127.0.0.1:{port}/in", http_config={"tls_config": tls})
    assert (confirmed.status, receiver.bodies) == (200, [BODY])
    assert receiver.names[0]["subject"] == ((("commonName", "relay"),),)


@pytest.mark.parametrize("whose", ["nobody's", "a stranger's"])
async def test_without_the_right_certificate_nothing_is_delivered(receiver, authority, tmp_path, whose):
    tls = {"ca_file": authority.file}
    if whose != "nobody's":
        (tmp_path / "other").mkdir()
        tls["cert_file"], tls["key_file"] = Authority(tmp_path / "other").sign("relay")
    async with receiver.listening(authority.server()) as port:
        refused = await sent(f"https://127.0.0.1:{port}/in", http_config={"tls_config": tls})
    assert isinstance(refused, Unavailable)
    assert receiver.bodies == []


async def test_a_proxy_takes_a_message_to_a_name_only_it_knows(receiver):
    async with receiver.listening() as port, Proxy(port).listening() as proxy:
        confirmed = await sent("http://hook.invalid/in?a=b", http_config={"proxy_url": f"http://{proxy}"})
    assert (confirmed.status, receiver.bodies) == (200, [BODY])
    (request,) = receiver.requests
    assert (request.path_qs, request.host) == ("/in?a=b", "hook.invalid")


async def test_a_tunnel_through_a_proxy_keeps_tls_to_the_end(receiver, authority):
    cert, key = authority.sign("relay")
    tls = {"ca_file": authority.file, "cert_file": cert, "key_file": key}
    async with receiver.listening(authority.server()) as port:
        proxy = Proxy(port, "proxy-password")
        async with proxy.listening() as at:
            config = {"proxy_url": f"http://relay:proxy-password@{at}", "tls_config": tls}
            confirmed = await sent("https://hook.example/in", http_config=config)
    assert (confirmed.status, receiver.bodies) == (200, [BODY])
    assert proxy.asked == ["CONNECT hook.example:443 HTTP/1.1"]
    assert "Proxy-Authorization" not in receiver.requests[0].headers


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_asks_for_a_password_is_told_of(receiver, scheme):
    async with receiver.listening() as port, Proxy(port, "proxy-password").listening() as at:
        refused = await sent(f"{scheme}://hook.example/in", http_config={"proxy_url": f"http://relay:wrong@{at}"})
    assert "407" in refused.detail
    assert "wrong" not in refused.detail
    assert receiver.bodies == []


async def test_put_with_headers_credentials_and_a_signature_arrives_as_configured(receiver):
    async with receiver.listening() as port:
        await sent(
            f"http://127.0.0.1:{port}/a%2Fb?key=x%2By",
            method="PUT",
            headers={"X-Team": "sre", "X-Many": ["1", "2"]},
            authorization={"type": "Token", "credentials": "t0ken"},
            http_config={"http_headers": {"X-Tenant": "ops"}},
            signing_secret=WHSEC,
        )
    (request,) = receiver.requests
    got = request.headers
    assert (request.method, request.raw_path) == ("PUT", "/a%2Fb?key=x%2By")
    named = ("X-Team", "X-Many", "X-Tenant", "Authorization", "Content-Type")
    assert [got[name] for name in named] == ["sre", "1, 2", "ops", "Token t0ken", "application/json; charset=utf-8"]
    assert got["webhook-signature"] == sign(WHSEC, got["webhook-id"], got["webhook-timestamp"], BODY)


HOSTILE = '"},"admin":true,"x":{"a":"\\ \n\r\t\x00\x08\x1b\u2028\u202e {{ 7*7 }} {% raw %} </b> ${HOME} 😀\\u0000\\'
SHAPED = """{
  "summary": "{{ title }}",
  "details": [{% for alert in alerts %}
    {"name": "{{ alert.name }}", "text": "{{ alert.summary }}", "labels": {{ alert.labels | tojson }},
     "all": "{{ alert.labels | pairs }}", "lines": "{{ alert.description | lines }}"}{{ "," if not loop.last }}
  {% endfor %}]
}"""


@pytest.mark.parametrize("value", [HOSTILE, '"', "\\", "\n", '\\"', "\\u0022", "\x7f\u0085", "😀"])
async def test_hostile_values_stay_within_their_strings(receiver, tmp_path, value):
    hostile = alert(
        labels={"alertname": value, 'k"}': value},
        annotations={"summary": value, "description": f"{value}\n{value}"},
    )
    async with receiver.listening() as port, channel(f"http://127.0.0.1:{port}/") as webhook:
        drawn = template(tmp_path, SHAPED, "default/webhook.j2").render(webhook, batch(hostile, hostile), NOW)
        assert drawn.failed == ""
        await webhook.send(message(webhook.compose(drawn.texts[0], "0193ab")), time())
    got = json.loads(receiver.bodies[0])
    assert list(got) == ["summary", "details"]
    assert [list(one) for one in got["details"]] == [["name", "text", "labels", "all", "lines"]] * 2
    assert got["details"][0]["labels"] == {"alertname": value, 'k"}': value}


@pytest.fixture
async def told(tmp_path, providers, receiver):
    """The service with a webhook to the receiver; tells it of alerts and gives the record once it has a state."""
    async with receiver.listening() as port:
        configured = {"name": "itsm", "kind": "webhook", "url": f"http://127.0.0.1:{port}/in"}
        client = stage.Client(stage.settings(tmp_path, providers, channels=[configured]))
        await client.start()

        async def tell(name, state):
            _, answer = await client.post_body(json.dumps(notification(name)).encode())
            path = f"/api/v1/records/{answer['deliveries'][0]['id']}"
            return await eventually(lambda: _in_state(client, path, state))

        tell.client = client
        yield tell
        await client.stop()


async def _in_state(client, path, state):
    async with client.http.get(path) as response:
        record = await response.json()
    return record if record["state"] == state else None


async def test_an_endpoint_that_is_gone_stops_the_channel_and_gets_nothing_more(told, receiver):
    receiver.answers = [web.Response(status=410, text="gone")]
    record = await told("First", "held")
    assert record["attempts"][0]["error"] == "the webhook answered HTTP 410: the endpoint is gone for good"
    assert (await told("Second", "held"))["attempts"] == []
    assert len(receiver.bodies) == 1
    async with told.client.http.get("/api/v1/channels/itsm") as response:
        assert (await response.json())["state"] == "stopped"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_is_left_alone_for_as_long_as_it_asks(told, receiver, status):
    receiver.answers = [web.Response(status=status, headers={"Retry-After": "3"})]
    record = await told("DiskFull", "sent")
    first, second = receiver.times
    assert 3.0 <= second - first < 6.0
    assert receiver.bodies[0] == receiver.bodies[1]
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids[0] == ids[1]
    assert [attempt["http_status"] for attempt in record["attempts"]] == [status, 200]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [(410, {}, Misconfigured), (302, {"Location": "/other"}, Misconfigured), (429, {"Retry-After": "7"}, Throttled)],
)
async def test_a_real_answer_has_its_class(receiver, status, headers, expected):
    receiver.answers = [web.Response(status=status, headers=headers)]
    async with receiver.listening() as port:
        assert type(await sent(f"http://127.0.0.1:{port}/")) is expected
    assert len(receiver.bodies) == 1
