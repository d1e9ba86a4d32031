"""Reads Kling's envelope: what a reply to a submission or a query means, the same for all its operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.answers import Accepted, AskAgain, InDoubt, UnknownTask
from runner.providers import gateway
from runner.providers.json_body import Unreadable, mapping, read_object, text
from runner.providers.kling import codes
from runner.providers.kling.task import read_task
from runner.providers.task_ids import find_task_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply, SubmitAnswer
    from runner.providers.kling.task import ReadResult


def read_submission(reply: Reply, *, has_own_id: bool) -> SubmitAnswer:
    """What a reply to a create means.

    Args:
        reply: Any reply.
        has_own_id: Whether the create carried an id of ours.

    Returns:
        `Accepted` by a 2xx that says success and names a task; everything else by Kling's codes, then by the gateway's tables.
    """
    body = read_object(reply)
    complaint = codes.read_complaint(reply, body)
    is_2xx = 200 <= reply.status < 300
    if isinstance(body, Unreadable):
        if is_2xx:
            return InDoubt(f"HTTP {reply.status}, and {body.reason}", complaint.request_id)
        return codes.read_rejection(reply, complaint, has_own_id=has_own_id)
    task_id = find_task_id(body)
    is_success = says_success(body)
    if is_2xx and task_id is not None and is_success:
        return Accepted(task_id)
    if task_id is not None and (is_2xx or is_success):
        words = f"the reply names the task {task_id} without saying success; adopt it if Kling shows it: {complaint}"
        return InDoubt(gateway.shortened(words), complaint.request_id)
    return codes.read_rejection(reply, complaint, has_own_id=has_own_id)


def read_query(reply: Reply, inputs: Mapping[str, Any], read_result: ReadResult) -> QueryAnswer:
    """What a reply to a query means. A failed task comes with HTTP 200 and code 0.

    Args:
        reply: Any reply.
        inputs: What the job asked for: its own words.
        read_result: Reads what the operation makes.
    """
    body = read_envelope(reply)
    if not isinstance(body, AskAgain | UnknownTask):
        request_id = codes.read_complaint(reply, body).request_id
        task, message = mapping(body.get("data")), text(body.get("message"))
        answer = read_task(task, read_result, own_words=str(inputs), message=message, request_id=request_id)
        return answer or AskAgain(f"HTTP {reply.status}: there is no task in the answer")
    return body


def read_envelope(reply: Reply) -> Mapping[str, Any] | UnknownTask | AskAgain:
    """The envelope of a question that was answered, or what the reply says instead."""
    body = read_object(reply)
    is_2xx = 200 <= reply.status < 300
    if isinstance(body, Unreadable) and is_2xx:
        return AskAgain(f"HTTP {reply.status}, and {body.reason}")
    if not isinstance(body, Unreadable) and is_2xx and says_success(body):
        return body
    return codes.read_failed_query(reply, codes.read_complaint(reply, body))


def says_success(body: Mapping[str, Any]) -> bool:
    """Whether the call worked. A gateway's own error object speaks against it, whatever the code."""
    return not body.get("error") and text(body.get("code")).lower() in codes.SUCCESS
