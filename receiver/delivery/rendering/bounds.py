"""How much a template may do: each operation that makes much of little is paid for before it is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedFormatter

from receiver.delivery.rendering.markup import text_of
from receiver.errors import TemplateError

TEXT_LIMIT = 1024 * 1024
"""The longest text one operation may make, in characters."""

OUTPUT_LIMIT = 64 * 1024 * 1024
"""The longest output of any template, in characters."""

SIZED = (list, tuple, dict, str, range)
"""What is known to be of a length."""

NUMBER_BITS = 2048
_WIDE = re.compile(r"\d{5,}|\*")
_PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?")


class Budget:
    """The work one rendering may make, in steps of loops and characters of text, and the time it may take."""

    __slots__ = ("deadline", "left", "room")

    def __init__(self) -> None:
        self.left = 0
        self.room = OUTPUT_LIMIT
        self.deadline = 0.0

    def start(self, alerts: int, now: float | None = None) -> None:
        """Allow what a template for that many alerts may need: a second, and a millisecond for each alert."""
        self.left = min(1_000_000 + 200_000 * alerts, OUTPUT_LIMIT)
        self.room = min(OUTPUT_LIMIT, TEXT_LIMIT + 65_536 * alerts)
        self.deadline = (monotonic() if now is None else now) + 1 + alerts / 1000

    def charge(self, steps: int) -> None:
        """Take `steps` off; TemplateError when none are left or the time is over."""
        self.left -= steps
        if self.left < 0:
            raise TemplateError("the template does too much work")
        if monotonic() > self.deadline:
            raise TemplateError("the template takes too long")

    def text(self, length: int) -> None:
        """Pay for a text (or list) of that length before it is made."""
        if length > TEXT_LIMIT:
            raise TemplateError(f"the template makes a text of {length} characters; at most {TEXT_LIMIT}")
        self.charge(length)

    def join(self, separator: str, texts: Sequence[str]) -> str:
        """`separator.join(texts)`, paid for before it is made."""
        self.text(sum(map(len, texts)) + len(separator) * len(texts))
        return separator.join(texts)

    def output(self, pieces: Iterable[str]) -> str:
        """The pieces of an output joined, if they fit."""
        made = list(pieces)
        if (length := sum(map(len, made))) > self.room:
            raise TemplateError(f"the template makes {length} characters; at most {self.room}")
        return "".join(made)

    def steps(self, iterable: Any) -> Sequence[Any]:
        """What a loop goes through, paid for before it begins; nothing for null."""
        if iterable is None:
            return ()
        if not isinstance(iterable, SIZED):
            iterable = self._listed(iterable)
        self.charge(1 + len(iterable))
        return iterable  # type: ignore[no-any-return]

    def _listed(self, iterable: Iterable[Any]) -> list[Any]:
        listed = []
        for item in iterable:
            self.left -= 1
            if self.left < 0:
                raise TemplateError("the template does too much work")
            listed.append(item)
        return listed

    def range(self, *bounds: int) -> range:
        """Python's range of at most 100,000 steps."""
        if any(abs(bound) > 2**31 for bound in bounds):
            raise TemplateError("range: the bounds are too large")
        made = range(*bounds)
        if len(made) > 100_000:
            raise TemplateError(f"range: {len(made)} steps; at most 100000")
        self.charge(len(made))
        return made

    def number(self, operator: str, left: float, right: float) -> None:
        """Refuse what would give a number of thousands of digits."""
        if operator == "**" and (abs(right) > 64 or abs(left) > 2**32):
            raise TemplateError("a power is too large")
        if operator == "*" and isinstance(left, int) and isinstance(right, int):  # noqa: SIM102
            if left.bit_length() + right.bit_length() > NUMBER_BITS:
                raise TemplateError("a number is too large")

    def method(self, text: str, name: str, args: tuple[Any, ...]) -> None:
        """Pay for what the method `name` of `text` will make."""
        if name in ("center", "ljust", "rjust", "zfill"):
            self.text(max(len(text), int(args[0])))
        elif name == "replace":
            self.text(replaced(text, str(args[0]), str(args[1])))
        else:
            self.text(len(text))

    def percent(self, text: str, values: Any) -> str:
        """`text % values`, where lists and objects show as JSON."""
        widths = [part for pair in _PERCENT.findall(text) for part in pair if part]
        if any(_WIDE.search(width) for width in widths):
            raise TemplateError("a width in a format is too large")
        shown = _shown(values)
        texts = [value for value in (shown.values() if isinstance(shown, dict) else shown) if isinstance(value, str)]
        longest = max(map(len, texts), default=0)
        self.text(len(text) + text.count("%") * (longest + 64) + sum(map(int, widths)))
        made: str = text % shown
        return made

    def width(self, spec: str) -> None:
        """Refuse a format specification with a width of five digits."""
        if _WIDE.search(spec):
            raise TemplateError("a width in a format is too large")


def replaced(text: str, old: str, new: str) -> int:
    """How long `text` will be once `old` is replaced by `new`."""
    return len(text) + (text.count(old) if old else len(text) + 1) * max(0, len(new) - len(old))


def _shown(values: Any) -> Mapping[str, Any] | tuple[Any, ...]:
    if isinstance(values, dict):
        return {text_of(key): _plain(value) for key, value in values.items()}
    return tuple(map(_plain, values if isinstance(values, tuple) else (values,)))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else text_of(value)


class BoundedFormat:
    """`str.format` of one text: no attributes of Python's own, no widths that fill the memory."""

    def __init__(self, environment: jinja2.Environment, budget: Budget, text: str) -> None:
        self._environment, self._budget, self._text = environment, budget, text

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        kwargs = {name: value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")}
        return _Formatter(self._environment, self._budget).vformat(self._text, args, kwargs)


class _Formatter(SandboxedFormatter):
    def __init__(self, environment: jinja2.Environment, budget: Budget) -> None:
        super().__init__(environment)
        self._budget = budget

    def format_field(self, value: Any, format_spec: str) -> Any:
        self._budget.width(format_spec)
        shown = super().format_field(_plain(value) if isinstance(value, dict | list | tuple) else value, format_spec)
        self._budget.text(len(shown))
        return shown

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return super().convert_field(_plain(value) if isinstance(value, dict | list | tuple) else value, conversion)
