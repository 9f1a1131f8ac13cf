from __future__ import annotations

import pytest
from scripted import Post, Scripted


@pytest.fixture
async def course(tmp_path):
    """Starts the sender of a scripted channel with the named targets; ended with the test."""
    started = []

    async def start(*names):
        one = Post(tmp_path, Scripted(*names))
        await one.open()
        started.append(one)
        return one

    yield start
    for one in started:
        await one.close()
