"""Contacts and duties as configured: what is taken, what is refused, and who is on duty when."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receiver.contacts import ContactSettings, MentionSettings, RotationSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def contact(**fields):
    return ContactSettings.model_validate({"name": "zhangsan", **fields})


def rotation(start, every="7d", members=("a", "b", "c")):
    return RotationSettings.model_validate({"start": start, "every": every, "members": list(members)})


def at(text, zone=SHANGHAI, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize("name", ["zhangsan", "张三", "li.si-2", "值班_一线", "José", "a" * 64])
def test_a_name_is_a_word(name):
    assert contact(name=name, wecom="u").name == name


@pytest.mark.parametrize(
    "name",
    ["", "@duty", "zhang san", "a,b", "all", "ALL", "<at>", "a\n", "-x", "..", "a" * 65, "张三(运维)", "a\u200bb"],
)
def test_a_name_that_is_no_word_is_refused(name):
    with pytest.raises(ValidationError):
        contact(name=name, wecom="u")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("13800001111", "13800001111"),
        (13800001111, "13800001111"),
        ("+8613800001111", "13800001111"),
        ("+86-138 0000 1111", "13800001111"),
        ("008613800001111", "13800001111"),
        ("+49 (151) 1234-5678", "+4915112345678"),
        ("0085261234567", "+85261234567"),
    ],
)
def test_a_mobile_number_is_kept_as_the_platforms_want_it(given, kept):
    assert contact(mobile=given).mobile == kept


@pytest.mark.parametrize(
    "given",
    [
        "1380000111",
        "12800001111",
        "+8612800001111",
        "@all",
        "138****1111",
        "1.38E+10",
        "１３８００００１１１１",
        "+0123456789",
    ],
)
def test_a_number_that_is_no_mobile_is_refused(given):
    with pytest.raises(ValidationError):
        contact(mobile=given)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wecom", "ZhangSan@corp-1.a"),
        ("feishu", "ou_84aad35d084aa403a838cf73ee18467"),
        ("feishu", "3e3cf96b"),
        ("dingtalk", "manager4220"),
        ("dingtalk", "0123456"),
        ("email", "zhang.san+oncall@ops.example.com"),
    ],
)
def test_ids_are_taken(field, value):
    assert getattr(contact(**{field: value}), field) == value


@pytest.mark.parametrize("field", ["wecom", "feishu", "dingtalk", "email", "mobile"])
@pytest.mark.parametrize(
    "value", ["all", "@all", "@ALL", "All", "", "a b", "a,b", "a|b", "<@x>", 'x"></at><at id=all>', "a\n", "a>b", "张"]
)
def test_an_id_that_could_mean_more_than_one_person_is_refused(field, value):
    with pytest.raises(ValidationError):
        contact(**{field: value})


@pytest.mark.parametrize("value", ["on_8ed6aa67826108097d9ee143816345", "oc_a0553eda9014c201e6969b478895c230"])
def test_feishu_ids_that_bots_cannot_mention_are_refused(value):
    with pytest.raises(ValidationError, match="open_id"):
        contact(feishu=value)


def test_a_contact_needs_an_id_or_a_rotation():
    with pytest.raises(ValidationError, match="at least one of wecom, mobile, feishu, dingtalk, email, or a rotation"):
        contact()


def test_a_duty_has_no_ids_of_its_own():
    with pytest.raises(ValidationError, match="does not go with a rotation"):
        contact(wecom="u", rotation={"start": "2026-01-05", "every": "7d", "members": ["a"]})


def test_members_may_stand_with_an_at():
    assert rotation("2026-01-05", members=["@a", "b"]).members == ("a", "b")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("start", "next monday"),
        ("start", "2026-02-30"),
        ("start", "20260105"),
        ("start", "2026-01-05T25:00"),
        ("start", "0001-01-01"),
        ("start", 5),
        ("every", "0"),
        ("every", "weekly"),
        ("members", []),
        ("members", ["@all"]),
        ("members", "a"),
        ("shift", "x"),
    ],
)
def test_a_rotation_that_cannot_be_is_refused(key, value):
    with pytest.raises(ValidationError):
        RotationSettings.model_validate({"start": "2026-01-05", "every": "7d", "members": ["a"], key: value})


@pytest.mark.parametrize("start", ["2026-01-05", date(2026, 1, 5), "2026-01-05T00:00:00+08:00", "2026-01-04T16:00:00Z"])
def test_a_start_is_local_unless_it_has_an_offset(start):
    duty = rotation(start)
    assert duty.on_duty(at("2026-01-11T23:59:59"), SHANGHAI) == "a"
    assert duty.on_duty(at("2026-01-12T00:00:00"), SHANGHAI) == "b"


@pytest.mark.parametrize(
    ("now", "who"),
    [
        ("1990-01-01T00:00", "a"),
        ("2026-01-05T08:59:59.999", "a"),
        ("2026-01-05T09:00", "a"),
        ("2026-01-12T08:59:59.999", "a"),
        ("2026-01-12T09:00", "b"),
        ("2026-01-19T09:00", "c"),
        ("2026-01-26T09:00", "a"),
        ("2027-01-04T09:00", "b"),
    ],
)
def test_turns_change_at_their_exact_instant(now, who):
    assert rotation("2026-01-05T09:00").on_duty(at(now), SHANGHAI) == who


@pytest.mark.parametrize(("seconds", "who"), [(-1, "a"), (0, "a"), (0.299, "a"), (0.3, "b"), (0.6, "c"), (0.9, "a")])
def test_short_turns_divide_exactly(seconds, who):
    start = at("2026-01-05T09:00")
    assert rotation("2026-01-05T09:00", "300ms").on_duty(start + seconds, SHANGHAI) == who


def test_turns_of_hours_count_real_hours():
    duty = rotation("2026-03-28T08:00", "12h")
    assert duty.on_duty(at("2026-03-29T08:59:59", BERLIN), BERLIN) == "b"
    assert duty.on_duty(at("2026-03-29T09:00", BERLIN), BERLIN) == "c"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"])
def test_turns_of_days_keep_the_wall_clock_over_daylight_saving(day):
    duty = rotation("2026-03-01T09:00", "1d", ("a", "b"))
    before, after = (duty.on_duty(at(f"{day}T{clock}", BERLIN), BERLIN) for clock in ("08:59:59", "09:00"))
    turns = (date.fromisoformat(day) - date(2026, 3, 1)).days
    assert (before, after) == ("ab"[(turns - 1) % 2], "ab"[turns % 2])


def test_a_handover_in_the_hour_that_comes_twice_happens_once():
    duty = rotation("2026-10-24T02:30", "1d", ("a", "b"))
    clocks = [("02:29", 0), ("02:30", 0), ("02:59", 0), ("02:00", 1), ("02:29", 1), ("02:30", 1), ("04:00", 0)]
    assert [duty.on_duty(at(f"2026-10-25T{clock}", BERLIN, fold), BERLIN) for clock, fold in clocks] == list("abbbbbb")


def test_a_handover_stays_when_the_clocks_go_back_over_midnight():
    zone = ZoneInfo("America/St_Johns")
    duty = rotation("2006-10-28T00:00", "1d", ("a", "b"))
    clocks = [("28T23:59", 0), ("29T00:00", 0), ("28T23:30", 1), ("29T00:00", 1)]
    assert [duty.on_duty(at(f"2006-10-{clock}", zone, fold), zone) for clock, fold in clocks] == list("abbb")


def test_a_handover_in_the_hour_that_is_skipped_happens_after_the_jump():
    duty = rotation("2026-03-28T02:30", "1d", ("a", "b"))
    assert duty.on_duty(at("2026-03-29T01:59", BERLIN), BERLIN) == "a"
    assert duty.on_duty(at("2026-03-29T03:30", BERLIN), BERLIN) == "b"
    assert duty.on_duty(at("2026-03-30T02:30", BERLIN), BERLIN) == "a"


@given(
    st.integers(0, 4_000_000_000),
    st.sampled_from(["1d", "7d", "36h", "90m", "30d"]),
    st.sampled_from(
        ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
    ),
)
def test_turns_never_go_backwards_or_skip(now, every, zone):
    duty = rotation("2005-06-07T01:59", every, tuple(f"m{number}" for number in range(7)))
    turns = [int(duty.on_duty(now + step, ZoneInfo(zone))[1:]) for step in range(0, 172800, 2700)]
    assert {(later - earlier) % 7 for earlier, later in pairwise(turns)} <= {0, 1}


def test_mentions_are_a_plain_list_or_a_mapping():
    plain = MentionSettings.model_validate(["zhangsan", "@duty", "@all", "ALL"])
    assert plain == MentionSettings.model_validate({"names": ["zhangsan", "duty", "all", "@All"]})
    assert (plain.names, plain.resolved, plain.label) == (("zhangsan", "duty", "@all", "@all"), False, None)


@pytest.mark.parametrize(
    "given",
    [
        "zhangsan",
        ["a b"],
        ["<at id=all>"],
        {"who": ["a"]},
        {"names": "a"},
        {"by_severity": ["a"]},
        {"label": ""},
        5,
        {"names": ["a"] * 51},
        {"by_severity": {"critical": ["@@all"]}},
    ],
)
def test_mentions_that_cannot_be_are_refused(given):
    with pytest.raises(ValidationError):
        MentionSettings.model_validate(given)
