"""What goes out when a template fails: plain text made without any template."""

from __future__ import annotations

from receiver.delivery.rendering import times
from receiver.delivery.rendering.facts import Facts
from receiver.delivery.rendering.markup import defused, lines_of, text_of
from receiver.delivery.rendering.views import View

_WORDS = {
    "zh": {"firing": "告警", "resolved": "已恢复", "since": "开始于", "test": "测试", "record": "记录"},
    "en": {"firing": "FIRING", "resolved": "RESOLVED", "since": "since", "test": "TEST", "record": "record"},
}
_LINE_LIMIT = 16_384


def title(facts: Facts) -> str:
    """One line: how many fire and are resolved, what it is, how severe."""
    words, views = _WORDS[facts.language], facts.views
    counts = [(words["firing"], len(views.firing)), (words["resolved"], len(views.resolved))]
    shown = " · ".join(f"{word} {count}" if len(views) > 1 else word for word, count in counts if count)
    marks = ([words["test"]] if facts.batch.test else []) + ([shown] if shown else [])
    subject = " · ".join(defused(part) for part in (facts["subject"], facts["level"]) if part)
    return "".join(f"[{mark}] " for mark in marks) + subject


def pieces(facts: Facts) -> list[str]:
    """Head, one piece for each alert, foot; no markup in any."""
    link = facts["record_url"]
    alerts = [_alert(view, facts) for view in facts.views]
    return ["", *alerts, f"\n{_WORDS[facts.language]['record']} {link}\n" if link else ""]


def _alert(view: View, facts: Facts) -> str:
    words = _WORDS[facts.language]
    head = " ".join(defused(part) for part in (view["severity"], view["name"]) if part)
    labels = ", ".join(defused(f"{name}={text_of(value)[:_LINE_LIMIT]}") for name, value in view["labels"].items())
    start = times.date(text_of(view.get("startsAt")), where=facts.zone)
    told = [defused(line) for key in ("summary", "description") for line in lines_of(view[key])]
    lines = [f"[{words[view['status']]}] {head}", *told, labels, f"{words['since']} {start}" if start != "-" else ""]
    return "\n" + "\n".join(line for line in lines if line) + "\n"
