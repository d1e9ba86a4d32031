"""What a gateway answers, in either style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.answers import AskAgain
from runner.providers import gateway
from runner.providers.creation import read_creation
from runner.providers.json_body import Unreadable, mapping, read_object
from runner.providers.task_ids import first_task_id
from runner.providers.video.task import Stage, find_task, read_task, says_success

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer


def read_submission(reply: Reply) -> SubmitAnswer:
    """Accepted by a 2xx that names a task and says nothing against it; everything else by the gateway's tables.

    Args:
        reply: The reply to the POST.
    """
    return read_creation(reply, find_id=_task_id, says_success=says_success, goes_on=_goes_on)


def read_query(reply: Reply, inputs: Mapping[str, Any]) -> QueryAnswer:
    """What a reply to the query means. The id in it may differ from the one that was asked for, and is never compared.

    Args:
        reply: The reply to the GET.
        inputs: What the job asked for.
    """
    body = read_object(reply)
    complaint = gateway.read_complaint(reply, body)
    if 200 <= reply.status < 300:
        if isinstance(body, Unreadable):
            return AskAgain(f"HTTP {reply.status}, and {body.reason}")
        task = find_task(body)
        if task is not None:
            return read_task(task, inputs, request_id=complaint.request_id)
    return gateway.read_failed_query(reply, complaint)


def _goes_on(body: Mapping[str, Any]) -> bool:
    """Whether a task in an error goes on all the same; one that has failed is what an error may well say."""
    task = find_task(body)
    return gateway.has_success_code(body) or (task is not None and task.stage not in (None, Stage.FAILED))


def _task_id(body: Mapping[str, Any]) -> str | None:
    """The id of a new task: `id`, `task_id`, `data.id`, `data.task_id`, `data` if text (api-facts section 3.3)."""
    inner = mapping(body.get("data"))
    data = body["data"] if isinstance(body.get("data"), str) else None
    return first_task_id((body.get("id"), body.get("task_id"), inner.get("id"), inner.get("task_id"), data))
