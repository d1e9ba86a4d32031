"""What changed in a job, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from runner.core.changes import Change, ChangeKind
from runner.report import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED: Final = 3
"""So many inputs are named when several changed."""
_CONTEXT: Final = 10
"""Characters shown before the first one that differs."""
_SHOWN: Final = 32
"""Characters shown of a value."""


def changes_text(changes: Sequence[Change], manifest: str) -> str:
    """Why a job is to be made again, in one line.

    Args:
        changes: At least one.
        manifest: The manifest's path as typed: a place in it is told by its line alone.
    """
    # A voice that was made again gives several outputs: one reason all the same.
    distinct = list({(change.kind, change.name or change.at): change for change in changes}.values())
    where = _places(distinct, manifest)
    if len(distinct) == 1:
        return f"{_one(distinct[0])}{where}{_values(distinct[0])}"
    named = ", ".join(_name(change) for change in distinct[:_NAMED])
    more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
    return f"{len(distinct)} inputs changed: {named}{more}{where}"


def _one(change: Change) -> str:
    match change.kind:
        case ChangeKind.NEED:
            return f"made from {_name(change)}"
        case ChangeKind.ADDED | ChangeKind.REMOVED:
            return f"{_name(change)} {change.kind.value}"
        case _:
            return f"{_name(change)} changed"


def _name(change: Change) -> str:
    match change.kind:
        case ChangeKind.NEED:
            return f"another `{change.name}`"
        case ChangeKind.FILE:
            return f"file {change.name}"
        case ChangeKind.OPERATION:
            return "`uses`"
        case _:
            return f"`{change.path}`"


def _places(changes: Sequence[Change], manifest: str) -> str:
    """` (line 41)`, ` (customers.csv:17)`, or nothing when no place is known."""
    spans = [change.place for change in changes[:_NAMED] if change.place is not None]
    said = [f"line {span.line}" if span.file == manifest else f"{span.file}:{span.line}" for span in spans]
    return f" ({', '.join(dict.fromkeys(said))})" if said else ""


def _values(change: Change) -> str:
    """`: "Hi Ana" -> "Hi Anna"`; nothing where that would not help."""
    before, after = (_without_secrets(value) for value in (change.before, change.after))
    if before is None or after is None or before == after:
        return ""
    start = 0
    if isinstance(before, str) and isinstance(after, str):
        alike = next((place for place, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
        start = max(0, alike - _CONTEXT)
    return f": {_shown(before, start)} -> {_shown(after, start)}"


def _without_secrets(value: Any) -> Any:
    return escape.without_queries(value) if isinstance(value, str) else value


def _shown(value: Any, start: int) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    piece = value[start : start + _SHOWN]
    text = f"{'…' if start else ''}{piece}{'…' if len(value) > start + _SHOWN else ''}"
    return json.dumps(text, ensure_ascii=False)
