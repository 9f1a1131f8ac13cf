"""The users of the pages and the API, known by a token or a password."""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import bcrypt

from receiver.auth import proof
from receiver.auth.settings import Role, UserSettings

_REMEMBERED_FOR = 300.0
_REMEMBERED = 1024
_BCRYPT_READS = 72
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bcrypt")


@dataclass(frozen=True, slots=True)
class User:
    """Someone who proved to be who they say."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether this user may do what `role` may do: an operator may do all that a viewer may."""
        return role in (self.role, "viewer")


class Users:
    """The users, ready to be asked. Nothing that is sent makes an answer raise.

    Passwords are checked off the event loop, two at a time in the whole process; a verdict holds for five minutes.
    """

    def __init__(self, users: Iterable[UserSettings], clock: Callable[[], float] = time.monotonic) -> None:
        known = tuple(users)
        self.open = not known
        """Whether there is nobody to be: no user is configured."""
        self._tokens = [
            (proof.bearer(each.token.get_secret_value()), User(each.name, each.role)) for each in known if each.token
        ]
        self._hashes = {
            each.name: (each.password_hash.get_secret_value().encode(), User(each.name, each.role))
            for each in known
            if each.password_hash
        }
        self._decoy = _decoy(known_hash for known_hash, _ in self._hashes.values())
        self._verdicts = _Verdicts(clock)

    async def identify(self, authorization: str | None) -> User | None:
        """Who the value of an `Authorization` header (bearer or basic) belongs to, or None."""
        credentials = proof.basic_credentials(authorization)
        if credentials is not None:
            return await self.login(*credentials)
        digest = proof.offered(authorization)
        return None if digest is None else proof.holder(digest, self._tokens)

    async def login(self, name: str, password: str) -> User | None:
        """The user of this name if the password is theirs. An unknown name takes as long as a wrong password."""
        known_hash, user = self._hashes.get(name, (self._decoy, None))
        if known_hash is None:
            return None
        right = await self._verdicts.ask(proof.to_bytes(name), proof.to_bytes(password), known_hash)
        return user if right else None


class _Verdicts:
    """Whether a password fits a hash: checked once for all who ask at a time, and remembered without the password."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._salt = os.urandom(32)
        self._known: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._pending: dict[bytes, asyncio.Task[bool]] = {}

    async def ask(self, name: bytes, password: bytes, known_hash: bytes) -> bool:
        key = hmac.digest(self._salt, known_hash + name + b"\0" + password, "sha256")
        until, verdict = self._known.get(key, (float("-inf"), False))
        if self._clock() < until:
            self._known.move_to_end(key)
            return verdict
        if key not in self._pending:
            self._pending[key] = asyncio.create_task(self._check(key, password, known_hash))
        return await asyncio.shield(self._pending[key])

    async def _check(self, key: bytes, password: bytes, known_hash: bytes) -> bool:
        try:
            verdict = await asyncio.get_running_loop().run_in_executor(_POOL, _fits, password, known_hash)
            self._remember(key, verdict)
        finally:
            del self._pending[key]
        return verdict

    def _remember(self, key: bytes, verdict: bool) -> None:
        self._known[key] = (self._clock() + _REMEMBERED_FOR, verdict)
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def _fits(password: bytes, known_hash: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_BCRYPT_READS], known_hash)  # what is longer, bcrypt never read
    except ValueError:
        return False


def _decoy(hashes: Iterable[bytes]) -> bytes | None:
    """A hash that no password fits and that costs as much as the dearest of `hashes`; None when there are none."""
    dearest = max(hashes, key=lambda known_hash: known_hash[4:6], default=None)
    return None if dearest is None else dearest[:29] + b"." * 31
