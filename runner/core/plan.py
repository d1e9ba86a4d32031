"""What a run would do with each job, and why: the one decision that `plan` prints and `run` carries out.

The table of `docs/` (what a next run does by itself) is `decide`, row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, assert_never

from runner.core.events import Cause
from runner.core.giving import has_given
from runner.core.job import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.core.changes import Change
    from runner.core.events import Failure
    from runner.core.job import Job, OutputFile
    from runner.core.money import Money
    from runner.core.spec import JobSpec


class Action(StrEnum):
    """What the next run does with a job."""

    CREATE = "create"
    """Submit it: costs money."""
    RECREATE = "recreate"
    """Its inputs changed: submit it as a new job, costs money again."""
    REATTACH = "reattach"
    """It is paid already and goes on."""
    DOWNLOAD = "download"
    """Its file is fetched again from the paid task."""
    UP_TO_DATE = "up-to-date"
    BLOCKED = "blocked"
    """Nothing can be done without the user."""
    IN_DOUBT = "in-doubt"
    """A person must decide whether it was paid; the run only looks it up again where the API can."""
    ORPHAN = "orphan"
    """The state has it, the manifest has not (any more)."""

    @property
    def is_work(self) -> bool:
        """Whether a run would do something."""
        return self in (Action.CREATE, Action.RECREATE, Action.REATTACH, Action.DOWNLOAD)

    @property
    def costs(self) -> bool:
        """Whether the run would submit, and so spend."""
        return self in (Action.CREATE, Action.RECREATE)


class FileState(StrEnum):
    """What is on disk where a delivered file should be."""

    UNCHANGED = "unchanged"
    MISSING = "missing"
    ALTERED = "altered"


class Standing(NamedTuple):
    """Where a job stands, as far as planning asks: the light form of `Job`, whose fields these are.

    A tuple, since a plan makes one for each of a million rows, and a frozen dataclass takes five times as long.
    """

    id: str
    fingerprint: str
    uses: str
    state: State
    attempt: int
    task_id: str | None
    actual: Money | None
    units: str | None
    output: OutputFile | None
    failure: Failure | None
    submitted_at: float | None
    ready_at: float | None = None

    @property
    def account(self) -> str:
        """The account's name in the manifest."""
        return self.uses.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with one job.

    Args:
        action: What.
        reason: Why, a few words for people.
        job: Where the job of this fingerprint stands; None for a new one.
        changes: For `RECREATE`, what is asked for now and was not before, as far as somebody has looked it up.
    """

    action: Action
    reason: str
    job: Job | Standing | None = None
    changes: tuple[Change, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether those that need the job wait for nothing: it has given what it gives, and is not made again."""
        return self.job is not None and not self.action.costs and has_given(self.job)


def decide(
    spec: JobSpec,
    rows: Sequence[Job | Standing],
    file_state: Callable[[OutputFile], FileState],
    *,
    retry_failed: bool = False,
    can_be_asked: bool = True,
) -> Decision:
    """Decide what a run does with a job.

    Args:
        spec: What is asked for.
        rows: All rows of the state with this id, or where they stand; any fingerprint, in any order.
        file_state: Looks at a delivered file.
        retry_failed: Whether the user allows another attempt at what was refused, failed or expired.
        can_be_asked: Whether the job's API can be asked again for what it has made.

    Returns:
        The decision; its `job` is the one with the spec's fingerprint.
    """
    job = next((row for row in rows if row.fingerprint == spec.fingerprint), None)
    if job is None:
        return Decision(Action.RECREATE, "inputs changed") if rows else Decision(Action.CREATE, "new")
    match job.state:
        # First, since a manifest of a million delivered jobs asks a million times.
        case State.SUCCEEDED:
            decision = _decide_succeeded(spec, job, file_state)
            return decision if can_be_asked else _without_asking(decision, file_state, retry_failed=retry_failed)
        case State.PENDING:
            return Decision(Action.CREATE, "not submitted yet" if job.attempt == 1 else "resubmission decided", job)
        case State.SKIPPED:
            return Decision(Action.CREATE, "was skipped", job)
        case State.SUBMITTING:
            return Decision(Action.REATTACH, "its submission was cut off", job)
        case State.RUNNING:
            return Decision(Action.REATTACH, f"task {job.task_id} is paid and goes on", job)
        case State.DOWNLOADING:
            return Decision(Action.REATTACH, "its result waits to be fetched", job)
        case State.IN_DOUBT:
            return Decision(Action.IN_DOUBT, "nobody knows whether it was accepted", job)
        case State.CANCELLED:
            return Decision(Action.BLOCKED, "abandoned by decision", job)
        case State.FAILED:
            return _decide_failed(job, retry_failed=retry_failed)
        case _:
            assert_never(job.state)


def _decide_succeeded(spec: JobSpec, job: Job | Standing, file_state: Callable[[OutputFile], FileState]) -> Decision:
    if job.output is None:
        return Decision(Action.UP_TO_DATE, "done", job)
    match file_state(job.output):
        case FileState.UNCHANGED if job.output.stem != spec.output:
            return Decision(Action.DOWNLOAD, f"its path changed: {job.output.path} is put there", job)
        case FileState.UNCHANGED:
            return Decision(Action.UP_TO_DATE, "delivered and unchanged", job)
        case FileState.MISSING:
            return Decision(Action.DOWNLOAD, "its file is missing", job)
        case FileState.ALTERED:
            return Decision(Action.DOWNLOAD, "its file was altered", job)
        case state:
            assert_never(state)


def _without_asking(
    decision: Decision, file_state: Callable[[OutputFile], FileState], *, retry_failed: bool
) -> Decision:
    """What to do with a delivered job whose task cannot be asked for its file again; a file that is there only changes its place."""
    output = None if decision.job is None else decision.job.output
    if decision.action is not Action.DOWNLOAD or output is None or file_state(output) is FileState.UNCHANGED:
        return decision
    why = f"{decision.reason}, and its API cannot be asked for it again"
    if retry_failed:
        return Decision(Action.CREATE, f"another attempt is allowed: {why}", decision.job)
    return Decision(Action.BLOCKED, f"{why}; --retry-failed makes it anew", decision.job)


def _decide_failed(job: Job | Standing, *, retry_failed: bool) -> Decision:
    failure = job.failure
    what = f"{failure.code} {failure.message}" if failure is not None else "failed"
    cause = failure.cause if failure is not None else None
    match cause:
        case Cause.NOT_ACCEPTED:
            return Decision(Action.CREATE, f"was not accepted: {what}", job)
        case Cause.FETCH:
            return Decision(Action.DOWNLOAD, f"was not fetched: {what}", job)
        case Cause.REFUSED | Cause.GENERATION | Cause.EXPIRED | None:
            if retry_failed:
                return Decision(Action.CREATE, f"another attempt is allowed: {what}", job)
            return Decision(Action.BLOCKED, f"failed and stays so until --retry-failed: {what}", job)
        case _:
            assert_never(cause)
