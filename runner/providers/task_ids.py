"""Finds the id of a task in a reply, and refuses what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.identity import is_task_id
from runner.providers.json_body import mapping, text

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    return found if is_task_id(found) else None
