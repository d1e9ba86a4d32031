"""The life of a job in a run: from its submission, or from where an earlier run left it, to its file."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.giving import has_given
from runner.core.job import Job, State
from runner.core.plan import Action
from runner.engine.aftermath import After
from runner.engine.fetch import bring_home
from runner.engine.follow import follow
from runner.engine.givers import Unfit, unpriced
from runner.engine.inputs import FileChanged, asked_for, with_files
from runner.engine.lookup import adopt_known, look_up_lost
from runner.engine.needs import EVERY, Waiters
from runner.engine.outputs import OutputMissing
from runner.engine.recover import recover
from runner.engine.submit import Submission, new_job, reopening, submit
from runner.engine.worklist import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.core.events import Event
    from runner.core.money import Money
    from runner.engine.context import Context
    from runner.engine.lane import Lane
    from runner.engine.outputs import Outputs
    from runner.engine.prepare import Prepared
    from runner.engine.space import Space
    from runner.engine.worklist import Ticket, Work

_IS_TAKEN = frozenset({After.GOES_ON, After.FOUND})
_NO_TICKET = -1
"""Of a task that belongs to no job of the run."""


@dataclass(slots=True)
class Lives:
    """Carries jobs as far as they go, and counts how they ended.

    Args:
        ctx: What the parts of the run share.
        lanes: The accounts with work, by name.
        prepared: The work.
        outputs: Gives jobs the outputs of those that they need.
        space: Learns how large results are.
        wake: Called when something has changed that may let another job start.
        is_over: Whether the run ends and an accepted task is left to the next one.
        states: Jobs that have ended, by state.
        ended: How many.
        begun: Jobs that were submitted, not taken, and wait again.
    """

    ctx: Context
    lanes: Mapping[str, Lane]
    prepared: Prepared
    outputs: Outputs
    space: Space
    wake: Callable[[], None]
    is_over: Callable[[], bool]
    states: Counter[State] = field(default_factory=Counter)
    ended: int = 0
    begun: set[Ticket] = field(default_factory=set)

    async def make(self, lane: Lane, work: Work, reserved: Money | None) -> None:
        """Submit a job and carry it to its end."""
        job = self._row(work)
        try:
            job, after = await self._submit(lane, work, job, reserved)
        except (OutputMissing, FileChanged, Unfit) as error:
            self._free_slot(lane)
            await self._end(work, await self._unsent(work, job, error))
            return
        finally:
            self.ctx.treasury.let_go(work.spec)
        if after in _IS_TAKEN:
            await self._carry(lane, work, job, resumed=after is After.FOUND, holds_slot=True)
        else:
            await self._not_taken(lane, work, job, after)

    async def resume(self, lane: Lane, work: Work) -> None:
        """Go on with a job that an earlier run has paid for, or may have."""
        job = self._row(work)
        holds_slot = job.state is not State.DOWNLOADING
        if job.state in (State.SUBMITTING, State.IN_DOUBT):
            job, after = await self._recovered(lane, work.ticket, job)
            if after not in _IS_TAKEN:
                await self._not_taken(lane, work, job, after)
                return
        with contextlib.nullcontext() if holds_slot else lane.fetches():
            await self._carry(lane, work, job, resumed=True, holds_slot=holds_slot)

    async def fetch_again(self, lane: Lane, work: Work) -> None:
        """Ask a task that ended long ago for its file."""
        try:
            job = self._row(work)
            if await self._recalled(work, job):
                return
            if job.state is not State.RUNNING:
                job = await self.ctx.journal.move(
                    job, events.Reopened(at=self.ctx.clock.wall(), reason="its file is not there")
                )
            await self._carry(lane, work, job, resumed=True, holds_slot=False)
        finally:
            lane.fetching -= 1

    async def watch(self, lane: Lane, job: Job) -> None:
        """A task that holds a slot but belongs to no selected job: its result is noted, and fetched when its job is run."""
        after = After.FOUND
        if job.state is State.SUBMITTING:
            job, after = await self._recovered(lane, _NO_TICKET, job)
        if after is After.DOUBT:
            return
        if after in _IS_TAKEN and job.state is State.RUNNING:
            job = await follow(self.ctx, lane, job, asked_for(job), resumed=True)
        if job.state is not State.RUNNING:
            self._free_slot(lane)

    async def hold(self, waiters: Waiters, needs: tuple[str, ...]) -> None:
        """Let jobs wait for what they need; those whose needs are met already may go, those whose need failed are skipped."""
        failed = self.prepared.needs.hold(waiters, needs)
        if failed == "":
            self.lanes[waiters.account].submit.extend(waiters.jobs)
        elif failed is not None:
            await self._skip_all([(waiters, failed)])

    async def _submit(self, lane: Lane, work: Work, job: Job, reserved: Money | None) -> tuple[Job, After]:
        """Submit a job. The bytes of its files are let go with the answer, not when the task has ended.

        Raises:
            OutputMissing: A needed output is not to be had; nothing was sent.
            FileChanged: A file is not what was planned, or not there; nothing was sent.
            Unfit: What a needed job gave may not be used, or a budget is set and the price unknown; nothing was sent.
        """
        if work.lacking:
            raise FileChanged(work.lacking)
        self.outputs.givers.check(work.spec, self.ctx.clock.wall())
        if reserved is None and self.ctx.treasury.is_limited:
            raise unpriced(work.spec)
        inputs = await self.outputs.put_into(work.spec.inputs, job)
        submission = Submission(work, await with_files(inputs, work.spec.files), reserved)
        known = await adopt_known(self.ctx, lane, job, submission)
        if known is not None:
            return known
        began = self.ctx.clock.monotonic()
        job, after = await submit(self.ctx, lane, job, submission)
        return await self._looked_up(lane, work.ticket, job, after, began)

    async def _recovered(self, lane: Lane, ticket: Ticket, job: Job) -> tuple[Job, After]:
        """What became of a submission that an earlier run has cut off or left in doubt."""
        if job.state is State.SUBMITTING:
            job, after = await recover(self.ctx, lane, ticket, job)
            return await self._looked_up(lane, ticket, job, after, None)
        job, after = await look_up_lost(self.ctx, lane, ticket, job, began=None)
        if after is After.FOUND:  # a doubt of an earlier run holds no slot, a task does
            lane.in_flight += 1
        return job, after

    async def _looked_up(
        self, lane: Lane, ticket: Ticket, job: Job, after: After, began: float | None
    ) -> tuple[Job, After]:
        """Ask for a submission that was lost, where the API can be asked; not any more when the run ends."""
        if after is not After.LOST or self.is_over():
            return job, after
        return await look_up_lost(self.ctx, lane, ticket, job, began=began)

    def _row(self, work: Work) -> Job:
        if work.is_new and work.ticket not in self.begun:  # nobody else writes rows: there is none to read
            return new_job(work)
        rows = self.ctx.store.rows([work.spec.id]).get(work.spec.id, ())
        return next((row for row in rows if row.fingerprint == work.spec.fingerprint), None) or new_job(work)

    async def _not_taken(self, lane: Lane, work: Work, job: Job, after: After) -> None:
        if after is After.LOST:  # the run ends: the next one asks for it
            return
        if after is After.DOUBT:  # the slot stays taken: the task may be running
            await self._end(work, job)
            return
        self._free_slot(lane)
        if after is After.AGAIN:
            self.begun.add(work.ticket)
            await self._again(lane, work)
        elif after is After.ENDED:
            await self._end(work, job)

    async def _again(self, lane: Lane, work: Work) -> None:
        """Let a job be submitted again. One of an earlier run has not waited for its needs in this one, where they may be made anew."""
        if work.action is not Action.REATTACH or not work.spec.needs:
            lane.submit.put_back(work.ticket)
            return
        alone = Queue()
        alone.append(work.ticket)
        await self.hold(Waiters(lane.account.name, alone), work.spec.needs)

    async def _recalled(self, work: Work, job: Job) -> bool:
        """Fetch a file from the output folder itself: it stands under an old path, or was set aside; whether that was all to do."""
        if job.state is not State.SUCCEEDED or job.output is None:
            return False
        found = await self.ctx.delivery.recall(job.output, work.spec.output, self._replaceable(work))
        if found is None:
            return False
        await self._end(
            work, await self.ctx.journal.move(job, events.Relocated(at=self.ctx.clock.wall(), output=found))
        )
        return True

    def _replaceable(self, work: Work) -> tuple[str, ...] | None:
        """The digests that a job may replace under its path: None (any) where it has delivered before, since that place is its own.

        Elsewhere none: a file that stands there is set aside, since it may be another job's paid video that has not moved away yet.
        """
        if work.is_new and work.action is Action.CREATE:
            return ()
        rows = self.ctx.store.rows([work.spec.id]).get(work.spec.id, ())
        is_its_own = any(row.output is not None and row.output.stem == work.spec.output for row in rows)
        return None if is_its_own else ()

    async def _carry(self, lane: Lane, work: Work, job: Job, *, resumed: bool, holds_slot: bool) -> None:
        """From an accepted task to the file. Until its end is seen, a task holds a slot; what holds none is counted as fetching."""
        if self.is_over():
            return
        if job.state is State.RUNNING:
            job = await follow(self.ctx, lane, job, work.spec.inputs, resumed=resumed)
            if job.state is State.RUNNING:
                return
        if holds_slot:
            self._free_slot(lane)
        if job.state is State.DOWNLOADING:
            with lane.fetches() if holds_slot else contextlib.nullcontext():
                job = await bring_home(self.ctx, lane, work, job, self._replaceable(work))
        self.space.learn(job)
        if job.state is not State.PENDING:  # pending: the account ran out of money, a next run tries again
            await self._end(work, job)

    async def _end(self, work: Work, job: Job) -> None:
        """A job has ended for this run; those that waited for it are let go or skipped, and so on down the chain."""
        await self._skip_all(self._count_end(work, job))

    async def _skip_all(self, those: list[tuple[Waiters, str]]) -> None:
        lost = deque(those)
        while lost:
            waiters, need = lost.popleft()
            for ticket in waiters.jobs:
                work = self.prepared.worklist.read(ticket)
                job = await self._skip(work, f"`{need.removesuffix(EVERY)}` did not succeed")
                lost.extend(self._count_end(work, job))

    def _count_end(self, work: Work, job: Job) -> list[tuple[Waiters, str]]:
        """Count a job that has ended and let go what may go now.

        Returns:
            Those that waited for it and never may go, as `Released.lost`.
        """
        self.states[job.state] += 1
        self.ended += 1
        self.begun.discard(work.ticket)
        if work.is_met:  # nobody waits for it
            self.wake()
            return []
        released = self.prepared.needs.ended(job.id, work.spec.name, succeeded=has_given(job))
        for waiters in released.ready:
            self.lanes[waiters.account].submit.extend(waiters.jobs)
        self.wake()
        return released.lost

    async def _skip(self, work: Work, reason: str) -> Job:
        now = self.ctx.clock.wall()
        failure = Failure(cause=None, code=Code.NEED_FAILED, message=f"skipped: {reason}")
        job = self._row(work)
        moves: tuple[Event, ...] = (events.Skipped(at=now, failure=failure),)
        if job.state is State.SKIPPED:
            moves = (events.Requeued(at=now), *moves)
        elif has_given(job):
            return self._kept(job, reason)
        elif job.state is State.FAILED:  # what was to be tried again stays as it is
            return job
        return await self.ctx.journal.move(job, *moves)

    async def _unsent(self, work: Work, job: Job, error: OutputMissing | FileChanged | Unfit) -> Job:
        """Nothing was sent: the job is skipped, or has failed, and the failure says whether the next run tries again."""
        if isinstance(error, OutputMissing):
            return await self._skip(work, str(error))
        failure = error.failure if isinstance(error, Unfit) else _changed(error)
        if has_given(job):
            return self._kept(job, failure.message)
        now = self.ctx.clock.wall()
        return await self.ctx.journal.move(job, *reopening(job, now), events.GaveUp(at=now, failure=failure))

    def _kept(self, job: Job, why: str) -> Job:
        """What was to be made again for its age and is not sent stays delivered: who takes it at any age goes on, the others are told why."""
        self.outputs.givers.note_unrenewed(job.id, why)
        return job

    def _free_slot(self, lane: Lane) -> None:
        lane.in_flight -= 1
        self.wake()


def _changed(error: FileChanged) -> Failure:
    return Failure(cause=Cause.NOT_ACCEPTED, code=Code.FILE_CHANGED, message=f"nothing was sent: {error}")
