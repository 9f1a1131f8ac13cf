"""What senders write in their own terms, in the words of the reader's language."""

from __future__ import annotations

LEVELS: dict[str, dict[str, str]] = {
    "zh": {
        "critical": "严重",
        "fatal": "致命",
        **dict.fromkeys(("emergency", "page"), "紧急"),
        "error": "错误",
        "major": "重要",
        "minor": "次要",
        **dict.fromkeys(("warning", "warn"), "警告"),
        **dict.fromkeys(("info", "information", "informational"), "提示"),
        "notice": "通知",
    },
    "en": {},
}
"""What a severity is called in a language; what is not known is told as it is."""

WHY: dict[str, dict[str, str]] = {
    "zh": {
        "MissingSeries": "数据序列消失",
        "NoData": "没有数据",
        "Error": "查询出错",
        "Paused": "规则已暂停",
        "Updated": "规则已修改",
        "RuleDeleted": "规则已删除",
        "KeepLast": "状态保持",
    },
    "en": {
        "MissingSeries": "series gone",
        "NoData": "no data",
        "Error": "the query failed",
        "Paused": "the rule was paused",
        "Updated": "the rule was changed",
        "RuleDeleted": "the rule was deleted",
        "KeepLast": "last state kept",
    },
}
"""What Grafana's reasons mean: the alert is in its state for another cause than its condition."""

NOTES: dict[str, dict[str, str]] = {
    "zh": {
        "firing": "等待发送期间恢复后再次触发",
        "resolved": "等待发送期间触发并恢复",
        "changes": "等待发送期间状态变化 {} 次",
        "told_by": "已由 {} 代为通知",
        "in_place_of": "代 {} 发送",
    },
    "en": {
        "firing": "Resolved and fired again while it waited",
        "resolved": "Fired and resolved while it waited",
        "changes": "Changed state {} times while it waited",
        "told_by": "Already told by {}",
        "in_place_of": "Sent in place of {}",
    },
}
"""What is said of an alert that changed once while it waited and is now in that state; that changed so often; that a
channel told in the place of its own; that is told in the place of another channel."""


def level(severity: str, language: str) -> str:
    """The word of a severity label as a reader of the language says it."""
    return LEVELS[language].get(severity.lower(), severity)
