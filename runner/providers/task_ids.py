"""Finds the id of a task in a reply, and refuses what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.identity import is_task_id
from runner.providers.json_body import mapping, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def find_task_id(body: Mapping[str, Any]) -> str | None:
    """The task's id: `data` if text, then `data.task_id`, `data.id`, `task_id`, `id` (api-facts sections 1.4 and 2.2).

    Args:
        body: A reply's JSON object.

    Returns:
        The id, at most 256 characters; None when there is none that could stand in a path.
    """
    inner = mapping(body.get("data"))
    data = body["data"] if isinstance(body.get("data"), str) else None
    return first_task_id((data, inner.get("task_id"), inner.get("id"), body.get("task_id"), body.get("id")))


def first_task_id(candidates: Iterable[Any]) -> str | None:
    """The first of these values that says anything, where it can be an id.

    Args:
        candidates: Values of a reply, in the order in which they count.

    Returns:
        The id, at most 256 characters; None when there is none that could stand in a path.
    """
    found = next((words for words in map(text, candidates) if words), "")
    return found if is_task_id(found) else None
