import pytest

from receiver.delivery.ledger import Ledger
from receiver.model import Attempt, Carried, Delivery, Message, MessageState, State, StoredEvent
from receiver.store import open_store
from receiver.store.base import ChannelState, Move, Settlement, StorageSettings

NOW = 1_790_000_000.0


@pytest.fixture
async def store(tmp_path):
    opened = await open_store(StorageSettings(url=f"sqlite:///{tmp_path / 'x.db'}"))
    yield opened
    await opened.close()


async def begun(store, number):
    """A delivery whose message is being posted."""
    event = StoredEvent(f"e{number}", "am", NOW, b"{}")
    delivery = Delivery(
        f"d{number}", event.id, "c", "webhook", "t", "r", f"g{number}", "normal", State.QUEUED, NOW, NOW
    )
    await store.accept(event, [delivery], [])
    await store.begin([Message(f"m{number}", "c", b"x", (Carried(delivery.id),))], f"m{number}", "", NOW)
    return delivery


def arrived(number, error=""):
    move = Move(f"d{number}", State.SENT, sent_at=NOW)
    return Settlement(f"m{number}", MessageState.SENT, Attempt(f"m{number}", NOW, 0.1, 200, "0", error), (move,))


async def test_what_was_begun_is_written_when_it_is_finished(store):
    ledger = Ledger(store, ChannelState)
    for number in range(20):
        ledger.begin(await begun(store, number), arrived(number))
    assert await ledger.finish() == []
    states = [(await store.record(f"d{number}")).delivery.state for number in range(20)]
    assert states == [State.SENT] * 20
    assert await store.owed("c") == []


async def test_an_outcome_the_store_does_not_take_is_told_and_spoils_no_other(store):
    ledger, first, second = Ledger(store, ChannelState), await begun(store, 1), await begun(store, 2)
    ledger.begin(first, arrived(1, error=object()))
    ledger.begin(second, arrived(2))
    assert await ledger.finish() == [first]
    assert (await store.record("d1")).delivery.state is State.SENDING
    assert (await store.record("d2")).delivery.state is State.SENT
    assert await ledger.finish() == []
