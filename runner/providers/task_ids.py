"""Finds the id of a task in a reply, and refuses what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.providers.json_body import mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_ID_CHARS: Final = 256
_NO_IDS: Final = frozenset({".", "..", "0", "-1", "null", "undefined"})
"""What programs write where there is no id, and what a path would swallow."""


def find_task_id(body: Mapping[str, Any]) -> str | None:
    """The task's id: `data` if text, then `data.task_id`, `data.id`, `task_id`, `id` (api-facts sections 1.4 and 2.2).

    Args:
        body: A reply's JSON object.

    Returns:
        The id, at most 256 characters; None when there is none that could stand in a path.
    """
    inner = mapping(body.get("data"))
    data = body["data"] if isinstance(body.get("data"), str) else None
    candidates = (data, inner.get("task_id"), inner.get("id"), body.get("task_id"), body.get("id"))
    found = next((words for words in map(text, candidates) if words), "")
    # An id has no spaces: `data` of an error may be a sentence. It goes into a path, where dots alone mean a folder.
    is_plain = found.isprintable() and not any(char.isspace() for char in found) and found not in _NO_IDS
    return found if found and is_plain and len(found) <= _MOST_ID_CHARS else None
