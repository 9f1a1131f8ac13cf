"""Contacts as CSV: our own columns, or an address book as the consoles of WeCom and DingTalk export it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from receiver.contacts.directory import shown
from receiver.contacts.ids import LONGEST_NAME, PLATFORMS
from receiver.contacts.reading import Entry, Finding, Findings

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_HEADER_WITHIN = 30
_DELIMITERS = (",", "\t", ";")
_OWN = ("name", *PLATFORMS)
_CONSOLE = {
    "姓名": "name",
    "帐号": "wecom",
    "账号": "wecom",
    "企业微信": "wecom",
    "手机": "mobile",
    "手机号": "mobile",
    "手机号码": "mobile",
    "飞书": "feishu",
    "员工userid": "dingtalk",
    "userid": "dingtalk",
    "钉钉": "dingtalk",
    "工号": "dingtalk",
    "企业邮箱": "email",
    "邮箱": "email",
    "个人邮箱": "email",
}
"""The consoles' headings by field, the better one first: WeCom's 帐号 is the userid; DingTalk's 工号 stands for the
userId only in an export without accounts or user ids. Other headings (部门, 职务, ...) are passed over."""

_ACCOUNTS = ("帐号", "账号")
_NUMBER_OF_STAFF = "工号"
_HEADING = re.compile(r"[\s*＊\ufeff]|[(（][^()（）]*[)）]$")
_TEXT_FORMULA = re.compile(r'="([^"]*)"')
_NUMBER = re.compile(r"\+[0-9][0-9 ()-]*")
_UNFIT = re.compile(r"[^\w.-]+")


class _Column(NamedTuple):
    field: str
    heading: str
    place: int


@dataclass(frozen=True, slots=True)
class _Header:
    columns: tuple[_Column, ...]
    own: bool
    line: int

    def has_account(self) -> bool:
        return any(column.heading in _ACCOUNTS for column in self.columns)


class _Row(NamedTuple):
    line: int
    cells: list[str]


def entries_of_csv(content: bytes, findings: Findings) -> Iterator[Entry]:
    """Each contact of the table; what is no table with a header of ours or a console's is noted."""
    text = _decoded(content)
    if text is None:
        findings.add("", "is neither UTF-8 nor GB18030 text; save it as CSV (comma separated, UTF-8)")
        return
    first_broken: list[Finding] = []
    for delimiter in _DELIMITERS:
        rows, broken = _rows(text, delimiter)
        for number, row in enumerate(rows[:_HEADER_WITHIN]):
            if (header := _header(row)) is not None:
                findings.found += broken
                yield from _entries(header, row, rows[number + 1 :], findings)
                return
        first_broken = first_broken or broken
    rule = f"has no header: a row with name (or 姓名) and at least one kind of id, within the first {_HEADER_WITHIN}"
    findings.found += first_broken or [Finding("", rule, 1)]


def _decoded(content: bytes) -> str | None:
    marked = next((encoding for mark, encoding in _MARKS.items() if content.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def _rows(text: str, delimiter: str) -> tuple[list[_Row], list[Finding]]:
    """The rows, each with the line it begins on, up to where the table is broken, and how it is."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[_Row] = []
    line = 1
    try:
        for cells in reader:
            rows.append(_Row(line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        return rows, [Finding("", f"is not a proper table in the row that begins here: {error}", line)]
    return rows, []


def _heading(cell: str) -> str:
    return _HEADING.sub("", cell).casefold()


def _header(row: _Row) -> _Header | None:
    """The row as a header, when it names the contact and at least one id."""
    headings = [_heading(cell) for cell in row.cells]
    for own, known in ((True, dict(zip(_OWN, _OWN, strict=True))), (False, _CONSOLE)):
        columns = [_Column(known[each], each, headings.index(each)) for each in known if each in headings]
        fields = {column.field for column in columns}
        if len({column.heading for column in columns if column.field in ("wecom", "dingtalk")}) > 1:
            columns = [column for column in columns if column.heading != _NUMBER_OF_STAFF]
        if "name" in fields and len(fields) > 1:
            return _Header(tuple(columns), own, row.line)
    return None


def _entries(header: _Header, top: _Row, rows: list[_Row], findings: Findings) -> Iterator[Entry]:
    if header.own:
        _check_columns(top, findings)
    headings = {column.field: column.heading for column in reversed(header.columns)}
    for row in rows:
        values = _values(header, row, findings)
        if values and not (header.has_account() and "wecom" not in values):
            yield Entry(values, row.line, headings)


def _check_columns(top: _Row, findings: Findings) -> None:
    headings = [_heading(cell) for cell in top.cells]
    for number, heading in enumerate(headings):
        if heading and heading not in _OWN:
            rule = f"is not a column that is known here; known are {', '.join(_OWN)}"
            findings.add(shown(heading), rule, top.line)
        elif heading and heading in headings[:number]:
            findings.add(heading, "is given twice", top.line)


def _values(header: _Header, row: _Row, findings: Findings) -> dict[str, str]:
    """The fields that the row fills; nothing for a row without ids in an export, where notes and totals may stand."""
    found: dict[str, str] = {}
    for field, heading, place in header.columns:
        cell = _cell(row.cells[place]) if place < len(row.cells) else ""
        if not cell or field in found or (not header.own and _says_nothing(cell)):
            continue
        if (rule := _refusal(field, cell)) is not None:
            findings.add(heading, rule, row.line, shown(cell))
            if field == "name":
                return {}
            continue
        found[field] = cell if header.own or field != "name" else _console_name(cell)
    return found if header.own or found.keys() - {"name"} else {}


def _says_nothing(cell: str) -> bool:
    """Whether a console put something there in place of a value: a dash, or a masked number like 138****1111."""
    return cell in ("-", "--", "/") or "**" in cell


def _cell(text: str) -> str:
    """What a cell says: without the tab, apostrophe or ="..." by which spreadsheets are told that it is text."""
    text = text.strip().removeprefix("'").strip(" \t\ufeff\u200b\u202a\u202c")
    return quoted[1].strip() if (quoted := _TEXT_FORMULA.fullmatch(text)) else text


def _refusal(field: str, cell: str) -> str | None:
    if not cell.isprintable():
        return "holds control or invisible characters"
    if cell[0] in "=@+-" and not (field == "mobile" and _NUMBER.fullmatch(cell)):
        return "looks like a formula of a spreadsheet; it must be plain text"
    return None


def _console_name(cell: str) -> str:
    """A person's name as one word: John Smith as John-Smith, 张三(运维) as 张三-运维."""
    return _UNFIT.sub("-", cell).strip("-.")[:LONGEST_NAME]
