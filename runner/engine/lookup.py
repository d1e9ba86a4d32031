"""Looking for a submission by our own id, where the API knows it: nothing is paid twice, and no lost reply stays a doubt.

Two questions are asked so. What became of a submission whose reply was lost: found means accepted; and when the API has denied it long
enough after the hard limit of the POST, it never arrived and is sent again with the same id (delivery.md section 2). And, before an attempt
is sent for the first time, whether the provider has it already: a state that was lost or put back from a backup does not know.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from runner.core import answers, events
from runner.core.answers import AskAgain, Reply
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import State
from runner.core.limits import back_off_s
from runner.core.notices import Waiting
from runner.engine.aftermath import After, doubt_of, note_doubt, stop_account
from runner.engine.health import MOST_RETRY_AFTER_S
from runner.engine.lane import Listed
from runner.engine.submit import intent_of, own_id_of, reopening
from runner.engine.task_pages import read_page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.core.job import Job
    from runner.core.ports import Operation
    from runner.engine.context import Context
    from runner.engine.lane import Lane
    from runner.engine.submit import Submission

MOST_TRIES = 6
"""With waits of 1, 2, 4, 8, 16 s: an API that cannot be asked is given up after about half a minute."""

MOST_BUSY_S = 3600.0
"""One that says that it is busy is asked on for so long: submissions would meet the same."""

MOST_PAGES = 4
"""Of a list, which may stand for a look-up that a gateway does not pass on; only what is found there counts."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The API could not be asked, or gave no answer that says anything.

    Args:
        reason: For people.
        stops_account: The failure of the whole account that is behind it, or None.
    """

    reason: str
    stops_account: Failure | None = None


async def adopt_known(ctx: Context, lane: Lane, job: Job, submission: Submission) -> tuple[Job, After] | None:
    """Take a task that the provider has already of an attempt which this state has not begun: as if this state had submitted it.

    Args:
        ctx: The run.
        lane: The job's account.
        job: The job, about to be submitted.
        submission: What would be sent.

    Returns:
        The job, running, with the money reserved; or as it was, its operation stopped, when the API gives no answer; None when it may be sent.
    """
    own_id, is_begun = own_id_of(ctx.manifest, job)
    if is_begun or not lane.knows_own_ids(job.operation):
        return None
    match await _find_known(ctx, lane, job, own_id):
        case None:
            return None
        case str(task_id):
            now = ctx.clock.wall()
            intent, _ = intent_of(lane, job, submission, own_id, now)
            story = (*reopening(job, now), intent, events.TaskFound(at=now, task_id=task_id))
            return await ctx.journal.move(job, *story), After.FOUND
        case Unanswered() as why:
            if why.stops_account is not None:
                stop_account(ctx, lane, why.stops_account)
            else:
                stop_account(ctx, lane, _cannot_be_asked(job, why.reason), job.operation)
            return job, After.LEFT


def _cannot_be_asked(job: Job, reason: str) -> Failure:
    message = (
        f"nothing was sent: whether the provider has `{job.id}` already could not be asked ({reason}); "
        "where a gateway passes on no look-ups, the account says `lookup: false`"
    )
    return Failure(cause=Cause.NOT_ACCEPTED, code=Code.NO_CONNECTION, message=message)


async def _find_known(ctx: Context, lane: Lane, job: Job, own_id: str) -> str | Unanswered | None:
    """The task that the provider has of an attempt; None when it has none."""
    operation = lane.operations[job.operation]
    listed = await _listed_at_first(lane, operation)
    if own_id in listed.ids:
        return listed.ids[own_id]
    # A gateway may pass on lists alone: when the first job has found that out, the others need not.
    tries = 1 if operation.name in lane.unanswering else MOST_TRIES
    answer = await _answer(ctx, lane, job, own_id, tries=tries)
    if isinstance(answer, Unanswered) and answer.stops_account is None and listed.is_complete:
        lane.unanswering.add(operation.name)
        return None
    return answer


async def look_up_lost(ctx: Context, lane: Lane, ticket: int, job: Job, *, began: float | None) -> tuple[Job, After]:
    """Find out what became of a submission whose reply was lost or means nothing.

    Args:
        ctx: The run.
        lane: The job's account, whose API knows own ids.
        ticket: The job's place in the worklist.
        job: The job, submitting, with its reply where one came; or in doubt.
        began: Monotonic seconds at which this run submitted it; None when an earlier run did, which says nothing of how the API is now.

    Returns:
        The job after it, and where that leaves it. The slot is the caller's to give back.

    Guarantees:
        A job in doubt is never sent again. Cancelled at any moment, it leaves the job as it was: the next run begins anew.
    """
    refusal = _weak_refusal(ctx, lane, job)
    with lane.looks(is_of_this_run=began is not None):
        found = await _search(ctx, lane, job, is_refused=refusal is not None)
    now = ctx.clock.wall()
    match found:
        case str():
            if began is not None:  # it was accepted: the API is well, whatever has become of the reply
                with lane.undecided():
                    lane.accepted(ticket, ctx.clock.monotonic())
            return await ctx.journal.move(job, events.TaskFound(at=now, task_id=found)), After.FOUND
        case Unanswered():
            return await _doubt(ctx, lane, job, found, is_of_this_run=began is not None)
        case None if job.state is State.IN_DOUBT:
            return job, After.DOUBT
        case None if refusal is not None:
            lane.health.refused(ticket)
            return await ctx.journal.move(job, events.Refused(at=now, failure=refusal)), After.ENDED
        case None:
            return await _not_there(ctx, lane, ticket, job, began=began)


async def _search(ctx: Context, lane: Lane, job: Job, *, is_refused: bool) -> str | Unanswered | None:
    assert job.external_id is not None
    answer: str | Unanswered | None = None
    for wait_s in _waits(ctx, lane, job, is_refused=is_refused):
        if wait_s > 0:
            reason = "its reply was lost; the API is asked for it by our own id"
            ctx.observer.notify(Waiting(at=ctx.clock.wall(), job=job, wait_s=wait_s, reason=reason))
            await ctx.clock.sleep(wait_s)
        answer = await _answer(ctx, lane, job, job.external_id, in_lists=True)
        if isinstance(answer, str):
            return answer
        if isinstance(answer, Unanswered) and answer.stops_account is not None:
            return answer
    return answer


def _waits(ctx: Context, lane: Lane, job: Job, *, is_refused: bool) -> Iterator[float]:
    """Seconds before each look-up. Those before the hard limit of the POST only find early; those after it may also say "never arrived"."""
    timeouts = lane.account.timeouts
    elapsed_s = max(0.0, ctx.clock.wall() - (job.submitted_at or 0.0))
    if is_refused:  # the call itself was answered: nothing is on its way any more
        yield from (0.0, timeouts.lookup_s[0])
    elif job.state is State.IN_DOUBT and elapsed_s > timeouts.submit_s + sum(timeouts.lookup_s):
        yield 0.0  # an earlier run has asked often enough; only what is found now counts
    else:
        yield from spread(max(0.0, timeouts.submit_s - elapsed_s), timeouts.lookup_s)


def spread(limit_s: float, waits: Sequence[float]) -> Iterator[float]:
    """The waits between look-ups: at once, then after each of `waits` while the limit has not passed, then at the limit and after each again.

    Args:
        limit_s: Seconds until the POST can have no effect any more.
        waits: `timeouts.lookup_s`.
    """
    yield 0.0
    passed_s = 0.0
    for wait_s in waits:
        if passed_s + wait_s >= limit_s:
            break
        passed_s += wait_s
        yield wait_s
    if limit_s > passed_s:
        yield limit_s - passed_s
    yield from waits


def _weak_refusal(ctx: Context, lane: Lane, job: Job) -> Failure | None:
    """The refusal that stands when nothing is found: of a reply that may be about our id, and may be about anything else.

    None where it cannot be about anything else: its words say so, or a submission of this job was lost once, may have arrived after all,
    and is what the API means.
    """
    match _said(lane, job):
        case answers.Duplicate(failure, is_certain=False) if not ctx.store.may_have_arrived(job.id, job.fingerprint):
            return failure
        case _:
            return None


def _said(lane: Lane, job: Job) -> answers.SubmitAnswer | None:
    return None if job.reply is None else lane.operations[job.operation].read_submission(job.reply)


async def _not_there(ctx: Context, lane: Lane, ticket: int, job: Job, *, began: float | None) -> tuple[Job, After]:
    """The API has denied it for long enough: it never arrived, and is sent again with the same id."""
    if isinstance(said := _said(lane, job), answers.Duplicate):
        reason = f"the API says that it has this job, and does not show it: {said.failure.message}"
        return await _doubt(ctx, lane, job, Unanswered(reason), is_of_this_run=began is not None)
    now = ctx.clock.wall()
    job = await ctx.journal.move(job, events.NotFound(at=now))
    if began is None or not lane.health.denied(ticket, ctx.clock.monotonic(), began=began):
        return job, After.AGAIN
    reason = "submissions were lost again and again, and the API has none of them; the next run sends them again"
    failure = Failure(cause=Cause.NOT_ACCEPTED, code=Code.NEVER_ARRIVED, message=reason)
    if lane.health.has_lost_all:
        stop_account(ctx, lane, failure)
        return job, After.LEFT
    return await ctx.journal.move(job, events.GaveUp(at=now, failure=failure)), After.ENDED


async def _doubt(ctx: Context, lane: Lane, job: Job, why: Unanswered, *, is_of_this_run: bool) -> tuple[Job, After]:
    if why.stops_account is not None:
        stop_account(ctx, lane, why.stops_account)
    if job.state is State.IN_DOUBT:
        return job, After.DOUBT
    failure = doubt_of(f"its reply was lost, and the API could not be asked for it: {why.reason}")
    job = await ctx.journal.move(job, events.SubmitLost(at=ctx.clock.wall(), failure=failure))
    note_doubt(ctx, lane, is_of_this_run=is_of_this_run)
    return job, After.DOUBT


# --- one question -----------------------------------------------------------------------------------------------------


async def _answer(
    ctx: Context, lane: Lane, job: Job, own_id: str, *, tries: int = MOST_TRIES, in_lists: bool = False
) -> str | Unanswered | None:
    """Ask until the API answers, a bounded number of times."""
    operation, busy_until = lane.operations[job.operation], ctx.clock.monotonic() + MOST_BUSY_S
    for number in count(1):
        answer = await _ask(lane, operation, own_id)
        if not isinstance(answer, str) and in_lists:
            answer = (await _read_list(lane, operation)).ids.get(own_id, answer)
        if not isinstance(answer, AskAgain):
            return answer
        is_worth_it = ctx.clock.monotonic() < busy_until if answer.is_busy else number < tries
        if answer.stops_account is not None or not is_worth_it:
            return Unanswered(answer.reason, answer.stops_account)
        wait_s = back_off_s(number, first_s=1.0, most_s=60.0, jitter=lane.rng.random())
        if answer.retry_after_s is not None:
            wait_s = max(wait_s, min(answer.retry_after_s, MOST_RETRY_AFTER_S))
        ctx.observer.notify(Waiting(at=ctx.clock.wall(), job=job, wait_s=wait_s, reason=answer.reason))
        await ctx.clock.sleep(wait_s)
    raise AssertionError("asking ends inside its loop")


async def _ask(lane: Lane, operation: Operation, own_id: str) -> str | AskAgain | None:
    assert operation.own_ids is not None
    exchange = await lane.wire.get(operation.own_ids.request(own_id))
    return operation.own_ids.read(exchange, own_id) if isinstance(exchange, Reply) else AskAgain(exchange.message)


async def _listed_at_first(lane: Lane, operation: Operation) -> Listed:
    """What the list showed when this run asked it first: one reading for all jobs."""
    async with lane.listing:
        if operation.name not in lane.listed:
            lane.listed[operation.name] = await _read_list(lane, operation)
    return lane.listed[operation.name]


async def _read_list(lane: Lane, operation: Operation) -> Listed:
    """The tasks that a list shows under ids of ours. That one is not there says little: lists lag, and their order is not documented."""
    tasks, ids, is_readable = operation.task_list, dict[str, str](), True
    if tasks is None:
        return Listed(ids)
    offset, size = 0, tasks.page_size
    for _ in range(MOST_PAGES):
        page, size = await read_page(lane.wire, tasks, offset, size)
        if isinstance(page, AskAgain):
            break
        ids |= {task.external_id: task.task_id for task in page.tasks if task.external_id}
        is_readable = is_readable and page.is_readable  # an entry that is not may be ours
        if page.size < size:  # an empty list may be all that a gateway has to say about lists
            return Listed(ids, is_complete=is_readable and (offset > 0 or page.size > 0))
        offset = (offset // size + 1) * size
    return Listed(ids)
