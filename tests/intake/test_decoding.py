import json

import pytest

from receiver.errors import BadPayload
from receiver.intake.decoding import DEPTH, decode, decode_exactly


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}\n', {"a": 1}),
        (b'{"a": "\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"a": "x\xed\xa0\x80"}', {"a": "x\ufffd"}),
        (b'{"a\\u0000b": "c\\u0000d"}', {"ab": "cd"}),
        (b'{"a": "raw\x00nul\nline"}', {"a": "rawnul\nline"}),
        (b'{"a": NaN, "b": Infinity, "c": -Infinity, "d": 1e400}', {"a": None, "b": None, "c": None, "d": None}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        ('{"磁盘": "😀\u202e"}'.encode(), {"磁盘": "😀\u202e"}),
    ],
)
def test_reads_what_senders_really_write(body, value):
    assert decode(body) == value


def test_a_number_of_four_thousand_digits_reads_as_null():
    assert decode(b'{"a": ' + b"9" * 4000 + b"}") == {"a": None}


@pytest.mark.parametrize("body", [b"", b"{", b"hello", b'{"a": \xff\xfe}', b'{"a" 1}', b'{"a": "\xff"}'])
def test_refuses_what_is_no_json(body):
    with pytest.raises(BadPayload):
        decode(body)


@pytest.mark.parametrize("depth", [DEPTH + 1, 1100, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_refuses_what_is_nested_too_deep(depth, opening, closing):
    with pytest.raises(BadPayload, match=r"nested deeper than 64|not JSON"):
        decode(opening * depth + b"1" + closing * depth)


def test_takes_the_deepest_nesting_allowed():
    body = b"[" * DEPTH + b"1" + b"]" * DEPTH
    assert decode(body) == json.loads(body)


def test_a_whole_number_beyond_64_bits_can_be_read_exactly():
    assert decode_exactly(b'{"a": 99999999999999999999}') == {"a": 99999999999999999999}
