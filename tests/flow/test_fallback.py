"""A channel that cannot tell has its fallback tell, its owner is told, and in the end it tells everything itself."""

from __future__ import annotations

import pytest
import yaml
from stage import eventually, notification

from receiver.sandbox.faults import Fault

STOPPED = "AlertReceiverChannelStopped"


@pytest.fixture
def channels(providers):
    """Everything goes to the webhook; wecom takes over from it, and feishu is told of its troubles."""
    own = {
        "wecom": {"language": "en"},
        "feishu": {"language": "en"},
        "itsm": {"owner": "feishu", "fallback": "wecom", "limits": {"fallback_after": "3s"}},
    }
    found = [{**channel, **own[channel["name"]]} for channel in providers.channels() if channel["name"] in own]
    return {"channels": found, "route": {"channels": ["itsm"]}}


async def give(service, name, **labels):
    """Post one alert of a group of its own; the id of what is owed to the webhook."""
    _, answer = await service.post(notification(name, group=name, **labels))
    [owed] = answer["deliveries"]
    return owed["id"]


async def is_told(service, record):
    found = await service.get(f"/api/v1/records/{record}")
    return found if found["state"] == "sent" else None


async def stand_ins(service):
    return [one for one in (await service.get("/api/v1/records?channel=wecom"))["items"] if one["stands_in"]]


async def test_what_a_stopped_channel_holds_is_told_by_its_fallback_and_in_the_end_by_itself(
    serve, providers, channels
):
    service = await serve(**channels)
    providers.sandbox.fault("itsm", Fault("answer", 410, "gone"))
    owed = [await give(service, name) for name in ("First", "Second", "Third")]
    await eventually(lambda: all_in(providers.told("wecom")))
    assert sorted(one["stands_in"] for one in await stand_ins(service)) == sorted(owed)
    assert all("itsm" in told for told in providers.told("wecom"))
    assert {(await service.get(f"/api/v1/records/{name}"))["state"] for name in owed} == {"held"}
    await service.post(b"", "/api/v1/channels/itsm/enable")
    for name in owed:
        record = await eventually(lambda name=name: is_told(service, name))
        assert record["told_by"] == "wecom"
    assert all_in(providers.told("itsm"))
    assert 'deliveries_relieved_total{channel="itsm"} 3.0' in await service.get("/metrics")


def all_in(told):
    """Whether all three alerts were told."""
    return all(name in "\n".join(told) for name in ("First", "Second", "Third"))


async def test_the_owner_is_told_of_the_stop_and_of_its_end_once_whatever_restarts(serve, providers, channels):
    service = await serve(**channels)
    providers.sandbox.fault("itsm", Fault("answer", 410, "gone"))
    await give(service, "First")
    await eventually(lambda: providers.told("feishu"))
    [told] = providers.told("feishu")
    assert all(text in told for text in ("Channel itsm has stopped", "410", "/api/v1/channels/itsm", "wecom"))
    await service.stop()
    await service.start()
    await service.stop()
    change(service, description="repaired")
    await service.start()
    await eventually(lambda: len(providers.told("feishu")) == 2)
    assert "Channel itsm is enabled again" in providers.told("feishu")[1]
    statuses = [record["alerts"][0]["status"] for record in await notices(service)]
    assert statuses == ["resolved", "firing"]


def change(service, **fields):
    """Change the configuration of the webhook."""
    configuration = yaml.safe_load(service.file.read_text())
    next(channel for channel in configuration["channels"] if channel["name"] == "itsm").update(fields)
    service.file.write_text(yaml.safe_dump(configuration))


async def notices(service):
    return (await service.get("/api/v1/records?channel=feishu"))["items"]


async def test_what_is_urgent_and_late_is_told_by_the_fallback_too_and_the_rest_is_not(serve, providers, channels):
    service = await serve(**channels)
    providers.sandbox.fault("itsm", Fault("answer", 503, "down"), times=None)
    urgent = await give(service, "Urgent", severity="critical")
    await give(service, "Usual")
    await eventually(lambda: providers.told("wecom"))
    [told] = providers.told("wecom")
    assert ("Urgent" in told, "Usual" in told) == (True, False)
    providers.sandbox.clear_faults()
    record = await eventually(lambda: is_told(service, urgent), 60.0)
    assert (record["told_by"], len(await stand_ins(service))) == ("wecom", 1)
    await eventually(lambda: "Usual" in "\n".join(providers.told("itsm")))
