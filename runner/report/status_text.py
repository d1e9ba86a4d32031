"""`status` for people: how many jobs stand where, what is open, what needs somebody, and what to type next."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.core.job import State
from runner.report import escape
from runner.report.figures import count, rfc3339
from runner.report.model import Shelf
from runner.report.summary import group_lines
from runner.report.symbols import STATES, paint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.report.model import ReportHead, ReportJob
    from runner.report.plan import Purse
    from runner.report.totals import Totals

OPEN_SHOWN: Final = 20
"""Open jobs that are listed; `--json` has all."""


def render_status(
    head: ReportHead,
    totals: Totals,
    jobs: Iterable[ReportJob],
    *,
    purse: Purse | None = None,
    is_live: bool = False,
    color: bool = False,
) -> Iterator[str]:
    """What the state says.

    Args:
        head: The last run.
        totals: Over the same jobs.
        jobs: In manifest order, orphans after them.
        purse: The budget that is nearest to its end; None without one.
        is_live: Whether a run of this manifest is at work.
        color: Whether to colour symbols.

    Yields:
        Lines without a line feed.
    """
    yield _title(head, is_live=is_live)
    for state in State:
        if number := totals.count(state):
            sign = STATES[state]
            yield f"  {paint(sign.symbol, sign.style, color=color)} {number:>7,} {state.value.replace('_', ' ')}"
    yield from _open_lines(totals, jobs, is_live=is_live, color=color)
    for group in totals.groups:
        yield ""
        yield from group_lines(head, group, color=color)
    if not is_live and (totals.shelves[Shelf.OPEN] or totals.count(State.SUBMITTING)):
        yield ""
        yield f"next: {escape.visible(head.commands.go_on())}"
        if purse is not None and _lacks_money(totals, purse):
            yield f"      {escape.visible(head.commands.money_needed(purse.budget))}"


def _lacks_money(totals: Totals, purse: Purse) -> bool:
    """Whether no job that waits fits into the budget any more, and nothing that is paid is to be finished."""
    is_begun = any(totals.count(state) for state in State if state.is_paid_and_open)
    cheapest = totals.cheapest_open
    return not is_begun and cheapest is not None and cheapest.amount > purse.left


def _title(head: ReportHead, *, is_live: bool) -> str:
    run = head.run
    if run is None:
        return escape.visible(f"{head.name}: not run yet")
    ended = "still at work" if is_live else "cut off"
    if run.exit_code is not None:
        ended = f"exit {run.exit_code}"
    return escape.visible(f"{head.name}: last run {rfc3339(run.started_at)}, {ended}")


def _open_lines(totals: Totals, jobs: Iterable[ReportJob], *, is_live: bool, color: bool) -> Iterator[str]:
    begun = (job for job in jobs if job.state.is_paid_and_open)
    shown = list(islice(begun, OPEN_SHOWN))
    if not shown:
        return
    yield ""
    for job in shown:
        sign = STATES[job.state]
        task = f"task {job.task_id}" if job.task_id else "no task id"
        if job.state is State.SUBMITTING and not is_live:
            task = "cut off: the next run looks it up, or it is in doubt"
        orphan = "  not in the manifest any more" if job.is_orphan else ""
        yield f"  {paint(sign.symbol, sign.style, color=color)} {escape.visible(f'{job.id}  {job.state.value}  {task}  {job.place}{orphan}')}"
    hidden = sum(totals.count(state) for state in State if state.is_paid_and_open) - len(shown)
    if hidden:
        yield f"    and {count(hidden, 'more job')}"
