"""What a move does to the money: one line an attempt, reserved at the intent, settled by what the provider says.

SubmitStarted                       reserves (anew, when the same attempt is sent again)
NotSent, NotFound, Refused, Unpaid  settles at 0: the provider has not taken it, or has made nothing of it
TaskFailed(charged=False)           settles at 0
TaskReady with an actual cost       settles at that
anything else                       leaves the line: what may have been paid counts in full

The state writes its lines by this, and a run keeps their sum by it: so the two cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.core import events
from runner.core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.core.events import Event
    from runner.core.job import Job
    from runner.core.ports import Move


@dataclass(frozen=True, slots=True)
class Reserve:
    """An attempt begins: its line is opened, or opened again.

    Args:
        attempt: Which, from 1.
        amount: What is set aside; None when unknown.
        day: `YYYY-MM-DD` (UTC) of the submission.
    """

    attempt: int
    amount: Money | None
    day: str


@dataclass(frozen=True, slots=True)
class Settle:
    """What an attempt cost is known.

    Args:
        attempt: Which, from 1.
        amount: What it cost; None for nothing.
    """

    attempt: int
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Line:
    """What the ledger holds of an attempt.

    Args:
        attempt: Which, from 1.
        amount: What it cost as far as that is settled, else what is reserved; None when neither is known.
        day: `YYYY-MM-DD` (UTC) of the submission.
    """

    attempt: int
    amount: Money | None
    day: str


def line_of(job: Job) -> Line | None:
    """The line of a job's current attempt.

    Returns:
        None for a job that is not paid and open: its line, if it has one, is not changed by what happens before the next intent. None,
        too, for one that was taken from the lock file, whose submission this ledger has never seen.
    """
    if not job.state.is_paid_and_open or job.submitted_at is None:
        return None
    return Line(job.attempt, job.reserved if job.actual is None else job.actual, day_of(job.submitted_at))


def numbered(move: Move) -> Iterator[tuple[int, Event]]:
    """The events of a move, each with the attempt that it belongs to."""
    attempt = move.before.attempt
    for event in move.events:
        yield attempt, event
        if isinstance(event, events.Retried | events.Renewed | events.Resubmitted | events.Unpaid):
            attempt += 1


def changes(move: Move) -> Sequence[Reserve | Settle]:
    """What a move does to the ledger, in order: nothing where another state has paid the task, as the lock file tells."""
    story = list(numbered(move))
    if move.before.submitted_at is None and not any(isinstance(event, events.SubmitStarted) for _, event in story):
        return []
    return [change for attempt, event in story if (change := _change(attempt, event)) is not None]


def _change(attempt: int, event: Event) -> Reserve | Settle | None:
    match event:
        case events.SubmitStarted():
            return Reserve(attempt, event.reserved, day_of(event.at))
        case (
            events.NotSent() | events.NotFound() | events.Refused() | events.Unpaid() | events.TaskFailed(charged=False)
        ):
            return Settle(attempt, None)
        case events.TaskReady(actual=Money() as actual):
            return Settle(attempt, actual)
        case _:
            return None


def day_of(at: float) -> str:
    """The UTC day of a time in Unix seconds, `YYYY-MM-DD`."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
