"""The outputs that a job takes from those it needs: from the state, or from their paid tasks.

The lock file holds no addresses. A state that was built from it knows a delivered job without them, so the job's task is asked once more.
That is free. What it answers is kept for this run alone, since addresses expire.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.core import answers
from runner.core.giving import is_only_recorded, no_more
from runner.core.references import OutputRef, find, resolve
from runner.engine.fetch import MOST_TRIES, pause
from runner.engine.follow import ask
from runner.engine.givers import Unfit
from runner.engine.inputs import asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.answers import QueryAnswer
    from runner.core.job import Job
    from runner.engine.context import Context
    from runner.engine.givers import Givers
    from runner.engine.lane import Lane
    from runner.engine.prepare import Prepared


class OutputMissing(LookupError):
    """A needed job succeeded but gives no such output, or cannot be asked for it now; the message names both."""


class _Silent(NamedTuple):
    """A task that does not tell its outputs.

    Args:
        reason: Why, in words.
        is_final: Whether it never will again.
    """

    reason: str
    is_final: bool = False


@dataclass(slots=True)
class Outputs:
    """Gives jobs the outputs of those that they need.

    Args:
        ctx: The run.
        lanes: The accounts that can be asked, by name; those without work included.
        prepared: Knows what a needed job asked for.
        givers: The needed jobs.
    """

    ctx: Context
    lanes: Mapping[str, Lane]
    prepared: Prepared
    givers: Givers
    _told: dict[str, Mapping[str, Any] | _Silent] = field(default_factory=dict)
    """By needed job: what its task told, or why it tells nothing."""
    _locked: set[str] = field(default_factory=set)
    """Needed jobs whose file has no address but one below the account's own, for its key alone."""
    _asking: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def put_into(self, inputs: Mapping[str, Any], waiting: Job) -> Mapping[str, Any]:
        """The inputs with outputs in the place of references.

        Args:
            inputs: With references.
            waiting: The job that they are of, for notices.

        Raises:
            OutputMissing: A needed output is not to be had now.
            Unfit: It is not to be had any more, and the next run makes it again.
        """
        plain, values = dict(inputs), dict[OutputRef, Any]()
        for ref in find(plain):
            if ref not in values:
                values[ref] = await self._value(ref, waiting)
        answer: Mapping[str, Any] = resolve(plain, values.__getitem__)
        return answer

    async def _value(self, ref: OutputRef, waiting: Job) -> Any:
        row = self.givers.row(ref.job)
        if row is not None and row.outputs.get(ref.output) is not None:
            return row.outputs[ref.output]
        told = {} if row is None or row.task_id is None else await self._told_by_task(row, ref, waiting)
        if told.get(ref.output) is None:
            why = ": only the account's key can fetch its file, which has no public address"
            raise OutputMissing(
                f"job `{ref.job}` gave no output `{ref.output}`{why if ref.job in self._locked else ''}"
            )
        return told[ref.output]

    async def _told_by_task(self, row: Job, ref: OutputRef, waiting: Job) -> Mapping[str, Any]:
        async with self._asking[row.id]:  # all who need the same job share one question
            if row.id not in self._told:
                self._told[row.id] = await self._ask(row, waiting)
        told = self._told[row.id]
        if not isinstance(told, _Silent):
            return told
        if told.is_final and is_only_recorded(row):
            raise Unfit(no_more(row.id, ref.output, told.reason))
        raise OutputMissing(f"outputs of `{row.id}` are not in the lock file, and {told.reason}")

    async def _ask(self, row: Job, waiting: Job) -> Mapping[str, Any] | _Silent:
        """Ask a task for its outputs until it answers, as often as for a fresh address."""
        lane = self.lanes.get(row.account)
        if lane is None or row.operation not in lane.operations:
            why = f"account `{row.account}`, which has its task, cannot be asked (is it in the manifest, with a credential?)"
            return _Silent(why)
        if not lane.operations[row.operation].traits.can_be_asked:
            return _Silent("its API cannot be asked for them again", is_final=True)
        tries, inputs = 0, self._inputs(row)
        while True:
            answer = await ask(lane, row, inputs)
            if isinstance(answer, answers.Ready) and (answer.address or not row.output):
                if (answer.address or "").startswith("/"):
                    self._locked.add(row.id)
                return answer.outputs
            silence, tries = _silence(row, answer), tries + 1
            if tries == MOST_TRIES or isinstance(answer, answers.Ended):
                return silence
            wait_s = answer.retry_after_s if isinstance(answer, answers.AskAgain) else None
            reason = f"outputs of `{row.id}`: {silence.reason}"
            await pause(self.ctx, lane, waiting, reason, tries=tries, retry_after_s=wait_s)

    def _inputs(self, row: Job) -> Mapping[str, Any]:
        """What the task was asked for: a provider may need it to choose among results."""
        giver = self.prepared.givers.get(row.id)
        return asked_for(row) if giver is None else self.prepared.worklist.read(giver.ticket).spec.inputs


def _silence(row: Job, answer: QueryAnswer) -> _Silent:
    """What an answer means that tells no outputs, should it be the last."""
    match answer:
        case answers.Ended(failure=failure):
            reason, is_final = failure.message, True
        case answers.UnknownTask(reason=said):
            reason, is_final = said, True
        case answers.AskAgain(reason=said):
            reason, is_final = said, False
        case _:
            reason, is_final = "it names no result", False
    return _Silent(f"its task {row.task_id} gives them no more: {reason}", is_final)
