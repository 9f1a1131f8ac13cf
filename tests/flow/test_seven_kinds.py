"""Every kind sends what happens to a group of alerts, and what nobody would wish for, through the whole service."""

import pytest
from stage import eventually, notification

HOSTILE = (
    '<at id=all></at> <@all> [x](http://evil.example) **b** `c` "\\\n# h\n> q \u202egnp.exe \u200b<at user_id="all">'
)
NAMES = ("wecom", "dingtalk", "feishu", "itsm", "duty", "oncall", "lark")


@pytest.fixture
async def service(serve, providers):
    return await serve(channels=[*providers.channels(), *providers.apps()])


async def told(service, body):
    """Post `body` and wait until all it owes has been sent."""
    status, accepted = await service.post(body)
    assert status == 202

    async def sent():
        records = [await service.get(f"/api/v1/records/{one['id']}") for one in accepted["deliveries"]]
        assert {record["state"] for record in records} <= {"queued", "sending", "sent"}, records
        return records if all(record["state"] == "sent" for record in records) else None

    return await eventually(sent, 50.0)


def shown(providers, name):
    return "\n".join(f"{one.title}\n{one.plain}" for one in providers.sandbox.messages if one.name == name)


async def test_firing_joined_and_resolved(service, providers):
    await told(service, notification("DiskFull", instance="db1"))
    await told(service, notification("DiskFull", "DiskSlow", instance="db1"))
    records = await told(service, notification("DiskFull", "DiskSlow", instance="db1", status="resolved"))
    assert {record["channel"] for record in records} == set(NAMES)
    for name in NAMES:
        said = shown(providers, name)
        assert "DiskSlow" in said
        assert "已恢复" in said or '"status":"resolved"' in said, name
    posted = [one for one in providers.sandbox.messages if one.name == "lark"]
    assert [(one.updates, one.content.accent) for one in posted] == [(2, "green")]


async def test_three_hundred_alerts(service, providers):
    names = [f"Alert{number:03d}" for number in range(300)]
    records = await told(service, notification(*names))
    assert len(records) == len(NAMES)
    for name in NAMES:
        said = shown(providers, name)
        assert [alert for alert in names if alert not in said] == [], name


async def test_hostile_alerts_ping_nobody_and_lead_nowhere(service, providers):
    body = notification(HOSTILE, instance=HOSTILE, severity="critical", owner="all")
    body["alerts"][0]["annotations"] = {"summary": HOSTILE, "description": HOSTILE * 50, "runbook_url": "javascript:x"}
    await told(service, body)
    for one in providers.sandbox.messages:
        assert one.mentions == ()
        assert not [link for link in one.links if link.startswith("http://evil.example")]
    assert {one.name for one in providers.sandbox.messages} == set(NAMES)
