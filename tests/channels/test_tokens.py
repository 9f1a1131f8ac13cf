"""An app's token: fetched once for all, refreshed early, dropped only if it is the one that was refused."""

import asyncio

import pytest

from receiver.channels.tokens import REST, Token, Tokens
from receiver.errors import Misconfigured, Unavailable

LIFE, MARGIN = 7200.0, 240.0


class Provider:
    """Gives token-1, token-2, ... unless `failure` is set; answers only once `open` is."""

    def __init__(self):
        self.now, self.fetches, self.failure, self.life = 0.0, 0, None, LIFE
        self.open = asyncio.Event()
        self.open.set()
        self.tokens = Tokens(MARGIN, lambda: self.now)

    async def _fetch(self):
        self.fetches += 1
        number = self.fetches
        await self.open.wait()
        if self.failure:
            raise self.failure
        return Token(f"token-{number}", self.life)

    async def get(self):
        async with asyncio.timeout(5):
            return await self.tokens.get(self._fetch)

    async def settled(self):
        """Let what goes on in the background come to its end."""
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def provider():
    return Provider()


async def test_a_hundred_who_ask_at_once_share_one_fetch(provider):
    provider.open.clear()
    asking = [asyncio.create_task(provider.get()) for _ in range(100)]
    await provider.settled()
    provider.open.set()
    assert set(await asyncio.gather(*asking)) == {"token-1"}
    assert provider.fetches == 1


async def test_it_is_kept_until_its_margin(provider):
    await provider.get()
    provider.now = LIFE - MARGIN - 1
    assert (await provider.get(), provider.fetches) == ("token-1", 1)


async def test_while_it_is_refreshed_the_old_one_serves(provider):
    await provider.get()
    provider.now = LIFE - MARGIN
    provider.open.clear()
    assert [await provider.get() for _ in range(3)] == ["token-1"] * 3
    await provider.settled()
    provider.open.set()
    await provider.settled()
    assert (await provider.get(), provider.fetches) == ("token-2", 2)


@pytest.mark.parametrize("failure", [Unavailable("busy"), Misconfigured("not from this address"), ValueError("odd")])
async def test_an_early_refresh_may_fail_and_is_not_tried_with_every_message(provider, failure):
    await provider.get()
    provider.now, provider.failure = LIFE - MARGIN, failure
    for _ in range(9):
        assert await provider.get() == "token-1"
        await provider.settled()
    assert provider.fetches == 2
    provider.now, provider.failure = LIFE - MARGIN + REST + 1, None
    assert await provider.get() == "token-1"
    await provider.settled()
    assert (await provider.get(), provider.fetches) == ("token-3", 3)


async def test_the_same_one_again_is_not_asked_for_with_every_message(provider):
    provider.life = MARGIN
    for _ in range(9):
        assert await provider.get() == "token-1"
        await provider.settled()
    assert provider.fetches == 1
    provider.now = REST
    assert await provider.get() == "token-1"
    await provider.settled()
    assert (await provider.get(), provider.fetches) == ("token-2", 2)


async def test_a_refused_credential_shows_when_the_old_token_ends(provider):
    await provider.get()
    provider.now, provider.failure = LIFE - 1, Misconfigured("the secret is wrong")
    assert await provider.get() == "token-1"
    await provider.settled()
    provider.now = LIFE
    with pytest.raises(Misconfigured, match="the secret is wrong"):
        await provider.get()
    assert provider.fetches == 2


async def test_one_that_has_ended_is_never_given(provider):
    await provider.get()
    provider.now = LIFE
    assert await provider.get() == "token-2"


async def test_its_life_counts_from_the_asking(provider):
    provider.open.clear()
    asking = asyncio.create_task(provider.get())
    await provider.settled()
    provider.now = LIFE
    provider.open.set()
    assert await asking == "token-1"
    assert await provider.get() == "token-2"


async def test_only_the_refused_one_is_dropped(provider):
    first = await provider.get()
    provider.tokens.drop(first)
    assert await provider.get() == "token-2"
    provider.tokens.drop(first)
    assert (await provider.get(), provider.fetches) == ("token-2", 2)


async def test_a_refused_credential_rests(provider):
    provider.failure = Misconfigured("the secret is wrong", http_status=200, code="40001")
    for _ in range(3):
        with pytest.raises(Misconfigured, match="the secret is wrong") as refused:
            await provider.get()
        assert (refused.value.http_status, refused.value.code) == (200, "40001")
    assert provider.fetches == 1
    provider.now, provider.failure = REST + 1, None
    assert (await provider.get(), provider.fetches) == ("token-2", 2)


async def test_what_was_only_busy_is_asked_again(provider):
    provider.failure = Unavailable("busy")
    with pytest.raises(Unavailable):
        await provider.get()
    provider.failure = None
    assert (await provider.get(), provider.fetches) == ("token-2", 2)


async def test_who_gives_up_waiting_leaves_the_others_theirs(provider):
    provider.open.clear()
    impatient, patient = (asyncio.create_task(provider.get()) for _ in range(2))
    await provider.settled()
    impatient.cancel()
    await provider.settled()
    provider.open.set()
    assert (await patient, provider.fetches) == ("token-1", 1)


async def test_none_shows_in_a_repr(provider):
    provider.open.clear()
    asking = asyncio.create_task(provider.get())
    await provider.settled()
    fetching = provider.tokens._fetching
    provider.open.set()
    assert await asking == "token-1"
    assert "token-1" not in f"{fetching!r} {provider.tokens!r} {Token('token-1', LIFE)!r}"


async def test_the_latest_are_known_so_that_no_record_shows_them(provider):
    for _ in range(6):
        provider.tokens.drop(await provider.get())
    assert list(provider.tokens.known) == ["token-3", "token-4", "token-5", "token-6"]
