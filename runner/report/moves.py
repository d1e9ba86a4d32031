"""A job's move in words, for the lines that people watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.core import events
from runner.core.job import State
from runner.report import escape
from runner.report.figures import amount, minutes, size

if TYPE_CHECKING:
    from runner.core.job import Job, OutputFile
    from runner.core.money import Money
    from runner.core.notices import JobMoved


def details(moved: JobMoved) -> str | None:
    """What to say about a move.

    Returns:
        One line that is safe for a terminal; None for a move that only the state file needs to know.
    """
    job, event = moved.job, moved.event
    match event:
        case (
            events.ReplyReceived() | events.TaskReady(address=None)
        ):  # without a file it is done at once, and that is said
            return None
        case events.SubmitStarted():
            reserved = f", {money(event.reserved)} reserved" if event.reserved is not None else ""
            said = f"attempt {job.attempt}{reserved}"
        case events.Accepted() | events.TaskFound() | events.Adopted():
            said = f"task {event.task_id}"
        case events.TaskReady():
            said = "result is ready"
        case events.NotSent() | events.Reopened():
            said = event.reason
        case events.Delivered():
            said = "  ".join(delivered(job))
        case _:
            said = _problem(job)
    return escape.visible(escape.without_queries(said))


def delivered(job: Job) -> tuple[str, str]:
    """What came of a job that succeeded: the file, e.g. `18.2 s video, 4.1 MB`, and the cost, "" when it is unknown."""
    return _file(job.output), "" if job.actual is None else money(job.actual)


def _file(output: OutputFile | None) -> str:
    if output is None:
        return "done, no file"
    kind = output.media_type.partition("/")[0]
    length = "" if output.duration_s is None else f"{output.duration_s:.1f} s "
    return f"{length}{kind}, {size(output.size_bytes)}"


def _problem(job: Job) -> str:
    if job.failure is None:
        return ""
    return f"{job.failure.code} {job.failure.message}"


def money(value: Money) -> str:
    """`1.26 USD`."""
    return f"{amount(value.amount)} {value.currency}"


def took(job: Job) -> str:
    """How long a job took from its submission to its end, e.g. `1:52`; "" when unknown."""
    if job.submitted_at is None or job.done_at is None:
        return ""
    return minutes(job.done_at - job.submitted_at)


def is_settled(state: State) -> bool:
    """Whether a run has nothing more to do for a job by itself: it ended, or a person must decide."""
    return state.is_terminal or state is State.IN_DOUBT
