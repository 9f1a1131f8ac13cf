"""The settings of a pool: texts or mappings, secrets in files, each fault with its place and rule and without a key."""

import json

import pytest
import yaml
from channel_examples import CANARY, POOLS, settings

from receiver.channels.registry import CHANNELS
from receiver.config import format_faults, load
from receiver.config.outline import Outline
from receiver.config.settings import Settings
from receiver.errors import ConfigError
from receiver.settings import fingerprint

each_pool = pytest.mark.parametrize("kind", POOLS)


def field(kind):
    """What the credential of a robot is called."""
    return CHANNELS[kind].Settings.address.field


@each_pool
def test_the_fingerprint_changes_with_each_secret(kind):
    parts = json.dumps(POOLS[kind]["keys"]).split(CANARY)
    rotated = [f"{CANARY.join(parts[:number])}new{CANARY.join(parts[number:])}" for number in range(1, len(parts))]
    written = [CANARY.join(parts), *rotated]
    digests = {fingerprint(settings(kind, **{**POOLS[kind], "keys": json.loads(keys)})) for keys in written}
    assert len(digests) == len(parts) > 2


@each_pool
def test_text_and_mapping_are_the_same(kind):
    plain = settings(kind, **{**POOLS[kind], "keys": ["one", "two"]})
    written = settings(kind, **{**POOLS[kind], "keys": [{field(kind): "one"}, {field(kind): "two"}]})
    assert plain == written


def configured(tmp_path, kind, keys, **more):
    """The channels of a configuration with one pool."""
    channel = {"name": "ops", "kind": kind, "keys": keys, **more}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"channels": [channel], "route": {"channels": ["ops"]}}))
    return load(tmp_path / "config.yaml", {}).channels


def faults(tmp_path, *offered, **more):
    """What is told of a pool that is wrong."""
    with pytest.raises(ConfigError) as refused:
        configured(tmp_path, *offered, **more)
    return format_faults("f", refused.value.faults) + repr(refused.value.faults)


@each_pool
def test_each_secret_may_stand_in_a_file(kind, tmp_path):
    for name in ("one", "two", "sign"):
        (tmp_path / name).write_text(f"{name}-secret\n")
    signed = {} if kind == "wecom_robot" else {"secret_file": f"{tmp_path}/sign"}
    keys = [{f"{field(kind)}_file": f"{tmp_path}/{name}", **signed} for name in ("one", "two")]
    (loaded,) = configured(tmp_path, kind, keys)
    members = CHANNELS[kind](loaded, None).members
    assert [member.identity for member in members] == [
        (f"{name}-secret", "sign-secret" if signed else None) for name in ("one", "two")
    ]


WRONG = [
    ([], "channels[0].keys: must have between 1 and 20 entries"),
    ([str(number) for number in range(21)], "channels[0].keys: must have between 1 and 20 entries"),
    ([CANARY, "other", CANARY], "channels[0].keys[2]: is the same robot as keys[0] (offered: ***)"),
    ([f"https://h/?key={CANARY}"], "channels[0].keys[0]: must be the robot's {} alone, not its whole URL (offered: *"),
    ([""], "channels[0].keys[0]: must be the robot's {} alone"),
    ([[CANARY]], "channels[0].keys[0]: must be a mapping of keys to values"),
    ([{CANARY: CANARY}], "channels[0].keys[0]: holds a key that is not known here; known are {}, {}_file"),
    ([{}], "channels[0].keys[0].{}: is required (or {}_file)"),
    ([True], "channels[0].keys[0]: must be text"),
    (CANARY, "channels[0].keys: must be a list"),
]


@each_pool
@pytest.mark.parametrize(("keys", "rule"), WRONG)
def test_what_is_wrong_with_a_pool_is_told_without_its_keys(kind, keys, rule, tmp_path):
    told = faults(tmp_path, kind, keys)
    assert rule.replace("{}", field(kind)) in told
    assert CANARY not in told


@each_pool
@pytest.mark.parametrize(
    ("beside", "rule"),
    [
        (["{}"], "has {} beside keys; keep one"),
        (["url"], "has url beside keys; keep one"),
        (["{}", "url"], "has {} beside url and keys; keep one"),
    ],
)
def test_a_pool_stands_alone(kind, beside, rule, tmp_path):
    told = faults(tmp_path, kind, [CANARY], **{key.format(field(kind)): f"{CANARY}9" for key in beside})
    assert f"channels[0]: {rule.format(field(kind))}" in told
    assert CANARY not in told


@pytest.mark.parametrize("kind", ["dingtalk_robot", "feishu_bot"])
def test_a_secret_belongs_to_its_key(kind, tmp_path):
    told = faults(tmp_path, kind, [CANARY], secret=f"SEC{CANARY}")
    assert "channels[0].secret: cannot stand beside keys: each of them has its own (offered: ***)" in told
    assert CANARY not in told


@each_pool
def test_a_key_is_masked_wherever_else_it_stands(kind, tmp_path):
    for keys in ([CANARY], [{field(kind): CANARY}]):
        assert CANARY not in faults(tmp_path, kind, keys, owner=CANARY, fallback=f"x-{CANARY}")


@pytest.mark.parametrize(
    ("place", "expected"),
    [((0,), True), ((1, "access_token"), True), ((1, "nonsense"), True), ((1, "secret_file"), False), ((), True)],
)
def test_what_is_secret_of_a_pool(place, expected):
    data = {"channels": [{"kind": "dingtalk_robot", "keys": [CANARY, {"nonsense": CANARY, "secret_file": "x"}]}]}
    assert Outline(Settings, data).is_secret(("channels", 0, "keys", *place)) is expected
