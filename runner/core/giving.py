"""Whether others may use what a job has given, whatever has become of its file since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import State

if TYPE_CHECKING:
    from runner.core.job import Job
    from runner.core.plan import Standing

_LOST_FILE: Final = (Cause.EXPIRED, Cause.FETCH)


def has_given(row: Job | Standing) -> bool:
    """Whether a job was delivered once, and its outputs are those of its present task.

    A delivered job is opened again when its file is gone; its outputs stay. Another attempt forgets when the result was there.
    """
    if row.state is State.SUCCEEDED:
        return True
    if row.ready_at is None or row.output is None:
        return False
    if row.state is State.FAILED:
        return row.failure is not None and row.failure.cause in _LOST_FILE
    return row.state in (State.RUNNING, State.DOWNLOADING)


def is_only_recorded(row: Job | Standing) -> bool:
    """Whether a delivered job is known from the lock file alone: outputs that are not kept there may be had from its task.

    One whose submission the state has seen gave all that it ever gave; to make it again would bring nothing more.
    """
    return row.submitted_at is None


def no_more(giver: str, output: str, why: str) -> Failure:
    """The failure of a job whose needed output is not to be had from the task that gave it.

    Args:
        giver: Id of the job that gave it.
        output: Its name.
        why: What the provider said, or what is known of it.
    """
    message = f"nothing was sent: {_gone(giver)} output `{output}` any more ({why}); the next run makes it again first"
    return Failure(cause=Cause.NOT_ACCEPTED, code=Code.OUTPUT_GONE, message=message)


def said_no_more(failure: Failure | None, giver: str) -> bool:
    """Whether a job failed because a needed job gives an output no more.

    Args:
        failure: The job's.
        giver: Id of the needed job.
    """
    return failure is not None and failure.code == Code.OUTPUT_GONE and _gone(giver) in failure.message


def _gone(giver: str) -> str:
    return f"`{giver}` does not give its"
