"""One call as it came over the wire, the answer to it, and the refusals in between. No sockets here."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from receiver.sandbox.ledger import Content, Ledger
from receiver.sandbox.robots import Options, Robot, Robots

Note = Callable[[str], None]
"""Takes one sentence about what a good client never does."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `target` is the raw path and query, `path` and `query` are decoded; `at` is Unix seconds."""

    method: str
    target: str = field(repr=False)
    path: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    at: float
    ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json;charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """`value` as the providers print it: compact, in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Answer(status, text.encode(errors="replace"), headers=headers or {})


class Refused(Exception):
    """The provider says no: `code` is its own, `why` the sentence that goes with it, `more` what else it tells."""

    def __init__(
        self,
        code: int | str,
        why: str,
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why
        self.status = status
        self.headers = headers or {}
        self.more = more or {}


class Platform(ABC):
    """One provider: which paths are its own, and how it answers a call."""

    kind: ClassVar[str]
    prefix: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    """Further prefixes of its paths. The longest prefix of all platforms wins."""

    def __init__(self, robots: Robots, ledger: Ledger, options: Options) -> None:
        self.robots = robots
        self.ledger = ledger
        self.options = options

    @abstractmethod
    def credential(self, call: Call) -> str:
        """Which robot the call is for; empty if it names none."""

    @abstractmethod
    def answer(self, call: Call) -> Answer:
        """Judge the call as the provider would, and keep the message if it takes it."""

    def step(self, call: Call) -> str:  # noqa: ARG002 - most robots have one step only
        """Which step the call is: an app's `token`, `send`, `update`, …, a robot's `upload`; empty if the only one."""
        return ""

    def robot(self, call: Call) -> Robot:
        """The robot the call is for, `known` or not."""
        return self.robots.find(self.kind, self.credential(call))

    def noting(self, robot: Robot) -> Note:
        """Where the violations of this robot's client go."""
        return lambda what: self.ledger.violate(robot.name, what)

    def show(self, robot: Robot, call: Call, content: Content, response: Answer, to: tuple[str, ...] = ()) -> Answer:
        """Put the message into the robot's group (an app's: before `to`) and answer."""
        self.ledger.post(robot, call.at, content, call.body, response.body, to)
        return response


def read_object(body: bytes, note: Note) -> dict[str, Any]:
    """The JSON object in `body`. ValueError for anything else: not UTF-8, NaN, too deep, a list."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_pairs(note), parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def peek(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, empty if there is none; nothing is noted."""
    try:
        return read_object(body, lambda _: None)
    except ValueError:
        return {}


def _pairs(note: Note) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            note("a key is given twice in the JSON body")
        return value

    return read


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def only(value: Mapping[str, Any], allowed: Iterable[str], where: str, note: Note) -> None:
    """Note every field of `value` the provider does not document."""
    for name in sorted(set(value) - set(allowed)):
        note(f"unknown field {where}{name}")


def check_json_type(call: Call, note: Note) -> None:
    """Note a Content-Type other than JSON in UTF-8, said so."""
    given = call.headers.get("Content-Type", "").lower().replace(" ", "").replace('"', "")
    if given != "application/json;charset=utf-8":
        note(f"Content-Type should be application/json; charset=utf-8, was {given[:60] or 'missing'}")


def size(text: str) -> int:
    """UTF-8 bytes of a decoded value."""
    return len(text.encode(errors="surrogatepass"))


def text_of(value: Any) -> str:
    """`value` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def rows_of(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; ValueError if it is no list of objects. None counts as empty."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError("must be a list of objects")
    return value
