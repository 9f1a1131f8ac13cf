"""Every fault names the key, the line, the rule and what was offered; all of a file's faults come at once."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Le, Len, Lt, MultipleOf
from pydantic import AnyUrl, IPvAnyAddress, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from receiver.config import format_faults, wording
from receiver.errors import Fault

ROBOT = "{name: infra, kind: wecom_robot, key: 0000}"
HASH = "$2b$04$zcFV8COKAfC7/9WhUyfDguF2w7.FGLsPqv8aSpo3I6C6YMsiVdqoK"


def channel(fields):
    return f"channels:\n  - {ROBOT}\n  - {{name: x, {fields}}}\n"


def robot(fields):
    return channel(f"kind: wecom_robot, key: 0000, {fields}")


def route(*lines):
    return "\n".join(("route:", "  channels: [infra]", *lines))


@pytest.mark.parametrize(
    ("text", "path", "line", "rule", "offered"),
    [
        # the whole file
        ("colour: red", "colour", 1, "is not a key that is known here; known are auth, channels, contacts", None),
        ("\nchannel: []", "channel", 2, "is not a key that is known here; did you mean channels?", None),
        ("channels:", "channels", 1, "must be a list", None),
        ("channels: infra", "channels", 1, "must be a list", None),
        ("route: infra", "route", 1, "must be a mapping of keys to values", None),
        ("server: 8060", "server", 1, "must be a mapping of keys to values", None),
        # server
        ("server: {listen: 8060}", "server.listen", 1, "must be host:port, like 127.0.0.1:8060", "8060"),
        ("server: {listen: 'localhost'}", "server.listen", 1, "must be host:port", '"localhost"'),
        ("server: {listen: '::1:8060'}", "server.listen", 1, "must be host:port", '"::1:8060"'),
        ("server: {listen: '[1.2.3.4]:80'}", "server.listen", 1, "must be host:port", '"[1.2.3.4]:80"'),
        ("server: {listen: '127.0.0.1:99999'}", "server.listen", 1, "must be host:port", '"127.0.0.1:99999"'),
        ("server: {listen: ':8060'}", "server.listen", 1, "can be reached from other machines", '":8060"'),
        ("server:\n  listen: 0.0.0.0:8060", "server.listen", 2, "set auth.webhooks and auth.users", '"0.0.0.0:8060"'),
        ("server: {listen: '[::]:8060'}", "server.listen", 1, "can be reached from other machines", '"[::]:8060"'),
        ("server: {listen: 'example.com:1'}", "server.listen", 1, "can be reached from other", '"example.com:1"'),
        ("server: {listen: true}", "server.listen", 1, "must be text; put it in quotes", "true"),
        ("server: {external_url: 'a.b/c'}", "server.external_url", 1, "must be an address like https://", "***"),
        ("server: {external_url: 'http://a/?b'}", "server.external_url", 1, "without a query", "***"),
        ("server: {max_body: 16 cats}", "server.max_body", 1, "must be a size like 16MiB", '"16 cats"'),
        ("server: {max_boddy: 1}", "server.max_boddy", 1, "did you mean max_body?", None),
        # auth
        ("auth: {anonymous: perhaps}", "auth.anonymous", 1, "must be true or false", '"perhaps"'),
        ("auth: {webhooks: [{name: a}]}", "auth.webhooks[0]", 1, "give exactly one of token, username with", None),
        ("auth: {webhooks: [{token: t}]}", "auth.webhooks[0].name", 1, "is required", None),
        ("auth: {webhooks: [{name: a, token: ''}]}", "auth.webhooks[0].token", 1, "must not be empty", "***"),
        ("auth: {webhooks: [{name: a, token: [t]}]}", "auth.webhooks[0].token", 1, "must be text", None),
        ("auth: {webhooks: [{name: a, tokn: t}]}", "auth.webhooks[0].tokn", 1, "did you mean token?", None),
        ("auth: {webhooks: [{name: a, tokenfile: t}]}", "auth.webhooks[0].tokenfile", 1, "mean token_file?", None),
        (
            "auth:\n  webhooks:\n    - name: a\n      token: t\n      hmac_header: X-S",
            "auth.webhooks[0].hmac_header",
            5,
            "goes with hmac_secret only",
            '"X-S"',
        ),
        (
            "auth:\n  webhooks:\n    - name: a\n      token_file: /nowhere/token",
            "auth.webhooks[0].token_file",
            4,
            "cannot be read: No such file or directory",
            '"/nowhere/token"',
        ),
        (
            "auth: {webhooks: [{name: a, token: t, token_file: u}]}",
            "auth.webhooks[0].token_file",
            1,
            "is given beside token; keep one",
            '"u"',
        ),
        ("auth: {users: [{name: a, password_hash: x}]}", "auth.users[0].password_hash", 1, "bcrypt hash", "***"),
        ("auth: {users: [{name: a, token: t, role: root}]}", "auth.users[0].role", 1, "viewer, operator", '"root"'),
        (
            "auth:\n  users:\n    - {name: a, token: t}\n    - {name: a, token: u}",
            "auth.users[1].name",
            4,
            "is taken by another user; names must differ",
            '"a"',
        ),
        # storage, display, http
        ("storage: {url: 'postgresql://u:p@h/d'}", "storage.url", 1, "must be sqlite:///path/to/file.db", "***"),
        ("storage: {url: 'sqlite:/x'}", "storage.url", 1, "must be sqlite:///path/to/file.db", "***"),
        ("storage: {retention: 30 days}", "storage.retention", 1, "must be a duration like 30s", '"30 days"'),
        ("display: {language: fr}", "display.language", 1, "must be one of zh, en", '"fr"'),
        ("display: {timezone: Asia/Beijing}", "display.timezone", 1, "", '"Asia/Beijing"'),
        ("http: {allowed_networks: [10.0.0.0/99]}", "http.allowed_networks[0]", 1, "must be a net", '"10.0.0.0/99"'),
        # channels
        (channel("kind: wecom_robot"), "channels[1]", 3, "key", None),
        (channel("key: 0000"), "channels[1].kind", 3, "is required: one of wecom_robot, wecom_app", None),
        (channel("kind: wecom"), "channels[1].kind", 3, "must be one of wecom_robot, wecom_app", '"wecom"'),
        (channel("kind: dingtalk_bot"), "channels[1].kind", 3, "did you mean dingtalk_robot?", '"dingtalk_bot"'),
        (f"channels:\n  - {ROBOT}\n  - infra", "channels[1]", 3, "must be a mapping of keys to values", None),
        (f"channels: [{ROBOT},\n {ROBOT}]", "channels[1].name", 2, "is taken by channels[0]; names must", '"infra"'),
        (f"channels: [{ROBOT}, {{kind: wecom_robot, key: k}}]", "channels[1].name", 1, "is required", None),
        (robot("name: x y").replace("name: x, ", ""), "channels[1].name", 3, "must be at most 63 letters", '"x y"'),
        (robot("enabled: 7"), "channels[1].enabled", 3, "must be true or false", "7"),
        (robot("description: true"), "channels[1].description", 3, "must be text; put it in quotes", "true"),
        (robot("owner: nobody"), "channels[1].owner", 3, "must be the name of a channel", '"nobody"'),
        (robot("owner: infrra"), "channels[1].owner", 3, "did you mean infra?", '"infrra"'),
        (robot("fallback: x"), "channels[1].fallback", 3, "must be another channel", '"x"'),
        (robot("limits: {rate: 20}"), "channels[1].limits.rate", 3, "must be a rate like 20/62s", "20"),
        (robot("limits: {monthly: -1}"), "channels[1].limits.monthly", 3, "must be at least 0", "-1"),
        (robot("limits: {monthly: 1.5}"), "channels[1].limits.monthly", 3, "must be a whole number", '"1.5"'),
        (robot("limits: {rat: 1}"), "channels[1].limits.rat", 3, "did you mean rate?", None),
        (robot("groups: infra"), "channels[1].groups", 3, "must be a list", None),
        (robot("secret: x"), "channels[1].secret", 3, "is not a key that is known here", None),
        (robot("description: "), "channels[1].description", 3, "has no value", None),
        (robot("http_config: {basic_auth: {username: u}}"), "channels[1].http_config.basic_auth.password", 3,
         "is required (or password_file)", None),
        # schedules
        (robot("schedule: 1h"), "channels[1].schedule", 3, "must be a mapping of keys to values", None),
        (robot("schedule: {}"), "channels[1].schedule", 3, "give exactly one of at and every", None),
        (robot("schedule: {at: [09:00], every: 1h}"), "channels[1].schedule", 3, "exactly one of at and every", None),
        (robot("schedule: {starts_at: 2026-12-01}"), "channels[1].schedule", 3, "exactly one of at and every", None),
        (robot("schedule: {att: [09:00]}"), "channels[1].schedule.att", 3, "did you mean at?", None),
        (robot("schedule: {at: 09:00}"), "channels[1].schedule.at", 3, "must be a list", None),
        (robot("schedule: {at: []}"), "channels[1].schedule.at", 3, "must not be empty", None),
        (robot("schedule: {at: [09:00, 9:00]}"), "channels[1].schedule.at[1]", 3, 'from "00:00" to "23:59"', '"9:00"'),
        (robot("schedule: {at: ['24:00']}"), "channels[1].schedule.at[0]", 3, "must be a time of the day", '"24:00"'),
        (robot("schedule: {at: ['09:00:30']}"), "channels[1].schedule.at[0]", 3, "a time of the day", '"09:00:30"'),
        (robot("schedule: {at: [540]}"), "channels[1].schedule.at[0]", 3, "must be a time of the day", "540"),
        (robot("schedule: {at: [09:00, '09:00']}"), "channels[1].schedule.at[1]", 3, "twice, first as at", '"09:00"'),
        (robot("schedule: {every: hourly}"), "channels[1].schedule.every", 3, "must be a duration", '"hourly"'),
        (robot("schedule: {every: 30s}"), "channels[1].schedule.every", 3, "must be whole minutes up to 1d", '"30s"'),
        (robot("schedule: {every: 36h}"), "channels[1].schedule.every", 3, "whole days up to 31d", '"36h"'),
        (robot("schedule: {every: 32d}"), "channels[1].schedule.every", 3, "whole days up to 31d", '"32d"'),
        (robot("schedule: {every: 30d}"), "channels[1].schedule.every", 3, "older than storage.retention", '"30d"'),
        (robot("schedule: {every: 0, starts_at: 2026-12-01}"), "channels[1].schedule.starts_at", 3,
         "does not go with every: 0, which gathers nothing", '"2026-12-01"'),
        (robot("schedule: {every: 1h, starts_at: soon}"), "channels[1].schedule.starts_at", 3,
         "must be a date or a time like 2026-01-05", '"soon"'),
        (robot("schedule: {every: 1h, starts_at: 1969-12-31}"), "channels[1].schedule.starts_at", 3,
         "must lie between the years 1970 and 9000", '"1969-12-31"'),
        (route("  schedule: {at: [09:00, 25:00]}"), "route.schedule.at[1]", 3, "a time of the day", '"25:00"'),
        (route("  routes:", "    - schedule:", "        every: 1m30s"), "route.routes[0].schedule.every", 5,
         "must be whole minutes up to 1d", '"1m30s"'),
        (route("  routes: [{schedule: {at: [09:00]}}]", "storage: {retention: 12h}"), "route.routes[0].schedule.at", 3,
         "older than storage.retention", None),
        # the route
        ("route: {}", "route.channels", 1, "is required: the root route takes every alert", None),
        ("route: {channels: []}", "route.channels", 1, "is required: the root route takes every alert", None),
        (route("  matchers: ['a=b']"), "route.matchers", 3, "cannot stand at the root route", None),
        (route("  continue: true"), "route.continue", 3, "cannot stand at the root route", None),
        ("route: {channels: [infra, infa]}", "route.channels[1]", 1, "did you mean infra?", '"infa"'),
        (
            route("  routes:", "    - {}", "    - routes:", "        - channels:", "            - nope"),
            "route.routes[1].routes[0].channels[0]",
            7,
            "must be the name of a channel",
            '"nope"',
        ),
        (
            route("  routes:", "    - matchers:", "        - a=b", "        - '\"a.b\"=x y'", "      channels: [dba]"),
            "route.routes[0].matchers[1]",
            6,
            "expected a comma or the end at character 9, found y",
            '"\\"a.b\\"=x y"',
        ),
        (route("  routes: [{matchers: ['a=~\"(\"']}]"), "route.routes[0].matchers[0]", 3, "is not valid: missing )",
         '"a=~\\"(\\""'),
        (route("  routes: [{matchers: 'a=b'}]"), "route.routes[0].matchers", 3, "must be a list", None),
        (route("  routes: [{priority: urgent}]"), "route.routes[0].priority", 3, "high, normal, low", '"urgent"'),
        (route("  routes: [{match: {a: b}}]"), "route.routes[0].match", 3, "did you mean matchers?", None),
        # the file's form
        ("server: {listen: '${ADDRESS}'}", "server.listen", 1, "needs the environment variable ADDRESS", None),
        ("server: {}\nserver: {}", "server", 2, "is given twice, first on line 1", None),
    ],
)  # fmt: skip
def test_a_fault(faults, text, path, line, rule, offered):
    found = [fault for fault in faults(text) if fault.path == path]
    assert [(fault.line, fault.offered) for fault in found] == [(line, offered)]
    assert rule in found[0].rule
    assert "Input should" not in found[0].rule
    assert "pydantic" not in found[0].rule


def test_one_fault_is_one_fault(faults):
    assert faults("server: {listen: '${ADDRESS}'}") == [
        Fault("server.listen", "needs the environment variable ADDRESS, which is not set and has no default", 1)
    ]


def test_sections_that_are_missing(tmp_path):
    from receiver.config import load
    from receiver.errors import ConfigError

    (tmp_path / "config.yaml").write_text("server: {}")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "config.yaml", {})
    assert [(fault.path, fault.rule) for fault in refused.value.faults] == [
        ("channels", "is required"),
        ("route", "is required"),
    ]


def test_all_faults_at_once_in_the_order_of_the_file(faults):
    text = """
server:
  listen: nowhere
  max_body: [1]
storage:
  url: mysql://h
channels:
  - name: infra
    kind: wecom_robot
    key_file: /nowhere
    limits:
      rate: fast
  - {name: infra, kind: fax}
route:
  channels: [infra, ghost]
  routes:
    - matchers: ['a=~b(']
      chanels: [infra]
"""
    assert [(fault.line, fault.path) for fault in faults(text)] == [
        (3, "server.listen"),
        (4, "server.max_body"),
        (6, "storage.url"),
        (10, "channels[0].key_file"),
        (12, "channels[0].limits.rate"),
        (13, "channels[1].kind"),
        (13, "channels[1].name"),
        (15, "route.channels[1]"),
        (17, "route.routes[0].matchers[0]"),
        (18, "route.routes[0].chanels"),
    ]


def test_faults_as_they_are_printed():
    faults = [Fault("channels[0].key", "must not be empty", 12, "***"), Fault("(file)", "is empty")]
    assert format_faults("config.yaml", faults) == (
        "config.yaml:12: channels[0].key: must not be empty (offered: ***)\nconfig.yaml: (file): is empty"
    )


def test_an_offered_value_is_one_short_line(faults):
    [fault] = faults('server: {listen: "' + "x\\n" * 500 + '"}')
    assert len(fault.offered) <= 100
    assert "\n" not in format_faults("f", [fault])


def test_a_key_that_needs_quotes_in_a_path(faults):
    [fault] = faults('server: {"a.b c": 1}')
    assert fault.path == 'server["a.b c"]'


def test_a_fault_in_a_flag_has_no_line(faults):
    [fault] = faults("server:\n  listen: 127.0.0.1:1", overrides={"server.listen": "nowhere"})
    assert (fault.path, fault.line, fault.offered) == ("server.listen", None, '"nowhere"')


@pytest.mark.parametrize(
    ("annotation", "value", "sentence"),
    [
        (Annotated[int, Ge(1)], 0, "must be at least 1"),
        (Annotated[int, Gt(1)], 1, "must be more than 1"),
        (Annotated[int, Le(1)], 2, "must be at most 1"),
        (Annotated[int, Lt(1)], 1, "must be less than 1"),
        (Annotated[int, MultipleOf(2)], 1, "must be a multiple of 2"),
        (Annotated[str, Len(1)], "", "must not be empty"),
        (Annotated[str, Len(2)], "a", "must have at least 2 characters"),
        (Annotated[str, Len(0, 1)], "ab", "must have at most 1 characters"),
        (Annotated[list[int], Len(2)], [1], "must have at least 2 entries"),
        (Annotated[list[int], Len(0, 1)], [1, 2], "must have at most 1 entries"),
        (list[int], {}, "must be a list"),
        (set[int], 1, "must be a list"),
        (dict[str, int], [], "must be a mapping of keys to values"),
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "x", "must be a number"),
        (bool, "x", "must be true or false"),
        (bytes, 1, "must be text"),
        (AnyUrl, "x", "must be an address like https://example.com/path"),
        (IPvAnyAddress, "x", "must be an IP address"),
        (Literal["a", "b"], "c", "must be one of a, b"),
        (Literal["a"], "c", "must be a"),
        (None, 1, "must be empty"),
        (complex, "x", "is not a valid value"),
    ],
)
def test_the_wording_of_every_kind_of_rule(annotation, value, sentence):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(annotation).validate_python(value)
    assert sentence in wording.rule(refused.value.errors()[0])


def test_a_room_may_have_an_error_of_its_own():
    error = PydanticCustomError("no_such_zone", "must be a zone of this world")
    refused = ValidationError.from_exception_data("x", [{"type": error, "input": 1}])
    assert wording.rule(refused.errors()[0]) == "must be a zone of this world"
