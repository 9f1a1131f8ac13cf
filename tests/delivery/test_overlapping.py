"""Messages that each tell of all alerts, as a template with cuts of its own makes them: none of them is left out."""

from dataclasses import replace

import pytest
from scripted import OK, THREE, Post, Scripted, Words

from receiver.delivery.rendering import Rendering


class Overlapping(Words):
    """Words of which only all together tell any of the alerts."""

    def render(self, channel, batch, now, **more):
        texts = super().render(channel, batch, now, **more).texts
        return Rendering(tuple(replace(text, alerts=tuple(range(len(texts)))) for text in texts))


@pytest.fixture
async def post(tmp_path):
    made = Post(tmp_path, Scripted())
    made.words = Overlapping()
    await made.open()
    yield made
    await made.close()


async def with_news(post):
    """What is answered to the first post, after something else has come in."""
    post.news = await post.give({"labels": {"alertname": "news"}, "fingerprint": "n"}, group="other")
    return OK


def said(post):
    return [message.content.decode().split('"title": "')[1][:2] for message in post.channel.arrived]


async def test_news_waits_for_all_of_them(post):
    post.channel.will("", with_news(post))
    owed = await post.give(*THREE)
    await post.until(owed, "sent")
    await post.until(post.news, "sent")
    assert said(post) == ["A0", "A1", "A2", "ne"]


async def test_what_is_left_after_a_restart_is_told(post):
    frozen = post.freeze("begin", 2)
    owed = await post.give(*THREE)
    await frozen.wait()
    await post.restart()
    news = await post.give({"labels": {"alertname": "news"}, "fingerprint": "n"}, group="other")
    await post.until(owed, "sent")
    await post.until(news, "sent")
    assert set(said(post)) == {"A0", "A1", "A2", "ne"}
