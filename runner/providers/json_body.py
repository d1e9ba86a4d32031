"""Reads JSON that strangers send: bounded, strict where JSON is ambiguous, and never with an exception.

Two programs must not read one reply in two ways when money hangs on it: repeated keys, NaN and lone surrogates are refused rather than
guessed at. Deep nesting is counted before parsing, since the parser's own limit depends on how deep the caller stands.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from runner.core.answers import Reply

MOST_DEPTH: Final = 64
"""Levels of nesting that a reply may have; real ones have fewer than ten."""

_MOST_ADDRESS_CHARS: Final = 8192
_MOST_SECONDS: Final = 10_000_000
"""Nearly four months: nothing that an API makes lasts as long."""
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The text is not one JSON object; `reason` says why, for people."""

    reason: str


def read_object(reply: Reply) -> Mapping[str, Any] | Unreadable:
    """The JSON object that a reply's body is, or why it is none.

    Args:
        reply: Any reply; one that was cut short is unreadable whatever is left of it.
    """
    if reply.truncated:
        return Unreadable("the body is cut short")
    try:
        text = reply.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Unreadable("the body is not UTF-8")
    return parse_object(text)


def parse_object(text: str) -> Mapping[str, Any] | Unreadable:
    """The JSON object that a text is, or why it is none."""
    if not text.strip():
        return Unreadable("the body is empty")
    if _is_too_deep(text):
        return Unreadable(f"the body is nested more than {MOST_DEPTH} levels deep")
    try:
        value = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except ValueError as error:  # also integers of more than 4,300 digits, and lone surrogates
        return Unreadable(f"the body is not JSON that can be relied on: {str(error)[:80]}")
    return value if isinstance(value, dict) else Unreadable("the body is JSON, but not an object")


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= MOST_DEPTH:  # nearly always: then nothing need be matched
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match.group()
        if bracket in "[{":
            depth += 1
            if depth > MOST_DEPTH:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def text(value: Any) -> str:
    """The value as stripped text: strings and whole numbers; everything else is ""."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def number(value: Any) -> float | None:
    """The value as a finite number, from a number or from text such as `"9.6"` or `"30%"` (30.0); None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def seconds(value: Any) -> float | None:
    """The value as a length in seconds, 0 to 10 million, from a number or from text; None when it is none."""
    length = number(value)
    return length if length is not None and 0 <= length <= _MOST_SECONDS else None


def http_address(words: str) -> str | None:
    """The words where they are an http(s) address, its scheme in lower case; whether it may be fetched is the transfer's question."""
    # Of all blanks only U+0020 is printable.
    if len(words) > _MOST_ADDRESS_CHARS or not words.isprintable() or " " in words:
        return None
    try:
        parts = urlsplit(words)
    except ValueError:
        return None
    # What takes an address from here compares the scheme as a text; `urlsplit` gives it in lower case.
    is_http = parts.scheme in {"http", "https"} and bool(parts.netloc)
    return parts.scheme + words[len(parts.scheme) :] if is_http else None
