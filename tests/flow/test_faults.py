"""What can go wrong at a provider, for every kind of channel: how it is told, what follows, and who else is touched."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import stage
import yaml
from stage import eventually, notification

from receiver.sandbox import Fault

KINDS = ("wecom_robot", "dingtalk_robot", "feishu_bot", "webhook")
HTML = "<html>Access denied</html>"
FAULTS = {
    "blackhole": Fault("blackhole"),
    "trickle": Fault("trickle"),
    "reset": Fault("reset"),
    "close": Fault("close"),
    "e500": Fault("answer", 500, '{"error": "internal"}'),
    "e503": Fault("answer", 503, "busy"),
    "garbage": Fault("answer", 200, '{"errcode": '),
    "empty": Fault("answer", 200, ""),
    "page": Fault("html"),
    "busy": Fault("answer", 200, '{"errcode": -1, "errmsg": "system busy"}'),
    "redirect": Fault("redirect"),
    "missing": Fault("not_found"),
    "huge": Fault("huge"),
    "truncate": Fault("truncate"),
}

LATER = "sent after another try"
STOPPED = "held, the channel stopped"
PLAIN = "sent as plain text"
WAITS = "queued, the credential rests"
FINE = "sent at once"

ROBOT = {
    "blackhole": ("contextDeadlineExceeded", None, LATER),
    "trickle": ("contextDeadlineExceeded", None, LATER),
    "reset": ("other", None, LATER),
    "close": ("other", None, LATER),
    "e500": ("serverError", 500, LATER),
    "e503": ("serverError", 503, LATER),
    "garbage": ("serverError", 200, LATER),
    "empty": ("serverError", 200, LATER),
    "page": ("serverError", 200, LATER),
    "busy": ("serverError", 200, LATER),
    "redirect": ("authError", 302, STOPPED),
    "missing": ("authError", 404, STOPPED),
    "huge": ("serverError", 200, LATER),
    "truncate": ("serverError", 200, LATER),
}
EXPECTED = {
    "wecom_robot": ROBOT,
    "dingtalk_robot": ROBOT | {"page": ("rateLimited", 200, WAITS)},
    "feishu_bot": ROBOT | {"busy": ("serverError", 200, LATER)},
    "webhook": ROBOT
    | {
        "garbage": (None, 200, FINE),
        "empty": (None, 200, FINE),
        "page": (None, 200, FINE),
        "busy": (None, 200, FINE),
        "missing": ("clientError", 404, PLAIN),
        "huge": (None, 200, FINE),
        "truncate": (None, 200, FINE),
    },
}
CASES = [(kind, fault) for kind in KINDS for fault in FAULTS if (kind, fault) != ("webhook", "trickle")]
"""A webhook's answer is so short that even a byte a second may be in time."""


@dataclass
class Story:
    """What came of one notification to every channel while each one's provider failed in its own way once."""

    records: dict[str, dict[str, Any]]
    channels: dict[str, dict[str, Any]]
    metrics: str
    posted: dict[str, list[Any]]
    violations: list[str]
    healthy: dict[str, float]


def robot(providers, kind, name):
    """A channel of its own with a robot of its own."""
    credential = f"{name}-{'0' * 40}"
    if kind == "webhook":
        providers.sandbox.register(kind, credential, name=name)
        return {"name": name, "kind": kind, "url": f"{providers.url}/hooks/{credential}"}
    providers.sandbox.register(kind, credential, name=name)
    field = {"wecom_robot": "key", "dingtalk_robot": "access_token", "feishu_bot": "token"}[kind]
    return {"name": name, "kind": kind, field: credential, "base_url": providers.url}


async def play(folder):
    """Run the whole story once: all kinds and faults at the same time, beside a healthy channel of each kind."""
    providers = stage.Providers()
    await providers.start()
    channels = [robot(providers, kind, f"{kind}.{fault}") for kind, fault in CASES] + providers.channels()
    for kind, fault in CASES:
        providers.sandbox.fault(f"{kind}.{fault}", FAULTS[fault])
    service = stage.Service(folder, stage.settings(folder, providers, channels=channels))
    await service.start()
    try:
        begun = time.time()
        _, answer = await service.post(notification("Faulty"))
        await eventually(lambda: settled(service, answer), 60)
        records = {owed["channel"]: await service.get(f"/api/v1/records/{owed['id']}") for owed in answer["deliveries"]}
        states = {channel["name"]: channel for channel in (await service.get("/api/v1/channels"))["items"]}
        posted = {channel["name"]: [] for channel in channels}
        for message in providers.sandbox.messages:
            posted[message.name].append(message)
        healthy = {name: posted[name][0].at - begun for name in ("wecom", "dingtalk", "feishu", "itsm")}
        metrics = await service.get("/metrics")
        return Story(records, states, metrics, posted, list(providers.sandbox.violations), healthy)
    finally:
        await service.stop()
        await providers.stop()


async def settled(service, answer):
    """Whether every delivery has come as far as it will."""
    states = {item["channel"]: item["state"] for item in (await service.get("/api/v1/records?limit=500"))["items"]}
    waiting = {name for name, state in states.items() if state not in ("sent", "held")}
    return waiting <= {"dingtalk_robot.page"}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    return asyncio.run(play(tmp_path_factory.mktemp("faults")))


def failed_requests(story, kind, fault):
    """reason -> number, of the requests the provider did not confirm."""
    start = f'alertreceiver_notification_requests_failed_total{{channel="{kind}.{fault}",kind="{kind}",reason="'
    lines = [line.removeprefix(start) for line in story.metrics.splitlines() if line.startswith(start)]
    counts = {line.split('"')[0]: float(line.split()[-1]) for line in lines}
    return {reason: count for reason, count in counts.items() if count}


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_a_fault_is_told_and_followed_as_its_class_says(story, kind, fault):
    reason, status, outcome = EXPECTED[kind][fault]
    record, channel = story.records[f"{kind}.{fault}"], story.channels[f"{kind}.{fault}"]
    first = record["attempts"][0]
    assert first["http_status"] == status
    assert bool(first["error"]) == (outcome is not FINE)
    assert failed_requests(story, kind, fault) == ({} if reason is None else {reason: 1.0})
    tries = {LATER: 2, PLAIN: 2}.get(outcome, 1)
    assert len(record["attempts"]) == tries
    state = {STOPPED: "held", WAITS: "queued"}.get(outcome, "sent")
    assert record["state"] == state
    assert channel["state"] == ("stopped" if outcome is STOPPED else "enabled")
    assert any(message["plain"] for message in record["messages"]) == (outcome is PLAIN)


@pytest.mark.parametrize(("kind", "fault"), CASES)
def test_what_was_sent_was_read_and_what_was_held_was_not(story, kind, fault):
    outcome, posted = EXPECTED[kind][fault][2], story.posted[f"{kind}.{fault}"]
    if outcome in (LATER, PLAIN):
        assert posted
        assert len({message.raw for message in posted}) == 1 or kind == "feishu_bot"
    if outcome in (STOPPED, WAITS):
        assert not posted


def test_a_retry_comes_after_two_seconds_and_not_at_once(story):
    for kind, fault in CASES:
        if EXPECTED[kind][fault][2] is LATER:
            first, second = story.records[f"{kind}.{fault}"]["attempts"]
            ended = seconds(first["time"]) + first["duration"]
            assert seconds(second["time"]) - ended > 1.5, (kind, fault)


def seconds(instant):
    return datetime.fromisoformat(instant).timestamp()


def test_nobody_waits_for_longer_than_ten_seconds(story):
    longest = max(attempt["duration"] for record in story.records.values() for attempt in record["attempts"])
    assert 9.5 < longest < 12.0


def test_no_redirect_was_followed_and_no_rule_broken(story):
    assert story.violations == []


def test_healthy_channels_were_not_delayed(story):
    assert max(story.healthy.values()) < 5.0


# -- what follows a refusal


def one(providers, name, **more):
    """The configuration of one of the usual channels."""
    return [{**channel, **more} for channel in providers.channels() if channel["name"] == name]


async def record_of(service, answer):
    return await service.get(f"/api/v1/records/{answer['deliveries'][0]['id']}")


async def has_state(service, answer, state):
    record = await record_of(service, answer)
    return record if record["state"] == state else None


def counted_attempts(folder):
    """The tries that count, as kept for each delivery."""
    with sqlite3.connect(folder / "data" / "receiver.db") as database:
        return [row[0] for row in database.execute("select attempts from delivery order by seq")]


def canned(code, text="no"):
    return Fault("answer", 200, json.dumps({"errcode": code, "errmsg": text, "code": code, "msg": text}))


async def test_throttling_is_a_rest_that_counts_no_attempt(serve, providers, tmp_path):
    service = await serve(channels=one(providers, "wecom"))
    providers.sandbox.fault("wecom", canned(45033))
    _, answer = await service.post(notification("Throttled"))
    await eventually(lambda: providers.sandbox.requests)
    await asyncio.sleep(1.0)
    assert (await record_of(service, answer))["state"] == "queued"
    assert counted_attempts(tmp_path) == [0]
    record = await eventually(lambda: has_state(service, answer, "sent"), 20)
    first, second = record["attempts"]
    assert (first["provider_code"], first["http_status"]) == ("45033", 200)
    assert seconds(second["time"]) - seconds(first["time"]) >= 5.0
    assert counted_attempts(tmp_path) == [0]


@pytest.mark.parametrize(
    ("name", "code", "wait"), [("wecom", 45009, 60), ("dingtalk", 660026, 600), ("feishu", 11232, 60)]
)
async def test_a_full_quota_rests_the_credential_across_a_restart(serve, providers, tmp_path, name, code, wait):
    service = await serve(channels=one(providers, name))
    providers.sandbox.fault(name, canned(code))
    begun = time.time()
    _, answer = await service.post(notification("Throttled"))
    await eventually(lambda: len(providers.sandbox.requests) == 1)
    await eventually(lambda: failed(service, name, "rateLimited"))
    service.kill()
    await service.start()
    await service.post(notification("Another"))
    await asyncio.sleep(1.0)
    assert len(providers.sandbox.requests) == 1
    assert (await record_of(service, answer))["state"] == "queued"
    with sqlite3.connect(tmp_path / "data" / "receiver.db") as database:
        ((until,),) = database.execute("select hold_until from credential").fetchall()
    assert begun + wait <= until <= time.time() + wait


async def failed(service, channel, reason, number=1):
    lines = (await service.get("/metrics")).splitlines()
    start = f'alertreceiver_notification_requests_failed_total{{channel="{channel}",'
    return any(
        line.startswith(start) and f'reason="{reason}"' in line and line.endswith(f" {number}.0") for line in lines
    )


REFUSED = {"wecom": 40058, "dingtalk": 310000, "feishu": 19002}


@pytest.mark.parametrize("name", [*REFUSED, "itsm"])
async def test_a_refused_form_goes_out_as_plain_text(serve, providers, name):
    service = await serve(channels=one(providers, name))
    providers.sandbox.fault(name, Fault("answer", 422, "no") if name == "itsm" else canned(REFUSED[name]))
    _, answer = await service.post(notification("Refused"))
    record = await eventually(lambda: has_state(service, answer, "sent"))
    assert [(message["state"], message["plain"]) for message in record["messages"]] == [
        ("failed", False),
        ("sent", True),
    ]
    (message,) = providers.sandbox.messages
    assert message.msgtype in ("text", "json")
    assert "Refused" in message.title + message.plain
    assert (await service.get(f"/api/v1/channels/{name}"))["consecutive_failures"] == 0


@pytest.mark.parametrize("name", ["wecom", "dingtalk", "feishu"])
async def test_a_wrong_key_stops_the_channel_until_it_is_enabled(serve, providers, name):
    service = await serve(channels=one(providers, name))
    was = next(robot for robot in providers.sandbox.robots if robot.name == name)
    providers.sandbox.unregister(was.kind, was.credential)
    answers = [(await service.post(notification(f"A{n}", group=str(n))))[1] for n in range(3)]
    for answer in answers:
        await eventually(lambda answer=answer: has_state(service, answer, "held"))
    channel = await service.get(f"/api/v1/channels/{name}")
    assert (channel["state"], channel["queue_length"]) == ("stopped", 0)
    assert channel["reason"]
    assert len(providers.sandbox.requests) == 1
    metrics = await service.get("/metrics")
    assert f'alertreceiver_channel_enabled{{channel="{name}"}} 0.0' in metrics
    assert f'alertreceiver_deliveries_suppressed_total{{channel="{name}",reason="stopped"}} 3.0' in metrics
    providers.sandbox.register(was.kind, was.credential, name=name, secret=was.secret)
    status, enabled = await service.post(b"", f"/api/v1/channels/{name}/enable")
    assert (status, enabled["state"]) == (200, "enabled")
    for answer in answers:
        await eventually(lambda answer=answer: has_state(service, answer, "sent"))
    told = "\n".join(providers.told(name))
    assert all(f"A{n}" in told for n in range(3))


async def fail(service, name, number=1):
    """Post notifications that are refused for good; wait until each has failed."""
    for n in range(number):
        _, answer = await service.post(notification(f"{name}{n}", group=f"{name}{n}"))
        await eventually(lambda answer=answer: has_state(service, answer, "failed"))


async def test_three_given_up_in_a_row_stop_a_channel(serve, providers):
    service = await serve(channels=one(providers, "itsm"))
    providers.sandbox.fault("itsm", Fault("answer", 422, "never"), times=None)
    await fail(service, "First", 2)
    providers.sandbox.clear_faults()
    _, answer = await service.post(notification("Between"))
    await eventually(lambda: has_state(service, answer, "sent"))
    providers.sandbox.fault("itsm", Fault("answer", 422, "never"), times=None)
    await fail(service, "Second", 2)
    channel = await service.get("/api/v1/channels/itsm")
    assert (channel["state"], channel["consecutive_failures"]) == ("enabled", 2)
    await fail(service, "Third")
    assert (await service.get("/api/v1/channels/itsm"))["state"] == "stopped"
    _, held = await service.post(notification("Held"))
    assert held["deliveries"][0]["state"] == "held"
    metrics = await service.get("/metrics")
    assert 'alertreceiver_notifications_failed_total{channel="itsm",kind="webhook",reason="clientError"} 5.0' in metrics


async def restart(service, change):
    """Stop, change the configuration's channels, start."""
    await service.stop()
    configuration = yaml.safe_load(service.file.read_text())
    for channel in configuration["channels"]:
        channel.update(change)
    service.file.write_text(yaml.safe_dump(configuration))
    await service.start()


async def test_a_stopped_channel_starts_again_with_a_changed_configuration_only(serve, providers):
    service = await serve(channels=one(providers, "itsm"))
    providers.sandbox.fault("itsm", Fault("answer", 410, "gone"))
    _, answer = await service.post(notification("Waits"))
    await eventually(lambda: has_state(service, answer, "held"))
    await restart(service, {})
    await asyncio.sleep(0.5)
    assert (await record_of(service, answer))["state"] == "held"
    assert (await service.get("/api/v1/channels/itsm"))["state"] == "stopped"
    await restart(service, {"description": "repaired"})
    await eventually(lambda: has_state(service, answer, "sent"))
    assert (await service.get("/api/v1/channels/itsm"))["state"] == "enabled"


async def test_a_channel_disabled_in_the_configuration_holds_until_it_is_enabled_there(serve, providers):
    service = await serve(channels=one(providers, "itsm", enabled=False))
    _, answer = await service.post(notification("Waits"))
    assert answer["deliveries"][0]["state"] == "held"
    assert (await record_of(service, answer))["reason"] == "disabled"
    assert (await service.post(b"", "/api/v1/channels/itsm/enable"))[0] == 409
    await asyncio.sleep(0.5)
    assert not providers.sandbox.requests
    await restart(service, {"enabled": True})
    await eventually(lambda: has_state(service, answer, "sent"))


async def test_what_an_operator_disabled_stays_disabled_across_a_restart(serve, providers):
    service = await serve(channels=one(providers, "itsm"))
    await service.post(b"", "/api/v1/channels/itsm/disable")
    _, answer = await service.post(notification("Waits"))
    service.kill()
    await service.start()
    await asyncio.sleep(0.5)
    assert (await record_of(service, answer))["state"] == "held"
    await service.post(b"", "/api/v1/channels/itsm/enable")
    await eventually(lambda: has_state(service, answer, "sent"))


async def test_what_fails_while_its_channel_is_disabled_is_held(serve, providers):
    service = await serve(channels=one(providers, "itsm"))
    providers.sandbox.fault("itsm", Fault("answer", 500, "no", seconds=1.0))
    _, answer = await service.post(notification("InFlight"))
    await eventually(lambda: providers.sandbox.requests)
    await service.post(b"", "/api/v1/channels/itsm/disable")
    await eventually(lambda: has_attempts(service, answer))
    record = await record_of(service, answer)
    assert (record["state"], record["reason"]) == ("held", "disabled")
    assert (await service.get("/api/v1/channels/itsm"))["queue_length"] == 0
    await service.post(b"", "/api/v1/channels/itsm/enable")
    await eventually(lambda: has_state(service, answer, "sent"))


async def test_an_enabled_channel_does_not_wait_for_the_end_of_an_outage(serve, providers):
    service = await serve(channels=one(providers, "itsm"))
    providers.sandbox.fault("itsm", Fault("answer", 500, "no"), times=2)
    _, answer = await service.post(notification("Impatient"))
    await eventually(lambda: len(providers.sandbox.requests) == 2)
    await eventually(lambda: failed(service, "itsm", "serverError", 2))
    await service.post(b"", "/api/v1/channels/itsm/disable")
    await service.post(b"", "/api/v1/channels/itsm/enable")
    await eventually(lambda: has_state(service, answer, "sent"), 2.5)


async def has_attempts(service, answer):
    return (await record_of(service, answer))["attempts"]


BROKEN = {"fails": "{{ 1 // 0 }}", "syntax": "{% if %}", "endless": "{% for i in range(10**9) %}x{% endfor %}"}


@pytest.mark.parametrize("template", BROKEN.values(), ids=BROKEN)
async def test_a_template_that_fails_is_no_reason_not_to_tell(serve, providers, tmp_path, template):
    folder = tmp_path / "templates" / "broken"
    folder.mkdir(parents=True)
    for kind in KINDS:
        (folder / f"{kind}.j2").write_text(template)
    service = await serve(
        channels=providers.channels(template="broken"), templates={"directory": str(tmp_path / "templates")}
    )
    await service.post(notification("StillTold", severity="critical"))
    for name in ("wecom", "dingtalk", "feishu", "itsm"):
        await eventually(lambda name=name: providers.told(name))
        (told,) = providers.told(name)
        assert "StillTold" in told
        assert "summary of StillTold" in told
    assert 'alertreceiver_template_failures_total{template="broken"} 4.0' in await service.get("/metrics")
