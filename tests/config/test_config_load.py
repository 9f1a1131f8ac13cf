"""What a good file becomes."""

from __future__ import annotations

from datetime import datetime, time

import pytest

from receiver.config import load
from receiver.config.settings import is_loopback
from receiver.settings import address

HASH = "$2b$04$zcFV8COKAfC7/9WhUyfDguF2w7.FGLsPqv8aSpo3I6C6YMsiVdqoK"


def test_the_defaults(settings):
    loaded = settings()
    assert loaded.server.listen == "127.0.0.1:8060"
    assert loaded.server.external_url == "http://127.0.0.1:8060"
    assert loaded.server.max_body == 16 * 1024 * 1024
    assert loaded.storage.url == "sqlite:///data/receiver.db"
    assert (loaded.display.timezone, loaded.display.language) == ("Asia/Shanghai", "zh")
    assert loaded.auth.webhooks == loaded.auth.users == ()


def test_channels_are_of_their_kind(settings):
    first = settings().channels[0]
    assert (first.name, first.kind) == ("infra", "wecom_robot")
    assert first.key.get_secret_value() == "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"


def test_variables_fill_numbers_texts_and_switches(settings):
    loaded = settings(
        "server: {listen: '127.0.0.1:${PORT:-8060}', max_body: '${BODY}'}\n"
        "auth: {anonymous: '${OPEN:-true}', webhooks: [{name: '${WHO}', token: 'x$${y}'}]}",
        {"BODY": "1024", "WHO": "am"},
    )
    assert (loaded.server.listen, loaded.server.max_body, loaded.auth.anonymous) == ("127.0.0.1:8060", 1024, True)
    assert loaded.auth.webhooks[0].name == "am"
    assert loaded.auth.webhooks[0].token.get_secret_value() == "x${y}"


def test_a_bcrypt_hash_keeps_its_dollars(settings):
    loaded = settings(f"auth: {{users: [{{name: a, password_hash: {HASH}}}]}}")
    assert loaded.auth.users[0].password_hash.get_secret_value() == HASH


def test_numbers_are_texts_where_a_text_is_wanted(settings):
    assert settings("auth: {webhooks: [{name: 7, username: 007, password: '1'}]}").auth.webhooks[0].username == "007"


def test_times_of_the_day_need_no_quotes(settings):
    loaded = settings("route:\n  channels: [infra]\n  schedule: {at: ['18:00', 09:30], starts_at: 2026-12-01}")
    assert loaded.route.schedule.at == (time(9, 30), time(18))
    assert loaded.route.schedule.starts_at == datetime(2026, 12, 1)  # noqa: DTZ001 - on the clock of the display


def test_a_schedule_may_be_longer_where_more_is_kept(settings):
    loaded = settings("storage: {retention: 40d}\nroute: {channels: [infra], schedule: {every: 31d}}")
    assert loaded.route.schedule.every == 31 * 86400


def test_matchers_are_ready(settings):
    loaded = settings("route:\n  channels: [infra]\n  routes: [{matchers: ['a=b', '{c=~\"d|e\",f!=g}']}]")
    assert [str(matcher) for matcher in loaded.route.routes[0].matchers] == ['a="b"', 'c=~"d|e"', 'f!="g"']


def test_a_flag_wins_over_the_file(settings):
    loaded = settings("server:\n  listen: nonsense", overrides={"server.listen": "127.0.0.1:9"})
    assert loaded.server.listen == "127.0.0.1:9"
    assert settings(overrides={"server.listen": "127.0.0.1:9"}).server.external_url == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("localhost:80", "http://localhost:80"),
        ("'[::1]:8060'", "http://[::1]:8060"),
        ("127.8.9.1:1", "http://127.8.9.1:1"),
    ],
)
def test_loopback_needs_no_auth(settings, listen, url):
    assert settings(f"server: {{listen: {listen}}}").server.external_url == url


@pytest.mark.parametrize(
    "auth",
    [
        "auth: {anonymous: true}",
        "auth: {anonymous: 'yes'}",
        "auth: {webhooks: [{name: a, token: t}], users: [{name: b, token: u}]}",
    ],
)
@pytest.mark.parametrize("listen", [":8060", "0.0.0.0:8060", "[::]:8060", "10.1.2.3:8060", "host.example:8060"])
def test_other_addresses_with_auth(settings, auth, listen):
    assert settings(f"server: {{listen: '{listen}'}}\n{auth}").server.listen == listen


@pytest.mark.parametrize(
    "auth",
    ["", "auth: {webhooks: [{name: a, token: t}]}", "auth: {users: [{name: b, token: u}]}", "auth: {anonymous: no}"],
)
def test_other_addresses_without_auth(faults, auth):
    assert [fault.path for fault in faults(f"server: {{listen: ':8060'}}\n{auth}")] == ["server.listen"]


def test_everywhere_is_reached_at_localhost(settings):
    assert settings("server: {listen: ':81'}\nauth: {anonymous: true}").server.external_url == "http://localhost:81"


def test_an_external_url_has_no_slash_at_its_end(settings):
    assert settings("server: {external_url: 'https://a.example/x/'}").server.external_url == "https://a.example/x"


@pytest.mark.parametrize(
    ("listen", "expected"),
    [(":8060", ("", 8060)), ("[::1]:1", ("::1", 1)), ("a.b:65535", ("a.b", 65535)), ("0.0.0.0:0", ("0.0.0.0", 0))],
)
def test_addresses(listen, expected):
    assert address(listen) == expected


@pytest.mark.parametrize("listen", ["", ":", "8060", "a:b", "a:-1", "a:65536", "::1:80", "[x]:1", "u@h:1", "a b:1"])
def test_no_addresses(listen):
    with pytest.raises(ValueError, match="must be host:port"):
        address(listen)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("LOCALHOST", True), ("", False), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


def test_the_environment_is_read_when_none_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("ROBOT_KEY", "0000")
    (tmp_path / "c.yaml").write_text(
        "channels: [{name: a, kind: wecom_robot, key: '${ROBOT_KEY}'}]\nroute: {channels: [a]}"
    )
    assert load(str(tmp_path / "c.yaml")).channels[0].key.get_secret_value() == "0000"
