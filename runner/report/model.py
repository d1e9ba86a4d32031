"""What a report says, as values: the head, one job, and how a job spec and its row become one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from runner.core.job import Job, State
from runner.report import escape
from runner.report.next_step import NO_BOUNDS, Bounds, Commands, alternatives

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.events import Cause, Failure
    from runner.core.job import OutputFile
    from runner.core.money import Budget, Money
    from runner.core.spec import JobSpec


class Shelf(StrEnum):
    """Where a reader looks for a job: each job stands on one shelf."""

    NEW = "new"
    """Made by this run."""
    CACHED = "cached"
    """Up to date before this run."""
    FAILED = "failed"
    DOUBT = "doubt"
    SKIPPED = "skipped"
    OPEN = "open"
    """Not at its end: pending, on the wire, running, downloading."""
    ABANDONED = "abandoned"
    ORPHAN = "orphan"
    """The manifest does not have it (any more), whatever its state."""


_SHELVES: Final[Mapping[State, Shelf]] = {
    State.PENDING: Shelf.OPEN,
    State.SUBMITTING: Shelf.OPEN,
    State.IN_DOUBT: Shelf.DOUBT,
    State.RUNNING: Shelf.OPEN,
    State.DOWNLOADING: Shelf.OPEN,
    State.SUCCEEDED: Shelf.NEW,
    State.FAILED: Shelf.FAILED,
    State.SKIPPED: Shelf.SKIPPED,
    State.CANCELLED: Shelf.ABANDONED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """One execution.

    Args:
        id: Names the run in the history.
        started_at: Unix seconds.
        ended_at: Unix seconds; None while it goes on or when it was killed.
        exit_code: As the process ended; None likewise.
    """

    id: str
    started_at: float
    ended_at: float | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportHead:
    """What a report is about.

    Args:
        name: The manifest's name.
        path: The manifest's path as the user typed it.
        sha256: Digest of the manifest's bytes, hexadecimal.
        run: The run that the report shows; None when none ran (a plan, or a status before the first run).
        output_dir: The output folder relative to the manifest's folder, `/` between parts; "" when they are the same.
        budget: The limit in force, or None.
        estimate: What the run was expected to cost when it was planned; None when unknown.
        options: Options that every further command for this manifest needs too, e.g. `("--sandbox",)`.
        bounds: What a command that goes on with the run keeps within.
    """

    name: str
    path: str
    sha256: str
    run: RunHead | None = None
    output_dir: str = ""
    budget: Budget | None = None
    estimate: Money | None = None
    options: tuple[str, ...] = ()
    bounds: Bounds = NO_BOUNDS

    @property
    def commands(self) -> Commands:
        """Writes commands for this manifest."""
        return Commands(manifest=self.path, options=self.options, bounds=self.bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a job is not done.

    Args:
        cause: What kind of failure; None for a doubt or a skip.
        code: Stable code, `P…`.
        message: One sentence without the query of any address; may hold the provider's words, hostile to every sink.
        request_id: The provider's id of the request, or None.
        next: The command that takes the job further, runnable as it stands; None when there is none.
        alternatives: What else can be decided, in words; None without a choice.
    """

    cause: Cause | None
    code: str
    message: str
    request_id: str | None
    next: str | None
    alternatives: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportJob:
    """One job of a report.

    Args:
        id: E.g. `welcome/1042/en`.
        uses: `<account>/<operation>`.
        tags: In order.
        state: Where it stands.
        fingerprint: What was asked for, SHA-256, hexadecimal.
        attempts: How many attempts were begun.
        task_id: The provider's name for it, or None.
        outputs: Named outputs; addresses stand without their query.
        output: The delivered file, its path relative to the output folder; None without one.
        estimate: What it was expected to cost; None when unknown.
        actual: What it cost; None when unknown.
        units: The same in the provider's units; None when it does not say.
        problem: Why it is not done; None when nothing is wrong.
        submitted_at: Unix seconds; this and the next three are None until it happened.
        accepted_at: When the task id came.
        ready_at: When the result was seen.
        done_at: When it ended.
        source_file: Where it was written; None when unknown.
        source_line: From 1; None when unknown.
        text: What is spoken: the transcript; "" without one.
        inputs: As asked for, references to other jobs still as markers; empty when unknown.
        is_cached: Whether it was up to date before this run began.
        is_orphan: Whether the manifest does not have it (any more).
    """

    id: str
    uses: str
    tags: tuple[str, ...]
    state: State
    fingerprint: str
    attempts: int
    task_id: str | None
    outputs: Mapping[str, Any]
    output: OutputFile | None
    estimate: Money | None
    actual: Money | None
    units: str | None
    problem: Problem | None
    submitted_at: float | None
    accepted_at: float | None
    ready_at: float | None
    done_at: float | None
    source_file: str | None
    source_line: int | None
    text: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    is_cached: bool = False
    is_orphan: bool = False

    @property
    def shelf(self) -> Shelf:
        """Where a reader looks for it."""
        if self.is_orphan:
            return Shelf.ORPHAN
        return Shelf.CACHED if self.is_cached else _SHELVES[self.state]

    @property
    def place(self) -> str:
        """`file:line`, or what is known of it."""
        if self.source_file is None:
            return "place unknown"
        return self.source_file if self.source_line is None else f"{self.source_file}:{self.source_line}"

    @property
    def took_s(self) -> float | None:
        """Seconds from its submission to its end; None when either is unknown."""
        if self.submitted_at is None or self.done_at is None:
            return None
        return max(0.0, self.done_at - self.submitted_at)


def report_job(
    spec: JobSpec | None,
    job: Job | None,
    *,
    estimate: Money | None,
    manifest: str,
    cached: bool,
    options: tuple[str, ...] = (),
) -> ReportJob:
    """What a report says about one job.

    Args:
        spec: What is asked for; None for an orphan.
        job: Its row for that fingerprint; None when it was never begun.
        estimate: What it is expected to cost; None when unknown.
        manifest: The manifest's path as typed, for the next command.
        cached: Whether it was up to date before this run.
        options: Options that the next command needs too.

    Raises:
        ValueError: Both are None.
    """
    job = job or _unbegun(spec)
    place = (job.source_file, job.source_line) if spec is None else (spec.source.file, spec.source.line)
    return ReportJob(
        id=job.id,
        uses=(spec or job).uses,
        tags=(spec or job).tags,
        state=job.state,
        fingerprint=job.fingerprint,
        attempts=job.attempts,
        task_id=job.task_id,
        outputs=escape.shown_mapping(job.outputs),
        output=job.output,
        estimate=estimate,
        actual=job.actual,
        units=job.units,
        problem=_problem(job, Commands(manifest=manifest, options=options)),
        submitted_at=job.submitted_at,
        accepted_at=job.accepted_at,
        ready_at=job.ready_at,
        done_at=job.done_at,
        source_file=place[0] or None,
        source_line=place[1] or None,
        text="" if spec is None else spec.text,
        inputs={} if spec is None else spec.inputs,
        is_cached=cached and job.state is State.SUCCEEDED,
        is_orphan=spec is None,
    )


def _unbegun(spec: JobSpec | None) -> Job:
    if spec is None:
        raise ValueError("a report job needs a job spec, a row, or both")
    return Job(id=spec.id, fingerprint=spec.fingerprint, uses=spec.uses, operation=spec.operation)


def _problem(job: Job, commands: Commands) -> Problem | None:
    failure: Failure | None = job.failure
    if failure is None:
        return None
    return Problem(
        cause=failure.cause,
        code=failure.code,
        message=escape.without_queries(failure.message),
        request_id=failure.request_id,
        next=commands.step(job.state, failure.cause, [job.id]),
        alternatives=alternatives(job.state),
    )
