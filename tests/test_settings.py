"""Sections: strict, frozen, silent about what was given; secrets in files; durations, sizes and rates."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import AfterValidator, Field, SecretStr, ValidationError

from receiver.settings import Rate, Section, rate, seconds, size


class Door(Section):
    key: SecretStr | None = None
    code: Annotated[SecretStr, AfterValidator(lambda code: code)] | None = None
    label: str = ""
    width: int = Field(default=1, gt=0)


def errors(data):
    with pytest.raises(ValidationError) as refused:
        Door.model_validate(data)
    return [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in refused.value.errors()]


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_from_a_file_without_the_line_ending(tmp_path, ending):
    (tmp_path / "key").write_bytes(b" top secret " + ending.encode())
    assert Door(key_file=str(tmp_path / "key")).key.get_secret_value() == " top secret "


def test_an_annotated_secret_has_its_file_too(tmp_path):
    (tmp_path / "code").write_text("\ufeff1234", encoding="utf-8")
    assert Door(code_file=str(tmp_path / "code")).code.get_secret_value() == "1234"


def test_a_plain_field_has_no_file(tmp_path):
    assert errors({"label_file": str(tmp_path)}) == ["label_file: Extra inputs are not permitted"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "names a file that is empty"),
        (b"\r\n", "names a file that is empty"),
        (b"\xff\xfe", "cannot be read: not a text file"),
    ],
)
def test_a_file_that_gives_no_secret(tmp_path, content, sentence):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    assert errors({"key_file": str(tmp_path / "key")}) == [f": Value error, key_file: {sentence}"]


@pytest.mark.parametrize("path", ["", "/", "\0", 7, None])
def test_a_path_that_is_none(path):
    assert "key_file: cannot be read" in errors({"key_file": path})[0]


def test_a_secret_given_twice():
    assert errors({"key": "a", "key_file": "b"}) == [": Value error, key_file: is given beside key; keep one"]


def test_an_unreadable_file_does_not_hide_other_faults():
    found = errors({"key_file": "/nowhere", "code_file": "/nowhere", "width": 0, "lable": "x"})
    assert [line.partition(" ")[0] for line in found] == [":", ":", "width:", "lable:"]


def test_errors_do_not_show_what_was_given():
    with pytest.raises(ValidationError) as refused:
        Door.model_validate({"key": ["canary-1"], "lable": "canary-2", "width": "canary-3"})
    assert "canary" not in str(refused.value) + repr(refused.value)


def test_values_never_change():
    with pytest.raises(ValidationError, match="frozen"):
        Door().label = "x"


def test_a_number_is_a_text_where_a_text_is_wanted():
    assert Door(label=5).label == "5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30.0),
        ("500ms", 0.5),
        ("1h30m", 5400.0),
        ("1y2w3d", 31536000.0 + 14 * 86400 + 3 * 86400),
        ("0", 0.0),
        (0, 0.0),
        ("0s", 0.0),
        (2.5, 2.5),
        (timedelta(minutes=1), 60.0),
    ],
)
def test_durations(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "5", 5, True, False, "s", "1m1h", "1.5h", "-5s", "5 s", "１s", "5s\n", "9" * 400 + "y", None, [], float("inf"),
     float("nan"), -1.0, timedelta(seconds=-1)],
)  # fmt: skip
def test_no_durations(text):
    with pytest.raises(ValueError, match="must be a duration like 30s"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("16MiB", 16777216), ("512KiB", 524288), ("20000", 20000), (20000, 20000), ("2 MB", 2_000_000), ("7B", 7)],
)
def test_sizes(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "0", 0, -1, True, "1.5MiB", "5XB", "９B", "9" * 5000, None, 1.5])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="must be a size like 16MiB"):
        size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20/62s", Rate(20, 62.0)),
        ("100/1m", Rate(100, 60.0)),
        ("5/s", Rate(5, 1.0)),
        ("20 / 1m30s", Rate(20, 90.0)),
        ("0", Rate(0, 0.0)),
        (0, Rate(0, 0.0)),
        (Rate(1, 2.0), Rate(1, 2.0)),
    ],
)
def test_rates(text, expected):
    assert rate(text) == expected


@pytest.mark.parametrize(
    "text", ["", "20", 20, "20/", "/s", "0/1m", "20/0s", "-1/s", "x/s", "20/x", "５/s", True, None]
)
def test_no_rates(text):
    with pytest.raises(ValueError, match="must be a rate like 20/62s"):
        rate(text)
