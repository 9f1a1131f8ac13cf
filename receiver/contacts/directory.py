"""The contacts by name: who a name stands for at a moment, duties followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches

from receiver.contacts.ids import LONGEST_NAME, bare, means_everyone
from receiver.contacts.settings import ContactSettings, RotationSettings
from receiver.errors import Fault

MOST_UNKNOWN = 20
"""How many unknown names are reported, each cut to LONGEST_NAME characters."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person; an id is None where the platform does not know them."""

    name: str
    wecom: str | None = None
    mobile: str | None = None
    feishu: str | None = None
    dingtalk: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Whom names stand for: each contact once in the order named, and the names that no contact has.

    `unknown` is fit for records and logs: at most 20, at most 64 characters each, nothing unprintable.
    """

    contacts: tuple[Contact, ...] = ()
    everyone: bool = False
    unknown: tuple[str, ...] = ()


class Contacts:
    """All contacts; `timezone` is the clock on which duties change."""

    def __init__(self, entries: Iterable[ContactSettings], timezone: tzinfo) -> None:
        self._entries = tuple(entries)
        self._zone = timezone
        self._people: dict[str, Contact] = {}
        self._duties: dict[str, RotationSettings] = {}
        for entry in reversed(self._entries):  # of two with one name, a fault, the first counts
            self._people.pop(entry.name, None)
            self._duties.pop(entry.name, None)
            if entry.rotation is not None:
                self._duties[entry.name] = entry.rotation
            else:
                self._people[entry.name] = _person(entry)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name once, people and duties, in the order configured."""
        return tuple(dict.fromkeys(entry.name for entry in self._entries))

    def knows(self, name: str) -> bool:
        """Whether a person or a duty has this name, with or without `@`."""
        return bare(name) in self._people or bare(name) in self._duties

    def find(self, name: str) -> Contact | None:
        """The person of this name, with or without `@`; None for a duty, which needs a moment: see `person`."""
        return self._people.get(bare(name))

    def person(self, name: str, now: float) -> Contact | None:
        """The person that a name, with or without `@`, stands for at `now` (Unix seconds); None when there is none."""
        if len(name) > LONGEST_NAME * 4:  # a hostile label's; composing it would cost
            return None
        current, passed = bare(name), set[str]()
        while current in self._duties and current not in passed:
            passed.add(current)
            current = self._duties[current].on_duty(now, self._zone)
        return self._people.get(current)

    def resolve(self, names: Iterable[str], now: float) -> Resolved:
        """Whom configured names stand for at `now` (Unix seconds). `all` and `@all` stand for everyone.

        Never for names from an alert: those go through `person`, which knows no everyone.
        """
        found, unknown, everyone = dict[str, Contact](), dict[str, None](), False
        for name in names:
            if means_everyone(name):
                everyone = True
            elif (contact := self.person(name, now)) is not None:
                found[contact.name] = contact
            elif len(unknown) < MOST_UNKNOWN:
                unknown[shown(name)] = None
        return Resolved(tuple(found.values()), everyone, tuple(unknown))

    def faults(self) -> list[Fault]:
        """What is wrong between the contacts: names given twice, members that are none, duties that go in a circle."""
        return [*self._repeated(), *self._strangers(), *self._circles()]

    def _repeated(self) -> Iterator[Fault]:
        first: dict[str, int] = {}
        for number, entry in enumerate(self._entries):
            if (taken := first.setdefault(entry.name, number)) != number:
                rule = f"is taken by contacts[{taken}]; names must differ"
                yield Fault(f"contacts[{number}].name", rule, offered=entry.name)

    def _strangers(self) -> Iterator[Fault]:
        for place, _, member in self._members():
            if not self.knows(member):
                yield Fault(place, f"must be the name of a contact{nearest(member, self.names)}", offered=member)

    def _circles(self) -> Iterator[Fault]:
        below = {name: set(duty.members) & self._duties.keys() for name, duty in self._duties.items()}
        for place, duty, member in self._members():
            if duty in _reachable(member, below):
                yield Fault(place, f"leads back to {duty}; a duty cannot hold itself", offered=member)

    def _members(self) -> Iterator[tuple[str, str, str]]:
        """Each member of each duty: its place, the duty, the member."""
        for number, entry in enumerate(self._entries):
            for position, member in enumerate(entry.rotation.members if entry.rotation else ()):
                yield f"contacts[{number}].rotation.members[{position}]", entry.name, member


def _person(entry: ContactSettings) -> Contact:
    return Contact(entry.name, entry.wecom, entry.mobile, entry.feishu, entry.dingtalk, entry.email)


def _reachable(start: str, below: dict[str, set[str]]) -> set[str]:
    """`start` and every duty among its members, members' members and so on."""
    seen, ahead = set[str](), [start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += below.get(name, ())
    return seen


def nearest(name: str, names: Sequence[str]) -> str:
    """The end of a rule about a name that no contact has: the one that may be meant, if any is near."""
    near = get_close_matches(bare(name), names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def shown(name: str) -> str:
    """A name that may come from anywhere, fit for records and logs."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name[:LONGEST_NAME])
