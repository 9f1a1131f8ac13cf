"""How messages are read: by the stand-in of their provider, in this process, from the request that would go out."""

from __future__ import annotations

import socket

import orjson
import pytest
from channel_examples import CANARY, make, message, text

from receiver.channels.registry import CHANNELS
from receiver.reading import read

NOW = 1763600000.0
ID = "0193a1b2c3d4e5f6a7b8c9d0e1f2"


def composed(channel, body="db1 is full", **more):
    content = channel.compose(text("Disk full", body, **more), ID)
    return message(content, ID, target=channel.targets[0])


@pytest.fixture
def offline(monkeypatch):
    """A machine on which no connection can be made."""

    def refused(*_):
        raise OSError("a connection was asked for")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", CHANNELS)
def test_a_message_of_every_kind_is_read_without_a_connection(kind, plain, offline):
    channel = make(kind)
    body = '{"title": "Disk full", "text": "db1 is full"}' if kind == "webhook" and not plain else "db1 is full"
    found = read(channel, composed(channel, body, plain=plain), NOW)
    assert (found.refusal, found.faults) == ("", ())
    assert "Disk full" in found.title + found.text
    assert "db1 is full" in found.text


@pytest.mark.parametrize("kind", CHANNELS)
def test_no_secret_of_the_channel_is_read(kind):
    channel = make(kind)
    assert CANARY not in repr(read(channel, composed(channel), NOW))


def test_a_message_that_the_platform_refuses_is_not_read():
    content = orjson.dumps({"msgtype": "markdown", "markdown": {"content": "x" * 5000}})
    found = read(make("wecom_robot"), message(content), NOW)
    assert found.text == ""
    assert found.refusal.startswith("WeCom answered 40058, the message is too long or malformed")


def test_what_the_platform_tolerates_is_a_fault():
    content = orjson.dumps({"msgtype": "markdown", "markdown": {"content": "hello"}, "extra": 1})
    found = read(make("wecom_robot"), message(content), NOW)
    assert (found.text, found.refusal, found.faults) == ("hello", "", ("unknown field extra",))


def test_messages_are_read_one_by_one_without_any_rate():
    channel = make("wecom_robot")
    assert not any(read(channel, composed(channel), NOW).refusal for _ in range(30))
