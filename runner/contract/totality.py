"""Readers are total: whatever strangers send, there is an answer, and never one that costs money."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.contract.facts import assert_address
from runner.contract.replies import damaged, near_replies, strange_objects
from runner.contract.subject import Subject
from runner.core.answers import Accepted, AskAgain, InDoubt, QueryAnswer, Ready, Reply, SubmitAnswer
from runner.core.identity import is_task_id
from runner.core.ports import ListedTask, ListPage
from runner.schema_form import part_check

if TYPE_CHECKING:
    from runner.contract.recordings import Case

_STRANGE_EXAMPLES: Final = 200
_NEAR_EXAMPLES: Final = 400
_QUIET: Final = settings(deadline=None, database=None, max_examples=_NEAR_EXAMPLES)


class TotalityTests(Subject):
    """The provider over replies that nobody has ever seen."""

    def test_any_reply_has_an_answer(self, folder: str) -> None:
        """No status, header or body makes a reader raise, and what was cut short never begins or ends anything."""
        operation = self.operations()[folder]
        outputs = part_check(self.schema(folder), "outputs")

        @_QUIET
        @given(near_replies([case for case in self._replies() if case.folder == folder]))
        def hold(reply: Reply) -> None:
            submitted = operation.read_submission(reply)
            asked = operation.read_query(reply, {})
            assert isinstance(submitted, SubmitAnswer)
            assert isinstance(asked, QueryAnswer)
            assert not isinstance(submitted, Accepted) or is_task_id(submitted.task_id)
            results = [asked, submitted.ready if isinstance(submitted, Accepted) else None]
            for ready in results:
                if isinstance(ready, Ready):
                    assert outputs.is_valid(dict(ready.outputs)), ready.outputs
                    assert_address(operation.traits, ready)
            if reply.truncated:
                assert isinstance(asked, AskAgain)
                assert isinstance(submitted, InDoubt) or not 200 <= reply.status < 300
                assert not isinstance(submitted, Accepted)

        hold()

    def test_any_reply_to_a_lookup_or_a_list_has_an_answer(self, folder: str) -> None:
        """The same for look-ups and lists: what was cut short finds nothing, and says of nothing that it is not there."""
        operation = self.operations()[folder]

        @_QUIET
        @given(near_replies([case for case in self._replies() if case.folder == folder]))
        def hold(reply: Reply) -> None:
            found = AskAgain("") if operation.own_ids is None else operation.own_ids.read(reply, "own-id")
            page = AskAgain("") if operation.task_list is None else operation.task_list.read(reply)
            assert found is None or isinstance(found, AskAgain) or is_task_id(found)
            if reply.truncated:
                assert isinstance(found, AskAgain)
                assert isinstance(page, AskAgain)
            if operation.task_list is not None and not isinstance(page, AskAgain):
                assert isinstance(page, ListPage)
                assert len(page.tasks) <= page.size
                for task in page.tasks:
                    assert isinstance(task, ListedTask)
                    assert is_task_id(task.task_id)
                    assert task.created_at is None or 0 < task.created_at < inf
                    assert isinstance(operation.task_list.read_task(task, {}), QueryAnswer)

        hold()

    def test_unknown_shapes_say_nothing(self, folder: str) -> None:
        """A 200 whose keys nobody knows is neither an acceptance nor a refusal, says nothing about a task, and does not deny one."""
        operation = self.operations()[folder]

        @settings(_QUIET, max_examples=_STRANGE_EXAMPLES)
        @given(strange_objects())
        def hold(body: bytes) -> None:
            reply = Reply(200, {}, body)
            assert isinstance(operation.read_submission(reply), InDoubt)
            assert isinstance(operation.read_query(reply, {}), AskAgain)
            if operation.own_ids is not None:
                assert isinstance(operation.own_ids.read(reply, "own-id"), AskAgain)
            if operation.task_list is not None:
                assert isinstance(operation.task_list.read(reply), AskAgain)

        hold()

    def test_a_damaged_doubt_stays_one(self, folder: str) -> None:
        """A few damaged bytes never turn a doubt into a refusal or a "not now": both would let it be sent again."""
        operation = self.operations()[folder]
        cases = [case for case in self.cases("submit") if case.folder == folder and case.expect["answer"] == "InDoubt"]
        doubts = [case.reply for case in cases if not self._is_clear(case.reply.body)]

        @_QUIET
        @given(damaged(st.sampled_from(doubts)))
        def hold(reply: Reply) -> None:
            assume(not self._is_clear(reply.body))
            answer = operation.read_submission(reply)
            if 200 <= reply.status < 300:
                assert isinstance(answer, InDoubt | Accepted)
            elif reply.status >= 500 or reply.status in (409, 499):
                assert isinstance(answer, InDoubt)

        assert doubts, "no doubt is recorded: a reset gateway's 502, for one, must be one"
        hold()

    def test_every_cut_of_an_acceptance_is_in_doubt(self, submit_case: Case) -> None:
        """An acceptance that ends at any byte before its last is in doubt, and never another task's id."""
        operation = self.operations()[submit_case.folder]
        reply = submit_case.reply
        if submit_case.expect["answer"] != "Accepted":
            return
        for length in range(len(reply.body.rstrip())):
            cut = Reply(reply.status, reply.headers, reply.body[:length])
            assert isinstance(operation.read_submission(cut), InDoubt), cut.body

    def test_every_cut_of_a_result_says_nothing(self, query_case: Case) -> None:
        """A result that ends at any byte before its last is asked for again."""
        operation = self.operations()[query_case.folder]
        reply = query_case.reply
        if query_case.expect["answer"] != "Ready":
            return
        for length in range(len(reply.body.rstrip())):
            cut = Reply(reply.status, reply.headers, reply.body[:length])
            assert isinstance(operation.read_query(cut, query_case.inputs), AskAgain), cut.body

    def _replies(self) -> list[Case]:
        return [case for kind in ("submit", "query", "lookup", "list") for case in self.cases(kind)]

    def _is_clear(self, body: bytes) -> bool:
        return any(word.encode() in body for word in self.clear_words)
