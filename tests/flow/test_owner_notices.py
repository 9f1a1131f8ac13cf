"""Trouble with a channel, told to its owner through the real service."""

from __future__ import annotations

import asyncio

import pytest
from mention_samples import PEOPLE
from stage import Providers, eventually, notification

HOSTILE = '<@all> <at id=all></at> [x](http://evil.example) **"'


@pytest.fixture
def channels(providers: Providers):
    """Everything goes to the webhook, which mentions by the label owner and is owned by wecom."""
    owned = {"wecom": {"mentions": ["张三"]}, "itsm": {"owner": "wecom", "mentions": {"label": "owner"}}}
    found = [{**channel, **owned[channel["name"]]} for channel in providers.channels() if channel["name"] in owned]
    return {"channels": found, "route": {"channels": ["itsm"]}, "contacts": PEOPLE}


async def sent(service, body):
    """Post a body and wait until it was sent to the webhook."""
    _, answer = await service.post(body)
    [owed] = answer["deliveries"]
    await eventually(lambda: ended(service, owed["id"]))
    return owed["id"]


async def ended(service, record):
    return (await service.get(f"/api/v1/records/{record}"))["state"] == "sent"


async def notices(service):
    """The records of what the owner was told, the oldest first."""
    return (await service.get("/api/v1/records?channel=wecom"))["items"][::-1]


async def test_the_owner_is_told_of_a_name_that_no_contact_has(serve, providers, channels):
    service = await serve(**channels)
    record = await sent(service, notification("Disk", owner="nobody-known"))
    await eventually(lambda: providers.told("wecom"))
    [told] = providers.told("wecom")
    assert "AlertReceiverUnknownContact" in told
    assert "nobody-known" in told
    assert "itsm" in told
    assert f"/api/v1/records/{record}" in told
    assert [message.mentions for message in providers.sandbox.messages] == [(), ()]


async def test_the_same_name_is_told_once_even_after_a_restart(serve, providers, channels):
    service = await serve(**channels)
    for name in ("One", "Two"):
        await sent(service, notification(name, group=name, owner="nobody-known"))
    await service.stop()
    service = await serve(**channels)
    await sent(service, notification("Three", group="Three", owner="nobody-known"))
    await sent(service, notification("Four", group="Four", owner="somebody-else"))
    await eventually(lambda: len(providers.told("wecom")) == 2)
    assert [name in told for told in providers.told("wecom") for name in ("nobody-known", "somebody-else")] == [
        True, False, False, True,
    ]  # fmt: skip


async def test_a_notice_is_a_record_and_no_received_event(serve, providers, channels):
    service = await serve(**channels)
    await sent(service, notification("Disk", owner="nobody-known"))
    await eventually(lambda: providers.told("wecom"))
    await eventually(lambda: all_ended(service))
    [record] = await notices(service)
    assert (record["route"], record["kind"], record["alerts"][0]["labels"]["channel"]) == (
        "owner", "wecom_robot", "itsm",
    )  # fmt: skip
    metrics = await service.get("/metrics")
    assert 'alertreceiver_events_received_total{source="alertmanager"} 1.0' in metrics
    assert 'source="alert-receiver"' not in metrics
    assert 'alertreceiver_notifications_total{channel="wecom",kind="wecom_robot"} 1.0' in metrics


async def all_ended(service):
    return all(record["state"] == "sent" for record in await notices(service))


async def test_what_a_label_says_pings_nobody_and_leads_nowhere(serve, providers, channels):
    service = await serve(**channels)
    await sent(service, notification("Disk", owner=HOSTILE))
    await eventually(lambda: providers.told("wecom"))
    told = [message for message in providers.sandbox.messages if message.name == "wecom"]
    assert [message.mentions for message in told] == [()]
    assert not any("evil" in link for message in told for link in message.links)


async def test_a_large_notification_is_planned_in_a_thread_and_told_as_well(serve, providers, channels):
    service = await serve(**channels)
    await sent(service, notification(*(f"Alert{number}-{'x' * 400}" for number in range(800)), owner="nobody-known"))
    await eventually(lambda: providers.told("wecom"))
    assert "nobody-known" in providers.told("wecom")[0]


async def test_an_owner_that_owns_itself_is_told_once(serve, providers, channels):
    [wecom] = [channel for channel in channels["channels"] if channel["name"] == "wecom"]
    wecom |= {"owner": "wecom", "mentions": {"label": "channel"}}
    service = await serve(**channels)
    await service.post(notification("Disk", channel="nobody-known"), "/webhook?channel=wecom")
    await eventually(lambda: len(providers.told("wecom")) == 2)
    await asyncio.sleep(0.5)
    assert len(await notices(service)) == 2


async def test_a_disabled_owner_gets_its_notices_when_it_is_enabled(serve, providers, channels):
    service = await serve(**channels)
    await service.post({}, "/api/v1/channels/wecom/disable")
    await sent(service, notification("Disk", owner="nobody-known"))
    [record] = await eventually(lambda: notices(service))
    assert (record["state"], record["reason"], providers.told("wecom")) == ("held", "disabled", [])
    await service.post({}, "/api/v1/channels/wecom/enable")
    await eventually(lambda: providers.told("wecom"))
