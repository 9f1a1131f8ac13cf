"""What waits is left to those whom the configuration still names; memory is then what the store would say."""

import pytest
from owed_samples import NOW
from scripted import target
from upkeep_stage import all_of, opened

from receiver.model import Attempt, Carried, MessageState, State
from receiver.store.base import Move, Settlement


@pytest.fixture
async def desk(tmp_path):
    made = await opened(tmp_path)
    yield made
    await made.store.close()


async def test_whom_the_configuration_names_still_is_told(desk):
    desk.channel.aim("a", "b")
    await desk.owe(1)
    [bundle] = await desk.begin(("m1", target("a"), all_of(1)), ("m2", target("b"), all_of(1)))
    assert await desk.upkeep.sift(bundle)
    assert [message.id for message in bundle.messages] == ["m1", "m2"]


async def test_whom_it_does_not_name_is_left_out_and_noted(desk):
    desk.channel.aim("a")
    await desk.owe(1)
    [bundle] = await desk.begin(("m1", target("a"), all_of(1)), ("m2", target("b", "a"), all_of(1)))
    assert await desk.upkeep.sift(bundle)
    kept, new = bundle.messages
    assert (kept.id, new.target, new.content) == ("m1", target("a"), b"m2")
    assert bundle.owed[0].notes == [f"configured no more: {target('b', 'a')}"]
    assert await desk.agree()


async def test_what_reached_nobody_and_is_for_nobody_is_planned_anew(desk):
    desk.channel.aim("new")
    await desk.owe(1)
    await desk.owe(2)
    [bundle] = await desk.begin(("m1", target("a"), all_of(1) + all_of(2)))
    desk.queue.open.remove(bundle)
    assert not await desk.upkeep.sift(bundle)
    await desk.queue.refresh()
    assert ([one.id for one in desk.queue.due(NOW)], desk.queue.open) == (["d1", "d2"], [])


async def refuse(desk, name):
    """The message with this name is refused for good."""
    attempt = Attempt(name, NOW, 0.1, 200, "1", "bad text")
    await desk.store.settle(Settlement(name, MessageState.FAILED, attempt, (Move("d1", State.QUEUED),)))
    desk.queue.stale = True
    await desk.queue.refresh()


async def test_what_was_refused_on_the_way_is_told_anew_too(desk):
    desk.channel.aim("new")
    await desk.owe(1, alerts=2)
    parts = [(f"m{part}", target("a"), [Carried("d1", (part - 1,))]) for part in (1, 2)]
    await desk.begin(*parts, plain=True)
    await refuse(desk, "m1")
    [bundle] = desk.queue.open
    assert bundle.owed[0].refused == "bad text"
    desk.queue.open.remove(bundle)
    assert not await desk.upkeep.sift(bundle)
    await desk.queue.refresh()
    [owed] = desk.queue.due(NOW)
    assert (owed.left, owed.refused) == ([0, 1], "")


async def test_what_has_reached_somebody_is_over_but_for_what_nobody_was_told(desk):
    desk.channel.aim("new")
    await desk.owe(1)
    await desk.owe(2)
    [bundle] = await desk.begin(("m1", target("a"), all_of(1)), ("m2", target("a"), all_of(1) + all_of(2)), tell=["m1"])
    desk.queue.open.remove(bundle)
    assert not await desk.upkeep.sift(bundle)
    [(first, why), second] = await desk.states()
    assert (first, second[0]) == ("sent", "queued")
    assert "configured no more" in why
    assert await desk.agree()
    assert [one.id for one in desk.queue.due(NOW)] == ["d2"]
