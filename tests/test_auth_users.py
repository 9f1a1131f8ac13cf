"""Users: tokens at once, passwords by bcrypt off the loop, remembered for five minutes."""

from __future__ import annotations

import asyncio
import base64
import time

import bcrypt
import pytest

from receiver.auth import User, Users, UserSettings
from receiver.auth import users as module

SLOW = bcrypt.hashpw(b"slow", bcrypt.gensalt(10)).decode()


def user(name, **fields):
    return UserSettings.model_validate({"name": name, **fields})


def hashed(password):
    return bcrypt.hashpw(password[:72], bcrypt.gensalt(4)).decode()


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def checks(monkeypatch):
    """Every password that bcrypt is asked about."""
    asked = []
    real = module.bcrypt.checkpw

    def checkpw(password, known):
        asked.append(password)
        return real(password, known)

    monkeypatch.setattr(module.bcrypt, "checkpw", checkpw)
    return asked


@pytest.fixture
def users(clock):
    return Users(
        [
            user("zhang", password_hash=hashed("pä:ss".encode()), role="operator"),
            user("li", password_hash=hashed(b"x" * 100)),
            user("robot", token="t0ken"),
        ],
        clock=clock,
    )


async def test_the_right_password(users):
    assert await users.identify(basic("zhang", "pä:ss")) == User("zhang", "operator")


async def test_the_right_token(users):
    assert await users.identify("Bearer t0ken") == User("robot", "viewer")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!",
        "Bearer",
        "Bearer wrong",
        "Bearer \udcff" + "x" * 1_000_000,
        basic("zhang", "wrong"),
        basic("zhang", ""),
        basic("zhang", "x" * 1_000_000),
        basic("zhang", "a\x00b"),
        basic("nobody", "pä:ss"),
        basic("robot", "t0ken"),
        basic("", ""),
        "Basic " + base64.b64encode(b"zhang:\xff\xfe").decode(),
        "Digest zhang",
    ],
)
async def test_all_else_is_nobody(users, authorization):
    assert await users.identify(authorization) is None


async def test_what_bcrypt_never_read_does_not_count(users):
    assert await users.identify(basic("li", "x" * 100)) == User("li", "viewer")
    assert await users.identify(basic("li", "x" * 71)) is None


async def test_a_verdict_is_remembered_for_five_minutes(users, clock, checks):
    for _ in range(3):
        await users.identify(basic("zhang", "pä:ss"))
        await users.identify(basic("zhang", "wrong"))
    assert len(checks) == 2
    clock.now += 301
    assert await users.identify(basic("zhang", "pä:ss")) == User("zhang", "operator")
    assert len(checks) == 3


async def test_who_asks_at_the_same_time_shares_one_check(users, checks):
    answers = await asyncio.gather(*(users.identify(basic("zhang", "pä:ss")) for _ in range(20)))
    assert answers == [User("zhang", "operator")] * 20
    assert len(checks) == 1


async def test_one_who_leaves_does_not_spoil_the_check_for_another(users):
    first = asyncio.create_task(users.identify(basic("zhang", "pä:ss")))
    second = asyncio.create_task(users.identify(basic("zhang", "pä:ss")))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == User("zhang", "operator")


async def test_an_unknown_name_costs_a_check_too(users, checks):
    await users.identify(basic("nobody", "guess"))
    assert checks == [b"guess"]


async def test_the_decoy_costs_as_much_as_the_dearest_hash(checks):
    users = Users([user("a", password_hash=hashed(b"a")), user("b", password_hash=SLOW)])
    started = time.perf_counter()
    assert await users.identify(basic("nobody", "slow")) is None
    assert time.perf_counter() - started > 0.02
    assert len(checks) == 1


async def test_verdicts_are_bounded_and_hold_no_password(users, monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 5)
    for number in range(12):
        await users.identify(basic("zhang", f"canary{number}"))
    assert len(users._verdicts._known) == 5
    assert "canary" not in repr(vars(users._verdicts))


async def test_the_loop_is_free_while_bcrypt_works():
    users = Users([user("b", password_hash=SLOW)])
    waiting = asyncio.create_task(users.identify(basic("b", "slow")))
    turns = 0
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 3


async def test_without_users_nobody_is_known(checks):
    nobody = Users([])
    assert nobody.open
    assert await nobody.identify(basic("a", "b")) is None
    assert checks == []


async def test_login_by_name_and_password(users):
    assert await users.login("zhang", "pä:ss") == User("zhang", "operator")
    assert await users.login("zhang", "\ud800") is None


@pytest.mark.parametrize(
    ("role", "wanted", "expected"),
    [
        ("viewer", "viewer", True),
        ("viewer", "operator", False),
        ("operator", "viewer", True),
        ("operator", "operator", True),
    ],
)
def test_an_operator_may_all_that_a_viewer_may(role, wanted, expected):
    assert User("a", role).may(wanted) is expected
