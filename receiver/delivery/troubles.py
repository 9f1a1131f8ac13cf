"""What can be the matter with a channel, in the words in which its owner is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Words = Mapping[str, tuple[str, str]]
"""A summary and a description for each language, as Notice has them."""

_CRITICAL: Mapping[str, str] = {"severity": "critical"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble: the noun and labels of its notices, what is said when it begins, and when it is over.

    What is said when it begins may hold {relief}: who tells the channel's alerts meanwhile. The end has no description:
    messages show that of an alert that is resolved as what was so when it fired.
    """

    noun: str
    begins: Words
    ends: Words
    labels: Mapping[str, str]

    def beginning(self, fallback: str | None) -> Words:
        """What is said when it begins on a channel with this fallback."""
        return {
            language: (summary, text.replace("{relief}", _RELIEF[language] if fallback else ""))
            for language, (summary, text) in self.begins.items()
        }


_RELIEF = {"zh": "，其间由 {fallback} 代发", "en": "; meanwhile {fallback} tells them in its place"}

STOPPED = Trouble(
    "ChannelStopped",
    {
        "zh": (
            "通道 {channel} 已自动停用：{reason}",
            "发往该通道的告警都会保留，不会丢失，启用后合并补发{relief}。请先处理上述原因，再启用通道"
            "（POST {page}/enable）；改正配置并重启服务也会自动启用。通道状态：{page}",
        ),
        "en": (
            "Channel {channel} has stopped: {reason}",
            "Nothing is lost: its alerts are held, and go out merged once it is enabled{relief}. Remove the cause, "
            "then enable it (POST {page}/enable); a restart with a corrected configuration enables it too. "
            "State: {page}",
        ),
    },
    {
        "zh": ("通道 {channel} 已恢复，{since} 停用以来保留的告警正在合并补发", ""),
        "en": ("Channel {channel} is enabled again; what it held since {since} goes out merged", ""),
    },
    _CRITICAL,
)
"""The channel stopped; {reason} is why."""

BEHIND = Trouble(
    "ChannelBehind",
    {
        "zh": (
            "通道 {channel} 发送积压",
            "{since} 起，该通道的告警不能按时发出：告警过多，或平台限流、故障。告警不会丢失：紧急的先发，其余合并发送，"
            "但会有延迟。若经常如此，可为通道增加机器人，或减少发往该通道的告警。队列与限流：{page}",
        ),
        "en": (
            "Channel {channel} has fallen behind",
            "Since {since} its alerts go out later than they should: there are too many, or the provider limits or "
            "fails us. Nothing is lost; the urgent go first, the others merged, but late. If it happens often, give "
            "the channel more robots, or send it less. Queue and limits: {page}",
        ),
    },
    {
        "zh": ("通道 {channel} 积压已清，{since} 起积压的告警已全部发出", ""),
        "en": ("Channel {channel} has caught up; what was late since {since} has gone out", ""),
    },
    {},
)
"""What is due goes out later than it should."""

LOST = Trouble(
    "RobotLost",
    {
        "zh": (
            "通道 {channel} 的机器人池少了{names}",
            "平台不再接受该机器人：{reason}。其余机器人继续发送，但每分钟能发的消息变少了。请更换密钥或把机器人加回群，"
            "然后重启服务或重新启用通道。通道状态：{page}",
        ),
        "en": (
            "Channel {channel} has lost {names} of its pool",
            "The provider takes nothing more from it: {reason}. The others go on, at a lower rate. Correct its key, or "
            "add the robot to the group again; then restart, or enable the channel again. State: {page}",
        ),
    },
    {},
    {},
)
"""A robot of a pool can never post again; {reason} is why."""

TOO_OLD = Trouble(
    "DeliveriesTooOld",
    {
        "zh": (
            "通道 {channel} 有 {deliveries} 次推送（{alerts} 条告警）超时未发",
            "这些告警于 {since} 至 {until} 收到，因长时间发不出去而过期，不再推送。请到 Alertmanager 或 Grafana 核对。"
            "清单：{page}",
        ),
        "en": (
            "Channel {channel}: {deliveries} of its deliveries (alerts: {alerts}) grew too old and were not sent",
            "They came in from {since} to {until} and could not be sent in time. Look them up in Alertmanager or "
            "Grafana. The list: {page}",
        ),
    },
    {},
    _CRITICAL,
)
"""Deliveries grew too old to be sent. It has no end."""
