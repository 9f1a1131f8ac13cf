from __future__ import annotations

import pytest

from receiver.config import load
from receiver.errors import ConfigError

KEY = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"
CHANNELS = f"""
channels:
  - {{name: infra, kind: wecom_robot, key: {KEY}}}
  - {{name: dba, kind: wecom_robot, key: {KEY}}}
"""
ROUTE = "route: {channels: [infra]}\n"


@pytest.fixture
def settings(tmp_path):
    """Loads sections of YAML; the channels and the route are put in where they are not given."""

    def read(text="", environ=None, **options):
        for key, usual in (("channels:", CHANNELS), ("route:", ROUTE)):
            if not any(line.startswith(key) for line in text.splitlines()):
                text += f"\n{usual}"
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        return load(tmp_path / "config.yaml", environ or {}, **options)

    return read


@pytest.fixture
def faults(settings):
    """The faults of sections of YAML."""

    def read(text="", environ=None, **options):
        with pytest.raises(ConfigError) as refused:
            settings(text, environ, **options)
        return refused.value.faults

    return read
