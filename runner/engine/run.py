"""One run: starts what may start, waits for what happens, ends in good order.

One loop starts jobs; each job that was started is one asyncio task that carries it as far as it goes. A job's own failure is an event
and a row of the report, never an exception that leaves its task. What does leave it (a store that fails, a bug) ends the run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from runner.core.codes import Code
from runner.core.errors import CallsheetError, StorageFailed
from runner.core.events import Failure
from runner.core.job import Job, State
from runner.core.notices import Stopping
from runner.engine.aftermath import stop_account
from runner.engine.gate import Gate
from runner.engine.givers import Givers
from runner.engine.lane import Lane, Next
from runner.engine.life import Lives
from runner.engine.needs import Waiters
from runner.engine.outputs import Outputs
from runner.engine.space import Space
from runner.engine.stock import take_stock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from collections.abc import Set as AbstractSet

    from runner.engine.context import Context
    from runner.engine.prepare import Prepared
    from runner.engine.worklist import Work

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
        stopped_by: `signal`, `deadline`, `budget`, `space`, `limit` or None.
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
        sources: Accounts without work whose delivered jobs give outputs that the work needs, by name.
    """

    ctx: Context
    lanes: Mapping[str, Lane]
    prepared: Prepared
    sources: Mapping[str, Lane] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _watches: dict[asyncio.Task[None], Job] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _stopped_by: str | None = None
    _fatal: BaseException | None = None
    _givers: Givers = field(init=False)
    _gate: Gate = field(init=False)
    _lives: Lives = field(init=False)

    def __post_init__(self) -> None:
        """Hand each account its queues."""
        space = Space(self.ctx.delivery)
        self._gate = Gate(self.ctx, self.lanes, space)
        self._givers = Givers(self.ctx.store, self.prepared.needs)
        outputs = Outputs(self.ctx, {**self.sources, **self.lanes}, self.prepared, self._givers)
        self._lives = Lives(self.ctx, self.lanes, self.prepared, outputs, space, self._changed.set, self._is_over)
        for name, queues in self.prepared.queues.items():
            lane = self.lanes[name]
            lane.resume, lane.download, lane.submit = queues.resume, queues.download, queues.submit

    async def execute(self) -> Outcome:
        """Do all that can be done.

        Returns:
            How it ended. Failures of jobs, of the store and bugs are in it; only cancellation from outside is raised.
        """
        try:
            for lane, row in take_stock(self.ctx, self.lanes):
                if (row.id, row.fingerprint) not in self.prepared.resumed:
                    self._watch(lane, row)
            for (account, needs), jobs in self.prepared.waiting.items():
                await self._lives.hold(Waiters(account, jobs), needs)
            await self._loop()
        except Exception as error:  # noqa: BLE001  the border of the run: what ends it is part of its outcome
            self._end_early(error)
            await self._drain()
        finally:
            await self._cancel(self._watches.keys())
        return Outcome(
            states=self.prepared.settled + self._lives.states + Counter({State.IN_DOUBT: self.ctx.lost_at_stop}),
            submitted=self.ctx.submitted,
            unfinished=self.prepared.work - self._lives.ended - self.ctx.lost_at_stop - self._left_by_limit(),
            stopped_by=self._stopped_by or self.ctx.closing,
            account_stops=self._stops(),
            closing_reason=self.ctx.closing_reason,
            left_running=self.ctx.left_running,
            fatal=self._fatal,
        )

    def _is_over(self) -> bool:
        return self._stopped_by is not None or self._fatal is not None

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
        while not self._is_over():
            self._changed.clear()
            delay_s = self._start_what_may()
            if not self._tasks and delay_s is None and not self._waits_for_watch():
                self._explain_stuck()
                return
            # A timer that sets the event costs a tenth of `asyncio.wait_for`, and this loop turns several times a job.
            nap_s = _LONGEST_NAP_S if delay_s is None else min(delay_s, _LONGEST_NAP_S)
            alarm = asyncio.get_running_loop().call_later(nap_s, self._changed.set)
            try:
                await self._changed.wait()
            finally:
                alarm.cancel()
        await self._drain()

    def _waits_for_watch(self) -> bool:
        """Whether a paid task that this run is not about holds a slot or money that a submission waits for."""
        if self.ctx.closing is not None or not self._watches:
            return False
        return self._gate.lacks_money or any(
            lane.watched and lane.submit and lane.stopped is None for lane in self.lanes.values()
        )

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
    async def _cancel(tasks: AbstractSet[asyncio.Task[None]]) -> None:
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
        self._gate.lacks_money = False
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
                self._spawn(lane, self._lives.resume(lane, self.prepared.worklist.read(lane.resume.pop())))
            case Next.DOWNLOAD:
                lane.fetching += 1
                self._spawn(lane, self._lives.fetch_again(lane, self.prepared.worklist.read(lane.download.pop())))
            case Next.SUBMIT:
                return self._start_submission(lane, self.prepared.worklist.read(lane.submit.pop()))
        return True

    def _start_submission(self, lane: Lane, work: Work) -> bool:
        if work.spec.operation in lane.stopped_operations:
            return True
        is_again, watched = work.ticket in self._lives.begun, self._watches.values()
        price = lane.estimate(work.spec.operation, self._givers.result_length_s(work.spec))
        if not self._gate.admits(work, price, is_again=is_again, is_busy=bool(self._tasks), watched=watched):
            lane.submit.put_back(work.ticket)
            return False
        lane.in_flight += 1
        lane.spacing.started(self.ctx.clock.monotonic())
        self._spawn(lane, self._lives.make(lane, work, price))
        return True

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

    def _watch(self, lane: Lane, row: Job) -> None:
        watch = self._task(lane, self._lives.watch(lane, row))
        lane.following += 1
        lane.watched += 1
        self._watches[watch] = row
        watch.add_done_callback(partial(self._watched, lane))

    def _watched(self, lane: Lane, watch: asyncio.Task[None]) -> None:
        self._watches.pop(watch)
        lane.watched -= 1
        self._changed.set()
