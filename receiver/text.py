"""What a message says before its channel writes it: words, what stands beside them, whom it mentions."""

from __future__ import annotations

from dataclasses import dataclass

from receiver.model import Status


@dataclass(frozen=True, slots=True)
class Mention:
    """A person whom a message mentions; an id is None where the platform does not know them.

    The name and the ids were checked by the configuration: nothing in them is markup or stands for everyone.
    """

    name: str
    wecom: str | None = None
    mobile: str | None = None
    feishu: str | None = None
    dingtalk: str | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message mentions: people, each once and at most 50, and whether all members of the group."""

    people: tuple[Mention, ...] = ()
    everyone: bool = False

    def __bool__(self) -> bool:
        return self.everyone or bool(self.people)

    def __sub__(self, others: Mentions) -> Mentions:
        people = tuple(person for person in self.people if person not in others.people)
        return Mentions(people, self.everyone and not others.everyone)


@dataclass(frozen=True, slots=True)
class Extras:
    """What stands beside a body where the platform has a place of its own for it.

    `fields` are short facts (name, value) and `buttons` (text, URL), both on one line and not escaped; the URLs and
    `image` are http or https. The most important come first.
    """

    fields: tuple[tuple[str, str], ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    image: str = ""

    def __bool__(self) -> bool:
        return bool(self.fields or self.buttons or self.image)


@dataclass(frozen=True, slots=True)
class Text:
    """What a template made, ready for a channel: one message's words.

    `title` is one plain line without markup; `body` is escaped for the channel's markup, or plain text when `plain`.
    `alerts` are the positions, in the batch, of the alerts it tells of. `mentions` come from the configuration; the
    channel puts them where its platform wants them. `extras` are only those that the channel takes. A `muted` text
    replaces one that does not count any more.
    """

    title: str
    body: str
    status: Status
    severity: str = ""
    plain: bool = False
    alerts: tuple[int, ...] = ()
    mentions: Mentions = Mentions()
    extras: Extras = Extras()
    muted: bool = False
