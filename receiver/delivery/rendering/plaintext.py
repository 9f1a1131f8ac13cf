"""What goes out when a template fails: plain text made without any template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from receiver.delivery.rendering import times
from receiver.delivery.rendering.facts import Facts
from receiver.delivery.rendering.markup import defused, lines_of, text_of
from receiver.delivery.rendering.splitting import shortened
from receiver.delivery.rendering.views import View

_WORDS = {
    "zh": {
        "firing": "告警",
        "resolved": "已恢复",
        "since": "开始于",
        "test": "测试",
        "record": "记录",
        "rest": "其他 {} 种",
        "waiting": "另有 {} 条告警排队，稍后发送",
    },
    "en": {
        "firing": "FIRING",
        "resolved": "RESOLVED",
        "since": "since",
        "test": "TEST",
        "record": "record",
        "rest": "{} other names",
        "waiting": "{} more queued, to follow",
    },
}
_LINE_LIMIT = 16_384
_SHORT = 64
"""Characters of a name, or of where an alert is, in a digest."""


def title(facts: Facts) -> str:
    """One line: how many fire and are resolved, what it is, how severe."""
    words, digest = _WORDS[facts.language], facts.batch.digest
    told = _numbers(facts["firing_count"], facts["resolved_count"], facts, len(facts.views) > 1 or digest)
    marks = ([words["test"]] if facts.batch.test else []) + ([told] if told else [])
    subject = " · ".join(defused(part) for part in (facts["subject"], facts["level"]) if part)
    return "".join(f"[{mark}] " for mark in marks) + subject


def pieces(facts: Facts) -> list[str]:
    """Head, one piece for each alert and each count, foot; no markup in any."""
    words, link, waiting = _WORDS[facts.language], facts["record_url"], facts.batch.waiting
    foot = [f"{words['record']} {link}"] if link else []
    foot += [words["waiting"].format(f"{waiting:,}")] if waiting else []
    told = [_line(view, facts) if facts.batch.digest else _alert(view, facts) for view in facts.views]
    head = [defused(note) for note in facts["notes"]]
    return [_block(head), *told, *(_count(count, facts) for count in facts["counts"]), _block(foot)]


def _block(lines: list[str]) -> str:
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _alert(view: View, facts: Facts) -> str:
    words = _WORDS[facts.language]
    head = " ".join(defused(part) for part in (view["severity"], view["name"]) if part)
    labels = ", ".join(defused(f"{name}={text_of(value)[:_LINE_LIMIT]}") for name, value in view["labels"].items())
    start = times.date(text_of(view.get("startsAt")), where=facts.zone)
    told = [defused(line) for key in ("summary", "description") for line in lines_of(view[key])]
    told += [labels, f"{words['since']} {start}" if start != "-" else "", *map(defused, view["notes"])]
    return _block([f"[{words[view['status']]}] {head}", *filter(None, told)])


def _line(view: View, facts: Facts) -> str:
    parts = [view["severity"], view["name"] or view["brief"], view["where"], view["duration"], *view["notes"]]
    return f"[{_WORDS[facts.language][view['status']]}] {' '.join(_short(part) for part in parts if part)}\n"


def _count(count: Mapping[str, Any], facts: Facts) -> str:
    numbers = _numbers(count["firing"], count["resolved"], facts, True)
    name = _WORDS[facts.language]["rest"].format(count["rest"]) if count["rest"] else _short(count["name"])
    label = f"{_short(count['label'])}:" if count["label"] else ""
    listed = ", ".join(map(_short, count["listed"]))
    notes = [_short(note) for note in count["notes"]]
    return " ".join(filter(None, [f"[{numbers}]", _short(count["severity"]), name, label, listed, *notes])) + "\n"


def _numbers(firing: int, resolved: int, facts: Facts, several: bool) -> str:
    words = _WORDS[facts.language]
    counts = [(words["firing"], firing), (words["resolved"], resolved)]
    return " · ".join(f"{word} {count:,}" if several else word for word, count in counts if count)


def _short(text: str) -> str:
    return defused(shortened(text, _SHORT, len))
