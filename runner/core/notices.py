"""What a run tells those who watch it: one stream for the live view, plain lines, JSON lines and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.events import Event
    from runner.core.job import Job, State
    from runner.core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to show.

    Args:
        at: Unix seconds.
    """

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Notice):
    """The plan is made and work begins.

    Args:
        run_id: Names the run in the history.
        manifest: The manifest's path as the user typed it.
        total: Jobs selected.
        planned: Jobs by action (`runner.core.plan.Action` values).
        accounts: In-flight limit by account, only those with work.
        jobs_by_account: Jobs with work by account.
    """

    run_id: str
    manifest: str
    total: int
    planned: Mapping[str, int]
    accounts: Mapping[str, int]
    jobs_by_account: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMoved(Notice):
    """A job moved; told after the move is durable.

    Args:
        job: The job after the move.
        was: Where it stood before.
        event: What moved it.
    """

    job: Job
    was: State
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress(Notice):
    """A running task's progress.

    Args:
        progress: 0 to 1, or None when unknown.
        note: Words, e.g. an unknown status; or None.
    """

    job: Job
    progress: float | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowedDown(Notice):
    """An account was asked to slow down.

    Args:
        limit: Tasks at a time from now on.
        wait_s: Seconds without submissions.
        reason: The server's, for people.
    """

    account: str
    limit: int
    wait_s: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Notice):
    """A job waits before it tries again.

    Args:
        wait_s: Seconds.
        reason: Why.
    """

    job: Job
    wait_s: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStopped(Notice):
    """An account (or one operation of it) submits nothing more in this run; polling and downloads go on.

    Args:
        account: The account's name.
        operation: `<type>/<operation>` when only that stops; None for the whole account.
        code: Stable code.
        reason: Why, may hold provider text.
    """

    account: str
    operation: str | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionsStopped(Notice):
    """The whole run submits nothing more (budget, deadline, limit, storage).

    Args:
        reason: Why, for people.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping(Notice):
    """A signal came: the run ends in good order.

    Args:
        submissions: POSTs on the wire that are waited for.
        patience_s: At most that many seconds.
    """

    submissions: int
    patience_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Notice):
    """Something that a person should know and that changes nothing by itself."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Notice):
    """The run is over.

    Args:
        exit_code: As the process will exit.
        spent: What this run's jobs cost as far as known; None when unknown.
    """

    exit_code: int
    spent: Money | None
