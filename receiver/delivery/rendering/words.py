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
