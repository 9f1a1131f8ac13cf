"""Kinds that nobody wrote a stand-in for: taken as they are, under a name of their own."""

import json

import pytest


@pytest.mark.parametrize("path", ["/other/talk", "/other/talk/rooms/1?key=2"])
async def test_whatever_comes_is_taken(box, post, path):
    box.register("other", "talk", name="talk")
    status, answer = await post(path, {"title": "Disk full", "text": "db1"})
    (posted,) = box.messages
    assert (status, answer["code"], answer["errcode"], answer["ok"]) == (200, 0, 0, True)
    assert (posted.kind, posted.name, posted.title, json.loads(posted.text)["text"]) == (
        "other",
        "talk",
        "Disk full",
        "db1",
    )
    assert box.violations == []


async def test_a_name_nobody_registered_is_unknown(box, post):
    assert (await post("/other/talk", {}))[0] == 404
    assert not box.messages


async def test_its_page_shows_the_name(box, wire, post):
    box.register("other", "talk", name="talk")
    await post("/other/talk", {"title": "Disk full"})
    page = await (await wire.get("/sandbox/bubbles")).text()
    assert "talk" in page
    assert "Disk full" in page
