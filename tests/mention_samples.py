"""People, and whom a message mentions, as tests need them."""

from receiver.contacts import Contacts, ContactSettings
from receiver.text import Mention

ZHANG = {
    "name": "张三",
    "wecom": "ZhangSan",
    "mobile": "13800001111",
    "feishu": "ou_84aad35d084aa403a838cf73ee18467",
    "dingtalk": "manager4220",
}
PHONE = {"name": "phone", "mobile": "13900002222"}
MAIL = {"name": "ma_il", "email": "mail@example.com"}
DUTY = {"name": "duty", "rotation": {"start": "2026-01-05", "every": "7d", "members": ["张三", "phone"]}}
PEOPLE = [ZHANG, PHONE, MAIL, DUTY]

PINGS = {
    "wecom_robot": {"张三": ("ZhangSan",), "phone": ("13900002222",), "all": ("all",)},
    "dingtalk_robot": {"张三": ("manager4220",), "phone": ("13900002222",), "all": ("all",)},
    "feishu_bot": {"张三": (ZHANG["feishu"],), "phone": (), "all": ("all",)},
    "feishu_app": {"张三": (ZHANG["feishu"],), "phone": (), "all": ("all",)},
}
"""Whom each platform pings for whom."""


def contacts(*entries, zone):
    return Contacts([ContactSettings.model_validate(entry) for entry in entries or PEOPLE], zone)


def mention(entry):
    return Mention(**{key: value for key, value in entry.items() if key != "email"})


def pinged(kind, *names):
    return {who for name in names for who in PINGS.get(kind, {}).get(name, ())}


def meant(form, *names):
    """The same for a form: WeCom's app pings in a chat that it made, nowhere else."""
    in_chat = {"张三": ("ZhangSan",), "all": ("all",)}
    table = in_chat if form.changes.get("chat_id") else PINGS.get(form.kind, {})
    return {who for name in names for who in table.get(name, ())}
