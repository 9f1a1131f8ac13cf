"""Contacts in the configuration and in the file it names, and names under `mentions` that must exist."""

from __future__ import annotations

import pytest

from receiver.config import format_faults

KEY = "693a91f6-7aoc-4bc4-97a0-0ec2sifa5aaa"
CONTACTS = "contacts:\n  - {name: zhangsan, wecom: zs}\n  - {name: lisi, mobile: '13800001111'}\n"
DUTY = "  - {name: duty, rotation: {start: 2026-01-05, every: 7d, members: [zhangsan, lisi]}}\n"


def channel(mentions):
    return f"{CONTACTS}channels:\n  - {{name: infra, kind: wecom_robot, key: {KEY}, mentions: {mentions}}}\n"


def route(mentions):
    return f"{CONTACTS}route:\n  channels: [infra]\n  routes:\n    - mentions: {mentions}\n"


@pytest.fixture
def file(tmp_path):
    """Writes the contacts' file beside the configuration; its line in the configuration."""

    def write(text, name="people.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return f"contacts_file: {name}\n"

    return write


def test_without_contacts_there_are_none(settings):
    assert settings().contacts == ()
    assert settings().route.mentions is None


def test_the_configurations_own_come_first(settings, file):
    loaded = settings(CONTACTS + file("name,wecom\n王五,ww\nzhaoliu,zl\n"))
    assert [contact.name for contact in loaded.contacts] == ["zhangsan", "lisi", "王五", "zhaoliu"]


def test_a_yaml_file_may_hold_duties_of_people_here(settings, file):
    text = "- name: duty\n  rotation: {start: 2026-01-05, every: 7d, members: [zhangsan, lisi]}\n"
    loaded = settings(channel("['@duty']") + file(text, "people.yaml"))
    assert loaded.contacts[2].rotation.members == ("zhangsan", "lisi")
    assert loaded.channels[0].mentions.names == ("duty",)


def test_a_file_in_a_folder_beside_the_configuration(settings, file, tmp_path):
    (tmp_path / "people").mkdir()
    assert settings(file("name,wecom\na,b\n", "people/all.csv")).contacts[0].wecom == "b"


@pytest.mark.parametrize("mentions", ["[zhangsan, '@all', '@lisi']", "{names: [zhangsan, all, lisi]}"])
def test_a_plain_list_stands_for_names(settings, mentions):
    assert settings(channel(mentions)).channels[0].mentions.names == ("zhangsan", "@all", "lisi")


def test_everything_that_mentions_may_say(settings):
    said = settings(route("{by_severity: {critical: [lisi]}, label: owner, resolved: true}")).route.routes[0].mentions
    assert (said.by_severity, said.label, said.resolved) == ({"critical": ("lisi",)}, "owner", True)


NAME = "must be the name of a contact"


@pytest.mark.parametrize(
    ("text", "path", "line", "rule", "offered"),
    [
        # contacts
        ("contacts: zhangsan", "contacts", 1, "must be a list", None),
        ("contacts: [zhangsan]", "contacts[0]", 1, "must be a mapping", None),
        ("contacts:\n  - {wecom: zs}", "contacts[0].name", 2, "is required", None),
        ("contacts:\n  - {name: all, wecom: zs}", "contacts[0].name", 2, "mentions everyone", '"all"'),
        ("contacts:\n  - {name: a b, wecom: zs}", "contacts[0].name", 2, "must be at most 64 letters", '"a b"'),
        ("contacts:\n  - {name: a, wecom: '@all'}", "contacts[0].wecom", 2, "must be a user id", '"@all"'),
        ("contacts:\n  - {name: a, mobile: '123'}", "contacts[0].mobile", 2, "must be a mobile number", '"123"'),
        ("contacts:\n  - {name: a, phone: '1'}", "contacts[0].phone", 2, "is not a key that is known here", None),
        ("contacts:\n  - {name: a}", "contacts[0]", 2, "needs at least one of wecom", None),
        (CONTACTS + "  - {name: lisi, wecom: b}", "contacts[2].name", 4, "is taken by contacts[1]", '"lisi"'),
        (CONTACTS + DUTY.replace("lisi]", "lizi]"), "contacts[2].rotation.members[1]", 4,
         f"{NAME}; did you mean lisi?", '"lizi"'),
        (CONTACTS + DUTY.replace("lisi]", "duty]"), "contacts[2].rotation.members[1]", 4, "cannot hold itself",
         '"duty"'),
        (CONTACTS + DUTY.replace("7d", "0"), "contacts[2].rotation.every", 4, "must be more than 0", "0"),
        # mentions
        (channel("zhangsan"), "channels[0].mentions", 5, "must be a list of names, or a mapping", '"zhangsan"'),
        (channel("[zhangsan, zhangsam]"), "channels[0].mentions[1]", 5, f"{NAME}; did you mean zhangsan?",
         '"zhangsam"'),
        (channel("['@lizi']"), "channels[0].mentions[0]", 5, f"{NAME}; did you mean lisi?", '"@lizi"'),
        (channel("[7]"), "channels[0].mentions[0]", 5, NAME, '"7"'),
        (channel("['a b']"), "channels[0].mentions[0]", 5, "must be at most 64 letters", '"a b"'),
        (channel("[[zhangsan]]"), "channels[0].mentions[0]", 5, "must be text", None),
        (channel("{names: [nobody]}"), "channels[0].mentions.names[0]", 5, NAME, '"nobody"'),
        (channel("{name: [lisi]}"), "channels[0].mentions.name", 5, "did you mean names?", None),
        (channel("{by_severity: {critical: [ghost]}}"), "channels[0].mentions.by_severity.critical[0]", 5, NAME,
         '"ghost"'),
        (channel("{by_severity: [lisi]}"), "channels[0].mentions.by_severity", 5, "must be a mapping", None),
        (channel("{resolved: perhaps}"), "channels[0].mentions.resolved", 5, "must be true or false", '"perhaps"'),
        (channel("{label: ''}"), "channels[0].mentions.label", 5, "must not be empty", '""'),
        (CONTACTS + "route: {channels: [infra], mentions: [lisi, ghost]}", "route.mentions[1]", 4, NAME, '"ghost"'),
        (route("[ghost]"), "route.routes[0].mentions[0]", 7, NAME, '"ghost"'),
        (route("{by_severity: {x: [ghost]}}"), "route.routes[0].mentions.by_severity.x[0]", 7, NAME, '"ghost"'),
        (channel(str([f"p{n}" for n in range(51)])), "channels[0].mentions", 5, "must have at most 50 entries", None),
        # the file
        ("contacts_file: [a]", "contacts_file", 1, "must be the path of a file", None),
    ],
)  # fmt: skip
def test_a_fault(faults, text, path, line, rule, offered):
    found = [fault for fault in faults(text) if fault.path == path]
    assert [(fault.line, fault.offered) for fault in found] == [(line, offered)]
    assert rule in found[0].rule


@pytest.mark.parametrize(
    ("text", "path", "rule"),
    [
        ("name,wecom\na b,x\n", "people.csv:2: name", "must be at most 64 letters"),
        ("姓名,帐号,手机\n张三,zs,1.38E+10\n", "people.csv:2: 手机", "shortened by a spreadsheet"),
        ("name,wecom\na,b\na,c\n", "people.csv:3: name", "is also the name on line 2"),
        ("name,wecom\na,b\nlisi,c\n", "people.csv:3: name", "is taken by contacts[1]; names must differ"),
        ("nothing", "people.csv:1", "has no header"),
    ],
)
def test_a_fault_of_the_file_has_its_place_there(faults, file, text, path, rule):
    [fault] = faults(CONTACTS + file(text))
    assert (fault.path, fault.line) == (path, None)
    assert rule in fault.rule


def test_a_member_in_the_file_must_exist(faults, file):
    text = "- {name: a, wecom: b}\n- name: duty\n  rotation: {start: 2026-01-05, every: 7d, members: [a, lizi]}\n"
    [fault] = faults(CONTACTS + file(text, "people.yml"))
    assert (fault.path, fault.offered) == ("people.yml:2: rotation.members[1]", "lizi")
    assert "did you mean lisi?" in fault.rule


def test_a_file_that_is_not_there(faults):
    [fault] = faults("contacts_file: nowhere.csv")
    assert (fault.path, fault.rule) == ("nowhere.csv", "cannot be read: No such file or directory")


def test_faults_of_the_file_come_beside_all_others_and_unknown_names_wait_for_it(faults, file):
    found = faults(channel("[ghost]") + file("name,wecom\na b,x\n") + "server: {listen: nowhere}")
    assert [fault.path for fault in found] == ["server.listen", "people.csv:2: name"]
    assert "config.yaml: people.csv:2: name: must be" in format_faults("config.yaml", found)


def test_a_contact_with_a_fault_is_still_known_by_its_name(faults):
    [fault] = faults(channel("[zhangsan, lisi]").replace("wecom: zs", "wecom: '@all'"))
    assert fault.path == "contacts[0].wecom"


def test_two_contacts_without_a_name_are_not_taken_for_one(faults):
    assert [fault.rule for fault in faults("contacts: [{wecom: a}, {wecom: b}]")] == ["is required"] * 2


def test_everyone_needs_no_contact(settings):
    assert settings(f"channels: [{{name: infra, kind: wecom_robot, key: {KEY}, mentions: [all]}}]").contacts == ()
