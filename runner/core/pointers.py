"""Puts values into JSON trees by pointer, without changing the tree that others hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def put(value: Any, at: Sequence[str | int], content: Any) -> Any:
    """The value with something else at a pointer.

    Args:
        value: A JSON value; it stays as it is.
        at: Keys and indices that lead to a place in it.
        content: What stands there afterwards.

    Returns:
        A new value, which shares with the old one whatever does not lie on the way.

    Raises:
        LookupError: The pointer leads to nothing.
    """
    if not at:
        return content
    copy = value.copy()
    copy[at[0]] = put(value[at[0]], at[1:], content)
    return copy
