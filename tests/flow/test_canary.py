"""One canary in every secret of the configuration: after success and every kind of failure it stands nowhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode

import aiohttp
import bcrypt
import pytest
import yaml
from stage import eventually, free_port, notification

from receiver.sandbox import Fault

CANARY = "canary7f3a9c1e5b"
ODD = f"{CANARY}/+ü &"
"""A password that looks different inside a URL."""
HASHED = bcrypt.hashpw(CANARY.encode(), bcrypt.gensalt(4)).decode()
SIGNING = "whsec_" + b64encode((CANARY * 2).encode()).decode()


def forms():
    """The canary as it is, as base64 at each alignment, and the hash that stands for it."""
    yield from (CANARY.encode(), HASHED.encode(), HASHED[29:].encode())
    for shift in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"x" * shift + CANARY.encode())[4 : 4 + 16]


FORMS = tuple(dict.fromkeys(forms()))


def found_in(data):
    """The first form of the canary in `data`, with what stands around it."""
    for form in FORMS:
        at = data.find(form)
        if at >= 0:
            return data[max(0, at - 120) : at + 60]
    return None


def test_the_canary_would_be_found():
    assert found_in(f"key={CANARY}x".encode())
    for user in ("a", "ab", "abc"):
        assert found_in(b64encode(f"{user}:{ODD}".encode()))
    assert found_in(SIGNING.encode())
    assert not found_in(b"nothing of it")


def robots(url):
    """A channel of each kind whose every secret holds the canary."""
    return [
        {"name": "wecom", "kind": "wecom_robot", "key": f"{CANARY}-wecom", "base_url": url},
        {"name": "wecom-url", "kind": "wecom_robot", "url": f"{url}/cgi-bin/webhook/send?key={CANARY}-wecom-url"},
        {
            "name": "dingtalk",
            "kind": "dingtalk_robot",
            "access_token": f"{CANARY}dd",
            "secret": f"SEC{CANARY}",
            "base_url": url,
        },
        {"name": "feishu", "kind": "feishu_bot", "token": f"{CANARY}-feishu", "secret": f"{CANARY}s", "base_url": url},
        {"name": "pool", "kind": "wecom_robot", "keys": [f"{CANARY}-one", {"key": f"{CANARY}-two"}], "base_url": url},
    ]


def hooks(url):
    """Webhooks with every way to prove oneself, alive and dead."""
    dead = f"http://127.0.0.1:{free_port()}"
    headers = {"X-Api-Key": f"key {CANARY}"}
    return [
        {"name": "basic", "kind": "webhook", "url": f"{url}/hooks/{CANARY}-basic?token={CANARY}", "headers": headers,
         "basic_auth": {"username": "me", "password": ODD}, "signing_secret": SIGNING},
        {"name": "bearer", "kind": "webhook", "url": f"{url}/hooks/{CANARY}-bearer",
         "authorization": {"credentials": f"{CANARY}-bearer"}, "http_config": {"http_headers": {"X-Second": [CANARY]}}},
        {"name": "inner", "kind": "webhook", "url": f"{url}/hooks/{CANARY}-inner",
         "http_config": {"basic_auth": {"username": "someone", "password": ODD}}},
        {"name": "nowhere", "kind": "webhook", "url": f"{dead}/{CANARY}?key={CANARY}", "headers": headers},
        {"name": "no-such-host", "kind": "webhook", "url": f"http://no-such-host.invalid/{CANARY}"},
        {"name": "no-tls", "kind": "webhook", "url": f"{url.replace('http:', 'https:')}/hooks/{CANARY}"},
        {"name": "blocked", "kind": "webhook", "url": f"http://169.254.169.254/{CANARY}?key={CANARY}"},
        {"name": "proxied", "kind": "webhook", "url": f"{url}/hooks/{CANARY}",
         "http_config": {"proxy_url": f"http://me:{CANARY}@{dead.removeprefix('http://')}"}},
    ]  # fmt: skip


AUTH = {
    "webhooks": [
        {"name": "token", "token": f"{CANARY}-token"},
        {"name": "basic", "username": "me", "password": ODD},
        {"name": "hmac", "hmac_secret": f"{CANARY}-hmac"},
    ],
    "users": [
        {"name": "oncall", "password_hash": HASHED, "role": "operator"},
        {"name": "robot", "token": f"{CANARY}-robot", "role": "operator"},
    ],
}
OPERATOR = {"Authorization": f"Bearer {CANARY}-robot"}
SENDER = {"Authorization": f"Bearer {CANARY}-token"}


def credentials(channel):
    """What the provider knows a robot, or each robot of a pool, by."""
    if "keys" in channel:
        return [f"{CANARY}-one", f"{CANARY}-two"]
    return [channel[key].rpartition("=")[2] for key in ("key", "access_token", "token", "url") if key in channel]


def everything(providers):
    """The whole configuration's channels, known to the sandbox."""
    for channel in robots(providers.url):
        secret = channel.get("secret")
        for credential in credentials(channel):
            providers.sandbox.register(channel["kind"], credential, name=channel["name"], secret=secret)
    for name in ("basic", "bearer", "inner"):
        secret = SIGNING if name == "basic" else None
        providers.sandbox.register("webhook", f"{CANARY}-{name}", name=name, secret=secret)
    return robots(providers.url) + hooks(providers.url)


def basic(user):
    return b64encode(f"{user}:{ODD}".encode()).decode()


KNOWN = {
    "wecom": [f"{CANARY}-wecom"],
    "wecom-url": [f"{CANARY}-wecom-url"],
    "dingtalk": [f"{CANARY}dd", f"SEC{CANARY}"],
    "feishu": [f"{CANARY}-feishu", f"/open-apis/bot/v2/hook/{CANARY}-feishu"],
    "pool": [f"{CANARY}-one", f"{CANARY}-two"],
    "basic": [f"/hooks/{CANARY}-basic?token={CANARY}", f"key {CANARY}", ODD, basic("me"), SIGNING, SIGNING[6:]],
    "bearer": [f"/hooks/{CANARY}-bearer", f"Bearer {CANARY}-bearer", CANARY],
    "inner": [f"/hooks/{CANARY}-inner", ODD, f"Basic {basic('someone')}"],
}
"""What each provider was told in secret, and might repeat in its answer."""


def echo(status, **body):
    """Answers that repeat all that their provider was told in secret, by the channel's name."""

    def answer(name):
        told = " ".join(KNOWN[name])
        return Fault("answer", status, json.dumps({**body, "errmsg": told, "msg": told}, ensure_ascii=False))

    return answer


FAILURES = (
    echo(200, errcode=40035, code=19002),
    echo(500),
    echo(200, errcode=93000, code=19001),
    echo(403),
    lambda _: Fault("reset"),
    lambda _: Fault("html"),
    lambda _: Fault("redirect"),
)


async def fail_in_every_way(service, providers):
    """One failure after the other at every channel, each enabled again."""
    for number, failure in enumerate(FAILURES):
        for channel in KNOWN:
            await service.post(b"", f"/api/v1/channels/{channel}/enable", **OPERATOR)
            providers.sandbox.fault(channel, failure(channel))
        seen = len(providers.sandbox.requests)
        status, _ = await service.post(notification(f"Fails{number}", group=str(number)), **SENDER)
        assert status == 202
        await eventually(lambda seen=seen: len(providers.sandbox.requests) > seen)
        await asyncio.sleep(0.3)
        providers.sandbox.clear_faults()


async def ask_wrongly(service):
    """What is refused at the door; all answers."""
    host = service.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(f"POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {CANARY}-token\r\n\r\n".encode())
    malformed = await reader.read(4000)
    writer.close()
    answers = [malformed]
    for path, body, headers in (
        (f"/webhook?token={CANARY}", notification("A"), {"Authorization": f"Bearer {CANARY}-wrong"}),
        (f"/webhook?token={CANARY}", b"no json", SENDER),
        ("/webhook?channel=nobody", notification("A"), SENDER),
        ("/api/v1/channels/wecom/enable", b"", {"Authorization": f"Basic {CANARY}"}),
        ("/api/v1/channels/nobody/enable", b"", OPERATOR),
    ):
        answers.append(json.dumps(await service.post(body, path, **headers)).encode())
    return answers


async def answers_of(service):
    """Everything that the service tells an operator."""
    paths = ["/metrics", "/-/ready", "/-/healthy", "/", "/api/v1/channels", "/api/v1/quarantine", "/api/v1/nothing"]
    records = (await service.get("/api/v1/records?limit=500", **OPERATOR))["items"]
    assert len(records) > 50
    paths += ["/api/v1/records?limit=500", *(f"/api/v1/records/{record['id']}" for record in records)]
    async with aiohttp.ClientSession(headers=OPERATOR) as session:
        for path in paths:
            async with session.get(service.url + path) as response:
                yield f"{path} {dict(response.headers)} ".encode() + await response.read()


@pytest.mark.parametrize("form", ["json", "logfmt"])
async def test_the_canary_stands_nowhere(serve, providers, tmp_path, form):
    channels = everything(providers)
    service = await serve("--log.level=debug", f"--log.format={form}", channels=channels, auth=AUTH)
    await service.post(notification("Fine"), **SENDER)
    await eventually(lambda: set(KNOWN) <= {message.name for message in providers.sandbox.messages})
    await fail_in_every_way(service, providers)
    for answer in await ask_wrongly(service):
        assert found_in(answer) is None
    async for answer in answers_of(service):
        assert found_in(answer) is None
    kept = list((tmp_path / "data").iterdir())
    assert any(file.name.endswith("-wal") for file in kept)
    assert [file.name for file in kept if found_in(file.read_bytes())] == []
    await service.stop()
    assert [file.name for file in (tmp_path / "data").iterdir() if found_in(file.read_bytes())] == []
    assert b"a message did not arrive" in service.log.read_bytes()
    assert found_in(service.log.read_bytes()) is None


def wrong(value):
    """Things that a secret cannot be."""
    return [f"{value}\n", f"http://me:{value}@host/x", [value], {value: value}, f"{value} {value}"]


def broken_configurations():
    """Configurations whose secrets are at fault, or stand where they should not."""
    route = {"channels": ["a"]}
    for kind, field in (
        ("wecom_robot", "key"),
        ("wecom_robot", "url"),
        ("dingtalk_robot", "secret"),
        ("feishu_bot", "token"),
    ):
        for value in wrong(CANARY):
            yield {"route": route, "channels": [{"name": "a", "kind": kind, field: value}]}
    for kind in ("wecom_robot", "dingtalk_robot", "feishu_bot"):
        for value in (CANARY, *wrong(CANARY), {"token": CANARY, "access_token": [CANARY], "key": {CANARY: CANARY}}):
            yield {"route": route, "channels": [{"name": "a", "kind": kind, "keys": [value, value]}]}
    for field in ("token", "password", "hmac_secret"):
        for value in wrong(CANARY)[2:4]:
            yield {"route": route, "auth": {"webhooks": [{"name": "a", field: value}]}}
    yield {"route": route, "auth": {"users": [{"name": "a", "password_hash": CANARY, "token": f"{CANARY}t"}]}}
    for field in ("signing_secret", "url", "headers", "basic_auth", "authorization"):
        yield {"channels": [{"name": "a", "kind": "webhook", "url": f"ftp://x/{CANARY}", field: CANARY}]}
    for wrongly in ("tokken", "acces_token", "passwort", "Secret", "key_"):
        yield {"channels": [{"name": "a", "kind": "dingtalk_robot", wrongly: CANARY}]}
    yield {
        "channels": [
            {"name": "a", "kind": "webhook", "url": "http://x", "http_config": {"proxy_url": f"socks://{CANARY}"}}
        ]
    }
    yield {"storage": {"url": f"postgresql://receiver:{CANARY}@db/receiver"}}


def test_no_fault_of_a_configuration_shows_a_secret(tmp_path):
    from receiver.config import format_faults, load
    from receiver.errors import ConfigError

    for number, configuration in enumerate(broken_configurations()):
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(configuration))
        with pytest.raises(ConfigError) as caught:
            load(file, {})
        text = format_faults(file, caught.value.faults) + repr(caught.value.faults) + str(caught.value)
        assert found_in(text.encode()) is None, (configuration, text)


@pytest.mark.parametrize("command", ["check-config", "serve"])
@pytest.mark.parametrize(
    "text",
    [
        f"channels:\n  - {{name: a, kind: dingtalk_robot, secret: {CANARY}, access_token: [{CANARY}]}}\n",
        f"channels:\n  - name: a\n    key: {CANARY}\n   bad: {CANARY}\n",
        f"channels: [{{key: '{CANARY}\n",
        f"auth: {{users: [{{name: a, password_hash: {CANARY}}}]}}\n",
    ],
)
def test_no_command_prints_a_secret_of_a_broken_file(tmp_path, command, text):
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    arguments = [str(file)] if command == "check-config" else [f"--config.file={file}"]
    done = subprocess.run(
        [sys.executable, "-m", "receiver", command, *arguments, "--log.level=debug"], capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr
    assert found_in(done.stdout + done.stderr) is None
