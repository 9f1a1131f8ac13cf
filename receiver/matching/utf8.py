"""Alertmanager's second matchers parser (`matcher/parse`): any UTF-8 in names and values, Go's escapes in quotes."""

from __future__ import annotations

import re
from typing import cast

from receiver.matching.matcher import RESERVED, SPACES, Matcher, Operator

_TOKEN = re.compile(
    rf"""(?P<mark>[{{}},])|(?P<op>=~|!=|!~|=)|(?P<quoted>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<plain>[^{RESERVED}]+)""",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_LETTERS = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def matchers(text: str) -> tuple[Matcher, ...]:
    """The matchers of `text`, with or without braces around it. ValueError says what is wrong and where."""
    return _Reader(text).matchers()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.next = 0

    def matchers(self) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        opened = self.accept("{")
        if self.peek() and not (opened and self.peek() == "}"):
            found.append(self.matcher())
            while self.accept(",") and self.peek() not in ("", "}"):
                found.append(self.matcher())
        self.close(opened)
        return tuple(found)

    def close(self, opened: bool) -> None:
        if opened and not self.accept("}"):
            raise ValueError(f"expected a comma or a closing brace {self.where()}")
        if self.peek():
            wanted = "an opening brace first" if self.peek() == "}" and not opened else "a comma or the end"
            raise ValueError(f"expected {wanted} {self.where()}")

    def matcher(self) -> Matcher:
        name = self.word("a label name")
        op = self.peek()
        if self.kind() != "op":
            raise ValueError(f"expected an operator (=, !=, =~ or !~) {self.where()}")
        self.next += 1
        return Matcher(name, cast("Operator", op), self.word("a value"))

    def word(self, wanted: str) -> str:
        text, kind = self.peek(), self.kind()
        if kind not in ("quoted", "plain"):
            raise ValueError(f"expected {wanted} {self.where()}")
        self.next += 1
        return _unquoted(text) if kind == "quoted" else text

    def accept(self, mark: str) -> bool:
        found = self.peek() == mark
        self.next += found
        return found

    def peek(self) -> str:
        """The next token as written, with its quotes; empty at the end."""
        return self.tokens[self.next][0] if self.next < len(self.tokens) else ""

    def kind(self) -> str | None:
        return self.tokens[self.next].lastgroup if self.next < len(self.tokens) else None

    def where(self) -> str:
        if self.next >= len(self.tokens):
            return "at the end"
        token = self.tokens[self.next]
        return f"at character {token.start() + 1}, found {token[0]}"


def _tokens(text: str) -> list[re.Match[str]]:
    tokens, position = [], 0
    while position < len(text):
        if text[position] in SPACES:
            position += 1
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"{_misplaced(text[position])} at character {position + 1}")
        tokens.append(token)
        position = token.end()
    return tokens


def _misplaced(char: str) -> str:
    return {
        '"': "a double quote is not closed",
        "!": "expected != or !~",
    }.get(char, f"{char} must stand within double quotes")


def _unquoted(text: str) -> str:
    """The string that a Go literal in double quotes stands for (`strconv.Unquote`)."""
    inner = text[1:-1].encode("utf-8", "surrogatepass")
    loose = _ESCAPE.sub(b"", inner)
    if b"\\" in loose or b"\n" in loose:
        raise ValueError(f'{text} holds an escape that is none; write \\", \\n or \\\\')
    try:
        return _ESCAPE.sub(_bytes_of, inner).decode()
    except ValueError:
        raise ValueError(f"{text} is not valid UTF-8") from None


def _bytes_of(escape: re.Match[bytes]) -> bytes:
    letter, hexadecimal, octal, short, long = escape.groups()
    if letter:
        return bytes([_LETTERS[letter[0]]])
    if hexadecimal or octal:
        return bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8)])
    return chr(int(short or long, 16)).encode()
