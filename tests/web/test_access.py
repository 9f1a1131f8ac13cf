"""Who may call what: every route of the router with every role, and from where."""

from __future__ import annotations

from base64 import b64encode

import aiohttp
import bcrypt
import pytest
from stage import notification

OPEN = {"/-/healthy", "/-/ready", "/metrics"}
SENDER = {"/webhook", "/webhook/alertmanager", "/webhook/grafana"}
READS_BY_POST = {"/api/v1/render"}
"""Routes that a viewer may POST to, since they change nothing."""

PASSWORD = "pässword of a human"
HASHED = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
AUTH = {
    "webhooks": [
        {"name": "alertmanager", "token": "sender-token"},
        {"name": "ops", "username": "op", "password": "sender"},
    ],
    "users": [
        {"name": "watcher", "password_hash": HASHED},
        {"name": "oncall", "password_hash": HASHED, "role": "operator"},
        {"name": "dashboard", "token": "viewer-token"},
        {"name": "robot", "token": "operator-token", "role": "operator"},
    ],
}


def basic(name, password=PASSWORD):
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


WHO = {
    "nobody": (None, set()),
    "a wrong token": ("Bearer wrong", set()),
    "a wrong password": (basic("oncall", "wrong"), set()),
    "an unknown user": (basic("root"), set()),
    "an empty password": (basic("oncall", ""), set()),
    "the hash as a password": (basic("oncall", HASHED), set()),
    "a name's token as basic": (basic("robot", "operator-token"), set()),
    "a sender by token": ("Bearer sender-token", {"sender"}),
    "a sender by password": (basic("op", "sender"), {"sender"}),
    "a viewer by password": (basic("watcher"), {"viewer"}),
    "a viewer by token": ("Bearer viewer-token", {"viewer"}),
    "an operator by password": (basic("oncall"), {"viewer", "operator"}),
    "an operator by token": ("Bearer operator-token", {"viewer", "operator"}),
}


@pytest.fixture
async def locked(face):
    return await face(auth=AUTH)


def needed(method, path):
    """What a route must ask for."""
    if path in OPEN:
        return None
    if path in SENDER:
        return "sender"
    return "viewer" if method in ("GET", "HEAD") or path in READS_BY_POST else "operator"


def routes(app):
    """Every (method, path) of the router, parameters filled in."""
    for route in app.router.routes():
        if route.resource is not None and route.method != "*":
            path = route.resource.canonical
            yield route.method, path, path.replace("{name}", "itsm").replace("{id}", "00")


async def ask(session, face, method, path, **headers):
    url = face.url + path
    async with session.request(method, url, headers=headers, json=notification("A"), allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("who", WHO)
async def test_every_route_asks_for_its_role(locked, who):
    authorization, roles = WHO[who]
    headers = {} if authorization is None else {"Authorization": authorization}
    walked = 0
    async with aiohttp.ClientSession() as session:
        for method, canonical, path in routes(locked.app):
            role, walked = needed(method, canonical), walked + 1
            status = await ask(session, locked, method, path, **headers)
            if role is None or role in roles:
                assert status not in (401, 403), (method, path)
            elif role == "operator" and "viewer" in roles:
                assert status == 403, (method, path)
            else:
                assert status == 401, (method, path)
    assert walked >= 15


async def test_who_may_not_change_anything_changes_nothing(locked):
    async with aiohttp.ClientSession() as session:
        for authorization in ("Bearer viewer-token", "Bearer sender-token", "Bearer wrong"):
            await ask(session, locked, "POST", "/api/v1/channels/itsm/disable", Authorization=authorization)
        assert locked.service.dispatcher.held("itsm") == ""
        await ask(session, locked, "POST", "/api/v1/channels/itsm/disable", Authorization="Bearer operator-token")
        assert locked.service.dispatcher.held("itsm") == "disabled"


ELSEWHERE = {
    "another origin": {"Origin": "https://evil.example.com"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a sandboxed frame": {"Origin": "null"},
    "a name that begins alike": {"Origin": "http://127.0.0.1.evil.example.com"},
    "as the browser says": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_change_from_another_origin_is_refused(locked, headers):
    path = "/api/v1/channels/itsm/disable"
    async with aiohttp.ClientSession() as session:
        assert await ask(session, locked, "POST", path, Authorization=basic("oncall"), **headers) == 403
        assert locked.service.dispatcher.held("itsm") == ""
        own = {"Origin": locked.url, "Sec-Fetch-Site": "same-origin"}
        assert await ask(session, locked, "POST", path, Authorization=basic("oncall"), **own) == 200


async def test_no_other_origin_may_read(locked):
    headers = {"Origin": "https://evil.example.com", "Authorization": "Bearer viewer-token"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{locked.url}/api/v1/records", headers=headers) as response,
    ):
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_page_of_another_origin_cannot_post_alerts(face, headers):
    opened = await face()
    async with aiohttp.ClientSession() as session:
        assert await ask(session, opened, "POST", "/webhook", **headers) == 403
        assert await ask(session, opened, "POST", "/webhook") == 202


async def test_without_users_everything_is_open_on_loopback(face):
    opened = await face()
    async with aiohttp.ClientSession() as session:
        for method, _, path in routes(opened.app):
            assert await ask(session, opened, method, path) not in (401, 403), path
