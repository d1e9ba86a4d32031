"""One submission: intent, POST, raw reply, verdict, in this order and each durable before the next.

The order is the promise. The intent is committed before the first byte leaves; nothing is awaited between the two but the commit
itself; the reply is committed before anybody reads it; and what the answer means is decided by the provider's tables and by
whether anything was sent, never by an exception's class.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from runner.core import answers, events
from runner.core.answers import Fault, NoReply, Reply, Scope
from runner.core.codes import Code
from runner.core.errors import StorageFailed
from runner.core.events import Cause, Failure, SubmitStarted
from runner.core.identity import external_id
from runner.core.job import Job, State
from runner.core.notices import SlowedDown, Waiting
from runner.engine.aftermath import After, doubt_of, note_doubt, stop_account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runner.core.answers import Exchange, Request, SubmitAnswer
    from runner.core.events import Event
    from runner.core.money import Money
    from runner.core.ports import Operation
    from runner.engine.context import Context
    from runner.engine.lane import Lane
    from runner.engine.worklist import Work

_STORED_REQUEST_BYTES = 64 * 1024
"""Of longer bodies, and of those that hold file content, only the digest is kept."""


def new_job(work: Work) -> Job:
    """The pending job of a spec that the state does not know yet."""
    spec = work.spec
    return Job(
        id=spec.id,
        fingerprint=spec.fingerprint,
        uses=spec.uses,
        operation=spec.operation,
        tags=spec.tags,
        source_file=spec.source.file,
        source_line=spec.source.line,
        output_stem=spec.output,
        content=spec.content.decode() or None,
    )


@dataclass(frozen=True, slots=True)
class Submission:
    """What is about to be submitted.

    Args:
        work: What is asked for.
        inputs: The inputs as they are sent.
        reserved: Money already reserved for it.
    """

    work: Work
    inputs: Mapping[str, Any]
    reserved: Money | None


async def submit(ctx: Context, lane: Lane, job: Job, submission: Submission) -> tuple[Job, After]:
    """Submit a job once (twice when only the signature was stale).

    Args:
        ctx: The run.
        lane: The job's account; one of its slots is taken already.
        job: The row, pending or about to be pending again.
        submission: What is sent.

    Returns:
        The job after the verdict and where that leaves it. The slot is the caller's to give back.

    Raises:
        StorageFailed: A step may not be durable.
        asyncio.CancelledError: The run's patience ended; the doubt is recorded first, or the job stays submitting where its API can be asked.
    """
    operation = lane.operations[job.operation]
    task = asyncio.current_task()
    assert task is not None
    ctx.on_wire.add(task)
    try:
        with lane.undecided():
            unsigned: tuple[Event, ...] = ()
            for may_sign_again in (True, False):
                began = ctx.clock.monotonic()
                job, exchange = await _exchange(ctx, lane, job, submission, unsigned)
                answer = read_exchange(operation, exchange)
                if isinstance(answer, answers.SignAgain):
                    lane.wire.sign_again()
                    if may_sign_again:
                        # With the next intent in one move: its money must not be free for others between the two.
                        unsigned = (events.NotSent(at=ctx.clock.wall(), reason=answer.reason),)
                        continue
                    answer = _key_refused(answer.reason)
                return await settle(ctx, lane, submission.work.ticket, job, answer, began=began)
    finally:
        ctx.on_wire.discard(task)
    raise AssertionError("a submission ends inside its loop")


def own_id_of(manifest: str, job: Job) -> tuple[str, bool]:
    """The id of the attempt that is sent next, and whether this state has begun that attempt before.

    An attempt that was sent before keeps the id that it was sent with, also when its job has another name since. One that replaces a task
    which had its result names that task: the provider may have others under numbers that this state has never heard of.
    """
    attempt = job.attempt + any(isinstance(it, events.Retried | events.Renewed) for it in reopening(job, 0.0))
    if job.external_id is not None and attempt == job.attempt:
        return job.external_id, True
    replaces = job.task_id if job.ready_at is not None and attempt > job.attempt else None
    return external_id(manifest, job.id, job.fingerprint, attempt, replaces=replaces), False


def intent_of(lane: Lane, job: Job, submission: Submission, own_id: str, now: float) -> tuple[SubmitStarted, Request]:
    """What is about to be sent, and the event that says so."""
    request = lane.operations[job.operation].submission(submission.inputs, own_id)
    body = request.body or b""
    is_kept = not submission.work.spec.files and len(body) <= _STORED_REQUEST_BYTES
    intent = SubmitStarted(
        at=now,
        external_id=own_id,
        request_sha256=sha256(body).hexdigest(),
        request=body if is_kept else None,
        reserved=submission.reserved,
        output_stem=submission.work.spec.output,
    )
    return intent, request


async def _exchange(
    ctx: Context, lane: Lane, job: Job, submission: Submission, before: tuple[Event, ...]
) -> tuple[Job, Exchange]:
    now = ctx.clock.wall()
    own_id, _ = own_id_of(ctx.manifest, job)
    intent, request = intent_of(lane, job, submission, own_id, now)
    job = await ctx.journal.move(job, *before, *reopening(job, now), intent)
    ctx.submitted += 1
    try:
        exchange = await lane.wire.post(request)
    except asyncio.CancelledError:
        if lane.knows_own_ids(job.operation):  # it stays submitting: the next run asks for it, and may send it again
            raise
        ctx.lost_at_stop += 1
        await ctx.journal.move(
            job, events.SubmitLost(at=ctx.clock.wall(), failure=doubt_of("the run was stopped before the reply came"))
        )
        raise
    if isinstance(exchange, Reply):
        received = events.ReplyReceived(at=ctx.clock.wall(), reply=exchange)
        try:
            job = await ctx.journal.move(job, received)
        except StorageFailed:
            await _save_task_id(ctx, lane, job, exchange)
            raise
    return job, exchange


async def _save_task_id(ctx: Context, lane: Lane, job: Job, reply: Reply) -> None:
    """The state failed while a reply was in our hands: the store writes a task id of a failing commit to its emergency file."""
    answer = lane.operations[job.operation].read_submission(reply)
    if isinstance(answer, answers.Accepted):
        with contextlib.suppress(StorageFailed):
            await ctx.journal.move(job, events.Accepted(at=ctx.clock.wall(), task_id=answer.task_id))


def reopening(job: Job, now: float) -> tuple[Event, ...]:
    """What brings a job of an earlier run back to pending, in the same transaction as what happens to it next."""
    match job.state:
        case State.FAILED if job.failure is not None and job.failure.cause is Cause.NOT_ACCEPTED:
            return (events.Requeued(at=now),)
        case State.FAILED:
            return (events.Retried(at=now),)
        case State.SUCCEEDED:  # delivered, and too old for a job that uses it
            return (events.Renewed(at=now),)
        case State.SKIPPED:
            return (events.Requeued(at=now),)
        case _:
            return ()


def read_exchange(operation: Operation, exchange: Exchange) -> SubmitAnswer | NoReply:
    """What an exchange means: the provider reads replies; without one, only what was sent counts.

    Returns:
        The answer; the `NoReply` itself when nothing was sent.
    """
    if isinstance(exchange, Reply):
        return operation.read_submission(exchange)
    if exchange.sent:
        return answers.InDoubt(exchange.message)
    return exchange


async def settle(
    ctx: Context,
    lane: Lane,
    ticket: int,
    job: Job,
    answer: SubmitAnswer | NoReply,
    *,
    began: float | None,
) -> tuple[Job, After]:
    """Make a verdict durable and let the account feel it.

    Args:
        ctx: The run.
        lane: The account.
        ticket: The job's place in the worklist.
        job: The job, submitting.
        answer: The verdict.
        began: Monotonic seconds at which it was submitted; None when an earlier run did that, which says nothing of how the API is now.

    Returns:
        The job after it, and where that leaves it.
    """
    now = ctx.clock.wall()
    match answer:
        case answers.Accepted():
            lane.accepted(ticket, ctx.clock.monotonic())
            return await ctx.journal.move(job, *_acceptance(lane, job, answer, now)), After.GOES_ON
        case answers.Refused(scope=Scope.ITEM):
            lane.health.refused(ticket)
            return await ctx.journal.move(job, events.Refused(at=now, failure=answer.failure)), After.ENDED
        case answers.Refused():
            job = await ctx.journal.move(job, events.NotSent(at=now, reason=answer.failure.message))
            stop_account(ctx, lane, answer.failure, None if answer.scope is Scope.ACCOUNT else job.operation)
            return job, After.LEFT
        case answers.NotNow():
            not_sent = events.NotSent(at=now, reason=answer.reason, may_have_arrived=answer.may_have_arrived)
            job = await ctx.journal.move(job, not_sent)
            return await _not_now(ctx, lane, ticket, job, answer, began=began)
        case answers.SignAgain():  # only of an earlier run: one of this run has been signed again already
            return await ctx.journal.move(job, events.NotSent(at=now, reason=answer.reason)), After.AGAIN
        case answers.InDoubt() | answers.Duplicate() if lane.knows_own_ids(job.operation):
            return job, After.LOST
        case answers.Duplicate(is_certain=False):
            lane.health.refused(ticket)
            return await ctx.journal.move(job, events.Refused(at=now, failure=answer.failure)), After.ENDED
        case answers.InDoubt() | answers.Duplicate():
            job = await ctx.journal.move(job, events.SubmitLost(at=now, failure=_why_in_doubt(answer)))
            note_doubt(ctx, lane, is_of_this_run=began is not None)
            return job, After.DOUBT
        case NoReply(fault=Fault.CERTIFICATE):
            job = await ctx.journal.move(job, events.NotSent(at=now, reason=answer.message))
            stop_account(ctx, lane, Failure(cause=Cause.NOT_ACCEPTED, code=Code.CERTIFICATE, message=answer.message))
            return job, After.LEFT
        case NoReply():
            job = await ctx.journal.move(job, events.NotSent(at=now, reason=answer.message))
            return await _unsent(ctx, lane, job, answer, began)


def _acceptance(lane: Lane, job: Job, answer: answers.Accepted, now: float) -> tuple[Event, ...]:
    accepted = events.Accepted(at=now, task_id=answer.task_id)
    if answer.ended is not None:
        return accepted, events.TaskFailed(at=now, failure=answer.ended.failure, charged=answer.ended.charged)
    return (accepted,) if answer.ready is None else (accepted, ready_event(lane, job, answer.ready, now))


def ready_event(lane: Lane, job: Job, ready: answers.Ready, now: float) -> events.TaskReady:
    """The event of a result, with what it cost as far as that is known.

    A result that was seen before is not priced again: the price list may have changed since, and only the provider's word counts then.
    """
    actual = lane.cost(job.operation, ready) if job.ready_at is None else ready.actual
    return events.TaskReady(at=now, address=ready.address, outputs=ready.outputs, actual=actual, units=ready.units)


async def _not_now(
    ctx: Context, lane: Lane, ticket: int, job: Job, answer: answers.NotNow, *, began: float | None
) -> tuple[Job, After]:
    now = ctx.clock.monotonic()
    wait_s = lane.not_now(ticket, answer, now, began=now if began is None else began)
    if wait_s is None:
        code = Code.NO_CHANNEL if answer.is_limited else Code.NOT_ACCEPTED
        failure = Failure(cause=Cause.NOT_ACCEPTED, code=code, message=answer.reason)
        if lane.health.has_only_refused(now):
            stop_account(ctx, lane, failure)
        return await ctx.journal.move(job, events.GaveUp(at=ctx.clock.wall(), failure=failure)), After.ENDED
    limit = lane.concurrency.current
    ctx.observer.notify(
        SlowedDown(at=ctx.clock.wall(), account=lane.account.name, limit=limit, wait_s=wait_s, reason=answer.reason)
    )
    return job, After.AGAIN


async def _unsent(ctx: Context, lane: Lane, job: Job, answer: NoReply, began: float | None) -> tuple[Job, After]:
    now = ctx.clock.monotonic()
    wait_s = lane.health.unsent(now, began=now if began is None else began)
    if wait_s is not None:
        ctx.observer.notify(Waiting(at=ctx.clock.wall(), job=job, wait_s=wait_s, reason=answer.message))
        return job, After.AGAIN
    failure = Failure(cause=Cause.NOT_ACCEPTED, code=Code.NO_CONNECTION, message=answer.message)
    stop_account(ctx, lane, failure)
    return await ctx.journal.move(job, events.GaveUp(at=ctx.clock.wall(), failure=failure)), After.ENDED


def _why_in_doubt(answer: answers.InDoubt | answers.Duplicate) -> Failure:
    if isinstance(answer, answers.InDoubt):
        return doubt_of(answer.reason, answer.request_id)
    return doubt_of(answer.failure.message, answer.failure.request_id)


def _key_refused(reason: str) -> answers.Refused:
    return answers.Refused(Scope.ACCOUNT, Failure(cause=Cause.REFUSED, code=Code.KEY_REFUSED, message=reason))
