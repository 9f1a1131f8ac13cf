"""One message a group, kept true: Feishu's card shows what joins and resolves, and rings again when it must."""

from __future__ import annotations

import orjson
import pytest
import stage
from stage import APP_ID, eventually, notification

from receiver.sandbox import Fault

REPEAT = "repeat interval elapsed"
LATEST = "以本组最新的消息为准"
OTHER = "oc_84983ff6516d731e5b5f68d4ea2e1da5"


def lark(providers, **more):
    return next({**one, **more} for one in providers.apps() if one["name"] == "lark")


@pytest.fixture
async def run(tmp_path, providers):
    """Starts the service in this process, with Feishu's app alone; ended with the test."""
    started = []

    async def start(**more):
        sections = stage.settings(tmp_path, providers, channels=[lark(providers, **more)])
        started.append(stage.Client(sections))
        await started[-1].start()
        return started[-1]

    yield start
    for client in started:
        await client.stop()


async def tell(client, body, path="/webhook"):
    """Post a body and wait until it is told; its record."""
    status, accepted = await client.post_body(orjson.dumps(body), path)
    assert (status, accepted["duplicate"]) == (202, False)
    (delivery,) = accepted["deliveries"]

    async def ended():
        record = await client.service.store.record(delivery["id"])
        assert record.delivery.state != "failed", record.delivery.reason
        return record if record.delivery.state == "sent" else None

    return await eventually(ended)


def bubbles(providers):
    """The colour of each bubble, how often it changed, and what stands in it."""
    shown = [one for one in providers.sandbox.messages if one.name == "lark"]
    return [(one.content.accent, one.updates, f"{one.title}\n{one.plain}") for one in shown]


def looks(providers):
    return [bubble[:2] for bubble in bubbles(providers)]


def sent(providers):
    """What the sandbox keeps of the app's messages by their names, oldest first."""
    (app,) = providers.sandbox.robots.of("feishu_app", APP_ID)
    return app.sent


def take_back(providers, number):
    """Take back, as a person may, the card of that number."""
    [*sent(providers).values()][number].recalled = True


def repeated(body):
    return {**body, "notification_reason": REPEAT}


async def test_an_alert_that_joins_shows_in_the_same_card_which_turns_green_at_the_end(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    await tell(client, notification("DiskFull", "DiskSlow"))
    assert looks(providers) == [("orange", 1)]
    assert "DiskSlow" in bubbles(providers)[0][2]
    await tell(client, notification("DiskFull", "DiskSlow", status="resolved"))
    assert looks(providers) == [("green", 2)]


async def test_the_record_of_an_update_tells_what_was_shown(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    record = await tell(client, notification("DiskFull", status="resolved"))
    (message,), (attempt,) = record.messages, record.attempts
    assert ([message.updates], attempt.provider_code) == ([*sent(providers)], "0")
    assert orjson.loads(message.content)["content"]["header"]["template"] == "green"


async def test_what_fires_again_has_a_card_of_its_own(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    await tell(client, notification("DiskFull", status="resolved"))
    again = notification("DiskFull")
    again["alerts"][0]["startsAt"] = "2026-01-02T05:00:00Z"
    await tell(client, again)
    assert looks(providers) == [("green", 1), ("orange", 0)]


@pytest.mark.parametrize(
    ("again", "path"), [(repeated, "/webhook"), (dict, "/webhook?channel=lark")], ids=["said", "the same alerts"]
)
async def test_a_repetition_rings_and_the_old_card_says_so(run, providers, again, path):
    client = await run()
    await tell(client, notification("DiskFull"))
    await tell(client, again(notification("DiskFull")), path)
    assert looks(providers) == [("grey", 1), ("orange", 0)]
    assert LATEST in bubbles(providers)[0][2]
    await tell(client, notification("DiskFull", status="resolved"))
    assert looks(providers) == [("grey", 1), ("green", 1)]


async def test_what_is_more_severe_rings(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    worse = notification("DiskFull", "DiskDead")
    worse["alerts"][1]["labels"]["severity"] = "critical"
    await tell(client, worse)
    assert looks(providers) == [("grey", 1), ("red", 0)]
    await tell(client, notification("DiskFull"), "/webhook?channel=lark")
    assert looks(providers) == [("grey", 1), ("orange", 1)]


async def test_groups_have_cards_of_their_own(run, providers):
    client = await run()
    for group in ("a", "b"):
        await tell(client, notification("DiskFull", group=group))
    await tell(client, notification("DiskFull", group="a", status="resolved"))
    assert looks(providers) == [("green", 1), ("orange", 0)]


@pytest.mark.parametrize("code", [230011, 230031, 230110, 230002])
async def test_a_card_that_cannot_be_changed_any_more_is_posted_anew(run, providers, code):
    client = await run()
    await tell(client, notification("DiskFull"))
    providers.sandbox.fault("lark/update", Fault("answer", 400, f'{{"code":{code},"msg":"gone"}}'))
    record = await tell(client, notification("DiskFull", status="resolved"))
    assert looks(providers) == [("orange", 0), ("green", 0)]
    assert [attempt.provider_code for attempt in record.attempts] == [str(code), "0"]


async def test_a_card_that_a_person_took_back_comes_again_and_is_kept_true(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    take_back(providers, 0)
    await tell(client, notification("DiskFull", "DiskSlow"))
    await tell(client, notification("DiskFull", "DiskSlow", status="resolved"))
    assert looks(providers) == [("orange", 0), ("green", 1)]


async def test_an_update_that_is_refused_is_told_in_plain_text_and_the_card_says_so(run, providers):
    client = await run()
    await tell(client, notification("DiskFull"))
    providers.sandbox.fault("lark/update", Fault("answer", 400, '{"code":230028,"msg":"audit"}'))
    await tell(client, notification("DiskFull", status="resolved"))
    (card, text) = bubbles(providers)
    assert (card[:2], LATEST in card[2]) == (("grey", 1), True)
    assert "已恢复" in text[2]


async def test_a_card_that_may_not_mention_all_is_told_in_plain_text_without(run, providers):
    (app,) = providers.sandbox.robots.of("feishu_app", APP_ID)
    app.at_all = False
    client = await run(mentions=["all"])
    record = await tell(client, notification("DiskFull"))
    assert [attempt.provider_code for attempt in record.attempts] == ["230099/100290", "0"]
    assert [(one.msgtype, one.mentions) for one in providers.sandbox.messages] == [("text", ())]


async def test_every_receiver_has_a_card_and_one_that_is_gone_comes_again_there(run, providers):
    chats = [lark(providers)["to"]["chat_ids"][0], OTHER]
    client = await run(to={"chat_ids": chats})
    await tell(client, notification("DiskFull"))
    take_back(providers, 1)
    await tell(client, notification("DiskFull", status="resolved"))
    shown = [(one.to[0], one.content.accent, one.updates) for one in providers.sandbox.messages]
    assert shown == [(chats[0], "green", 1), (chats[1], "orange", 0), (chats[1], "green", 0)]


async def test_parts_that_are_needed_no_more_say_so(run, providers):
    client = await run()
    names = [f"Disk{number:03d}" for number in range(400)]
    await tell(client, notification(*names))
    parts = len(bubbles(providers))
    await tell(client, notification(*names[:3]))
    assert parts > 1
    assert looks(providers) == [("orange", 1), *[("grey", 1)] * (parts - 1)]


@pytest.mark.parametrize(
    ("step", "body", "colour"),
    [("send", notification("DiskFull"), "orange"), ("update", notification("DiskFull", status="resolved"), "green")],
)
async def test_a_kill_between_post_and_record_makes_no_second_card(serve, providers, step, body, colour):
    service = await serve(channels=[lark(providers)])
    if step == "update":
        _, before = await service.post(notification("DiskFull"))
        await eventually(lambda: is_sent(service, before))
    providers.sandbox.fault(f"lark/{step}", Fault("delay", seconds=1.5))
    _, accepted = await service.post(body)
    await eventually(lambda: bubbles(providers) and bubbles(providers)[0][0] == colour)
    service.kill()
    await service.start()
    await eventually(lambda: is_sent(service, accepted))
    await service.post(notification("DiskFull", "DiskSlow", status="resolved"))
    await eventually(lambda: "DiskSlow" in bubbles(providers)[-1][2])
    assert [bubble[0] for bubble in bubbles(providers)] == (["green"] if step == "send" else ["green", "green"])
    assert [note[:25] for note in providers.sandbox.violations] == ["lark: token fetched again"]
    providers.sandbox.violations.clear()  # a token is kept in memory alone


async def is_sent(service, accepted):
    record = await service.get(f"/api/v1/records/{accepted['deliveries'][0]['id']}")
    return record["state"] == "sent"
