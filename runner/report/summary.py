"""The summary of a run: what is not done and what to type next, then the figures, then the line that greps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report import escape
from runner.report.figures import amount, count, exact, minutes, size
from runner.report.model import Shelf
from runner.report.next_step import alternatives
from runner.report.symbols import STATES, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.core.money import Money
    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import CauseGroup, Totals


def render_summary(
    head: ReportHead,
    totals: Totals,
    *,
    exit_code: int,
    outputs: str | None = None,
    report: str | None = None,
    stops: Sequence[str] = (),
    lacks_money: bool = False,
    color: bool = False,
) -> str:
    """What a run leaves on the terminal.

    Args:
        head: The run; its estimate and budget are compared with the cost.
        totals: Over the jobs that the run selected.
        exit_code: As the process will exit.
        outputs: The output folder as a person would type it; None to leave it out.
        report: The HTML report likewise.
        stops: What ended submissions early, a sentence each; may hold provider text.
        lacks_money: Whether a budget is what stopped it.
        color: Whether to colour symbols.

    Returns:
        Text that ends with a line feed, its last line `done_line`.
    """
    lines: list[str] = []
    for group in totals.groups:
        lines += [*group_lines(head, group, color=color), ""]
    if stops:
        lines += [*(f"! {escape.visible(stop)}" for stop in stops), ""]
    if totals.shelves[Shelf.OPEN]:
        lines += [*_open_lines(head, totals.shelves[Shelf.OPEN], lacks_money=lacks_money), ""]
    lines += _figure_lines(head, totals, outputs, report)
    lines.append(done_line(totals, exit_code))
    return "\n".join(lines) + "\n"


def done_line(totals: Totals, exit_code: int) -> str:
    """The last line, e.g. `Done. OK=12 FAILED=2 DOUBT=0 SKIPPED=1 CACHED=83 TOTAL=98 COST=13.11 EXIT=1`.

    `OK` counts what this run finished, `CACHED` what was up to date before it, `TOTAL` the jobs selected, orphans left out. `COST` is what
    this run's jobs cost: `0` when it worked on none, `unknown` when nothing is known or the currencies differ.
    """
    shelves = totals.shelves
    counts = {
        "OK": shelves[Shelf.NEW],
        "FAILED": shelves[Shelf.FAILED],
        "DOUBT": shelves[Shelf.DOUBT],
        "SKIPPED": shelves[Shelf.SKIPPED],
        "CACHED": shelves[Shelf.CACHED],
        "TOTAL": totals.jobs - shelves[Shelf.ORPHAN],
        "COST": _cost_word(totals),
        "EXIT": exit_code,
    }
    return "Done. " + " ".join(f"{name}={value}" for name, value in counts.items())


def group_lines(head: ReportHead, group: CauseGroup, *, color: bool = False) -> Iterator[str]:
    """A cause, its jobs with `file:line`, and the command that takes them further, runnable as printed."""
    sign = STATES[group.kind.state]
    yield f"{paint(sign.symbol, sign.style, color=color)} {escape.visible(group.title)}: {count(group.count, 'job')}"
    yield from (_job_line(job) for job in group.jobs)
    if group.hidden:
        yield f"    and {group.hidden:,} more"
    step = next_command(head, group)
    if step is not None:
        yield f"    next: {escape.visible(step)}"
        other = alternatives(group.kind.state)
        if other is not None:
            yield f"          {other}"


def _open_lines(head: ReportHead, number: int, *, lacks_money: bool) -> Iterator[str]:
    yield f"{count(number, 'job')} not finished"
    yield f"    next: {escape.visible(head.commands.go_on())}"
    if lacks_money and head.budget is not None:
        yield f"          {escape.visible(head.commands.money_needed(head.budget))}"
    elif head.bounds.budget:
        yield "          with a larger --budget it makes more"


def next_command(head: ReportHead, group: CauseGroup) -> str | None:
    """The command that takes a group further; it names the jobs that are listed."""
    return head.commands.step(group.kind.state, group.kind.cause, [job.id for job in group.jobs])


def _job_line(job: ReportJob) -> str:
    message = "" if job.problem is None else job.problem.message
    request = "" if job.problem is None or not job.problem.request_id else f" (request {job.problem.request_id})"
    return "    " + escape.visible(f"{job.id}  {job.place}  {message}{request}")


def _figure_lines(head: ReportHead, totals: Totals, outputs: str | None, report: str | None) -> Iterator[str]:
    run = head.run
    if run is not None and run.ended_at is not None:
        yield f"Time:   {minutes(run.ended_at - run.started_at)}"
    yield f"Cost:   {_cost_text(head, totals)}"
    files = f"Files:  {count(totals.run_files, 'new file')}, {size(totals.run_bytes)}"
    yield files if outputs is None else f"{files} in {escape.visible(outputs)}"
    if report is not None:
        yield f"Report: {escape.visible(report)}"


def _cost_text(head: ReportHead, totals: Totals) -> str:
    estimate = head.estimate if head.estimate is not None else totals.run_estimate
    said = [" + ".join(_money(cost) for cost in totals.run_costs) or _no_cost(totals, estimate)]
    if estimate is not None:
        said.append(f"{_money(estimate)} estimated")
    if head.budget is not None:
        said.append(f"budget {_money(head.budget.limit)}{' a day' if head.budget.per_day else ''}")
    return ", ".join(said)


def _no_cost(totals: Totals, estimate: Money | None) -> str:
    """What a run cost of which no amount is known: nothing, in the form of the estimate beside it, or nobody knows."""
    cost = totals.run_cost("" if estimate is None else estimate.currency)
    return "unknown" if cost is None else _money(cost).strip()


def _money(value: Money) -> str:
    return escape.visible(f"{amount(value.amount)} {value.currency}")


def _cost_word(totals: Totals) -> str:
    cost = totals.run_cost("")
    return "unknown" if cost is None else exact(cost.amount)
