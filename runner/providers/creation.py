"""Reads the reply to a create: the same order of questions for every API, with what differs between them as arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.core.answers import Accepted, InDoubt
from runner.providers import gateway
from runner.providers.json_body import Unreadable, read_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.answers import Reply, SubmitAnswer
    from runner.providers.gateway import Complaint

    Body = Mapping[str, Any]


def read_creation(
    reply: Reply,
    *,
    find_id: Callable[[Body], str | None],
    says_success: Callable[[Body], bool],
    goes_on: Callable[[Body], bool],
    complain: Callable[[Reply, Body | Unreadable], Complaint] = gateway.read_complaint,
    reject: Callable[[Reply, Complaint], SubmitAnswer] = gateway.read_rejection,
) -> SubmitAnswer:
    """What a reply to a create means.

    Args:
        reply: Any reply.
        find_id: Finds the id of the new task in the body.
        says_success: Whether nothing in the body speaks against the call's success.
        goes_on: Whether a task that an error names may be under way all the same: then the error is no refusal.
        complain: Reads what the reply says beside the task.
        reject: What a reply means that has no task of ours in it.

    Returns:
        `Accepted` by a 2xx that says success and names a task; a doubt where a task is named and success is not said; everything else by `reject`.
    """
    body = read_object(reply)
    complaint = complain(reply, body)
    is_2xx = 200 <= reply.status < 300
    if isinstance(body, Unreadable):
        if is_2xx:
            return InDoubt(f"HTTP {reply.status}, and {body.reason}", complaint.request_id)
        return reject(reply, complaint)
    task_id = find_id(body)
    if task_id is None or not (is_2xx or goes_on(body)):
        return reject(reply, complaint)
    if is_2xx and says_success(body):
        return Accepted(task_id)
    words = f"the reply names the task {task_id} without saying success; adopt it if the provider shows it: {complaint}"
    return InDoubt(gateway.shortened(words), complaint.request_id)
