"""What is written down of what is owed beside sending it; after each step memory is what the store would say."""

import pytest
from owed_samples import NOW
from scripted import target
from upkeep_stage import UNREADABLE, all_of, opened

from receiver.delivery.retry import MAX_AGE_FIRING, MAX_AGE_RESOLVED
from receiver.model import Carried


@pytest.fixture
async def desk(tmp_path):
    made = await opened(tmp_path)
    yield made
    await made.store.close()


class TestBlame:
    @pytest.mark.parametrize(("number", "rounds"), [(2, 1), (3, 1), (8, 3), (100, 6)])
    async def test_of_several_half_at_a_time_and_nobody_is_put_off(self, desk, number, rounds):
        for one in range(1, number + 1):
            await desk.owe(one)
        for _ in range(rounds):
            await desk.upkeep.blame(desk.queue.due(NOW))
        assert {one.most for one in desk.queue} == {1}
        assert (len(desk.queue.due(NOW)), desk.queue.stale) == (number, True)

    async def test_the_only_one_is_put_off_longer_and_longer(self, desk):
        await desk.owe(1)
        waits = []
        for tries in range(3):
            await desk.upkeep.blame([desk.queue.get("d1")])
            assert await desk.states() == [("queued", "internal error")]
            waits.append(desk.queue.get("d1").delivery.due_at - NOW)
            assert desk.queue.get("d1").delivery.attempts == tries + 1
        assert waits == sorted(waits)
        assert waits[0] > 1.0

    async def test_what_cannot_be_read_is_to_blame_and_no_other(self, desk):
        for number in range(1, 6):
            await desk.owe(number, body=UNREADABLE if number == 3 else None)
        await desk.upkeep.blame(desk.queue.due(NOW))
        assert [one.id for one in desk.queue.due(NOW)] == ["d1", "d2", "d4", "d5"]

    async def test_what_was_begun_is_put_off_as_a_whole(self, desk):
        await desk.owe(1)
        await desk.owe(2)
        [bundle] = await desk.begin(("m1", "", all_of(1) + all_of(2)))
        await desk.upkeep.blame(bundle.owed, begun=True)
        assert not bundle.is_due(NOW)
        assert desk.queue.next_due() > NOW + 1.0


class TestExpire:
    @pytest.mark.parametrize(("firing", "age"), [(True, MAX_AGE_FIRING), (False, MAX_AGE_RESOLVED)])
    async def test_what_is_too_old_ends_and_who_missed_it_is_told(self, desk, firing, age):
        await desk.owe(1, alerts=3, firing=firing)
        await desk.upkeep.expire(NOW + age - 1)
        assert await desk.states() == [("queued", "")]
        await desk.upkeep.expire(NOW + age)
        assert await desk.states() == [("expired", "too old")]
        assert (desk.missed, len(desk.queue)) == ([("d1", 3)], 0)

    async def test_what_was_tried_has_failed_and_three_of_them_stop_the_channel(self, desk):
        for number in (1, 2):
            await desk.owe(number, attempts=1)
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert await desk.states() == [("failed", "too old")] * 2
        assert (desk.standing.enabled, desk.standing.state.failures) == (True, 2)
        await desk.owe(3, attempts=9)
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert not desk.standing.enabled
        assert (await desk.store.channels())["infra"].state == "stopped"

    async def test_what_was_never_tried_counts_for_nothing(self, desk):
        for number in range(1, 6):
            await desk.owe(number)
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert (desk.standing.enabled, desk.standing.state.failures) == (True, 0)

    async def test_in_an_outage_of_the_provider_nobody_is_stopped(self, desk):
        now = NOW + MAX_AGE_FIRING
        desk.outages.failed("scripted", "one", now)
        desk.outages.failed("scripted", "two", now)
        for number in range(1, 5):
            await desk.owe(number, attempts=3)
        await desk.upkeep.expire(now)
        assert await desk.states() == [("failed", "too old")] * 4
        assert desk.standing.enabled

    async def test_the_younger_stay(self, desk):
        await desk.owe(1, group="g")
        await desk.owe(2, group="g", released_at=NOW + 60)
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert await desk.states() == [("expired", "too old"), ("queued", "")]
        assert await desk.agree()

    async def test_what_is_begun_ends_together_or_not_yet(self, desk):
        await desk.owe(1)
        await desk.owe(2, released_at=NOW + 60)
        await desk.begin(("m1", "", all_of(1) + all_of(2)))
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert [one.id for one in desk.queue] == ["d1", "d2"]
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING + 60)
        assert (len(desk.queue), desk.queue.open) == (0, [])
        assert await desk.agree()

    async def test_only_what_nobody_was_told_is_missed(self, desk):
        await desk.owe(1, alerts=3)
        await desk.begin(("m1", "", [Carried("d1", (0, 1))]), ("m2", "", [Carried("d1", (2,))]), tell=["m1"])
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert (desk.missed, await desk.states()) == ([("d1", 1)], [("failed", "too old")])

    async def test_what_cannot_be_read_any_more_ends_too(self, desk):
        await desk.owe(1, body=UNREADABLE, attempts=99)
        await desk.upkeep.expire(NOW + MAX_AGE_FIRING)
        assert (await desk.states(), desk.missed) == ([("failed", "too old")], [("d1", 1)])


class TestTheRest:
    async def test_what_was_told_whole_before_a_crash_ends(self, desk):
        await desk.owe(1)
        await desk.begin(("m1", "", all_of(1)), tell=["m1"])
        await desk.upkeep.finish_told()
        assert (await desk.states(), len(desk.queue)) == ([("sent", "")], 0)

    async def test_what_one_receiver_was_told_and_another_was_not_goes_on(self, desk):
        desk.channel.aim("a", "b")
        await desk.owe(1)
        await desk.begin(("m1", target("a"), all_of(1)), ("m2", target("b"), all_of(1)), tell=["m1"])
        await desk.upkeep.finish_told()
        assert (await desk.states())[0][0] != "sent"
        assert [message.id for message in desk.queue.begun(NOW).messages] == ["m2"]

    async def test_what_is_made_anew_is_due_with_what_came_since(self, desk):
        await desk.owe(1)
        [bundle] = await desk.begin(("m1", "", all_of(1)))
        await desk.owe(2)
        await desk.upkeep.rebuild(bundle)
        assert [one.id for one in desk.queue.due(NOW)] == ["d1", "d2"]
        assert await desk.agree()
