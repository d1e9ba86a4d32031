"""The life of a job in a run: from its submission, or from where an earlier run left it, to its file."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import Job, State
from runner.core.plan import Action
from runner.engine.aftermath import After, stop_account
from runner.engine.fetch import bring_home
from runner.engine.follow import follow
from runner.engine.givers import Unfit, unpriced
from runner.engine.inputs import FileChanged, asked_for, with_files
from runner.engine.lookup import Unanswered, find_known, look_up_lost
from runner.engine.needs import EVERY, Waiters
from runner.engine.outputs import OutputMissing
from runner.engine.recover import recover
from runner.engine.submit import Submission, intent_of, new_job, own_id_of, reopening, submit

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
        except OutputMissing as error:
            self._give_back(lane, reserved)
            await self._end(work, await self._skip(work, str(error)))
            return
        except FileChanged as error:
            self._give_back(lane, reserved)
            failure = Failure(cause=Cause.NOT_ACCEPTED, code=Code.FILE_CHANGED, message=f"nothing was sent: {error}")
            await self._end(work, await self._give_up(job, failure))
            return
        except Unfit as error:
            self._give_back(lane, reserved)
            await self._end(work, await self._give_up(job, error.failure))
            return
        if after in _IS_TAKEN:
            await self._carry(lane, work, job, resumed=after is After.FOUND, holds_slot=True)
        else:
            await self._not_taken(lane, work, job, after, reserved)

    async def resume(self, lane: Lane, work: Work) -> None:
        """Go on with a job that an earlier run has paid for, or may have."""
        job = self._row(work)
        holds_slot = job.state is not State.DOWNLOADING
        if job.state in (State.SUBMITTING, State.IN_DOUBT):
            job, after = await self._recovered(lane, work.ticket, job)
            if after not in _IS_TAKEN:
                await self._not_taken(lane, work, job, after, job.reserved)
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
        reserved, after = job.reserved or lane.estimate(job.operation), After.FOUND
        if job.state is State.SUBMITTING:
            job, after = await self._recovered(lane, _NO_TICKET, job)
        if after is After.DOUBT:
            return
        if after not in _IS_TAKEN:
            self._give_back(lane, reserved)
            return
        if job.state is State.RUNNING:
            job = await follow(self.ctx, lane, job, asked_for(job), resumed=True)
        if job.state is not State.RUNNING:
            self._settle(job, reserved)
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
        known = await self._known(lane, job, submission) if lane.knows_own_ids(job.operation) else None
        if known is not None:
            return known
        return await self._looked_up(lane, work.ticket, *await submit(self.ctx, lane, job, submission))

    async def _known(self, lane: Lane, job: Job, submission: Submission) -> tuple[Job, After] | None:
        """What the provider has of an attempt that this state has not begun; None when it may be sent."""
        own_id, is_begun = own_id_of(self.ctx.manifest, job)
        if is_begun:
            return None
        match await find_known(self.ctx, lane, job, own_id):
            case None:
                return None
            case str(task_id):
                now = self.ctx.clock.wall()
                intent, _ = intent_of(lane, job, submission, own_id, now)
                story = (*reopening(job, now), intent, events.TaskFound(at=now, task_id=task_id))
                return await self.ctx.journal.move(job, *story), After.FOUND
            case Unanswered() as why:
                message = f"nothing was sent: whether the provider has `{job.id}` already could not be asked ({why.reason}); where a gateway passes on no look-ups, the account says `lookup: false`"
                stop = Failure(cause=Cause.NOT_ACCEPTED, code=Code.NO_CONNECTION, message=message)
                stop_account(self.ctx, lane, why.stops_account or stop)
                return job, After.LEFT

    async def _recovered(self, lane: Lane, ticket: Ticket, job: Job) -> tuple[Job, After]:
        """What became of a submission that an earlier run has cut off or left in doubt."""
        if job.state is State.SUBMITTING:
            return await self._looked_up(lane, ticket, *await recover(self.ctx, lane, ticket, job))
        job, after = await look_up_lost(self.ctx, lane, ticket, job)
        if after is After.FOUND:  # a doubt of an earlier run holds no slot, a task does
            lane.in_flight += 1
            self.ctx.treasury.assume(None if job.reserved is not None else lane.estimate(job.operation))
        return job, after

    async def _looked_up(self, lane: Lane, ticket: Ticket, job: Job, after: After) -> tuple[Job, After]:
        """Ask for a submission that was lost, where the API can be asked."""
        return await look_up_lost(self.ctx, lane, ticket, job) if after is After.LOST else (job, after)

    def _row(self, work: Work) -> Job:
        if work.is_new and work.ticket not in self.begun:  # nobody else writes rows: there is none to read
            return new_job(work)
        rows = self.ctx.store.rows([work.spec.id]).get(work.spec.id, ())
        return next((row for row in rows if row.fingerprint == work.spec.fingerprint), None) or new_job(work)

    async def _not_taken(self, lane: Lane, work: Work, job: Job, after: After, reserved: Money | None) -> None:
        if after is After.DOUBT:  # the slot and the money stay taken: the task may be running
            await self._end(work, job)
            return
        self._give_back(lane, reserved)
        if after is After.AGAIN:
            self.begun.add(work.ticket)
            lane.submit.put_back(work.ticket)
        elif after is After.ENDED:
            await self._end(work, job)

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
        reserved = job.reserved or lane.estimate(work.spec.operation, work.spec.duration_s)
        if job.state is State.RUNNING:
            job = await follow(self.ctx, lane, job, work.spec.inputs, resumed=resumed)
            if job.state is State.RUNNING:
                return
        if holds_slot:
            self._settle(job, reserved)
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
        released = self.prepared.needs.ended(job.id, work.spec.name, succeeded=job.state is State.SUCCEEDED)
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
        elif job.state in (State.FAILED, State.SUCCEEDED):  # what was to be tried or made again stays as it is
            return job
        return await self.ctx.journal.move(job, *moves)

    async def _give_up(self, job: Job, failure: Failure) -> Job:
        """Nothing was sent; the failure says whether the next run tries again."""
        now = self.ctx.clock.wall()
        return await self.ctx.journal.move(job, *reopening(job, now), events.GaveUp(at=now, failure=failure))

    def _give_back(self, lane: Lane, reserved: Money | None) -> None:
        self.ctx.treasury.release(reserved)
        self._free_slot(lane)

    def _settle(self, job: Job, reserved: Money | None) -> None:
        """A task has ended: what it cost replaces what was reserved. What failed stays reserved, unless the provider says that it is not billed."""
        if job.state in (State.DOWNLOADING, State.FAILED):
            self.ctx.treasury.settle(reserved, job.actual)
        elif job.state is State.PENDING:
            self.ctx.treasury.release(reserved)

    def _free_slot(self, lane: Lane) -> None:
        lane.in_flight -= 1
        self.wake()
