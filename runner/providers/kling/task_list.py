"""Lists tasks of Kling: `GET …?pageNum=1&pageSize=500`, the envelope with an array under `data` (`api-facts.md` section 1.4).

Sort order and a total count are not documented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from runner.core.answers import AskAgain, Ready, Request, UnknownTask
from runner.core.codes import Code
from runner.core.identity import is_task_id
from runner.core.ports import ListedTask, ListPage
from runner.providers.json_body import mapping, text
from runner.providers.kling.replies import read_envelope
from runner.providers.kling.task import own_id_of, read_task
from runner.providers.unix_time import task_began_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer, Reply
    from runner.providers.kling.task import ReadResult


@dataclass(frozen=True, slots=True)
class Tasks:
    """Implements `runner.core.ports.TaskList` for one operation.

    Args:
        path: The operation's path, without a slash at the end.
        page_size: The most tasks that a page can hold, as documented.
        read_result: Reads what the operation makes.
    """

    path: str
    page_size: int
    read_result: ReadResult

    def request(self, page: int, size: int) -> Request:
        """`GET …?pageNum=<page>&pageSize=<size>`."""
        return Request("GET", f"{self.path}?pageNum={page}&pageSize={size}")

    def read(self, reply: Reply) -> ListPage | AskAgain:
        """The tasks of a page; items without an id count in its size alone. A page that was cut short is none: its tasks may be anything."""
        body = read_envelope(reply)
        if isinstance(body, UnknownTask):
            return AskAgain(body.reason)
        if isinstance(body, AskAgain):
            return replace(body, stops_account=None) if _is_about_lists(body) else body
        # Programs write an empty list as null now and then; without the key, it is no page.
        items = (body["data"] or []) if "data" in body else None
        if not isinstance(items, list):
            return AskAgain(f"HTTP {reply.status}: there is no list of tasks in the answer")
        tasks = [_listed(task) for task in map(mapping, items) if is_task_id(text(task.get("task_id")))]
        return ListPage(tasks=tasks, size=len(items))

    def read_task(self, task: ListedTask, inputs: Mapping[str, Any]) -> QueryAnswer:
        """What the list says about a task; `AskAgain` when that is nothing, or a success whose file only the task's own query shows."""
        answer = read_task(task.body, self.read_result, own_words=str(inputs))
        if answer is None:
            return AskAgain(f"the list says nothing about task {task.task_id}")
        if isinstance(answer, Ready) and not answer.outputs:
            return AskAgain(f"the list shows no result of task {task.task_id}")
        return answer


def _is_about_lists(answer: AskAgain) -> bool:
    """Whether a host only does not give lists: it may take submissions and be asked for single tasks all the same."""
    return answer.stops_account is not None and answer.stops_account.code in (Code.WRONG_ADDRESS, Code.NOT_PERMITTED)


def _listed(task: Mapping[str, Any]) -> ListedTask:
    return ListedTask(
        task_id=text(task.get("task_id")),
        external_id=own_id_of(task) or None,
        body=task,
        created_at=task_began_s(task.get("created_at")),
    )
