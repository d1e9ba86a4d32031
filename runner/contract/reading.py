"""What recorded requests and replies have to be and to mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.contract.recordings import OWN_ID, as_plain, picked
from runner.contract.subject import Subject
from runner.core.answers import AskAgain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.contract.recordings import Case
    from runner.core.ports import ListedTask, TaskList


class ReadingTests(Subject):
    """The provider over the recordings of its API."""

    def test_request(self, request_case: Case) -> None:
        """Inputs give exactly these bytes, whatever the order in which they were written."""
        operation = self.operations()[request_case.folder]
        for inputs in (request_case.inputs, dict(reversed(list(request_case.inputs.items())))):
            request = operation.submission(inputs, OWN_ID)
            assert request.body is not None
            made = {
                "method": request.method,
                "path": request.path,
                "body": request.body.decode(),
                "content_type": request.content_type,
            }
            assert picked(made, request_case.expect) == request_case.expect, request_case.why

    def test_submission(self, submit_case: Case) -> None:
        """The reply to a submission means what the case says."""
        answer = self.operations()[submit_case.folder].read_submission(submit_case.reply)
        assert picked(as_plain(answer), submit_case.expect) == submit_case.expect, submit_case.why

    def test_query(self, query_case: Case) -> None:
        """The reply to a query means what the case says."""
        answer = self.operations()[query_case.folder].read_query(query_case.reply, query_case.inputs)
        assert picked(as_plain(answer), query_case.expect) == query_case.expect, query_case.why

    def test_lookup(self, lookup_case: Case) -> None:
        """The reply to a question by our own id means what the case says."""
        own_ids = self.operations()[lookup_case.folder].own_ids
        assert own_ids is not None, "the API knows no ids of ours: nothing is looked up"
        found = own_ids.read(lookup_case.reply, OWN_ID)
        made = as_plain(found) if isinstance(found, AskAgain) else _found(found)
        assert picked(made, lookup_case.expect) == lookup_case.expect, lookup_case.why

    def test_list(self, list_case: Case) -> None:
        """The reply to the question for a page of tasks means what the case says, and so does each task in it."""
        task_list = self.operations()[list_case.folder].task_list
        assert task_list is not None, "the API lists no tasks"
        found = task_list.read(list_case.reply)
        if isinstance(found, AskAgain):
            assert picked(as_plain(found), list_case.expect) == list_case.expect, list_case.why
            return
        assert list_case.expect["answer"] == "Page", list_case.why
        assert found.size == list_case.expect.get("size", len(found.tasks)), list_case.why
        assert len(found.tasks) == len(list_case.expect["tasks"]), list_case.why
        for task, expected in zip(found.tasks, list_case.expect["tasks"], strict=True):
            assert picked(_listed(task_list, task, list_case.inputs), expected) == expected, list_case.why

    def test_voices(self, voices_case: Case) -> None:
        """The reply to the question for voices means what the case says."""
        found = self.provider.read_voices(voices_case.reply)
        made: dict[str, Any] = {"problem": found}
        if not isinstance(found, str):
            parts = ("inputs", "name", "language", "labels")
            made = {"voices": [picked(as_plain(voice), dict.fromkeys(parts)) for voice in found]}
        assert made == voices_case.expect, voices_case.why


def _found(task_id: str | None) -> dict[str, Any]:
    return {"answer": "Absent"} if task_id is None else {"answer": "Found", "task_id": task_id}


def _listed(task_list: TaskList, task: ListedTask, inputs: Mapping[str, Any]) -> dict[str, Any]:
    said = as_plain(task_list.read_task(task, inputs))
    return {"task_id": task.task_id, "external_id": task.external_id, "created_at": task.created_at, "says": said}
