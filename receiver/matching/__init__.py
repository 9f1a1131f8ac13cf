"""Alertmanager's matchers: `severity="critical"`, `team=~"db|infra"`, as its two parsers accept them.

What `matchers` of a route or a silence mean there, they mean here: the classic parser is asked first and the UTF-8
one next, which is how Alertmanager 0.27 and later settle the inputs that the two read differently.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import GetPydanticSchema
from pydantic_core import core_schema

from receiver.matching import classic, utf8
from receiver.matching.matcher import BadExpression, Matcher, Operator

__all__ = ["BadExpression", "Matcher", "MatcherList", "Operator", "parse"]


def parse(text: str) -> tuple[Matcher, ...]:
    """The matchers of `text`: one (`a="b"`) or a list (`{a="b",c=~"d"}`). ValueError with a sentence otherwise.

    `{}` and the empty string hold no matcher, and so match everything.
    """
    try:
        return classic.matchers(text)
    except BadExpression as error:
        refusal = error
    except ValueError:
        return utf8.matchers(text)
    try:
        return utf8.matchers(text)
    except ValueError:
        raise refusal from None


def _one_of_list(value: object) -> tuple[Matcher, ...]:
    if isinstance(value, Matcher):
        return (value,)
    if not isinstance(value, str):
        raise ValueError('must be a matcher written as text, like severity="critical"')
    return parse(value)


def _flat(lists: tuple[tuple[Matcher, ...], ...]) -> tuple[Matcher, ...]:
    return tuple(matcher for matchers in lists for matcher in matchers)


def _list_schema(_source: object, _handler: object) -> core_schema.CoreSchema:
    each = core_schema.no_info_plain_validator_function(_one_of_list)
    return core_schema.no_info_after_validator_function(
        _flat,
        core_schema.tuple_schema([each], variadic_item_index=0),
        serialization=core_schema.plain_serializer_function_ser_schema(lambda value: [str(each) for each in value]),
    )


MatcherList = Annotated[tuple[Matcher, ...], GetPydanticSchema(_list_schema)]
"""Matchers in a settings section, given as a list of strings; an error names the position in the list."""
