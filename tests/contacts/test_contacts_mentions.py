"""Who a name stands for, whom a message mentions, and that no label ever reaches past the contacts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contacts import Contacts, ContactSettings, MentionSettings, Resolved, mentioned

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 13, 12, tzinfo=ZONE).timestamp()
WEEKLY = {"start": "2026-01-05", "every": "7d"}
PEOPLE = [
    {"name": "zhangsan", "wecom": "zhangsan", "mobile": "13800001111", "feishu": "ou_1"},
    {"name": "lisi", "dingtalk": "user2"},
    {"name": "王五", "email": "ww@example.com"},
    {"name": "duty", "rotation": {**WEEKLY, "members": ["zhangsan", "lisi", "王五"]}},
    {"name": "lead", "rotation": {**WEEKLY, "members": ["duty", "@duty", "zhangsan"]}},
]


def directory(*entries):
    return Contacts([ContactSettings.model_validate(entry) for entry in entries], ZONE)


BOOK = directory(*PEOPLE)
EVERYBODY = directory(*({"name": f"p{number}", "wecom": f"p{number}"} for number in range(60)))


def alert(status="firing", **labels):
    return {"status": status, "labels": labels, "annotations": {}, "fingerprint": "f"}


def ask(rules, *alerts, contacts=BOOK, now=NOW):
    return mentioned([(MentionSettings.model_validate(rule), alerts) for rule in rules], contacts, now)


def names(resolved):
    return [contact.name for contact in resolved.contacts]


@pytest.mark.parametrize("name", ["zhangsan", "@zhangsan", "＠zhangsan"])
def test_a_person_is_found_with_and_without_the_at(name):
    found = BOOK.find(name)
    assert (found.name, found.wecom, found.mobile, found.dingtalk) == ("zhangsan", "zhangsan", "13800001111", None)


@pytest.mark.parametrize(
    "name", ["Zhangsan", "@@zhangsan", "all", "@all", "", "@", "zhang", "ou_1", "13800001111", "duty"]
)
def test_nobody_else_is_found(name):
    assert BOOK.find(name) is None


def test_a_duty_stands_for_who_is_on_it():
    weeks = [BOOK.resolve(["@duty"], NOW + week * 604800) for week in (-1, 0, 1, 2)]
    assert [names(week) for week in weeks] == [["zhangsan"], ["lisi"], ["王五"], ["zhangsan"]]


def test_a_duty_may_be_member_of_a_duty():
    assert names(BOOK.resolve(["lead"], NOW)) == ["lisi"]


def test_each_person_comes_once_in_the_order_named():
    assert names(BOOK.resolve(["王五", "@duty", "lisi", "zhangsan", "王五"], NOW)) == ["王五", "lisi", "zhangsan"]


@pytest.mark.parametrize("word", ["all", "@all", "@ALL"])
def test_the_configured_word_is_everyone(word):
    assert BOOK.resolve([word, "lisi"], NOW) == Resolved((BOOK.find("lisi"),), everyone=True)


def test_unknown_names_are_told_cut_and_bounded():
    resolved = BOOK.resolve(["x" * 100, "a\nb\u202e", *(f"n{number}" for number in range(40))], NOW)
    assert (resolved.contacts, resolved.everyone, len(resolved.unknown)) == ((), False, 20)
    assert resolved.unknown[:3] == ("x" * 64, "a\ufffdb\ufffd", "n0")


def test_sound_contacts_have_no_faults():
    assert BOOK.faults() == []
    assert BOOK.names == ("zhangsan", "lisi", "王五", "duty", "lead")
    assert BOOK.knows("@lead")
    assert not BOOK.knows("all")


def test_a_name_given_twice_is_a_fault_and_the_first_counts():
    book = directory(PEOPLE[1], PEOPLE[3], {"name": "lisi", "wecom": "other"})
    assert [(fault.path, fault.rule) for fault in book.faults() if fault.offered == "lisi"] == [
        ("contacts[2].name", "is taken by contacts[0]; names must differ")
    ]
    assert book.find("lisi").dingtalk == "user2"


def test_a_member_that_is_no_contact_is_a_fault():
    book = directory(PEOPLE[0], {"name": "duty", "rotation": {**WEEKLY, "members": ["zhangsan", "zhangsam"]}})
    [fault] = book.faults()
    assert fault.path == "contacts[1].rotation.members[1]"
    assert fault.rule == "must be the name of a contact; did you mean zhangsan?"


def test_duties_in_a_circle_are_faults_and_stand_for_nobody():
    duties = {"a": ["b", "zhangsan"], "b": ["c"], "c": ["a"], "d": ["d"], "fine": ["zhangsan"]}
    entries = [{"name": name, "rotation": {**WEEKLY, "members": who}} for name, who in duties.items()]
    book = directory(*PEOPLE[:1], *entries)
    assert [fault.path for fault in book.faults()] == [
        f"contacts[{number}].rotation.members[0]" for number in (1, 2, 3, 4)
    ]
    assert book.resolve(["d"], NOW).unknown == ("d",)


def test_rules_are_united_and_nobody_comes_twice():
    assert names(ask([["lisi"], ["zhangsan", "@duty"], {"names": ["王五"]}], alert())) == ["lisi", "zhangsan", "王五"]


def test_a_rule_looks_at_its_own_alerts_only():
    critical = MentionSettings.model_validate({"by_severity": {"critical": ["lisi"]}, "label": "owner"})
    others = MentionSettings.model_validate(["王五"])
    rules = [(critical, [alert(severity="warning")]), (others, [alert(severity="critical", owner="zhangsan")])]
    assert names(mentioned(rules, BOOK, NOW)) == ["王五"]


def test_no_rules_and_no_alerts_mention_nobody():
    assert ask([], alert()) == Resolved()
    assert ask([["lisi", "@all"]]) == Resolved()


def test_the_severity_of_firing_alerts_adds_names():
    rule = {"names": ["lisi"], "by_severity": {"critical": ["@all"], "Warning": ["王五"]}}
    warned = ask([rule], alert(severity=" WARNING "), alert("resolved", severity="critical"))
    assert (names(warned), warned.everyone) == (["lisi", "王五"], False)
    assert ask([rule], alert(severity="critical")).everyone
    assert names(ask([rule], alert())) == ["lisi"]


def test_resolved_alerts_mention_nobody_unless_asked_to():
    rule = {"names": ["lisi"], "by_severity": {"critical": ["王五"]}, "label": "owner"}
    over = alert("resolved", severity="critical", owner="zhangsan")
    assert ask([rule], over) == Resolved()
    assert names(ask([{**rule, "resolved": True}], over)) == ["lisi", "王五", "zhangsan"]
    assert names(ask([rule], over, alert())) == ["lisi"]


@pytest.mark.parametrize(
    "value", ["zhangsan,lisi", "zhangsan; lisi", "@zhangsan  lisi", " zhangsan，lisi、", "zhangsan\nlisi"]
)
def test_a_label_names_several(value):
    assert ask([{"label": "owner"}], alert(owner=value)) == BOOK.resolve(["zhangsan", "lisi"], NOW)


def test_a_label_may_name_a_duty():
    assert names(ask([{"label": "owner"}], alert(owner="@duty"))) == ["lisi"]


def test_a_label_is_read_only_where_a_rule_says_so():
    assert ask([["lisi"], {"label": "team"}], alert(owner="zhangsan")) == BOOK.resolve(["lisi"], NOW)


def test_a_label_never_reaches_everyone_even_beside_a_rule_that_does_for_others():
    rule = {"by_severity": {"critical": ["@all"]}, "label": "owner"}
    resolved = ask([rule], alert(severity="warning", owner="@all all ALL zhangsan"))
    assert (names(resolved), resolved.everyone) == (["zhangsan"], False)
    assert resolved.unknown == ("@all", "all", "ALL")


def test_fifty_mentions_at_most_and_configured_names_first():
    flood = alert(owner=",".join(f"p{number}" for number in range(49)))
    rules = [{"label": "owner"}, ["p59", "p58"]]
    resolved = ask(rules, flood, contacts=EVERYBODY)
    assert len(resolved.contacts) == 50
    assert names(resolved)[:3] == ["p59", "p58", "p0"]
    most = [{"names": [f"p{number}" for number in range(50)]}, ["p59"]]
    assert len(ask(most, alert(), contacts=EVERYBODY).contacts) == 50


def test_a_long_label_cannot_hide_the_others():
    flood = alert(owner=" ".join(f"x{number}" for number in range(5000)))
    resolved = ask([{"label": "owner"}], flood, alert(owner="zhangsan"))
    assert (names(resolved), len(resolved.unknown)) == (["zhangsan"], 20)


TRICKS = [
    "@all",
    "all",
    "ALL",
    "@ALL",
    "＠all",
    "@@all",
    "所有人",
    "<at id=all></at>",
    '<at user_id="all">',
    "<@zhangsan>",
]
TRICKS += [
    "zhangsan\u200b",
    "&lt;at id=all&gt;",
    "13800001111",
    "user2",
    "ou_1",
    "lisi|zhangsan",
    "\ud800",
    "zhangsan\0",
]
hostile = st.lists(st.one_of(st.sampled_from([*TRICKS, "lisi", "@duty"]), st.text(max_size=80)), max_size=30).flatmap(
    lambda words: st.sampled_from([",", " ", ";", "", "\u3000", "@"]).map(lambda by: by.join(words))
)


@given(st.lists(hostile, max_size=4), st.sampled_from(["owner", "severity"]))
def test_hostile_labels_reach_nobody_but_contacts(values, label):
    rule = {"names": ["王五"], "by_severity": {"critical": ["@all"]}, "label": label}
    resolved = ask([rule], *(alert(**{label: value}) for value in values if value.strip().lower() != "critical"))
    assert not resolved.everyone
    assert set(resolved.contacts) <= {BOOK.find(name) for name in ("zhangsan", "lisi", "王五")}
    assert len(resolved.unknown) <= 20
    assert all(len(name) <= 64 and name.isprintable() for name in resolved.unknown)
    assert resolved == ask(
        [rule], *(alert(**{label: value}) for value in values if value.strip().lower() != "critical")
    )


@given(st.text(max_size=30))
def test_a_configured_name_is_a_word_a_duty_or_everyone(name):
    resolved = BOOK.resolve([name], NOW)
    assert resolved.everyone == (name.removeprefix("@").removeprefix("＠").casefold() == "all")
    assert len(resolved.contacts) + len(resolved.unknown) + resolved.everyone == 1
