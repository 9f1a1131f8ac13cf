"""The page's own words, in Chinese and English."""

from __future__ import annotations

_ZH = {
    "title": "沙箱",
    "tagline": "消息不会发到外面",
    "groups": "群",
    "all": "全部消息",
    "empty": "还没有消息",
    "hint": "发来一条告警，它会像在群里一样显示在这里。",
    "violations": "违规",
    "requests": "请求",
    "clear": "清空",
    "pinged": "提醒",
    "everyone": "所有人",
    "raw": "原始报文",
    "live": "实时",
    "to": "发给",
    "updated": "已更新 {} 次",
    "recalled": "已撤回",
    "whole": "点击卡片打开",
    "wecom_robot": "企业微信",
    "wecom_app": "企业微信应用",
    "dingtalk_app": "钉钉应用",
    "feishu_app": "飞书应用",
    "dingtalk_robot": "钉钉",
    "feishu_bot": "飞书",
    "webhook": "Webhook",
    "other": "其他",
    "robot": "机器人",
}
_EN = {
    "title": "Sandbox",
    "tagline": "nothing leaves this machine",
    "groups": "Groups",
    "all": "All messages",
    "empty": "No messages yet",
    "hint": "Post an alert and it shows up here, the way the group would see it.",
    "violations": "violations",
    "requests": "requests",
    "clear": "Clear",
    "pinged": "pings",
    "everyone": "everyone",
    "raw": "raw body",
    "live": "live",
    "to": "to",
    "updated": "updated, {}×",
    "recalled": "recalled",
    "whole": "the whole card opens this",
    "wecom_robot": "WeCom",
    "wecom_app": "WeCom app",
    "dingtalk_app": "DingTalk app",
    "feishu_app": "Feishu app",
    "dingtalk_robot": "DingTalk",
    "feishu_bot": "Feishu",
    "webhook": "Webhook",
    "other": "Other",
    "robot": "robot",
}
WORDS = {"zh": _ZH, "en": _EN}


def language_of(accepted: str) -> str:
    """`zh` or `en`, whichever the Accept-Language header prefers; English if it names neither."""
    weighed = [_weighed(entry, -place) for place, entry in enumerate(accepted.split(","))]
    known = [(weight, place, tag) for weight, place, tag in weighed if tag in WORDS and weight > 0]
    return max(known)[2] if known else "en"


def _weighed(entry: str, place: int) -> tuple[float, int, str]:
    tag, _, q = entry.strip().partition(";q=")
    try:
        weight = float(q) if q else 1.0
    except ValueError:
        weight = 0.0
    return weight, place, tag.split("-")[0].lower()
