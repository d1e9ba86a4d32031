"""Looks a task of Kling up by our own id: the same path as by its own, `GET …/{external_task_id}` (`api-facts.md` sections 1.2 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner.core.answers import AskAgain, Request, UnknownTask
from runner.core.identity import is_task_id
from runner.providers.json_body import mapping, read_object, text
from runner.providers.kling import codes
from runner.providers.kling.replies import read_envelope
from runner.providers.kling.task import own_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import Reply


@dataclass(frozen=True, slots=True)
class ExternalTaskIds:
    """Implements `runner.core.ports.OwnIds` for an operation whose creates carry an `external_task_id`.

    Args:
        path: The operation's path, without a slash at the end.
    """

    path: str

    def request(self, external_id: str) -> Request:
        """`GET …/{external_task_id}`."""
        return Request("GET", f"{self.path}/{quote(external_id, safe='')}")

    def read(self, reply: Reply, external_id: str) -> str | AskAgain | None:
        """The task's id; None where the API says that there is none, since then the submission may be sent again; else `AskAgain`."""
        if codes.denies_task(codes.read_complaint(reply, read_object(reply))):
            return None
        body = read_envelope(reply)
        if isinstance(
            body, UnknownTask
        ):  # a 404 without a word of Kling's: what says so is not documented (api-facts section 10)
            return None
        if isinstance(body, AskAgain):
            return body
        if "data" in body and body["data"] in (None, {}, []):
            return None
        return _task_id(body.get("data"), external_id) or AskAgain(
            f"HTTP {reply.status}: the answer shows no task that is known to be ours"
        )


def _task_id(found: Any, external_id: str) -> str | None:
    """The id of the task that is ours; of several, the one that says so."""
    if isinstance(found, list):
        ours = (task for task in map(mapping, found) if own_id_of(task) == external_id)
        return next((task_id for task in ours if (task_id := _id_of(task))), None)
    task = mapping(found)
    return _id_of(task) if own_id_of(task) in ("", external_id) else None


def _id_of(task: Mapping[str, Any]) -> str | None:
    task_id = text(task.get("task_id"))
    return task_id if is_task_id(task_id) else None
