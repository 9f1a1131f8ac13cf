"""Something that the service itself has to say, as Alertmanager would post it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from receiver.model import Alert, Delivery, Status, StoredEvent, instant

SOURCE = "alert-receiver"
"""Who sends a notice, in the place of a sender's name."""
PATH = "notice"
"""In the place of the path that a body was posted to; those begin with a slash."""
GROUP = "notice "
"""How the groups of notices begin; those of alerts are digests."""

Key = tuple[str, ...]
"""What is remembered of a notice that was given to a channel."""

_AND = {"zh": "、", "en": ", "}
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the owner of `channel` is to know; with `itself` the people on the channel too.

    `noun` names the alert (`UnknownContact` is `AlertReceiverUnknownContact`), `names` what it is about beside the
    channel. `words` are a summary and a description for each language, in which {channel}, {names}, {record}, {page}
    and what `said` names are filled in. `labels` are added to the alert's; `record` is the id of the delivery whose
    record says more, `page` the path of another page that does. `began` is the Unix time when the trouble began: then
    it is given once with each `status`, and resolved it is the same alert as it was when it fired.
    """

    noun: str
    channel: str
    words: Mapping[str, tuple[str, str]]
    names: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    record: str = ""
    page: str = ""
    status: Status = "firing"
    began: float | None = None
    itself: bool = False


def is_notice(event: StoredEvent) -> bool:
    """Whether `event` is a notice: it mentions nobody and gives rise to no other."""
    return event.path == PATH


def carries_notice(delivery: Delivery) -> bool:
    """Whether `delivery` is of a notice, where the event is not at hand."""
    return delivery.group.startswith(GROUP)


def body(notice: Notice, language: str, url: str, now: float) -> bytes:
    """The notice in a language, as a webhook's body; `url` is the page that says more."""
    alert = _alert(notice, language, url, now)
    group = {name: alert["labels"][name] for name in ("alertname", "channel")}
    return orjson.dumps(
        {
            "version": "4",
            "groupKey": f"{{}}:{orjson.dumps(group).decode()}",
            "truncatedAlerts": 0,
            "status": notice.status,
            "receiver": SOURCE,
            "groupLabels": group,
            "commonLabels": alert["labels"],
            "commonAnnotations": alert["annotations"],
            "externalURL": "",
            "alerts": [alert],
        }
    )


def _alert(notice: Notice, language: str, url: str, now: float) -> Alert:
    names = _AND[language].join(notice.names)
    filled = {**notice.said, "channel": notice.channel, "names": names, "record": url, "page": url}
    said = dict(zip(("summary", "description"), notice.words[language], strict=True))
    return {
        "status": notice.status,
        "labels": labels(notice),
        "annotations": {name: text.format_map(filled) for name, text in said.items() if text},
        "startsAt": instant(now if notice.began is None else notice.began),
        "endsAt": _NEVER if notice.status == "firing" else instant(now),
        "generatorURL": url,
        # with other names it is another alert, not the latest state of this one
        "fingerprint": digest([(notice.noun, notice.channel, *sorted(notice.names))]),
    }


def labels(notice: Notice) -> dict[str, str]:
    """The labels of its alert."""
    own = {"alertname": f"AlertReceiver{notice.noun}", "severity": "warning", "channel": notice.channel}
    return {**own, **notice.labels}


def keys(notice: Notice, to: str) -> list[Key]:
    """What is remembered of a notice: each of its names, or that it was given."""
    episode = () if notice.began is None else (notice.status, instant(notice.began))
    return [(notice.noun, notice.channel, to, *episode, name) for name in notice.names or ("",)]


def digest(keys: Iterable[Key]) -> str:
    """What tells keys from others in whatever order, in 16 hex digits."""
    said = "\1".join("\0".join(key) for key in sorted(keys))
    return blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()
