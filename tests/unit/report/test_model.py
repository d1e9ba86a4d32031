"""From a job spec and its row to what a report says."""

from __future__ import annotations

import shlex

import pytest

from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import Job, State
from runner.report.model import Shelf, report_job
from runner.report.next_step import Bounds, Commands
from runner.report.totals import SHOWN_PER_CAUSE, Totals
from tests.unit.report.samples import (
    MANIFEST,
    START,
    doubtful,
    failed,
    mixed,
    orphan,
    output,
    reported,
    row,
    skipped,
    spec,
    usd,
)

RUN = f"callsheet run {MANIFEST}"
RETRY = f"callsheet run {MANIFEST} --select hello/ben --retry-failed"


@pytest.mark.parametrize(
    ("job", "command"),
    [
        (failed("hello/ben", Cause.REFUSED, Code.BAD_REQUEST), RETRY),
        (failed("hello/ben", Cause.GENERATION, Code.GENERATION_FAILED), RETRY),
        (failed("hello/ben", Cause.EXPIRED, Code.RESULT_EXPIRED), RETRY),
        (failed("hello/ben", Cause.NOT_ACCEPTED, Code.NO_CONNECTION), RUN),
        (failed("hello/ben", Cause.FETCH, Code.RESULT_DAMAGED), RUN),
        (skipped("hello/ben"), RUN),
        (doubtful("hello/ben"), f"callsheet resolve {MANIFEST} hello/ben --resubmit"),
    ],
)
def test_next_command_by_cause(job: Job, command: str) -> None:
    """Each cause has its own next command."""
    problem = reported(job).problem
    assert problem is not None
    assert problem.next == command


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED])
def test_nothing_is_next_for_what_is_over(state: State) -> None:
    """A job that is done or given up has no next command."""
    assert Commands(manifest=MANIFEST).step(state, None, ["a"]) is None


def test_commands_run_as_printed() -> None:
    """A path with blanks and quotes, and options that must be repeated, come back as the same words."""
    commands = Commands(manifest="my campaigns/it's.yaml", options=("--sandbox", "-V", "who=a b"))
    words = shlex.split(commands.retry(["a/1", "a/2"]))
    chosen = ["--select", "a/1", "--select", "a/2", "--retry-failed"]
    assert words == ["callsheet", "run", "my campaigns/it's.yaml", *chosen, "--sandbox", "-V", "who=a b"]


def test_going_on_keeps_to_what_the_run_was_told() -> None:
    """Its choice of jobs and its budget; another attempt names its jobs itself, and keeps the budget. A decision has neither."""
    bounds = Bounds(chosen=("--select", "tag:a b", "--retry-failed"), budget=("--budget", "0.10"))
    commands = Commands(manifest=MANIFEST, options=("--sandbox",), bounds=bounds)
    run = f"callsheet run {MANIFEST}"
    assert commands.go_on() == f"{run} --select 'tag:a b' --retry-failed --budget 0.10 --sandbox"
    assert commands.retry(["a"]) == f"{run} --select a --retry-failed --budget 0.10 --sandbox"
    assert commands.resubmit(["a"]) == f"callsheet resolve {MANIFEST} a --resubmit --sandbox"


def test_a_saved_plan_is_made_anew() -> None:
    """It holds for one run: going on begins with another plan."""
    bounds = Bounds(budget=("--budget", "5"), plan_again=("callsheet", "plan", "it's.yaml", "-o", "p.json"))
    assert shlex.split(Commands(manifest=MANIFEST, bounds=bounds).go_on()) == list(bounds.plan_again)


def test_doubt_names_its_alternatives() -> None:
    """A job in doubt says what else can be decided."""
    problem = reported(doubtful("hello/hal")).problem
    assert problem is not None
    assert "--adopt" in (problem.alternatives or "")
    assert "--abandon" in (problem.alternatives or "")


def test_pending_job_has_no_row() -> None:
    """A job that was never begun is pending with nothing known."""
    job = reported(None, "hello/jon")
    assert (job.state, job.attempts, job.task_id, job.actual, job.problem) == (State.PENDING, 0, None, None, None)


def test_orphan_keeps_its_own_place() -> None:
    """An orphan is described by its row alone."""
    job = orphan(row("gone/one"))
    assert job.is_orphan
    assert job.shelf is Shelf.ORPHAN
    assert job.place == f"{MANIFEST}:14"


def test_unknown_place_is_none() -> None:
    """A row imported from the witness has no place, and no line 0."""
    job = orphan(row("gone/one", source_file="", source_line=0))
    assert (job.source_file, job.source_line) == (None, None)


def test_neither_spec_nor_row_is_refused() -> None:
    """Without either there is nothing to report."""
    with pytest.raises(ValueError, match="needs a job spec"):
        report_job(None, None, estimate=None, manifest=MANIFEST, cached=False)


def test_addresses_are_cut_when_the_job_is_put_together() -> None:
    """Neither outputs nor messages keep the query of an address."""
    message = "403 from https://cdn.example.com/v.mp4?Signature=S3CRET"
    job = reported(failed("a", Cause.FETCH, Code.RESULT_UNREACHABLE, message))
    assert "S3CRET" not in repr(reported(row("b")).outputs) + repr(job.problem)


def test_cached_means_succeeded() -> None:
    """A failed job is never taken for cached."""
    job = failed("a", Cause.FETCH, Code.RESULT_UNREACHABLE)
    assert reported(job, cached=True).shelf is Shelf.FAILED


def test_totals_count_each_job_once() -> None:
    """States and shelves both add up to the number of jobs."""
    totals = Totals.of(mixed(), run_started_at=START)
    assert totals.jobs == len(mixed())
    assert sum(totals.count(state) for state in State) == len(mixed())
    assert totals.shelves == {
        Shelf.NEW: 1, Shelf.FAILED: 6, Shelf.DOUBT: 1, Shelf.SKIPPED: 1,
        Shelf.OPEN: 2, Shelf.ABANDONED: 1, Shelf.CACHED: 1, Shelf.ORPHAN: 1,
    }  # fmt: skip


def test_submitted_counts_this_run_only() -> None:
    """What was submitted before the run began is not counted; without a run nothing is."""
    jobs = [reported(row("a")), reported(row("b", submitted_at=START - 1)), reported(None, "c")]
    assert Totals.of(jobs, run_started_at=START).submitted == 1
    assert Totals.of(jobs).submitted == 0


def test_costs_of_all_and_of_the_run() -> None:
    """All jobs' cost holds cached ones and orphans, the run's cost does not; nothing known is no sum at all."""
    totals = Totals.of(mixed(), run_started_at=START)
    assert totals.costs == [usd("3.78")]
    assert totals.run_costs == [usd("1.26")]
    assert Totals.of([reported(None, "a")]).single_cost is None


def test_currencies_are_never_added() -> None:
    """Two currencies stay two sums, and there is no single cost."""
    euro = type(usd("1"))(usd("2.00").amount, "EUR")
    totals = Totals.of([reported(row("a")), reported(row("b", actual=euro))])
    assert [str(cost) for cost in totals.costs] == ["2.00 EUR", "1.26 USD"]
    assert totals.single_cost is None


def test_groups_stay_small() -> None:
    """Ten thousand failures of one cause keep only the first few jobs, and count them all; a doubt comes first."""
    totals = Totals()
    for number in range(10_000):
        totals.add(reported(failed(f"a/{number}", Cause.REFUSED, Code.BAD_REQUEST)))
    totals.add(reported(doubtful("z")))
    doubt, refused = totals.groups
    assert doubt.kind.state is State.IN_DOUBT
    assert (refused.count, len(refused.jobs), refused.hidden) == (10_000, SHOWN_PER_CAUSE, 10_000 - SHOWN_PER_CAUSE)
    assert refused.title == "P201 the API refused the inputs"


def test_unknown_code_still_has_a_title() -> None:
    """A code that this version does not know is shown with the state."""
    job = row("a", State.FAILED, failure=failed("a", Cause.REFUSED, Code.POLICY).failure)
    assert job.failure is not None
    unknown = type(job.failure)(cause=Cause.REFUSED, code="P999", message="new")
    totals = Totals.of([reported(row("a", State.FAILED, failure=unknown))])
    assert totals.groups[0].title == "P999 failed"


def test_bytes_count_delivered_files() -> None:
    """A file of a job that failed later is not counted."""
    jobs = [reported(row("a")), reported(row("b", State.FAILED, output=output("b")))]
    assert Totals.of(jobs).bytes == 4_100_000


def test_spec_wins_over_its_row() -> None:
    """Tags and place are those of the manifest as it is now."""
    job = report_job(spec("a", line=99, tags=("new",)), row("a"), estimate=None, manifest=MANIFEST, cached=True)
    assert (job.tags, job.source_line) == (("new",), 99)
