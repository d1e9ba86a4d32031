"""Following a paid task until it ends. Polling is free and always safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.core import answers, events
from runner.core.answers import Reply
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import Job, State
from runner.core.limits import back_off_s
from runner.core.notices import JobProgress, Waiting
from runner.core.polling import next_poll_s
from runner.engine.aftermath import stop_account
from runner.engine.rounds import Rounds
from runner.engine.submit import ready_event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import QueryAnswer
    from runner.engine.context import Context
    from runner.engine.lane import Lane

UNKNOWN_TASK_TRIES = 10
UNKNOWN_TASK_S = 900.0
"""A task that the API does not know is asked for so often and so long before that is believed (delivery.md section 3)."""

NO_ADDRESS_POLLS = 5
"""An address sometimes comes after the success: so many more polls are spent on it (api-facts.md section 3.5)."""

_MOST_BACK_OFF_S = 60.0


@dataclass(slots=True)
class _Patience:
    """What went wrong so far while following one task."""

    troubles: int = 0
    unknown: int = 0
    unknown_since: float = 0.0
    no_address: int = 0
    said: str | None = None


async def ask(lane: Lane, job: Job, inputs: Mapping[str, Any]) -> QueryAnswer:
    """Ask for a task once.

    Returns:
        The answer; a failed exchange is an `AskAgain`.
    """
    assert job.task_id is not None
    operation = lane.operations[job.operation]
    exchange = await lane.wire.get(operation.query(job.task_id))
    if not isinstance(exchange, Reply):
        return answers.AskAgain(exchange.message)
    answer = operation.read_query(exchange, inputs)
    if isinstance(answer, answers.Ready | answers.Ended) and _is_of_another(answer.names, job):
        return answers.AskAgain(f"the answer speaks of the task {answer.names[0]}, not of {job.task_id}")
    content_path = operation.traits.content_path
    if isinstance(answer, answers.Ready) and answer.address is None and content_path is not None:
        # By the id that was asked for: the one in an answer may be another name of the task.
        return replace(answer, address=content_path.format(task_id=quote(job.task_id, safe="")))
    return answer


def _is_of_another(names: tuple[str, ...], job: Job) -> bool:
    """Whether an answer is about somebody else's task: it says our own id of it, and neither that nor the task's id is this job's.

    The task's id alone tells nothing, since gateways have names of their own.
    """
    return len(names) > 1 and job.task_id not in names and job.external_id not in names


async def follow(ctx: Context, lane: Lane, job: Job, inputs: Mapping[str, Any], *, resumed: bool) -> Job:
    """Poll a running job until its task ends or its poll deadline passes.

    Args:
        ctx: The run.
        lane: The job's account.
        job: The job, running.
        inputs: What was asked for: a provider may need it to choose among results.
        resumed: Whether the task is from an earlier run: then it is asked for at once.

    Returns:
        The job: downloading, failed, pending again (the account ran out of money), or still running after the deadline.
    """
    began = ctx.clock.monotonic()
    accepted_at = began - max(0.0, ctx.clock.wall() - (job.accepted_at or ctx.clock.wall()))
    known = lane.durations[job.uses]
    patience = _Patience()
    wait_s = 0.0 if resumed else next_poll_s(0.0, known, lane.account.poll)
    while True:
        answer = await _wait_and_ask(ctx, lane, job, inputs, wait_s)
        age_s = ctx.clock.monotonic() - accepted_at
        moved = await _take(ctx, lane, job, answer, patience)
        if moved.state is not State.RUNNING:
            if not resumed:  # a task that ended while nobody looked says nothing about how long tasks take
                known.add(age_s)
            return moved
        left_s = began + lane.account.poll.deadline_s - ctx.clock.monotonic()
        if left_s <= 0:
            ctx.left_running += 1
            return moved
        wait_s = next_poll_s(age_s, known, lane.account.poll)
        if isinstance(answer, answers.AskAgain | answers.UnknownTask):
            wait_s = _wait_in_trouble(ctx, lane, job, answer, patience)
        wait_s = min(wait_s, left_s)


async def _wait_and_ask(ctx: Context, lane: Lane, job: Job, inputs: Mapping[str, Any], wait_s: float) -> QueryAnswer:
    """How a task stands after a while; earlier when a round of others asks for it, too."""
    rounds = lane.rounds.get(job.operation) or _begin_rounds(ctx, lane, job.operation)
    if rounds is None:
        await ctx.clock.sleep(wait_s)
        return await ask(lane, job, inputs)
    return await rounds.answer(job, inputs, wait_s)


def _begin_rounds(ctx: Context, lane: Lane, name: str) -> Rounds | None:
    """The rounds of an operation; None where each task is asked for by itself."""
    operation = lane.operations[name]
    if operation.task_list is None or not lane.account.looks_up:
        return None
    lane.rounds[name] = Rounds(
        operation.task_list,
        lane.wire,
        ctx.clock,
        partial(ask, lane),
        min_s=lane.account.poll.min_s,
        delivers_file=operation.traits.delivers_file,
    )
    return lane.rounds[name]


async def _take(ctx: Context, lane: Lane, job: Job, answer: QueryAnswer, patience: _Patience) -> Job:
    """Act on one answer; the job is moved when it says that the task has ended."""
    now = ctx.clock.wall()
    match answer:
        case answers.Ready(address=None) if lane.operations[job.operation].traits.delivers_file:
            patience.no_address += 1
            if patience.no_address <= NO_ADDRESS_POLLS:
                return job
            failure = Failure(
                cause=Cause.FETCH, code=Code.NO_RESULT, message="the task is said to be done but has no result address"
            )
            return await ctx.journal.move(job, events.DeliveryFailed(at=now, failure=failure))
        case answers.Ready():
            return await ctx.journal.move(job, ready_event(lane, job, answer, now))
        case answers.Ended(stops_account=True):
            stop_account(ctx, lane, answer.failure)
            return await ctx.journal.move(job, events.Unpaid(at=now, failure=answer.failure))
        case answers.Ended():
            return await ctx.journal.move(
                job, events.TaskFailed(at=now, failure=answer.failure, charged=answer.charged)
            )
        case answers.Running():
            patience.troubles = patience.unknown = 0
            _say_progress(ctx, job, answer, patience)
            return job
        case answers.AskAgain():
            if answer.stops_account is not None:
                stop_account(ctx, lane, answer.stops_account)
            return job
        case answers.UnknownTask():
            can_be_asked = lane.operations[job.operation].traits.can_be_asked
            return await _unknown(ctx, job, answer, patience, is_final=job.ready_at is not None and not can_be_asked)


async def _unknown(ctx: Context, job: Job, answer: answers.UnknownTask, patience: _Patience, *, is_final: bool) -> Job:
    """Believe it after a while, or at once where a result that was there before is not to be had again."""
    now = ctx.clock.monotonic()
    if patience.unknown == 0:
        patience.unknown_since = now
    patience.unknown += 1
    is_too_early = patience.unknown < UNKNOWN_TASK_TRIES or now - patience.unknown_since < UNKNOWN_TASK_S
    if is_too_early and not is_final:
        return job
    failure = Failure(cause=Cause.EXPIRED, code=Code.TASK_UNKNOWN, message=answer.reason)
    return await ctx.journal.move(job, events.TaskFailed(at=ctx.clock.wall(), failure=failure))


def _say_progress(ctx: Context, job: Job, answer: answers.Running, patience: _Patience) -> None:
    note = None
    if answer.unknown_status is not None and answer.unknown_status != patience.said:
        patience.said = answer.unknown_status
        note = f"unknown status `{answer.unknown_status}`: asked on"
    if answer.progress is not None or note is not None:
        ctx.observer.notify(JobProgress(at=ctx.clock.wall(), job=job, progress=answer.progress, note=note))


def _wait_in_trouble(
    ctx: Context, lane: Lane, job: Job, answer: answers.AskAgain | answers.UnknownTask, patience: _Patience
) -> float:
    patience.troubles += 1
    bounds = lane.account.poll
    wait_s = back_off_s(
        patience.troubles,
        first_s=max(bounds.min_s, 0.5),
        most_s=max(bounds.max_s, _MOST_BACK_OFF_S),
        jitter=lane.rng.random(),
    )
    if isinstance(answer, answers.UnknownTask):
        wait_s = max(bounds.min_s, min(wait_s, UNKNOWN_TASK_S / UNKNOWN_TASK_TRIES))
    elif answer.retry_after_s is not None:
        wait_s = max(wait_s, min(answer.retry_after_s, 900.0))
    if patience.troubles > 1:
        ctx.observer.notify(Waiting(at=ctx.clock.wall(), job=job, wait_s=wait_s, reason=answer.reason))
    return wait_s
