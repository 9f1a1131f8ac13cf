"""Splitting: whole pieces where they fit, cuts that leave nothing half."""

from __future__ import annotations

import re

import pytest
import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from receiver.delivery.rendering.splitting import Measure, cut, shortened, split


def weigh(text):
    return len(text.encode("utf-8", "replace"))


MEASURE = Measure(weigh, lambda left: f"…{left}")
PLAIN = Measure(weigh, lambda left: f"…{left}", markup=False)
ATOMS = st.sampled_from(
    [
        "\\*",
        "&#60;",
        "&amp;",
        "[磁盘](https://a.example/%29)",
        "<font color='red'>",
        "</font>",
        "`code`",
        "**",
        "👨‍👩‍👧",
        "é",
        "字",
        "a b",
    ]
)


def test_what_fits_is_one_part():
    assert [part.body for part in split(["h\n", "a\n", "b\n", "f"], 7, MEASURE)] == ["h\na\nb\nf"]


def test_pieces_stay_whole_and_in_order():
    parts = split(["", "aaaa\n", "bbbb\n", "cccc\n", ""], 10, MEASURE)
    assert [(part.body, part.pieces) for part in parts] == [("aaaa\nbbbb", (0, 1)), ("cccc", (2,))]


def test_room_for_the_numbers_is_kept_only_when_there_are_several():
    assert len(split(["", "aaaa", "bbbb", ""], 8, MEASURE, numbering=4)) == 1
    assert len(split(["", "aaaa", "bbbb", "c"], 8, MEASURE, numbering=4)) == 3


def test_a_long_head_stands_in_the_first_part_only():
    parts = split(["h" * 20, *["a" * 40] * 4, "foot"], 100, MEASURE)
    assert [part.body[0] for part in parts] == ["h", "a"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["", "a" * 6, "b" * 6, "ff"], ["aaaaaa", "bbbbbbff"]),
        (["", "a" * 3, "b" * 4, "ff"], ["aaa", "bbbbff"]),
        (["", "a" * 3, "b" * 7, "ff"], ["aaa", "bbbbbbb", "ff"]),
        (["", "a" * 8, "fff"], ["aaaaaaaa", "fff"]),
        (["", "a" * 3, "f" * 6], ["aaa", "ffffff"]),
    ],
)
def test_a_short_foot_stands_with_the_last_alert_unless_that_would_have_to_be_cut(pieces, expected):
    assert [part.body for part in split(pieces, 8, PLAIN)] == expected


def test_what_must_be_cut_leaves_room_for_the_foot():
    (part,) = split(["head\n", "a" * 500, "\nfoot"], 100, MEASURE)
    assert re.fullmatch(r"head\na+…\d+\nfoot", part.body)
    assert weigh(part.body) <= 100


def test_blank_lines_around_a_part_are_left_out_and_indents_stay():
    (part,) = split(["  \n\n", "   \n  a\n", "\n"], 100, PLAIN)
    assert part.body == "  a"


def test_a_head_too_long_for_any_part_is_cut_like_an_alert():
    parts = split(["h" * 500, "a" * 40, ""], 100, MEASURE)
    assert [part.pieces for part in parts] == [(0,)]
    assert re.fullmatch(r"h+…\d+a{40}", parts[0].body)
    assert weigh(parts[0].body) <= 100


def test_pieces_of_nothing_are_told_too():
    assert [part.pieces for part in split(["", "", "a" * 9, " ", ""], 8, PLAIN)] == [(0, 1, 2)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(ATOMS, max_size=30).map("".join), min_size=3, max_size=8), st.integers(120, 400))
def test_no_piece_is_lost_and_every_part_fits(pieces, room):
    parts = split(pieces, room, MEASURE)
    assert sorted(piece for part in parts for piece in part.pieces) == list(range(len(pieces) - 2))
    assert all(weigh(part.body) <= room for part in parts)


@settings(max_examples=500, deadline=None)
@given(st.lists(ATOMS, min_size=20, max_size=80), st.integers(100, 400))
def test_a_cut_leaves_nothing_half(atoms, room):
    text = "".join(atoms)
    assume(weigh(text) > room)
    made = cut(text, room, MEASURE)
    kept, _, rest = made.rpartition("…")
    assert weigh(made) <= room
    assert int(rest) > 0
    assert text.startswith(re.sub(r"(\*\*)?(</font>)*$", "", kept))
    assert kept.count("**") % 2 == 0
    assert "<font" not in kept.replace("<font color='red'>", "")
    assert kept.count("[") == kept.count("](") == kept.count(")")
    assert not re.search(r"&[#\w]*$|\\$|<[^>]*$", kept)
    assert kept.count("`") % 2 == 0


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ae\u0301字👨👩\u200d\ufe0f🇨🇳"), min_size=80), st.integers(20, 120))
def test_a_cut_falls_between_signs(text, room):
    kept = cut(text, room, PLAIN).rpartition("…")[0]
    assert weigh(kept) < room
    assert regex.findall(r"\X", text)[: len(regex.findall(r"\X", kept))] == regex.findall(r"\X", kept)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcdefg", 6, "abc…"),
        ("磁盘已满", 9, "磁盘…"),
        ("👨‍👩‍👧👨‍👩‍👧", 23, "👨‍👩‍👧…"),
        ("abc", 0, "…"),
    ],
)
def test_shortened(text, limit, expected):
    assert shortened(text, limit, weigh) == expected
