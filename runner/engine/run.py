"""One run: starts what may start, waits for what happens, ends in good order.

One loop starts jobs; each job that was started is one asyncio task that carries it as far as it goes. A job's own failure is an event
and a row of the report, never an exception that leaves its task. What does leave it (a store that fails, a bug) ends the run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.codes import Code
from runner.core.errors import CallsheetError, StorageFailed
from runner.core.events import Failure
from runner.core.job import Job, State
from runner.core.notices import Stopping
from runner.core.plan import Action
from runner.engine.fetch import bring_home
from runner.engine.follow import follow
from runner.engine.inputs import OutputMissing, asked_for, resolved
from runner.engine.lane import Lane, Next
from runner.engine.needs import EVERY, Waiters
from runner.engine.recover import recover
from runner.engine.space import Space
from runner.engine.submit import After, Submission, new_job, stop_account, submit

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from runner.core.events import Event
    from runner.core.money import Money
    from runner.engine.context import Context
    from runner.engine.prepare import Prepared
    from runner.engine.worklist import Ticket, Work

PATIENCE_S = 30.0
"""How long a stop waits for submissions on the wire: their answers decide between a task id and a doubt."""

_LONGEST_NAP_S = 1.0
"""The loop looks again at least so often, so that nothing depends on a wake-up that got lost."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a run ended; the command line makes an exit code of it.

    Args:
        states: Selected jobs by the state they ended in, those that the run did not touch included.
        submitted: Submissions begun.
        unfinished: Jobs with work that were left for a next run.
        stopped_by: `signal`, `deadline`, `budget`, `space` or None.
        account_stops: Why accounts, or single operations of them, stopped, by their names.
        closing_reason: What ended all submissions, in a sentence; "" when nothing did.
        left_running: Tasks that were left running at their poll deadline.
        fatal: What ended the run early, or None.
    """

    states: Counter[State]
    submitted: int = 0
    unfinished: int = 0
    stopped_by: str | None = None
    account_stops: Mapping[str, Failure] = field(default_factory=dict)
    closing_reason: str = ""
    left_running: int = 0
    fatal: BaseException | None = None


@dataclass(slots=True)
class Run:
    """A prepared run at work.

    Args:
        ctx: What its parts share.
        lanes: The accounts with work, by name.
        prepared: The work.
    """

    ctx: Context
    lanes: Mapping[str, Lane]
    prepared: Prepared
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _watches: set[asyncio.Task[None]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: set[Ticket] = field(default_factory=set)
    """Jobs that were submitted, not taken, and wait again."""
    _states: Counter[State] = field(default_factory=Counter)
    _ended: int = 0
    _submitted: int = 0
    """Jobs of this run that were submitted, each counted once."""
    _stopped_by: str | None = None
    _fatal: BaseException | None = None
    _space: Space = field(init=False)

    def __post_init__(self) -> None:
        """Hand each account its queues."""
        self._space = Space(self.ctx.delivery)
        for name, queues in self.prepared.queues.items():
            lane = self.lanes[name]
            lane.resume, lane.download, lane.submit = queues.resume, queues.download, queues.submit

    async def execute(self) -> Outcome:
        """Do all that can be done.

        Returns:
            How it ended. Failures of jobs, of the store and bugs are in it; only cancellation from outside is raised.
        """
        try:
            self._take_stock()
            for (account, needs), jobs in self.prepared.waiting.items():
                await self._hold(Waiters(account, jobs), needs)
            await self._loop()
        except Exception as error:  # noqa: BLE001  the border of the run: what ends it is part of its outcome
            self._end_early(error)
            await self._drain()
        finally:
            await self._cancel(self._watches)
        return Outcome(
            states=self.prepared.settled + self._states + Counter({State.IN_DOUBT: self.ctx.lost_at_stop}),
            submitted=self.ctx.submitted,
            unfinished=self.prepared.work - self._ended - self.ctx.lost_at_stop - self._left_by_limit(),
            stopped_by=self._stopped_by or self.ctx.closing,
            account_stops=self._stops(),
            closing_reason=self.ctx.closing_reason,
            left_running=self.ctx.left_running,
            fatal=self._fatal,
        )

    def _left_by_limit(self) -> int:
        """Jobs that only `--limit` kept from being submitted: the user did not ask for them."""
        if self.ctx.closing != "limit" or self._stopped_by is not None:
            return 0
        return sum(
            len(lane.submit) + self.prepared.needs.held[name]
            for name, lane in self.lanes.items()
            if lane.stopped is None
        )

    def _stops(self) -> dict[str, Failure]:
        stops = {name: lane.stopped for name, lane in self.lanes.items() if lane.stopped is not None}
        for name, lane in self.lanes.items():
            stops.update({f"{name}: {operation}": why for operation, why in lane.stopped_operations.items()})
        return stops

    def stop(self, by: str) -> None:
        """End in good order: submit nothing more, wait for submissions on the wire, leave the rest for the next run.

        Args:
            by: `signal` or `deadline`.
        """
        if self._stopped_by is not None:
            return
        self._stopped_by = by
        self.ctx.observer.notify(
            Stopping(at=self.ctx.clock.wall(), submissions=len(self.ctx.on_wire), patience_s=self._patience_s())
        )
        for task in self._tasks - self.ctx.on_wire:
            task.cancel()
        self._changed.set()

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _loop(self) -> None:
        while self._stopped_by is None and self._fatal is None:
            self._changed.clear()
            delay_s = self._start_what_may()
            if not self._tasks and delay_s is None and not self._waits_for_watch():
                self._explain_stuck()
                return
            nap_s = _LONGEST_NAP_S if delay_s is None else min(delay_s, _LONGEST_NAP_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), nap_s)
        await self._drain()

    def _waits_for_watch(self) -> bool:
        """Whether a paid task that this run is not about holds a slot that a submission waits for."""
        may_submit = self.ctx.closing is None
        return any(may_submit and lane.watched and lane.submit and lane.stopped is None for lane in self.lanes.values())

    def _explain_stuck(self) -> None:
        """Nothing goes on although there is work: say why."""
        for lane in self.lanes.values():
            if lane.is_stuck():
                reason = "every slot is held by a job in doubt; the next run has them again"
                stop_account(self.ctx, lane, Failure(cause=None, code=Code.IN_DOUBT, message=reason))

    async def _drain(self) -> None:
        """Wait for the submissions on the wire, cancel everything else."""
        await self._cancel(self._tasks - self.ctx.on_wire)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._patience_s())
        await self._cancel(self._tasks)

    def _patience_s(self) -> float:
        """A person who pressed Ctrl-C waits a while; without one, a reply is waited for to its end: it tells a task id from a doubt."""
        if self._stopped_by == "signal":
            return PATIENCE_S
        return max((lane.account.timeouts.submit_s for lane in self.lanes.values()), default=0.0) + PATIENCE_S

    @staticmethod
    async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(set(tasks))

    def _start_what_may(self) -> float | None:
        """Start every job that may start now.

        Returns:
            Seconds until another may; None when only an event can change anything.
        """
        soonest: float | None = None
        for lane in self.lanes.values():
            while True:
                may_submit = self.ctx.closing is None
                verdict = lane.next_start(self.ctx.clock.monotonic(), may_submit=may_submit)
                if not isinstance(verdict, Next):
                    if verdict is not None:
                        soonest = verdict if soonest is None else min(soonest, verdict)
                    break
                if not self._start(lane, verdict):
                    break
        return soonest

    def _start(self, lane: Lane, kind: Next) -> bool:
        """Start a job, or close submissions because none may start.

        Returns:
            False when the next submission must wait for an event.
        """
        match kind:
            case Next.RESUME:
                self._spawn(lane, self._resume(lane, self.prepared.worklist.read(lane.resume.pop())))
            case Next.DOWNLOAD:
                lane.fetching += 1
                self._spawn(lane, self._fetch_again(lane, self.prepared.worklist.read(lane.download.pop())))
            case Next.SUBMIT:
                return self._start_submission(lane, self.prepared.worklist.read(lane.submit.pop()))
        return True

    def _start_submission(self, lane: Lane, work: Work) -> bool:
        if work.spec.operation in lane.stopped_operations:
            return True
        if self._is_beyond_limit(work):
            lane.submit.put_back(work.ticket)
            self.ctx.close_submissions("limit", f"--limit {self.ctx.limit} is reached")
            return False
        if not self._space.is_enough(sum(other.in_flight + other.fetching for other in self.lanes.values())):
            lane.submit.put_back(work.ticket)
            self.ctx.close_submissions("space", self._space.shortage())
            return False
        reserved = lane.estimate(work.spec.operation, work.spec.duration_s)
        short = self.ctx.treasury.reserve(reserved)
        if short is not None:
            lane.submit.put_back(work.ticket)
            if self._tasks or self._watches:  # what is under way may cost less than is reserved for it, or nothing
                return False
            self.ctx.close_submissions(
                "budget",
                f"the next job ({reserved or 'of unknown price'}) does not fit into the budget of {short.limit}",
            )
            return False
        lane.in_flight += 1
        self._submitted += work.ticket not in self._begun
        lane.spacing.started(self.ctx.clock.monotonic())
        self._spawn(lane, self._make(lane, work, reserved))
        return True

    def _is_beyond_limit(self, work: Work) -> bool:
        limit = self.ctx.limit
        return limit is not None and self._submitted >= limit and work.ticket not in self._begun

    def _spawn(self, lane: Lane, life: Coroutine[object, object, None]) -> None:
        lane.following += 1
        task = self._task(lane, life)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    def _task(self, lane: Lane, life: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._border(lane, life))
        # A task that is cancelled before its first step never enters the border, and nobody would ever await the life inside.
        task.add_done_callback(lambda _: life.close())
        return task

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _border(self, lane: Lane, life: Coroutine[object, object, None]) -> None:
        """The border of a job: nothing but cancellation leaves it."""
        try:
            await life
        except Exception as error:  # noqa: BLE001  one of the two borders where every exception is caught
            self._end_early(error)
        finally:
            lane.following -= 1

    def _end_early(self, error: Exception) -> None:
        if self._fatal is None or (isinstance(self._fatal, StorageFailed) and not isinstance(error, CallsheetError)):
            self._fatal = error
        self._changed.set()

    # --- what was found at the start ----------------------------------------------------------------------------------

    def _take_stock(self) -> None:
        """Count the slots that earlier runs still hold, and watch paid tasks that this run is not about."""
        for row in list(self.ctx.store.open_rows()):
            lane = self.lanes.get(row.account)
            if (
                lane is None
                or row.state not in (State.RUNNING, State.SUBMITTING)
                or row.operation not in lane.operations
            ):
                continue
            lane.in_flight += 1
            if row.reserved is None:
                self.ctx.treasury.assume(lane.estimate(row.operation))
            if (row.id, row.fingerprint) not in self.prepared.resumed:
                watch = self._task(lane, self._watch(lane, row))
                lane.following += 1
                self._watches.add(watch)
                lane.watched += 1
                watch.add_done_callback(partial(self._watched, lane))
        for uses, lane in self._uses():
            for duration_s in self.ctx.store.durations(uses, 64):
                lane.durations[uses].add(duration_s)
            self._keep_spacing(lane, self.ctx.store.last_submission_at(uses))

    def _keep_spacing(self, lane: Lane, last_at: float | None) -> None:
        """The account's pace holds across runs: the first submission keeps its distance from the last of the run before."""
        if last_at is not None:
            elapsed_s = max(0.0, self.ctx.clock.wall() - last_at)
            lane.spacing.pause_until(self.ctx.clock.monotonic() + lane.spacing.interval_s - elapsed_s)

    def _uses(self) -> list[tuple[str, Lane]]:
        return [
            (f"{name}/{operation.partition('/')[2]}", lane)
            for name, lane in self.lanes.items()
            for operation in lane.operations
        ]

    async def _watch(self, lane: Lane, job: Job) -> None:
        """A task that holds a slot but belongs to no selected job: its result is noted, and fetched when its job is run."""
        reserved, after = job.reserved or lane.estimate(job.operation), After.GOES_ON
        if job.state is State.SUBMITTING:
            job, after = await recover(self.ctx, lane, -1, job)
        if after is After.DOUBT:
            return
        if after is not After.GOES_ON:
            self._give_back(lane, reserved)
            return
        if job.state is State.RUNNING:
            job = await follow(self.ctx, lane, job, asked_for(job), resumed=True)
        if job.state is not State.RUNNING:
            self._settle(job, reserved)
            self._free_slot(lane)

    def _watched(self, lane: Lane, watch: asyncio.Task[None]) -> None:
        self._watches.discard(watch)
        lane.watched -= 1
        self._changed.set()

    # --- the life of a job --------------------------------------------------------------------------------------------

    def _row(self, work: Work) -> Job:
        if work.is_new and work.ticket not in self._begun:  # nobody else writes rows: there is none to read
            return new_job(work)
        rows = self.ctx.store.rows([work.spec.id]).get(work.spec.id, ())
        return next((row for row in rows if row.fingerprint == work.spec.fingerprint), None) or new_job(work)

    async def _make(self, lane: Lane, work: Work, reserved: Money | None) -> None:
        """Submit a job and carry it to its end."""
        job = self._row(work)
        try:
            inputs = resolved(work.spec.inputs, self.ctx.store, self.prepared.needs.fingerprint)
        except OutputMissing as error:
            self._give_back(lane, reserved)
            await self._end(work, await self._skip(work, str(error)))
            return
        job, after = await submit(self.ctx, lane, job, Submission(work, inputs, reserved))
        if after is After.GOES_ON:
            await self._carry(lane, work, job, resumed=False, holds_slot=True)
        else:
            await self._not_taken(lane, work, job, after, reserved)

    async def _not_taken(self, lane: Lane, work: Work, job: Job, after: After, reserved: Money | None) -> None:
        if after is After.DOUBT:  # the slot and the money stay taken: the task may be running
            await self._end(work, job)
            return
        self._give_back(lane, reserved)
        if after is After.AGAIN:
            self._begun.add(work.ticket)
            lane.submit.put_back(work.ticket)
        elif after is After.ENDED:
            await self._end(work, job)

    async def _resume(self, lane: Lane, work: Work) -> None:
        """Go on with a job that an earlier run has paid for, or may have."""
        job = self._row(work)
        holds_slot = job.state is not State.DOWNLOADING
        if job.state is State.SUBMITTING:
            job, after = await recover(self.ctx, lane, work.ticket, job)
            if after is not After.GOES_ON:
                await self._not_taken(lane, work, job, after, job.reserved)
                return
        with contextlib.nullcontext() if holds_slot else lane.fetches():
            await self._carry(lane, work, job, resumed=True, holds_slot=holds_slot)

    async def _fetch_again(self, lane: Lane, work: Work) -> None:
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

    async def _recalled(self, work: Work, job: Job) -> bool:
        """Fetch a file from the output folder itself: it stands under an old path, or was set aside; whether that was all to do."""
        if job.state is not State.SUCCEEDED or job.output is None:
            return False
        found = await self.ctx.delivery.recall(job.output, work.spec.output, self._own_digests(work))
        if found is None:
            return False
        await self._end(
            work, await self.ctx.journal.move(job, events.Relocated(at=self.ctx.clock.wall(), output=found))
        )
        return True

    def _own_digests(self, work: Work) -> tuple[str, ...] | None:
        """What a job may replace under its path: anything where it has delivered before, since that place is its own; else nothing.

        Nothing means that a file which stands there is set aside: it may be another job's paid video that has not moved away yet.
        """
        if work.is_new and work.action is Action.CREATE:
            return ()
        rows = self.ctx.store.rows([work.spec.id]).get(work.spec.id, ())
        is_its_own = any(row.output is not None and row.output.stem == work.spec.output for row in rows)
        return None if is_its_own else ()

    async def _carry(self, lane: Lane, work: Work, job: Job, *, resumed: bool, holds_slot: bool) -> None:
        """From an accepted task to the file. Until its end is seen, a task holds a slot; what holds none is counted as fetching."""
        if self._stopped_by is not None or self._fatal is not None:
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
                job = await bring_home(self.ctx, lane, work, job, self._own_digests(work))
        self._space.learn(job)
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
        self._states[job.state] += 1
        self._ended += 1
        self._begun.discard(work.ticket)
        released = self.prepared.needs.ended(job.id, work.spec.name, succeeded=job.state is State.SUCCEEDED)
        for waiters in released.ready:
            self.lanes[waiters.account].submit.extend(waiters.jobs)
        self._changed.set()
        return released.lost

    async def _hold(self, waiters: Waiters, needs: tuple[str, ...]) -> None:
        failed = self.prepared.needs.hold(waiters, needs)
        if failed == "":
            self.lanes[waiters.account].submit.extend(waiters.jobs)
        elif failed is not None:
            await self._skip_all([(waiters, failed)])

    async def _skip(self, work: Work, reason: str) -> Job:
        now = self.ctx.clock.wall()
        failure = Failure(cause=None, code=Code.NEED_FAILED, message=f"skipped: {reason}")
        job = self._row(work)
        moves: tuple[Event, ...] = (events.Skipped(at=now, failure=failure),)
        if job.state is State.SKIPPED:
            moves = (events.Requeued(at=now), *moves)
        elif job.state is State.FAILED:  # a failed job that was allowed another attempt stays as it failed
            return job
        return await self.ctx.journal.move(job, *moves)

    def _give_back(self, lane: Lane, reserved: Money | None) -> None:
        self.ctx.treasury.release(reserved)
        self._free_slot(lane)

    def _settle(self, job: Job, reserved: Money | None) -> None:
        """A task has ended: what it cost replaces what was reserved. What failed stays reserved, since it may be billed."""
        if job.state is State.DOWNLOADING:
            self.ctx.treasury.settle(reserved, job.actual)
        elif job.state is State.PENDING:
            self.ctx.treasury.release(reserved)

    def _free_slot(self, lane: Lane) -> None:
        lane.in_flight -= 1
        self._changed.set()
