"""What every section of the configuration shares: strictness, secrets beside `_file` twins, durations, rates, sizes."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, NamedTuple, Self, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PlainSerializer,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

_DURATION = re.compile(
    r"(?:([0-9]{1,9})y)?(?:([0-9]{1,9})w)?(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?"
    r"(?:([0-9]{1,9})ms)?"
)
_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]@]*)):([0-9]{1,5})")
_UNITS = (31536000, 604800, 86400, 3600, 60, 1, 0.001)
_SIZE = re.compile(r"([0-9]{1,15}) *([A-Za-z]*)")
_SIZES = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}
_RATE = re.compile(r"([0-9]{1,9}) */ *([0-9a-z]+)")
_KNOWN_ERRORS = frozenset(get_args(ErrorType))


class Misfit(ValueError):
    """Values that do not go together: for each fault the keys that lead to it from this section, and the rule."""

    def __init__(self, *faults: tuple[tuple[str | int, ...], str]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, place))}: {rule}" for place, rule in faults))
        self.faults = faults


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values never change, a secret may stand in a file.

    For every field `x` of type SecretStr the key `x_file` is accepted in its place: the file's content without the
    line ending. Both at once, or a file that cannot be read, is an error. Errors never show what was given.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    @model_validator(mode="wrap")
    @classmethod
    def _read_secret_files(cls, data: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping):
            return validate(data)
        read, faults = dict(data), dict[str, str]()
        for name, twin in secret_twins(cls):
            if twin in read:
                try:
                    read[name] = _secret_beside(read, name, twin)
                except ValueError as error:
                    faults[name], read[name] = str(error), "-"
                del read[twin]
        if not faults:
            return validate(read)
        try:
            validate(read)
        except ValidationError as error:
            raise _all_faults(cls.__name__, faults, error) from None
        raise _all_faults(cls.__name__, faults, None)


def _all_faults(title: str, faults: Mapping[str, str], others: ValidationError | None) -> ValidationError:
    """One error for the files that gave no secret (by field name) and for whatever else is wrong in the section."""
    found = [_detail(Misfit(((f"{name}_file",), rule))) for name, rule in faults.items()]
    rest = others.errors(include_url=False) if others else []
    found += [_again(error) for error in rest if not (error["loc"] and error["loc"][0] in faults)]
    return ValidationError.from_exception_data(title, found, hide_input=True)


def _detail(error: ValueError) -> InitErrorDetails:
    return InitErrorDetails(type="value_error", input=None, ctx={"error": error})


def _again(error: ErrorDetails) -> InitErrorDetails:
    """An error as pydantic reported it, ready to be raised once more."""
    known = error["type"] in _KNOWN_ERRORS
    return InitErrorDetails(
        type=error["type"] if known else PydanticCustomError(error["type"], error["msg"]),
        loc=error["loc"],
        input=error["input"],
        ctx=error.get("ctx", {}),
    )


def _secret_beside(data: Mapping[str, Any], name: str, twin: str) -> str:
    if data.get(name) is not None:
        raise ValueError(f"is given beside {name}; keep one")
    try:
        secret = Path(data[twin]).read_text(encoding="utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise ValueError("cannot be read: not a text file") from None
    if not secret:
        raise ValueError("names a file that is empty")
    return secret


def shaped(shape: str, rule: str) -> AfterValidator:
    """For the type of a text that must match the whole of the expression `shape`; ValueError with `rule` else."""
    expression = re.compile(shape)

    def checked(value: str) -> str:
        if not expression.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(checked)


def secret_twins(section: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each secret field of a section with the key that may name a file in its place."""
    for name, field in section.model_fields.items():
        twin = f"{name}_file"
        if twin not in section.model_fields and holds_secret(field.annotation):
            yield name, twin


def holds_secret(annotation: Any) -> bool:
    """Whether a field of this type is one secret."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(holds_secret(argument) for argument in get_args(annotation))
    return annotation is SecretStr


def seconds(value: object) -> float:
    """Alertmanager's durations (`1h30m`, `500ms`, `30d`) as seconds; a plain 0 is allowed. ValueError otherwise."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float) and value >= 0 and math.isfinite(value):
        return value
    if value == "0" or (type(value) is int and value == 0):
        return 0.0
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("must be a duration like 30s, 5m, 1h30m or 30d")
    return float(sum(int(number) * unit for number, unit in zip(match.groups(), _UNITS, strict=True) if number))


def size(value: object) -> int:
    """A size in bytes: a whole number, or one with a unit (`16MiB`, `512KiB`, `20000B`). ValueError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2].upper() not in _SIZES or not int(match[1]):
        raise ValueError("must be a size like 16MiB, 512KiB or 20000")
    return int(match[1]) * _SIZES[match[2].upper()]


class Rate(NamedTuple):
    """At most `count` messages in any `per` seconds."""

    count: int  # type: ignore[assignment]  # a rate is never searched as a tuple
    per: float

    def __str__(self) -> str:
        return f"{self.count}/{self.per:g}s"


def rate(value: object) -> Rate:
    """`20/62s`, `100/1m`, `5/s` as a Rate; `0` means no limit (count 0). ValueError otherwise."""
    if isinstance(value, Rate):
        return value
    if value == "0" or (type(value) is int and value == 0):
        return Rate(0, 0.0)
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]) or not (per := _period(match[2])):
        raise ValueError("must be a rate like 20/62s, or 0 for no limit")
    return Rate(int(match[1]), per)


def _period(text: str) -> float:
    try:
        return seconds(f"1{text}" if text[0].isalpha() else text)
    except ValueError:
        return 0.0


def address(listen: str) -> tuple[str, int]:
    """The host (empty for every address) and the port of `host:port`, `[::1]:8060` or `:8060`. ValueError else."""
    match = _LISTEN.fullmatch(listen)
    if match is None or int(match[3]) > 65535 or (match[1] and not _is_ipv6(match[1])):
        raise ValueError("must be host:port, like 127.0.0.1:8060, [::1]:8060 or :8060")
    return match[1] or match[2], int(match[3])


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


Duration = Annotated[float, BeforeValidator(seconds)]
Size = Annotated[int, BeforeValidator(size)]
RateLimit = Annotated[Rate, BeforeValidator(rate), PlainSerializer(str)]


def fingerprint(*sections: Section) -> str:
    """A digest of everything the sections say, their secrets included: it changes when a secret is rotated."""
    said = json.dumps([section.model_dump() for section in sections], default=_revealed, sort_keys=True)
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _revealed(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
