"""Real components a test needs: found, or the test is skipped with the reason; in CI a missing one is a failure."""

from __future__ import annotations

import os
import shutil

import pytest


def find(*commands: str) -> str:
    """The path of the first of these commands that is on this machine."""
    for command in commands:
        if path := shutil.which(command):
            return path
    return missing(f"{' or '.join(commands)} is not installed")


def missing(reason: str) -> str:
    """Skip, or fail where every real component is required (`ALERT_RECEIVER_TEST_REQUIRE=all`)."""
    if os.environ.get("ALERT_RECEIVER_TEST_REQUIRE") == "all":
        pytest.fail(f"required here: {reason}")
    pytest.skip(reason)
