"""Numbers as Prometheus' templates show them."""

from __future__ import annotations

from receiver.delivery.rendering import times
from receiver.delivery.rendering.markup import text_of
from receiver.errors import TemplateError
from receiver.settings import seconds as seconds_of_duration


def number(value: object) -> float:
    """A number or a numeric text as float; TemplateError for anything else."""
    try:
        return float(value if isinstance(value, int | float) else text_of(value))
    except (ValueError, OverflowError):
        raise TemplateError(f"{text_of(value)[:80]!r} is no number") from None


def thousands(value: object) -> str:
    """`12345` as `12,345`; a fraction is left out."""
    amount = number(value)
    if amount - amount != 0:  # infinite, or no number
        return times.go_float(amount)
    return f"{int(amount):,}"


def humanize(value: object) -> str:
    """`1234567` as `1.235M`, `0.0012` as `1.2m`; four digits."""
    amount = number(value)
    if amount == 0 or amount != amount or amount in (float("inf"), float("-inf")):
        return times.go_float(amount)
    prefix = ""
    if abs(amount) >= 1:
        for prefix in ("", "k", "M", "G", "T", "P", "E", "Z", "Y"):  # noqa: B007 - the last one is used
            if abs(amount) < 1000:
                break
            amount /= 1000
        return times.go_float(amount) + prefix
    for prefix in "munpfazy":  # noqa: B007 - the last one is used
        amount *= 1000
        if abs(amount) >= 1:
            break
    return times.go_float(amount) + prefix


def humanize1024(value: object) -> str:
    """`1048576` as `1Mi`."""
    amount = number(value)
    prefix = ""
    if abs(amount) > 1 and amount - amount == 0:
        for prefix in ("", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"):  # noqa: B007 - the last one is used
            if abs(amount) < 1024:
                break
            amount /= 1024
    return times.go_float(amount) + prefix


def humanize_percentage(value: object) -> str:
    """`0.1234` as `12.34%`."""
    return times.go_float(number(value) * 100) + "%"


def humanize_duration(value: object) -> str:
    """Seconds as `1d 2h 3m 4s`."""
    return times.humanize_duration(number(value))


def parse_duration(text: object) -> times.Span:
    """`1h30m` as a span of seconds."""
    try:
        return times.Span(seconds_of_duration(text_of(text)))
    except ValueError as error:
        raise TemplateError(f"parseDuration: {error}") from None
