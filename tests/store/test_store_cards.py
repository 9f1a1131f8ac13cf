"""Every engine: what stands for a group on a channel and can be updated in place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store.facts import NOW, begin, ended, give

from receiver.model import Card
from receiver.store.base import Store

CARD = Card("infra", "g", '{"receive_id":"oc_1"}', 1, "om_1", NOW, 0, "digest", 2, True)
MONTH = 30 * 86400.0


async def keep(store: Store, *cards: Card, **more: object) -> None:
    """Settle a message for each card, as what stands from now on."""
    for card in cards:
        sent = await begin(store, await give(store, group=card.group))
        await store.settle(ended(sent, card=card, **more))


async def retire(store: Store, *retired: str) -> None:
    sent = await begin(store, await give(store, group="other"))
    await store.settle(ended(sent, retired=retired))


async def test_nothing_stands_before_anything_was_sent(store: Store) -> None:
    await give(store)
    assert await store.cards("infra", "g") == []


async def test_what_stands_survives_a_restart(engine, store: Store) -> None:
    await keep(store, CARD)
    assert await (await engine.reopen()).cards("infra", "g") == [CARD]


async def test_the_message_is_called_what_its_provider_calls_it(engine, store: Store) -> None:
    delivery = await give(store)
    sent = await begin(store, delivery)
    await store.settle(ended(sent, card=CARD))
    record = await (await engine.reopen()).record(delivery.id)
    assert record is not None
    assert [(one.id, one.provider_id) for one in record.messages] == [(sent.id, "om_1")]


async def test_a_later_one_takes_the_place(store: Store) -> None:
    later = replace(CARD, provider_id="om_2", posted_at=NOW + 9, updates=3, told="other", rank=0, live=False)
    await keep(store, CARD, later)
    assert await store.cards("infra", "g") == [later]


async def test_each_part_and_target_has_its_own_by_number_and_target(store: Store) -> None:
    cards = [replace(CARD, number=number, target=target) for number in (1, 2) for target in ("a", "b")]
    await keep(store, *reversed(cards))
    assert await store.cards("infra", "g") == cards


async def test_groups_and_channels_have_their_own(store: Store) -> None:
    others = replace(CARD, group="h"), replace(CARD, channel="duty")
    await keep(store, CARD, *others)
    assert await store.cards("infra", "g") == [CARD]
    assert [await store.cards(one.channel, one.group) for one in others] == [[others[0]], [others[1]]]


async def test_what_does_not_count_any_more_is_retired(engine, store: Store) -> None:
    second = replace(CARD, number=2, provider_id="om_2")
    await keep(store, CARD, second)
    await retire(store, "infra", "g", "om_1")
    assert await (await engine.reopen()).cards("infra", "g") == [replace(CARD, live=False), second]


@pytest.mark.parametrize("other", [("infra", "g", "om_9"), ("infra", "h", "om_1"), ("duty", "g", "om_1")])
async def test_only_what_is_named_is_retired(store: Store, other: tuple[str, str, str]) -> None:
    await keep(store, CARD)
    await retire(store, *other)
    assert await store.cards("infra", "g") == [CARD]


async def test_a_retired_one_whose_place_was_taken_retires_nothing(store: Store) -> None:
    fresh = replace(CARD, provider_id="om_2")
    await keep(store, CARD, fresh)
    await retire(store, "infra", "g", "om_1")
    assert await store.cards("infra", "g") == [fresh]


async def test_what_is_settled_together_is_written_in_order(store: Store) -> None:
    cards = [replace(CARD, provider_id=f"om_{number}") for number in range(20)]
    settlements = [ended(await begin(store, await give(store)), card=card) for card in cards]
    for settlement in [store.settle(each) for each in settlements]:
        await settlement
    assert await store.cards("infra", "g") == [cards[-1]]


async def test_what_no_provider_lets_us_update_is_forgotten_after_thirty_days(engine, store: Store) -> None:
    old, young = replace(CARD, posted_at=NOW - MONTH - 1), replace(CARD, number=2, posted_at=NOW - MONTH)
    await keep(store, old, young)
    await store.prune(0.0)
    assert await store.cards("infra", "g") == [young]
    engine.now += 1
    await store.prune(0.0)
    assert await store.cards("infra", "g") == []


async def test_what_stands_outlives_the_record_that_made_it(store: Store) -> None:
    await keep(store, CARD)
    assert await store.prune(NOW + 1) == 1
    assert await store.cards("infra", "g") == [CARD]
