"""Channels as tests need them: one of each kind, with a canary in every secret field."""

from receiver.channels.registry import CHANNELS
from receiver.http import Http, HttpSettings, Response
from receiver.model import Carried, Message
from receiver.text import Text

CANARY = "canary0123456789abcdef"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

POOLS = {
    "wecom_robot": {"key": None, "keys": [CANARY, {"key": f"{CANARY}-2"}]},
    "dingtalk_robot": {
        "access_token": None,
        "secret": None,
        "keys": [{"access_token": CANARY, "secret": f"SEC{CANARY}"}, f"{CANARY}-2"],
    },
    "feishu_bot": {
        "token": None,
        "secret": None,
        "keys": [CANARY, {"token": f"{CANARY}-2", "secret": f"sign{CANARY}"}],
    },
}
"""What makes a pool of two robots of an example."""

EXAMPLES = {
    "wecom_robot": {"key": CANARY},
    "wecom_app": {"secret": CANARY, "corp_id": "ww0123456789", "agent_id": 1000002, "to": {"users": ["zhangsan"]}},
    "dingtalk_robot": {"access_token": CANARY, "secret": f"SEC{CANARY}"},
    "dingtalk_app": {
        "app_key": "dingoaexample",
        "app_secret": CANARY,
        "to": {"users": ["manager4220"], "conversations": ["cid6KeBBLoveMJOGXoYKF5x7EeiodoA=="]},
    },
    "feishu_bot": {"token": CANARY, "secret": f"sign{CANARY}"},
    "feishu_app": {"app_secret": CANARY, "app_id": "cli_a1b2c3d4e5f6", "to": {"chat_ids": ["oc_a0553eda9014"]}},
    "webhook": {
        "url": f"https://hook.example/{CANARY}/in?token={CANARY}",
        "headers": {"X-Key": f"header{CANARY}"},
        "basic_auth": {"username": "u", "password": f"password{CANARY}"},
        "signing_secret": WHSEC,
    },
}


def settings(kind, **changes):
    """The settings of an example; a change to None takes a key away."""
    offered = {"name": "ops", "kind": kind, **EXAMPLES[kind], **changes}
    return CHANNELS[kind].Settings.model_validate({key: value for key, value in offered.items() if value is not None})


def make(kind, client=None, **changes):
    """A channel of `kind`, without connections unless there is a `client`."""
    return CHANNELS[kind](settings(kind, **changes), client or Http(HttpSettings()).client())


def message(content=b"{}", message_id="0193", **changes):
    return Message(id=message_id, channel="ops", content=content, carries=(Carried("d1"),), **changes)


def text(title="Disk full", body="db1", status="firing", severity="critical", plain=False):
    return Text(title=title, body=body, status=status, severity=severity, plain=plain)


def answer(body, status=200, **headers):
    raw = body if isinstance(body, bytes) else body.encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)
