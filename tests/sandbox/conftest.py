"""A sandbox on a real local server, its clock standing still until a test moves it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient

from receiver.sandbox import Clock, Sandbox, provider_app

NOW = 1_700_000_000.0
JSON_UTF8 = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
async def box() -> Sandbox:
    return Sandbox(Clock(lambda: NOW))


@pytest.fixture
async def wire(box: Sandbox, aiohttp_client: Any) -> TestClient:
    return await aiohttp_client(provider_app(box))


@pytest.fixture
def post(wire: TestClient) -> Callable[..., Awaitable[tuple[int, dict[str, Any]]]]:
    """Post a value (or raw bytes) as JSON in UTF-8; answers the status and the decoded body."""

    async def send(path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        answer: ClientResponse = await wire.post(path, data=data, headers={**JSON_UTF8, **headers})
        return answer.status, json.loads(await answer.read())

    return send
