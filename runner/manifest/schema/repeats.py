"""Finds what a list repeats, as JSON Schema compares, in time that grows with the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def first_repeated(items: Sequence[Any]) -> int | None:
    """The index of the first item that stands before it already, as JSON Schema compares; None when all differ."""
    seen: set[Any] = set()
    for number, item in enumerate(items):
        identity = _identity(item)
        if identity in seen:
            return number
        seen.add(identity)
    return None


def _identity(value: Any) -> Any:
    """Something hashable that is equal exactly where JSON Schema calls two values equal: 1 is 1.0, but not true."""
    match value:
        case bool():
            return ("boolean", value)
        case list():
            return ("array", *map(_identity, value))
        case dict():
            return frozenset((key, _identity(item)) for key, item in value.items())
        case _:
            return value
