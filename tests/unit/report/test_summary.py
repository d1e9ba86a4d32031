"""The summary of a run and its last line."""

from __future__ import annotations

import shlex
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from runner.core.codes import Code
from runner.core.events import Cause
from runner.core.job import State
from runner.core.money import Budget, Money
from runner.report.next_step import NO_BOUNDS, Bounds
from runner.report.plan import Purse
from runner.report.status_text import render_status
from runner.report.terminal import done_line, render_summary
from runner.report.totals import Totals
from tests.unit.report.samples import HOSTILE, START, doubtful, failed, head, mixed, reported, row, usd

if TYPE_CHECKING:
    from runner.report.model import ReportJob


def summary(jobs: list[ReportJob], **options: object) -> str:
    """The summary of these jobs."""
    made = head(estimate=usd("15.86"), budget=Budget(usd("50.00")))
    return render_summary(made, Totals.of(jobs, run_started_at=START), exit_code=1, **options)  # type: ignore[arg-type]  # a test's shorthand


def test_done_line_is_last_and_greps() -> None:
    """The last line counts what a run did, orphans left out."""
    last = summary(mixed()).splitlines()[-1]
    assert last == "Done. OK=1 FAILED=6 DOUBT=1 SKIPPED=1 CACHED=1 TOTAL=13 COST=1.26 EXIT=1"


@pytest.mark.parametrize(
    ("jobs", "cost"),
    [
        ([], "0"),
        ([reported(row("a"), cached=True)], "0"),
        ([reported(row("a", actual=None))], "unknown"),
        ([reported(row("a", actual=None)), reported(row("b"))], "1.26"),
        ([reported(row("a", actual=usd("1E+2")))], "100"),
        ([reported(row("a")), reported(row("b", actual=Money(Decimal(1), "EUR")))], "unknown"),
    ],
)
def test_cost_is_never_a_guess(jobs: list[ReportJob], cost: str) -> None:
    """Nothing done costs 0, nothing known is unknown, what is known is exact."""
    assert f" COST={cost} " in done_line(Totals.of(jobs), 0)


def test_one_entry_for_each_cause_with_place_and_next() -> None:
    """Two jobs of one cause share an entry that names both places and one command for both."""
    jobs = [reported(failed(job_id, Cause.REFUSED, Code.POLICY), line=line) for job_id, line in (("a", 3), ("b", 9))]
    text = summary(jobs)
    assert text.count("P202") == 1
    assert "campaigns/spring.yaml:3" in text
    assert "campaigns/spring.yaml:9" in text
    assert "next: callsheet run campaigns/spring.yaml --select a --select b --retry-failed\n" in text


def test_next_lines_are_commands() -> None:
    """Every `next:` line is a whole command line of this programme."""
    lines = [line.partition("next: ")[2] for line in summary(mixed()).splitlines() if "next: " in line]
    assert len(lines) >= 8
    for line in lines:
        assert shlex.split(line)[0] == "callsheet"
        assert shlex.split(line)[1] in ("run", "resolve")


def test_open_jobs_say_how_to_go_on() -> None:
    """What was left running or pending is counted with the command that goes on."""
    text = summary([reported(row("a", State.RUNNING)), reported(None, "b")])
    assert "2 jobs not finished\n    next: callsheet run campaigns/spring.yaml\n" in text


def test_figures() -> None:
    """Time, cost against estimate and budget, files and the report's path are there."""
    text = summary([reported(row("a"))], outputs="out", report="out/report/index.html")
    assert "Time:   13:10\n" in text
    assert "Cost:   1.26 USD, 15.86 USD estimated, budget 50.00 USD\n" in text
    assert "Files:  1 new file, 4.1 MB in out\n" in text
    assert "Report: out/report/index.html\n" in text


def test_colour_only_when_asked() -> None:
    """Without colour there is no escape; with it the words are the same."""
    plain, coloured = summary(mixed()), summary(mixed(), color=True)
    assert "\x1b" not in plain
    assert "\x1b[31m✗\x1b[0m" in coloured
    assert (
        coloured.replace("\x1b[31m", "").replace("\x1b[0m", "").replace("\x1b[35m", "").replace("\x1b[33m", "") == plain
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_message_is_one_line(text: str) -> None:
    """A provider's message adds no line and no control to the summary."""
    hostile = summary([reported(failed("a", Cause.REFUSED, Code.POLICY, text))])
    tame = summary([reported(failed("a", Cause.REFUSED, Code.POLICY, "tame"))])
    assert len(hostile.splitlines()) == len(tame.splitlines())
    assert "\x1b" not in hostile


def test_many_jobs_of_one_cause_stay_short() -> None:
    """A thousand doubts are ten lines and a count."""
    text = summary([reported(doubtful(f"a/{number}")) for number in range(1_000)])
    assert "and 990 more" in text
    assert len(text.splitlines()) < 30


@pytest.mark.parametrize(
    ("bounds", "per_day", "words"),
    [
        (
            NO_BOUNDS,
            False,
            "with `budget.max` in campaigns/spring.yaml above 50.00 USD: no further job fits into that",
        ),
        (
            NO_BOUNDS,
            True,
            "on the next UTC day, or with `budget.max` in campaigns/spring.yaml above 50.00 USD: no further job fits into that",
        ),
        (
            Bounds(budget=("--budget", "50.00 USD"), chosen=("--select", "a")),
            False,
            "with a `--budget` above 50.00 USD: no further job fits into that",
        ),
        (
            Bounds(budget=("--budget", "80")),
            False,
            "with `budget.max` in campaigns/spring.yaml above 50.00 USD: no further job fits into that",
        ),
    ],
)
def test_a_budget_that_stopped_the_run_is_named(bounds: Bounds, words: str, *, per_day: bool) -> None:
    """The command that goes on, and what it needs: alone it would stop at once again."""
    made = head(budget=Budget(usd("50.00"), per_day=per_day), bounds=bounds)
    totals = Totals.of([reported(row("a", state=State.PENDING))], run_started_at=START)
    text = render_summary(made, totals, exit_code=5, lacks_money=True)
    assert f"    next: {made.commands.go_on()}\n          {words}\n" in text


@pytest.mark.parametrize(("left", "is_short"), [("0.10", True), ("0.30", False)])
def test_status_knows_that_no_job_fits(left: str, *, is_short: bool) -> None:
    """By what the cheapest waiting job is expected to cost."""
    jobs = [
        replace(reported(row(job, state=State.PENDING)), estimate=usd(cost))
        for job, cost in (("a", "0.20"), ("b", "0.50"))
    ]
    purse = Purse(Budget(usd("5.00")), usd("5.00").amount - usd(left).amount)
    last = list(render_status(head(), Totals.of(jobs), jobs, purse=purse))[-1]
    assert ("`budget.max`" in last) is is_short


def test_what_was_priced_when_it_was_sent_has_an_estimate() -> None:
    """Where the plan knew none: the sum of what was reserved for the jobs of the run."""
    jobs = [replace(reported(row(job)), estimate=usd("0.60")) for job in ("a", "b")]
    totals = Totals.of(jobs, run_started_at=START)
    assert "1.20 USD estimated" in render_summary(head(), totals, exit_code=0)
    unknown = Totals.of([*jobs, replace(reported(row("c")), estimate=None)], run_started_at=START)
    assert "estimated" not in render_summary(head(), unknown, exit_code=0)


def test_nothing_is_told_in_the_form_of_its_estimate() -> None:
    """A run that bought nothing."""
    assert "Cost:   0.00 USD, 0.00 USD estimated\n" in render_summary(head(estimate=usd("0.00")), Totals(), exit_code=0)
