"""What a template can speak of: the batch in Alertmanager's words, and what is worked out of it when asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, tzinfo
from operator import attrgetter
from typing import Any

from receiver.channels.base import Channel
from receiver.delivery.rendering.batch import Batch
from receiver.delivery.rendering.markup import CUT, Safe, standing, text_of, web_url
from receiver.delivery.rendering.notes import alike
from receiver.delivery.rendering.silences import new_silence
from receiver.delivery.rendering.splitting import trimmed
from receiver.delivery.rendering.views import NAMES, View, Views
from receiver.text import Extras


class Facts(dict[str, Any]):
    """The names of one rendering. KeyError for what there is not.

    `given` are those that the settings of the channel name. `forget` it when done: alerts and facts know each other.
    `plainly` renders the plain text form, without what is named, while a document is made that may quote it.
    """

    plainly: Callable[[Collection[str]], tuple[str, Extras]] | None = None

    def __init__(self, batch: Batch, given: Mapping[str, Any], now: float, language: str, zone: tzinfo) -> None:
        super().__init__(given, language=language, test=batch.test)
        self.batch, self.event = batch, batch.event
        self.at, self.language, self.zone = now, language, zone

    def __missing__(self, key: str) -> Any:
        make = _OF_BATCH.get(key)
        if make is None:
            raise KeyError(key)
        made = make(self)
        if self.plainly or key not in _IN_WORDS:
            self[key] = made
        return made

    @property
    def views(self) -> Views:
        """The alerts, in their order."""
        views: Views = self["alerts"]
        return views

    def forget(self) -> None:
        """Let go of all that knows these facts."""
        self.clear()
        self.plainly = None


def of_channel(channel: Channel) -> dict[str, Any]:
    """The names that the settings of `channel` give."""
    settings = channel.settings
    named = {key: getattr(settings, key, "") for key in ("name", "kind", "description")}
    shape = {"form": channel.body_template, "room": channel.room(False)}
    return {
        "channel": {**named, **shape, "link": web_url(settings.link)},
        "header": Safe(standing(settings.header)),
        "footer": Safe(standing(settings.footer)),
    }


def _views(facts: Facts) -> Views:
    views = Views([View(alert, facts, position) for position, alert in enumerate(facts.batch.alerts)])
    if len(views) < 2:
        facts.update(_NOTHING_SHARED)
    else:
        views.sort(key=attrgetter("order"))
    firing = len(views)
    while firing and views[firing - 1]["status"] == "resolved":
        firing -= 1
    views.firing, views.resolved = views[:firing], views[firing:]
    return views


def _common(key: str, event_key: str) -> Callable[[Facts], dict[str, Any]]:
    def common(facts: Facts) -> dict[str, Any]:
        given = facts.event[event_key]  # type: ignore[literal-required]
        if given and len(facts.batch.alerts) == len(facts.event["alerts"]):
            return given  # type: ignore[no-any-return]
        views = facts.views
        if not views:
            return given  # type: ignore[no-any-return]
        shared = dict(views[0][key])
        for view in views[1:]:
            shared = {name: value for name, value in shared.items() if view[key].get(name) == value}
        return shared

    return common


def _shared_value(key: str) -> Callable[[Facts], str]:
    """What all of several alerts have alike, to be said once; of links those that fire decide. Empty otherwise."""

    def shared(facts: Facts) -> str:
        views = facts.views
        if len(views) < 2:
            return ""
        alike = views if key == "description" else views.firing or views
        value: str = alike[0][key]
        if value:
            for view in alike:
                if view[key] != value:
                    return ""
        return value

    return shared


def named(names: Iterable[str]) -> str:
    """Up to three of the names, each once."""
    every = list(dict.fromkeys(filter(None, names)))
    return ", ".join(every[:3]) + (" …" if len(every) > 3 else "")


def _subject(facts: Facts) -> str:
    """What the alerts are called."""
    return named([view["name"] for view in facts.views]) or facts.event["title"]


def _top_severity(facts: Facts) -> str:
    views = facts.views
    return views[0]["severity"] if views else ""


def _level(facts: Facts) -> str:
    views = facts.views
    return views[0]["level"] if views else ""


def _colour(facts: Facts) -> str:
    views = facts.views
    return views[0]["colour"] if views else ""


def _severities(facts: Facts) -> list[str]:
    """Those of what fires, the most severe first."""
    return list(dict.fromkeys([view["severity"] for view in facts.views.firing]))


def _group_silence(facts: Facts) -> str:
    """The page that silences all that fire; one page of Grafana's if it is the same for all."""
    firing = facts.views.firing
    if len(firing) < 2:
        return firing[0]["silence_url"] if firing else ""
    if facts.event["format"] == "grafana":
        pages = {text_of(view["silenceURL"]) for view in firing}
        return web_url(pages.pop()) if len(pages) == 1 else ""
    return new_silence(facts.event, facts["commonLabels"])


def _image(facts: Facts) -> str:
    """The first there is: one says what happens, and more would fill the message."""
    return next((view["image_url"] for view in facts.views if view["image_url"]), "")


def _status(facts: Facts) -> str:
    views = facts.views
    if not views:
        return facts.event["status"]
    return "firing" if views.firing else "resolved"


def _shared_labels(facts: Facts) -> dict[str, Any]:
    return {name: value for name, value in facts["commonLabels"].items() if name not in NAMES}


def _event(facts: Facts) -> dict[str, Any]:
    """The event as Alertmanager would post it, limited to the alerts of the batch."""
    event = facts.event
    return {
        "version": "4",
        "groupKey": event["groupKey"],
        "truncatedAlerts": event["truncatedAlerts"],
        "status": facts["status"],
        "receiver": event["receiver"],
        "groupLabels": event["groupLabels"],
        "commonLabels": facts["commonLabels"],
        "commonAnnotations": facts["commonAnnotations"],
        "externalURL": event["externalURL"],
        "alerts": [{**alert, "endsAt": alert.get("endsAt") or "0001-01-01T00:00:00Z"} for alert in facts.batch.alerts],
        "source": event["source"],
    }


def _given(key: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.event[key]  # type: ignore[literal-required]


def _text(facts: Facts) -> str:
    """The whole message as plain text."""
    return trimmed(facts.plainly(())[0].replace(CUT, "")) if facts.plainly else ""


def _pieces(facts: Facts) -> dict[str, Any]:
    """The same in its pieces, with facts, links and the image beside the words."""
    words, extras = facts.plainly(("fields", "buttons", "image")) if facts.plainly else ("", Extras())
    head, *alerts = words.split(CUT) if CUT in words else ("", words)
    foot = alerts.pop() if len(alerts) > 1 else ""
    return {
        "head": head.strip(),
        "alerts": [told for alert in alerts if (told := alert.strip())],
        "foot": foot.strip(),
        "fields": list(map(list, extras.fields)),
        "buttons": list(map(list, extras.buttons)),
        "image": extras.image,
    }


_IN_WORDS: dict[str, Callable[[Facts], Any]] = {"text": _text, "pieces": _pieces}
_SHARED = ("description", "source_url", "runbook_url", "dashboard_url", "panel_url")
_NOTHING_SHARED = {**dict.fromkeys((*_SHARED, "silence_url"), ""), "notes": ()}
_OF_BATCH: dict[str, Callable[[Facts], Any]] = {
    **{key: _given(key) for key in ("receiver", "groupKey", "groupLabels", "externalURL", "source", "format")},
    **{key: _given(key) for key in ("notification_reason", "truncatedAlerts", "title", "message")},
    "alerts": _views,
    "status": _status,
    "commonLabels": _common("labels", "commonLabels"),
    "commonAnnotations": _common("annotations", "commonAnnotations"),
    "severity": _top_severity,
    "severities": _severities,
    "level": _level,
    "colour": _colour,
    "firing_count": lambda facts: len(facts.views.firing),
    "resolved_count": lambda facts: len(facts.views.resolved),
    "digest": lambda facts: facts.batch.digest,
    "counts": lambda _: [],
    "waiting": lambda facts: facts.batch.waiting,
    "notes": lambda facts: alike(facts.views, facts.language),
    "words": lambda facts: f"default/message.{facts.language}.j2",
    "subject": _subject,
    "heading": lambda _: "",
    "shared": _shared_labels,
    **{key: _shared_value(key) for key in _SHARED},
    "silence_url": _group_silence,
    "image_url": _image,
    "event": _event,
    **_IN_WORDS,
    "record_url": lambda facts: web_url(facts.batch.record_url),
    "now": lambda facts: datetime.fromtimestamp(facts.at, facts.zone),
}

KEYS = frozenset({"language", "test", "channel", "header", "footer", *_OF_BATCH})
"""What every template can name, beside functions."""
