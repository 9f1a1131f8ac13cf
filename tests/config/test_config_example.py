"""config.example.yaml: works as it stands, and holds every key that the settings know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from receiver.channels.registry import CHANNELS
from receiver.config import Settings, load
from receiver.config.outline import sections

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


def keys(section: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in section.model_fields.items()]


@pytest.mark.parametrize("section", sections(Settings), ids=lambda section: section.__name__)
def test_every_key_is_in_the_example(section):
    assert [key for key in keys(section) if not re.search(rf"(?<![\w-]){key}(?:_file)?:", TEXT)] == []


def test_it_loads_without_any_environment():
    assert load(EXAMPLE, {}).server.listen == "127.0.0.1:8060"


def test_every_kind_of_channel_is_in_it():
    assert {channel.kind for channel in load(EXAMPLE, {}).channels} == set(CHANNELS)


def test_what_is_commented_out_loads_too(tmp_path):
    part = TEXT[TEXT.index("# auth:") : TEXT.index("storage:")]
    (tmp_path / "config.yaml").write_text(TEXT.replace(part, re.sub(r"(?m)^# ?", "", part)), encoding="utf-8")
    auth = load(tmp_path / "config.yaml", {}).auth
    assert [each.name for each in auth.webhooks] == ["alertmanager", "alertmanager-basic", "grafana"]
    assert [each.role for each in auth.users] == ["operator", "viewer"]
