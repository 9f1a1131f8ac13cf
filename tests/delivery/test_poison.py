"""A delivery that cannot be processed keeps no other from being sent, and its channel is not kept busy by it."""

from __future__ import annotations

import pytest
from scripted import Post, Scripted, Words
from structlog.testing import capture_logs

from receiver.channels.limits import LimitSettings
from receiver.settings import Rate


class Choosy(Words):
    """Words that fail for the alerts with these names."""

    def __init__(self, poison):
        self.poison, self.failures = poison, 0

    def render(self, channel, batch, now, **more):
        if any(one["labels"]["alertname"] in self.poison for one in batch.alerts):
            self.failures += 1
            raise RuntimeError("an error nobody thought of")
        return super().render(channel, batch, now, **more)


async def given(post, names):
    """A delivery for each of the names, all of them due at once."""
    wake, post.dispatcher.wake = post.dispatcher.wake, lambda _: None
    alerts = ({"labels": {"alertname": name}, "fingerprint": name} for name in names)
    found = {name: await post.give(one, group=name) for name, one in zip(names, alerts, strict=True)}
    post.dispatcher.wake = wake
    wake(["infra"])
    return found


@pytest.mark.parametrize("windows", [(), (Rate(100, 62.0),)], ids=["unlimited", "limited"])
@pytest.mark.parametrize("merges", [True, False], ids=["merging", "each by itself"])
@pytest.mark.parametrize("poison", ["P0 P3", "P7"])
async def test_of_many_only_what_cannot_be_processed_is_put_off(tmp_path, poison, merges, windows):
    channel = Scripted()
    channel.merges, channel.windows = merges, windows
    channel.settings = channel.settings.model_copy(update={"limits": LimitSettings(gather=0)})  # the clock stands still
    post = Post(tmp_path, channel)
    post.words = Choosy(poison.split())
    await post.open()
    with capture_logs():  # to write down every trace of an error takes its time
        owed = await given(post, [f"P{number}" for number in range(8)])
        for name, delivery in owed.items():
            await (post.until(delivery, "queued", "internal error") if name in poison else post.until(delivery, "sent"))
        await post.close()
    assert 0 < post.words.failures < 40
