"""The outputs that a job takes from those it needs: from the state, or from their paid tasks.

The lock file holds no addresses. A state that was built from it knows a delivered job without them, so the job's task is asked once more.
That is free. What it answers is kept for this run alone, since addresses expire.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.core import answers
from runner.core.references import OutputRef, find, resolve
from runner.engine.fetch import MOST_TRIES, pause
from runner.engine.follow import ask
from runner.engine.inputs import asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.job import Job
    from runner.engine.context import Context
    from runner.engine.givers import Givers
    from runner.engine.lane import Lane
    from runner.engine.prepare import Prepared


class OutputMissing(LookupError):
    """A needed job succeeded but gives no such output (any more); the message names both."""


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
    _told: dict[str, Mapping[str, Any] | str] = field(default_factory=dict)
    """By needed job: what its task told, or why it tells nothing."""
    _asking: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def put_into(self, inputs: Mapping[str, Any], waiting: Job) -> Mapping[str, Any]:
        """The inputs with outputs in the place of references.

        Args:
            inputs: With references.
            waiting: The job that they are of, for notices.

        Raises:
            OutputMissing: A needed output is not to be had.
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
        told = {} if row is None or row.task_id is None else await self._told_by_task(row, waiting)
        if told.get(ref.output) is None:
            raise OutputMissing(f"job `{ref.job}` gave no output `{ref.output}`")
        return told[ref.output]

    async def _told_by_task(self, row: Job, waiting: Job) -> Mapping[str, Any]:
        async with self._asking[row.id]:  # all who need the same job share one question
            if row.id not in self._told:
                self._told[row.id] = await self._ask(row, waiting)
        told = self._told[row.id]
        if isinstance(told, str):
            raise OutputMissing(f"outputs of `{row.id}` are not in the lock file, and {told}")
        return told

    async def _ask(self, row: Job, waiting: Job) -> Mapping[str, Any] | str:
        """Ask a task for its outputs until it answers, as often as for a fresh address; why it does not, in words."""
        lane = self.lanes.get(row.account)
        if lane is None or row.operation not in lane.operations:
            return f"account `{row.account}`, which has its task, cannot be asked (is it in the manifest, with a credential?)"
        tries, inputs = 0, self._inputs(row)
        while True:
            retry_after_s = None
            match await ask(lane, row, inputs):
                case answers.Ready(address=address, outputs=outputs) if address or not row.output:
                    return outputs
                case answers.Ended() as ended:
                    return f"its task {row.task_id} gives them no more: {ended.failure.message}"
                case answers.AskAgain() as again:
                    reason, retry_after_s = again.reason, again.retry_after_s
                case answers.UnknownTask() as unknown:
                    reason = unknown.reason
                case _:
                    reason = "it names no result"
            tries += 1
            if tries == MOST_TRIES:
                return f"its task {row.task_id} gives them no more: {reason}"
            await pause(
                self.ctx, lane, waiting, f"outputs of `{row.id}`: {reason}", tries=tries, retry_after_s=retry_after_s
            )

    def _inputs(self, row: Job) -> Mapping[str, Any]:
        """What the task was asked for: a provider may need it to choose among results."""
        giver = self.prepared.givers.get(row.id)
        return asked_for(row) if giver is None else self.prepared.worklist.read(giver.ticket).spec.inputs
