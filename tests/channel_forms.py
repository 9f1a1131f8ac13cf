"""Every form in which a kind can say something: its formats, and its ways to those it reaches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from receiver.channels.registry import CHANNELS


class Form(NamedTuple):
    """A kind, and what is changed of its example."""

    kind: str
    changes: Mapping[str, Any] = {}

    @property
    def id(self) -> str:
        """Its name among the tests."""
        return "-".join([self.kind, *(_said(value) for value in self.changes.values() if value is not None)])


def _said(value: object) -> str:
    return "+".join(value) if isinstance(value, Mapping) else str(value)


def _formats(kind: str) -> Iterator[str]:
    """What the settings of a kind allow under `format`."""
    field = CHANNELS[kind].Settings.model_fields.get("format")
    return (word for word in get_args(field.annotation) if isinstance(word, str)) if field else iter(())


def forms() -> list[Form]:
    """Every form of every kind in the registry, the kind's example first."""
    found = []
    for kind in CHANNELS:
        ways = [{}, *WAYS.get(kind, ())]
        formats = [{"format": word} for word in _formats(kind)] or [{}]
        found += [Form(kind, {**chosen, **way}) for way in ways for chosen in ([{}] if "format" in way else formats)]
    return found


WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "wecom_app": (
        {"to": None, "chat_id": "ops2026", "format": "markdown"},
        {"to": {"users": ["zhangsan", "lisi"], "departments": ["12"], "tags": ["345"]}},
        {"callback": True, "format": "template_card"},
    ),
    "dingtalk_app": (
        {"agent_id": 1234567, "to": {"users": ["manager4220"], "departments": ["4567"]}},
        {
            "agent_id": 1234567,
            "robot_code": "dingoaexample",
            "to": {
                "users": ["manager4220"],
                "conversations": ["cid6KeBBLoveMJOGXoYKF5x7EeiodoA=="],
                "departments": ["45"],
            },
        },
    ),
    "feishu_app": (
        {"to": {"open_ids": ["ou_7d8a6e6df7621556"], "emails": ["ops@example.com"], "chat_ids": ["oc_a0553eda9014"]}},
    ),
    "webhook": ({"template": "slack"}, {"template": "teams"}, {"template": "generic"}),
}
"""What makes calls of another sort than the example's; with a `format` of its own it is for this one only."""


def receivers(target: str) -> list[str]:
    """Every id that a channel's target names."""
    return [one for word in _words(json.loads(target or "{}")) for one in re.split("[|,]", word)]


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _words(one)
    else:
        yield str(value)


FORMS = forms()
FORMATS = [form for form in FORMS if set(form.changes) <= {"format"}]
"""One for each way to say something, to the receivers of the example."""
