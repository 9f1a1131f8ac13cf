"""No fault ever tells a secret: not where it was offered, not within a sentence, not from the environment."""

from __future__ import annotations

import pytest

from receiver.config import format_faults
from receiver.config.outline import Outline
from receiver.config.settings import Settings

CANARY = "canary-5f2b9c"


def told(faults, text, environ=None):
    found = faults(text, environ)
    return format_faults("f", found) + repr(found) + "\n".join(map(str, found))


@pytest.mark.parametrize(
    "text",
    [
        "auth: {webhooks: [{name: a, token: [%s]}]}",
        "auth: {webhooks: [{name: a, token: {%s: 1}}]}",
        "auth: {webhooks: [{name: a, token: %s, username: u}]}",
        "auth: {webhooks: [{name: a, tokken: %s}]}",
        "auth: {webhooks: %s}",
        "auth: {webhooks: [%s]}",
        "auth: %s",
        "auth: {users: [{name: a, password_hash: %s}]}",
        "auth: {users: [{name: a, password: %s}]}",
        "storage: {url: 'postgresql://u:%s@h/d'}",
        "server: {external_url: 'http://u:%s@h/'}",
        "channels: [{name: a, kind: wecom_robot, key: '%s /'}]",
        "channels: [{name: a, kind: wecom_robot, url: 'https://h/?key=%s /'}]",
        "channels: [{name: a, kind: wecom_robot, key: %s, url: %s}]",
        "channels: [{name: a, kind: wecom_robt, key: %s}]",
        "channels: [{name: a, key: %s}]",
        "channels: [{name: %s, kind: wecom_robot, key: %s}, {name: %s, kind: wecom_robot, key: x}]",
        "channels: [{name: a, kind: feishu_bot, token: x, secret: [%s]}]",
        "channels: [{name: a, kind: dingtalk_robot, access_token: ['%s']}]",
        "channels: [{name: a, kind: webhook, url: 'ftp://%s'}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', signing_secret: %s}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', headers: {Host: %s}}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', headers: %s}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', headers: {X: {y: %s}}}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', http_config: {proxy_url: %s}}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', basic_auth: %s}]",
        "channels: [{name: a, kind: webhook, url: 'http://h', authorization: {credentials: [%s]}}]",
        "channels: [{name: a, kind: wecom_robot, key: %s, name: %s}]",
        "channels: [{name: a, kind: wecom_robot, key: !vault %s}]",
    ],
)
def test_an_offered_secret_is_not_told(faults, text):
    assert CANARY not in told(faults, text.replace("%s", CANARY)).replace(f"[{CANARY}]", "")


def test_a_secret_is_masked_wherever_it_stands(faults):
    text = f"channels: [{{name: a, kind: wecom_robot, key: {CANARY}, owner: '{CANARY}'}}]"
    [fault] = [fault for fault in faults(text) if fault.path == "channels[0].owner"]
    assert fault.offered == '"***"'


def test_a_value_from_the_environment_is_shown_as_it_was_written(faults):
    [fault] = faults("server: {listen: 'x${ADDRESS}'}", {"ADDRESS": CANARY})
    assert fault.offered == '"x${ADDRESS}"'


def test_a_value_from_the_environment_is_not_told_within_a_rule(faults):
    found = told(faults, "route: {channels: [infra], routes: [{matchers: ['a=~\"${TEAM}(\"']}]}", {"TEAM": CANARY})
    assert CANARY not in found
    assert 'regular expression "***("' in found


def test_a_secret_from_a_file_is_not_told(faults, tmp_path):
    (tmp_path / "hash").write_text(CANARY)
    found = told(faults, f"auth: {{users: [{{name: a, password_hash_file: {tmp_path / 'hash'}}}]}}")
    assert "auth.users[0].password_hash_file: must be a bcrypt hash" in found
    assert CANARY not in found


def test_broken_yaml_is_not_quoted(faults):
    assert CANARY not in told(faults, f"auth:\n  token: {CANARY}: {CANARY}\n - x")


def test_settings_do_not_show_their_secrets(settings):
    loaded = settings(f"auth: {{webhooks: [{{name: a, token: {CANARY}}}]}}")
    assert CANARY not in repr(loaded) + str(loaded) + loaded.model_dump_json()


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (("auth", "webhooks", 0, "token"), True),
        (("auth", "webhooks", 0, "token_file"), False),
        (("auth", "users", 0, "password_hash"), True),
        (("storage", "url"), True),
        (("channels", 0, "http_config", "http_headers", "X-Any"), True),
        (("channels", 0, "http_config", "tls_config", "key_file"), False),
        (("channels", 0, "name"), False),
        (("server", "listen"), False),
    ],
)
def test_what_is_secret(place, expected):
    assert Outline(Settings, {"channels": [{"kind": "webhook"}]}).is_secret(place) is expected
