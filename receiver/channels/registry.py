"""The table of kinds: the configuration's union, the command line's choices and the metric labels follow from it."""

from __future__ import annotations

from receiver.channels.base import Channel
from receiver.channels.dingtalk_app import DingTalkApp
from receiver.channels.dingtalk_robot import DingTalkRobot
from receiver.channels.feishu_app import FeishuApp
from receiver.channels.feishu_bot import FeishuBot
from receiver.channels.webhook import Webhook
from receiver.channels.wecom_app import WeComApp
from receiver.channels.wecom_robot import WeComRobot

CHANNELS: dict[str, type[Channel]] = {
    kind.kind: kind
    for kind in (
        WeComRobot,
        WeComApp,
        DingTalkRobot,
        DingTalkApp,
        FeishuBot,
        FeishuApp,
        Webhook,
    )
}
