"""What a gateway answers, in either style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.answers import Accepted, AskAgain, InDoubt
from runner.providers import gateway
from runner.providers.json_body import Unreadable, mapping, read_object
from runner.providers.task_ids import first_task_id
from runner.providers.video.task import Stage, find_task, read_task, says_success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer


def read_submission(reply: Reply) -> SubmitAnswer:
    """Accepted by a 2xx that names a task and says nothing against it; everything else by the gateway's tables.

    Args:
        reply: The reply to the POST.
    """
    body = read_object(reply)
    complaint = gateway.read_complaint(reply, body)
    is_2xx = 200 <= reply.status < 300
    if isinstance(body, Unreadable):
        if is_2xx:
            return InDoubt(f"HTTP {reply.status}, and {body.reason}", complaint.request_id)
        return gateway.read_rejection(reply, complaint)
    task_id = _task_id(body)
    if is_2xx and task_id is not None and says_success(body):
        return Accepted(task_id)
    if task_id is not None and (is_2xx or complaint.code == gateway.SUCCESS or _has_begun(body)):
        words = (
            f"the reply names the task {task_id} without saying success; adopt it if the provider shows it: {complaint}"
        )
        return InDoubt(gateway.shortened(words), complaint.request_id)
    return gateway.read_rejection(reply, complaint)


def read_query(reply: Reply, inputs: Mapping[str, Any], *, content: Callable[[str], str] | None = None) -> QueryAnswer:
    """What a reply to the query means. The id in it may differ from the one that was asked for, and is never compared.

    Args:
        reply: The reply to the GET.
        inputs: What the job asked for.
        content: As for `read_task`.
    """
    body = read_object(reply)
    complaint = gateway.read_complaint(reply, body)
    if 200 <= reply.status < 300:
        if isinstance(body, Unreadable):
            return AskAgain(f"HTTP {reply.status}, and {body.reason}")
        task = find_task(body)
        if task is not None:
            return read_task(task, inputs, request_id=complaint.request_id, content=content)
    return gateway.read_failed_query(reply, complaint)


def _has_begun(body: Mapping[str, Any]) -> bool:
    """Whether a task in an error goes on all the same; one that has failed is what an error may well say."""
    task = find_task(body)
    return task is not None and task.stage not in (None, Stage.FAILED)


def _task_id(body: Mapping[str, Any]) -> str | None:
    """The id of a new task: `id`, `task_id`, `data.id`, `data.task_id`, `data` if text (api-facts section 3.3)."""
    inner = mapping(body.get("data"))
    data = body["data"] if isinstance(body.get("data"), str) else None
    return first_task_id((body.get("id"), body.get("task_id"), inner.get("id"), inner.get("task_id"), data))
