"""Contacts from files: YAML, CSV by hand, and address books as the consoles export them."""

from __future__ import annotations

import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.contacts import read_contacts
from receiver.errors import ConfigError

WECOM = '''\
"填写须知：
1. 请勿修改表格结构；
2. 红色字段为必填字段，姓名、帐号不可为空；
3. 手机与邮箱至少填写一项",,,,,,,,,,
,,,,,,,,,,
姓名,帐号,别名,职务,部门,性别,手机,座机,企业邮箱,个人邮箱,激活状态
张三,ZhangSan,Sam,SRE,示例公司/运维部;示例公司/值班组,男,\t+86-13800001111,,zhangsan@corp.example.com,sam@mail.example.com,已激活
李四(外包),lisi_02,,,示例公司/运维部,女,"=""13900002222""",,,lisi@mail.example.com,已激活
John Smith,john.smith,,,示例公司/Platform,男,138****1111,,-,,未激活
王五,,,,示例公司/运维部,男,13700003333,,,,未激活
,,,,,,,,,,
导出人：管理员,,,,,,,,,,
'''
BATCH = """\
姓名,帐号,手机号,邮箱,所在部门,职位,性别,是否部门内领导,排序,别名,地址,座机,禁用,禁用项说明：(0-启用;1-禁用)
张三,zhangsan,13800001111,zhangsan@example.com,1;2,SRE,男,0,,,,,0,
"""
DINGTALK = """\
员工UserID,姓名*,部门,职位,工号,手机号（必填）,邮箱
manager4220,张三,运维部,SRE,A001,+86-13800001111,
0123456,赵 六,运维部,,A002,+852-61234567,zl@example.com
"""


@pytest.fixture
def read(tmp_path):
    def read(content, name="contacts.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [listed.contact.model_dump(exclude_none=True) for listed in read_contacts(path)]

    return read


@pytest.fixture
def faults(read):
    def faults(content, name="contacts.csv"):
        with pytest.raises(ConfigError) as caught:
            read(content, name)
        return [(fault.line, fault.path, fault.rule) for fault in caught.value.faults]

    return faults


OWN = [{"name": "张三", "wecom": "zs", "mobile": "13800001111"}, {"name": "lisi", "email": "l@example.com"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_our_own_columns_in_any_order_and_encoding(read, encoding, ends):
    lines = ["mobile,Name,wecom,email", "13800001111,张三,zs,", ",,,", ",lisi,,l@example.com", ""]
    assert read(ends.join(lines).encode(encoding)) == OWN


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(read, delimiter):
    lines = "name,wecom,mobile,email\n张三,zs,13800001111,\nlisi,,,l@example.com"
    assert read(lines.replace(",", delimiter)) == OWN


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_an_address_book_of_the_wecom_console(read, encoding):
    assert read(WECOM.replace("\n", "\r\n").encode(encoding)) == [
        {"name": "张三", "wecom": "ZhangSan", "mobile": "13800001111", "email": "zhangsan@corp.example.com"},
        {"name": "李四-外包", "wecom": "lisi_02", "mobile": "13900002222", "email": "lisi@mail.example.com"},
        {"name": "John-Smith", "wecom": "john.smith"},
    ]


def test_the_spelling_of_accounts_does_not_matter(read):
    assert read(WECOM.replace("帐号", "账号")) == read(WECOM)


def test_the_table_of_wecoms_batch_interface(read):
    person = {"name": "张三", "wecom": "zhangsan", "mobile": "13800001111", "email": "zhangsan@example.com"}
    assert read(BATCH) == [person]


def test_an_address_book_of_the_dingtalk_console(read):
    assert read(DINGTALK) == [
        {"name": "张三", "dingtalk": "manager4220", "mobile": "13800001111"},
        {"name": "赵-六", "dingtalk": "0123456", "mobile": "+85261234567", "email": "zl@example.com"},
    ]


def test_each_contact_has_the_line_it_begins_on(tmp_path):
    (tmp_path / "contacts.csv").write_text(WECOM, encoding="utf-8")
    (tmp_path / "contacts.yaml").write_text("# on call\n- {name: a, wecom: b}\n\n- name: c\n  wecom: d\n")
    assert [listed.line for listed in read_contacts(tmp_path / "contacts.csv")] == [7, 8, 9]
    assert [listed.line for listed in read_contacts(tmp_path / "contacts.yaml")] == [2, 4]


def test_a_number_of_staff_is_the_user_id_only_where_there_is_no_other(read):
    assert read("姓名,工号,手机号\n张三,A001,13800001111\n")[0]["dingtalk"] == "A001"
    assert "dingtalk" not in read("姓名,帐号,工号\n张三,zhangsan,A001\n")[0]


def test_faults_of_a_table_have_their_line_and_the_tables_own_heading(faults):
    table = WECOM.replace("\t+86-13800001111", "1.38E+10").replace("john.smith", "约翰")
    found = faults(table)
    assert [(line, path) for line, path, _ in found] == [(7, "contacts.csv: 手机"), (9, "contacts.csv: 帐号")]
    assert "shortened by a spreadsheet" in found[0][2]


def test_a_name_given_twice_is_told_with_both_lines(faults):
    table = "name,wecom\nlisi,a\n张三,b\nlisi,c\n"
    assert faults(table) == [(4, "contacts.csv: name", "is also the name on line 2; names must differ")]


@pytest.mark.parametrize(
    "cell", ['=cmd|"/c calc"!A1', "=1+1", "@SUM(A1)", "+1+cmd", "-2+3", "\t=HYPERLINK(1)", "'=1", "\u202ea", "a\x07b"]
)
@pytest.mark.parametrize("header", ["name,wecom", "姓名,帐号"])
@pytest.mark.parametrize("place", [0, 1])
def test_formulas_and_control_characters_are_refused(faults, header, cell, place):
    row = ["zhangsan", "zs"]
    row[place] = '"' + cell.replace('"', '""') + '"'
    [(line, path, rule), *_] = faults(f"{header}\n{','.join(row)}\n")
    assert (line, path) == (2, f"contacts.csv: {header.split(',')[place]}")
    assert "formula" in rule or "control" in rule


@pytest.mark.parametrize("mobile", ["=13800001111", "+1+2", "+86=1", "@13800001111", "-13800001111"])
def test_a_mobile_number_is_no_formula_either(faults, mobile):
    assert "formula" in faults(f"name,mobile\nzhangsan,{mobile}\n")[0][2]


@pytest.mark.parametrize(
    ("table", "line", "path", "words"),
    [
        ("name,wecom,department\na,b,c\n", 1, "contacts.csv: department", "not a column that is known"),
        ("name,wecom,wecom\na,b,c\n", 1, "contacts.csv: wecom", "given twice"),
        ("name,wecom\nall,b\n", 2, "contacts.csv: name", "mentions everyone"),
        ("name,wecom\n,b\n", 2, "contacts.csv: name", "is required"),
        ("name,wecom\na,\n", 2, "contacts.csv: contact", "at least one of"),
        ("name,wecom\na,@all\n", 2, "contacts.csv: wecom", "formula"),
        ('name,wecom\na,"b\n', 2, "contacts.csv", "not a proper table"),
        ("a,b\n1,2\n", 1, "contacts.csv", "has no header"),
        ("", 1, "contacts.csv", "has no header"),
        ("部门,职务\n运维,SRE\n", 1, "contacts.csv", "has no header"),
        (b"name,wecom\na,\0\n", None, "contacts.csv", "neither UTF-8 nor GB18030"),
        (b"name,wecom\na,\xff\xff\n", None, "contacts.csv", "neither UTF-8 nor GB18030"),
    ],
)
def test_what_is_wrong_with_a_table(faults, table, line, path, words):
    [(found_line, found_path, rule), *_] = faults(table)
    assert (found_line, found_path) == (line, path)
    assert words in rule


def test_a_workbook_is_to_be_saved_as_csv(tmp_path):
    for name in ("contacts.xlsx", "contacts.csv"):
        with zipfile.ZipFile(tmp_path / name, "w") as workbook:
            workbook.writestr("xl/workbook.xml", "<workbook/>")
        with pytest.raises(ConfigError, match="Excel workbook; save it as CSV"):
            read_contacts(tmp_path / name)


def test_files_that_cannot_be_read_at_all(tmp_path, faults):
    with pytest.raises(ConfigError, match="No such file"):
        read_contacts(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_contacts(tmp_path)
    assert "must end in one of" in faults("name,wecom\na,b\n", "contacts.docx")[0][2]


YAML = """\
# on call
- {name: 张三, wecom: zs, mobile: 13800001111}
- name: no
  dingtalk: 0123456
  feishu: ~
- name: duty
  rotation:
    start: 2026-01-05T09:00
    every: 1w
    members: [张三, "@no"]
"""


def test_a_yaml_list_keeps_every_value_as_text(read):
    people = read(YAML, "contacts.yaml")
    assert people[0] == {"name": "张三", "wecom": "zs", "mobile": "13800001111"}
    assert people[1] == {"name": "no", "dingtalk": "0123456"}
    assert people[2]["rotation"]["members"] == ("张三", "no")


def test_an_empty_yaml_list_has_no_contacts(read):
    assert read("", "a.yml") == read("[]", "b.yml") == []


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        ("- {name: a, wecom: b}\n- name: a\n  wecom: c\n", 2, "a.yaml: name", "also the name on line 1"),
        ("- name: a\n  wecom: b\n  phone: 1\n", 3, "a.yaml: phone", "not a key that is known"),
        ("- name: a\n  wecom: b\n  wecom: c\n", 3, "a.yaml: wecom", "given twice"),
        (YAML.replace('"@no"', "all"), 10, "a.yaml: rotation.members[1]", "mentions everyone"),
        (YAML.replace("1w", "weekly"), 9, "a.yaml: rotation.every", "duration"),
        ("- name: a\n  rotation: {every: 1d, members: [b]}\n", 2, "a.yaml: rotation.start", "is required"),
        ("- zhangsan\n", 1, "a.yaml: contact", "must be a mapping"),
        ("name: a\n", 1, "a.yaml", "must be a list"),
        ("- &a {name: a, wecom: b}\n- *a\n", 2, "a.yaml", "alias"),
        ("[" * 500, 1, "a.yaml", "nested too deep"),
        ("- {name: a}\n- {name: b]\n", 2, "a.yaml", "not valid YAML"),
        (b"- name: \xd5\xc5\n", 1, "a.yaml", "not UTF-8"),
        (b"- name: \x07\n", None, "a.yaml", "not allow"),
    ],
)
def test_what_is_wrong_with_a_list(faults, text, line, path, words):
    [(found_line, found_path, rule), *_] = faults(text, "a.yaml")
    assert (found_line, found_path) == (line, path)
    assert words in rule


def test_all_faults_show_at_once_up_to_a_hundred(faults):
    found = faults("name,wecom\n" + "a b,c\n" * 250)
    assert (len(found), found[-1][2]) == (101, "holds 150 more faults")


@given(st.binary(max_size=400), st.sampled_from([".csv", ".yaml"]))
def test_any_bytes_are_contacts_or_faults(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("any") / f"contacts{ending}"
    path.write_bytes(content)
    try:
        outcome = read_contacts(path)
    except ConfigError as error:
        outcome = error.faults
    assert isinstance(outcome, list)
    assert outcome or ending == ".yaml"
