"""What a crash left behind: submissions that were cut off between their intent and their verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core import answers
from runner.engine.submit import settle

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.engine.aftermath import After
    from runner.engine.context import Context
    from runner.engine.lane import Lane


async def recover(ctx: Context, lane: Lane, ticket: int, job: Job) -> tuple[Job, After]:
    """Settle a job that was found submitting: by its stored reply, or as a doubt.

    Args:
        ctx: The run.
        lane: The job's account.
        ticket: The job's place in the worklist.
        job: The job, submitting.

    Returns:
        The job after the verdict, and where that leaves it.
    """
    if job.reply is not None:
        answer = lane.operations[job.operation].read_submission(job.reply)
    else:
        answer = answers.InDoubt("the run ended before the reply was stored")
    with lane.undecided():
        return await settle(ctx, lane, ticket, job, answer, began=None)
