"""A stage for hostile alerts: an event that says what one likes everywhere, and what people would see of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from channel_forms import Form
from mention_samples import contacts
from rendering_samples import alert, event
from stand_in import NOW, StandIn

from receiver.delivery.addressees import Addressees
from receiver.delivery.bundle import Bundle
from receiver.delivery.owed import Owed
from receiver.delivery.planning import Planner
from receiver.delivery.rendering import Batch, DisplaySettings, Renderer, Rendering, TemplateSettings
from receiver.delivery.rendering.counts import counted
from receiver.delivery.rendering.times import zone
from receiver.intake.routing import Routes, RouteSettings
from receiver.metrics import Metrics
from receiver.model import Carried, Delivery, Event, Message, State, StoredEvent, new_id
from receiver.sandbox import Posted
from receiver.store.base import Work
from receiver.text import Text

_LINKS = ("generatorURL", "silenceURL", "dashboardURL", "panelURL", "imageURL")


class Sound(Renderer):
    """A renderer whose templates must not fail."""

    def render(self, *facts: Any, **more: Any) -> Rendering:
        rendering = super().render(*facts, **more)
        assert rendering.failed == ""
        return rendering


_RENDERER, _METRICS = Sound(DisplaySettings(), TemplateSettings()), Metrics()


class Stage:
    """One form before a sandbox of its own. Nothing it does is a violation."""

    def __init__(self, form: Form, *, route: Any = None, **changes: Any) -> None:
        self.stand_in = StandIn()
        self.channel = self.stand_in.channel(form.kind, **form.changes, **changes)
        routes = Routes(RouteSettings.model_validate({"channels": ["ops"], "mentions": route}))
        self.planner = Planner(
            self.channel,
            _RENDERER,
            Addressees(contacts(zone=zone("Asia/Shanghai")), routes.mentions),
            _METRICS,
            record_url=lambda _: "https://record.ours.example/d1",
        )

    def post(self, event: Event, *, plain: bool = False) -> list[Posted]:
        """What people see of `event`; if `plain`, of the texts in the place of refused messages."""
        self.event = event
        posted = asyncio.run(self.stand_in.post(self.channel, self._planned(plain)))
        assert posted
        assert self.stand_in.sandbox.violations == []
        return posted

    def digest(self, event: Event, *, lines: int = 1, plain: bool = False) -> list[Posted]:
        """What people see of a digest that tells the first alerts of `event` in lines and the others in two numbers."""
        record, alerts = "https://record.ours.example/d1", event["alerts"]
        batch = Batch(event, alerts[:lines], record, digest=True, counts=counted(alerts[lines:], 2), waiting=7)
        texts = _RENDERER.render(self.channel, batch, NOW, plain=plain).texts
        messages = [self._message(text, target) for text in texts for target in self.channel.targets]
        posted = asyncio.run(self.stand_in.post(self.channel, messages))
        assert posted
        assert self.stand_in.sandbox.violations == []
        return posted

    def _message(self, text: Text, target: str) -> Message:
        named = new_id(NOW)
        return Message(
            named, "ops", self.channel.compose(text, named), (Carried("d1"),), plain=text.plain, target=target
        )

    def _planned(self, plain: bool) -> list[Message]:
        delivery = Delivery("d1", "e1", "ops", "k", "default", "route", "g", "normal", State.QUEUED, NOW, NOW)
        owed = Owed(Work(delivery, StoredEvent("e1", "am", NOW, b"")), lambda _: self.event)
        if not plain:
            return self.planner.whole([owed], NOW)
        refused = [Message("m", "ops", b"", (Carried("d1"),), target=target) for target in self.channel.targets]
        bundle = Bundle([owed], deque())
        return [text for message in refused for text in self.planner.instead(bundle, message, None, NOW)]


def told_of(
    words: Sequence[str], urls: Sequence[str], *, alerts: int = 2, source: str = "alertmanager", owner: str = ""
) -> Event:
    """An event that says twenty `words` wherever a sender may say something, and leads to six `urls`."""
    shared = {"alertname": words[0], words[11]: words[12]}
    return event(
        *(_alert(words, urls, number, {"owner": owner} if owner else {}) for number in range(alerts)),
        format=source,
        receiver=words[13],
        groupKey=words[14],
        groupLabels=shared,
        title=words[15],
        message=words[16],
        notification_reason=words[17],
        truncatedAlerts=3,
        externalURL="http://am.ours.example:9093",
    )


def _alert(words: Sequence[str], urls: Sequence[str], number: int, owned: dict[str, str]) -> Any:
    told = {"summary": f"{words[5]}{number}", "description": words[6], words[7]: words[8], "runbook_url": urls[0]}
    labels = {"alertname": words[0], "severity": words[1], "instance": f"{words[2]}{number}", words[3]: words[4]}
    return alert(
        labels={**labels, **owned},
        annotations=told,
        fingerprint=f"{number:016x}",
        valueString=words[9],
        values={words[10]: 1.5},
        **dict(zip(_LINKS, urls[1:], strict=True)),
    )
