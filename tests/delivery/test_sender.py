"""The sender against errors nobody thought of, crashes between two writes, and a store that is away."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest
import stage
from stage import eventually, notification

from receiver.errors import StoreUnavailable
from receiver.sandbox import Fault
from receiver.settings import Rate


@pytest.fixture
async def run(tmp_path, providers):
    """Starts the service in this process with some of the usual channels; ended with the test."""
    started = []

    async def start(*names, **more):
        channels = [{**one, **more} for one in providers.channels() if one["name"] in (names or ("itsm",))]
        client = stage.Client(stage.settings(tmp_path, providers, channels=channels))
        started.append(client)
        await client.start()
        return client

    yield start
    for client in started:
        await client.stop()


async def post(client, name, **more):
    """Post one notification; the id of its delivery."""
    async with client.http.post("/webhook", json=notification(name, group=name, **more)) as response:
        assert response.status == 202
        return (await response.json())["deliveries"][0]["id"]


async def change(client, name, what):
    async with client.http.post(f"/api/v1/channels/{name}/{what}") as response:
        return response.status


async def state_of(client, delivery):
    return (await client.service.store.record(delivery)).delivery.state


async def has(client, delivery, state):
    return await state_of(client, delivery) == state


def failing(method, error, times=1):
    """`method`, which fails so many times first."""
    left = times

    async def call(*args, **kwargs):
        nonlocal left
        if left:
            left -= 1
            raise error
        return await method(*args, **kwargs)

    return call


async def test_a_read_that_fails_in_an_unknown_way_does_not_end_the_channel(run, providers, monkeypatch):
    client = await run()
    store = client.service.store
    monkeypatch.setattr(store, "owed", failing(store.owed, sqlite3.OperationalError("no such thing")))
    await post(client, "Survives")
    await eventually(lambda: providers.told("itsm"))


async def test_a_channel_that_cannot_read_an_answer_tries_again_with_the_same_bytes(run, providers, monkeypatch):
    client = await run()
    channel = client.service.dispatcher.senders["itsm"].standing.channel
    check, seen = channel.check, []

    def unable(response):
        seen.append(response)
        if len(seen) == 1:
            raise KeyError("an answer like no other")
        return check(response)

    monkeypatch.setattr(channel, "check", unable)
    delivery = await post(client, "Read")
    await eventually(lambda: has(client, delivery, "sent"))
    record = await client.service.store.record(delivery)
    assert [bool(attempt.error) for attempt in record.attempts] == [True, False]
    assert "an answer like no other" not in record.attempts[0].error
    assert len(record.messages) == 1
    assert record.delivery.attempts == 1


async def test_what_was_held_before_a_crash_in_between_comes_back(run, monkeypatch):
    client = await run()
    assert await change(client, "itsm", "disable") == 200
    delivery = await post(client, "Between")
    store = client.service.store
    monkeypatch.setattr(store, "release", failing(store.release, StoreUnavailable("died here"), 99))
    assert await change(client, "itsm", "enable") == 503
    await client.stop()
    again = await run()
    await eventually(lambda: has(again, delivery, "sent"), 5)


async def test_what_comes_while_a_channel_is_enabled_waits_for_what_was_held(run, providers, monkeypatch):
    client = await run()
    store = client.service.store
    assert await change(client, "itsm", "disable") == 200
    await post(client, "Same")
    release, begun = store.release, asyncio.Event()

    async def slow(*args):
        begun.set()
        await asyncio.sleep(0.5)
        return await release(*args)

    monkeypatch.setattr(store, "release", slow)
    enabled = asyncio.create_task(change(client, "itsm", "enable"))
    await begun.wait()
    delivery = await post(client, "Same", status="resolved")
    assert await enabled == 200
    await eventually(lambda: has(client, delivery, "sent"))
    told = [json.loads(message.raw)["status"] for message in providers.sandbox.messages]
    assert told == ["firing", "resolved"]


async def test_what_is_owed_is_held_even_if_the_store_was_away_when_the_channel_stopped(run, providers, monkeypatch):
    client = await run("wecom")
    store = client.service.store
    monkeypatch.setattr(store, "hold", failing(store.hold, StoreUnavailable("the disk is full"), 2))
    providers.sandbox.fault("wecom", Fault("not_found"))
    deliveries = [await post(client, f"Owed{n}") for n in range(3)]
    for delivery in deliveries:
        await eventually(lambda delivery=delivery: has(client, delivery, "held"))
    assert await change(client, "wecom", "enable") == 200
    for delivery in deliveries:
        await eventually(lambda delivery=delivery: has(client, delivery, "sent"))


async def test_a_late_outcome_does_not_enable_a_disabled_channel(run, providers, monkeypatch):
    client = await run()
    store, sender = client.service.store, client.service.dispatcher.senders["itsm"]
    providers.sandbox.fault("itsm", Fault("answer", 422, "never"), times=2)
    failed = await post(client, "Failed")
    await eventually(lambda: has(client, failed, "failed"))
    assert sender.standing.state.failures == 1
    monkeypatch.setattr(store, "settle", failing(store.settle, StoreUnavailable("busy")))
    sent = await post(client, "Sent")
    await eventually(lambda: sender.standing.state.failures == 0)
    assert await change(client, "itsm", "disable") == 200
    await eventually(lambda: has(client, sent, "sent"))
    assert (await store.channels())["itsm"].state == "disabled"


async def test_a_slot_that_nothing_was_posted_for_is_given_back(run, monkeypatch):
    client = await run("wecom")
    store, sender = client.service.store, client.service.dispatcher.senders["wecom"]
    monkeypatch.setattr(store, "begin", failing(store.begin, StoreUnavailable("the disk is full")))
    delivery = await post(client, "Slot")
    await eventually(lambda: has(client, delivery, "sent"))
    assert sender.standing.used(store.now())[0] == 1


async def test_a_slot_counts_from_the_answer_because_the_message_may_have_been_slow(run, providers):
    client = await run("feishu")
    store, standing = client.service.store, client.service.dispatcher.senders["feishu"].standing
    providers.sandbox.fault("feishu", Fault("answer", 200, '{"code": 0}', seconds=0.8))
    begun = store.now()
    delivery = await post(client, "Slow")
    await eventually(lambda: has(client, delivery, "sent"))
    assert standing.pool.members[0].window.used((Rate(1, 1.1),), begun + 1.5) == (1, 1)


async def test_what_an_operator_disabled_is_not_enabled_by_another_description(run):
    client = await run()
    assert await change(client, "itsm", "disable") == 200
    delivery = await post(client, "Muted")
    await client.stop()
    again = await run(description="other words")
    await asyncio.sleep(0.3)
    assert await state_of(again, delivery) == "held"
    assert again.service.dispatcher.held("itsm") == "disabled"
