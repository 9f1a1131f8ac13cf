"""The alerts of a digest as a sheet: CSV as spreadsheets open it, one row an alert; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import tzinfo

from receiver import severity
from receiver.channels.cleaning import cleaned, utf8
from receiver.delivery.rendering.layouts import DEFAULT_LAYOUT
from receiver.delivery.rendering.times import date_of_text
from receiver.delivery.rendering.views import INSTANCES, NAMES, severity_of, summary_of
from receiver.model import Alert

MOST = 4 * 1024**2
"""Bytes of a sheet in UTF-8."""

_MARK = "\ufeff"
_FIRST, _LAST = ("status", "severity", "alertname"), ("summary", "startsAt", "endsAt", "labels")
_COLUMNS = 8
_COMMON = 0.1
_LONGEST = 4096
"""Characters of a cell; Excel takes 32,767."""
_FORMULA = tuple("=+-@＝＋－＠")
_NEXT = re.compile(r';(?=[\s"]*[=+\-@＝＋－＠])')
"""Where a formula would begin for a spreadsheet that takes semicolons, not commas, for what separates cells."""
_END = 100
"""Bytes of the last row, at most."""
_LEFT_OUT = {"zh": "另有 {} 条告警未列出", "en": "{} more alerts are not listed"}
_PLACES = {name: place for place, name in enumerate(INSTANCES)}


def sheet(alerts: Sequence[Alert], zone: tzinfo, language: str, more: int = 0, most: int = MOST) -> str:
    """The alerts beneath what the columns are called: what fires first, the most severe first; times are of `zone`.

    It begins with a byte order mark, without which Excel does not see that it is UTF-8. No cell is a formula: what
    could be one has a quote mark before it (OWASP, CSV Injection). It has at most `most` bytes in UTF-8; the last row
    says how many alerts had no room, and `more`, are left out.
    """
    columns, cells = _columns(alerts), _Cells()
    rows = [_MARK + _row(cells, (*_FIRST, *columns, *_LAST))]
    room = most - utf8(rows[0]) - _END
    for alert in sorted(alerts, key=_order):
        row = _row(cells, _values(alert, columns, zone, language))
        room -= utf8(row)
        if room < 0:
            break
        rows.append(row)
    if left := len(alerts) + 1 - len(rows) + more:
        rows.append(_row(cells, (_LEFT_OUT[language].format(left),)))
    return "".join(rows)


class _Cells(dict[str, str]):
    """Texts as cells, between quotes: each on one line, none a formula, and worked out once."""

    def __missing__(self, text: str) -> str:
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
        if not shown.isprintable():  # most are, and to ask is ten times as fast as to look
            shown = cleaned(shown)
        if ";" in shown:
            shown = _NEXT.sub(";'", shown)
        if '"' in shown:
            shown = shown.replace('"', '""')
        made = self[text] = f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
        return made


def _row(cells: _Cells, values: Iterable[str]) -> str:
    return '"' + '","'.join(map(cells.__getitem__, values)) + '"\r\n'


def _order(alert: Alert) -> tuple[bool, int]:
    return alert["status"] == "resolved", severity.rank(severity_of(alert["labels"]))


def _columns(alerts: Sequence[Alert]) -> list[str]:
    """The labels with a column of their own: those that many alerts have, what names an instance first."""
    found: Counter[str] = Counter()
    for alert in alerts:
        found.update(alert["labels"].keys())
    common = [name for name in found if name not in NAMES and found[name] >= _COMMON * len(alerts)]
    common.sort(key=lambda name: (_PLACES.get(name, len(_PLACES)), -found[name], name))
    return common[:_COLUMNS]


def _values(alert: Alert, columns: Sequence[str], zone: tzinfo, language: str) -> list[str]:
    labels = alert["labels"]
    return [
        alert["status"],
        severity_of(labels),
        labels.get("alertname", ""),
        *[labels.get(name, "") for name in columns],
        summary_of(alert["annotations"], language),
        _date(alert["startsAt"], zone),
        _date(alert["endsAt"], zone),
        ", ".join([f"{name}={value}" for name, value in labels.items()]),
    ]


def _date(stamp: str, zone: tzinfo) -> str:
    return date_of_text(stamp, DEFAULT_LAYOUT, zone).removeprefix("-") if stamp else ""
