"""Reads Kling's envelope: what a reply to a submission or a query means, the same for all its operations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.core.answers import AskAgain, Ended, Ready, UnknownTask
from runner.providers.creation import read_creation
from runner.providers.json_body import Unreadable, mapping, read_object, text
from runner.providers.kling import codes
from runner.providers.kling.task import own_id_of, read_task
from runner.providers.task_ids import first_task_id

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
    return read_creation(
        reply,
        find_id=_task_id,
        says_success=says_success,
        goes_on=says_success,
        complain=codes.read_complaint,
        reject=partial(codes.read_rejection, has_own_id=has_own_id),
    )


def read_query(reply: Reply, inputs: Mapping[str, Any] | None, read_result: ReadResult) -> QueryAnswer:
    """What a reply to a query means. A failed task comes with HTTP 200 and code 0.

    Args:
        reply: Any reply.
        inputs: What the job asked for: its own words. None where nobody knows it.
        read_result: Reads what the operation makes.
    """
    body = read_envelope(reply)
    if isinstance(body, AskAgain | UnknownTask):
        return body
    request_id = codes.read_complaint(reply, body).request_id
    task, message = mapping(body.get("data")), text(body.get("message"))
    own_words = None if inputs is None else str(inputs)
    answer = read_task(task, read_result, own_words=own_words, message=message, request_id=request_id)
    if isinstance(answer, Ready | Ended):
        return replace(answer, names=tuple(filter(None, (text(task.get("task_id")), own_id_of(task)))))
    return answer or AskAgain(f"HTTP {reply.status}: there is no task in the answer")


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


def _task_id(body: Mapping[str, Any]) -> str | None:
    """The id of a new task, which stands in one place alone: a text under `data` may be anything."""
    return first_task_id([mapping(body.get("data")).get("task_id")])
