"""Bringing a result home: fetch, ask for a fresh address when the old one has expired, try again when the network fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from runner.core import answers, events
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import Job, OutputFile, State
from runner.core.limits import back_off_s
from runner.core.notices import Waiting
from runner.core.ports import FetchProblem, NotDelivered, Order
from runner.engine.follow import ask
from runner.engine.submit import ready_event

if TYPE_CHECKING:
    from runner.engine.context import Context
    from runner.engine.lane import Lane
    from runner.engine.worklist import Work

MOST_FRESH_ADDRESSES = 3
"""An address that has expired is asked for again so often; a result that is gone would go on for ever."""

MOST_TRIES = 6
"""With waits of 1, 2, 4, 8, 16 s: a CDN that is away is given up after about half a minute; the next run goes on."""


def origin_of(base_url: str) -> str:
    """`scheme://host[:port]` of an account's base address."""
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def order_for(lane: Lane, work: Work, job: Job, replaces: tuple[str, ...] | None) -> Order:
    """What has to be brought home, as plain data."""
    assert job.task_id is not None
    assert job.address is not None
    account, spec = lane.account, work.spec
    is_at_api = job.address.startswith("/")
    traits = lane.operations[spec.operation].traits
    return Order(
        job_id=job.id,
        task_id=job.task_id,
        fingerprint=job.fingerprint,
        address=account.base_url + job.address if is_at_api else job.address,
        trusted_origins=(origin_of(account.base_url), *account.download_origins),
        stem=spec.output,
        media=traits.media or "video",
        expects_audio=traits.expects_audio,
        verify=spec.verify,
        read_timeout_s=account.timeouts.read_s,
        connect_timeout_s=account.timeouts.connect_s,
        credential_of=account.name if is_at_api else None,
        replaces=replaces,
    )


async def bring_home(ctx: Context, lane: Lane, work: Work, job: Job, replaces: tuple[str, ...] | None) -> Job:
    """Deliver a job's result.

    Args:
        ctx: The run.
        lane: The job's account.
        work: What was asked for, with the path of the file.
        job: The job, downloading.
        replaces: Digests of files that may be replaced under the final name; None for anything.

    Returns:
        The job, succeeded or failed.

    Raises:
        StorageFailed: The disk is full or failing.
    """
    if job.address is None:
        return await ctx.journal.move(job, events.Delivered(at=ctx.clock.wall(), output=None))
    fresh = tries = 0
    while True:
        order = order_for(lane, work, job, replaces)
        async with lane.transfers:
            result = await ctx.delivery.deliver(order)
        if isinstance(result, OutputFile):
            job = await ctx.journal.move(job, events.Delivered(at=ctx.clock.wall(), output=result))
            ctx.delivery.tidy(order.stem)
            return job
        match result.problem:
            case FetchProblem.EXPIRED:
                fresh += 1
                if fresh > 1:  # the address was fresh and has "expired" at once: give the CDN a moment
                    await pause(ctx, lane, job, result.message, tries=fresh - 1, retry_after_s=result.retry_after_s)
                job = await _ask_for_fresh_address(ctx, lane, work, job, result, last=fresh > MOST_FRESH_ADDRESSES)
                if job.state is not State.DOWNLOADING:
                    return job
            case FetchProblem.UNREACHABLE:
                tries += 1
                if tries >= MOST_TRIES:
                    return await _fail(ctx, job, Cause.FETCH, Code.RESULT_UNREACHABLE, result.message)
                await pause(ctx, lane, job, result.message, tries=tries, retry_after_s=result.retry_after_s)
            case FetchProblem.BLOCKED:
                return await _fail(ctx, job, Cause.FETCH, Code.RESULT_BLOCKED, result.message)
            case FetchProblem.DAMAGED:
                return await _fail(ctx, job, Cause.FETCH, Code.RESULT_DAMAGED, result.message)
            case problem:
                assert_never(problem)


async def pause(ctx: Context, lane: Lane, job: Job, reason: str, *, tries: int, retry_after_s: float | None) -> None:
    """Wait before a question or a transfer is tried again, and say so.

    Args:
        ctx: The run.
        lane: The account that is asked.
        job: The job that waits.
        reason: Why, for people.
        tries: How often it was tried, at least 1: the wait doubles from about 1 s to 30 s.
        retry_after_s: The server's own wish in seconds, heeded up to 15 minutes; None without one.
    """
    wait_s = back_off_s(tries, first_s=1.0, most_s=30.0, jitter=lane.rng.random())
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, 900.0))
    ctx.observer.notify(Waiting(at=ctx.clock.wall(), job=job, wait_s=wait_s, reason=reason))
    await ctx.clock.sleep(wait_s)


async def _ask_for_fresh_address(
    ctx: Context, lane: Lane, work: Work, job: Job, result: NotDelivered, *, last: bool
) -> Job:
    """Ask the paid task where its result is now; it is gone when the task, too, gives nothing that can be fetched."""
    if last:
        return await _fail(ctx, job, Cause.EXPIRED, Code.RESULT_EXPIRED, result.message)
    can_be_asked = lane.operations[job.operation].traits.can_be_asked
    for tries in range(1, MOST_TRIES):
        match await ask(lane, job, work.spec.inputs):
            case answers.Ready(address=str()) as ready:
                return await ctx.journal.move(job, ready_event(lane, job, ready, ctx.clock.wall()))
            case answers.Ended() as ended:
                return await _fail(ctx, job, Cause.EXPIRED, Code.RESULT_EXPIRED, ended.failure.message)
            case answers.UnknownTask() as unknown if not can_be_asked:
                return await _fail(ctx, job, Cause.EXPIRED, Code.RESULT_EXPIRED, unknown.reason)
            case answers.AskAgain() | answers.Running() | answers.UnknownTask() | answers.Ready():
                await pause(ctx, lane, job, result.message, tries=tries, retry_after_s=result.retry_after_s)
    return await _fail(
        ctx, job, Cause.FETCH, Code.RESULT_UNREACHABLE, f"{result.message}; the task gave no fresh address"
    )


async def _fail(ctx: Context, job: Job, cause: Cause, code: Code, message: str) -> Job:
    failure = Failure(cause=cause, code=code, message=message)
    return await ctx.journal.move(job, events.DeliveryFailed(at=ctx.clock.wall(), failure=failure))
