import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.store.packing import pack, text, unpack


@given(st.binary(max_size=2000))
def test_what_was_packed_comes_back(content):
    assert unpack(pack(content)) == content


@pytest.mark.parametrize("length", [0, 1, 511, 512, 100_000])
def test_at_every_length(length):
    for content in (os.urandom(length), b"alert" * (length // 5)):
        assert unpack(pack(content)) == content


def test_alerts_take_an_eighth_of_the_room():
    body = b'{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-01:9100"}}' * 50
    assert len(pack(body)) < len(body) / 8


def test_the_text_is_in_lower_case():
    assert text(pack("DiskFULL 磁盘 ".encode() * 100)).startswith("diskfull 磁盘 ")
