"""`summary.md`: the report for a pull request or a GitHub step summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from runner.core.job import State
from runner.report import escape
from runner.report.figures import amount, count, minutes, size, to_second
from runner.report.files import replacing
from runner.report.next_step import alternatives
from runner.report.summary import next_command
from runner.report.symbols import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.core.money import Money
    from runner.report.model import ReportHead, ReportJob
    from runner.report.totals import CauseGroup, Totals

NAME: Final = "summary.md"

MOST_BYTES: Final = 900_000
"""GitHub drops a step summary above 1 MiB whole, and other steps may have written to the same one (ux.md, findings)."""
_NOTE_BYTES: Final = 200


def write_markdown(folder: Path, head: ReportHead, totals: Totals, jobs: Iterable[ReportJob]) -> Path:
    """Write `summary.md`, at most `MOST_BYTES`, cut between two rows with a note.

    Args:
        folder: The report folder; made when missing.
        head: What the report is about.
        totals: Sums over the same jobs.
        jobs: In manifest order, orphans after them.

    Returns:
        The file's path.

    Raises:
        StorageFailed: It could not be written; an older file is untouched.
    """
    path = folder / NAME
    with replacing(path) as stream:
        for piece in _within_limit(head, totals, jobs):
            stream.write(piece)
    return path


def _within_limit(head: ReportHead, totals: Totals, jobs: Iterable[ReportJob]) -> Iterator[str]:
    left = MOST_BYTES - _NOTE_BYTES
    top = "\n".join(_top(head, totals))
    yield top
    left -= len(top.encode("utf-8", "replace"))
    for index, job in enumerate(jobs):
        row = _row(job)
        left -= len(row.encode("utf-8", "replace"))
        if left < 0:
            yield f"\n{count(totals.jobs - index, 'more job')} left out here; `report.json` lists every one.\n"
            return
        yield row


def _top(head: ReportHead, totals: Totals) -> Iterator[str]:
    yield f"## {escape.markdown(head.name)}"
    yield ""
    yield _sentence(head, totals)
    yield ""
    for group in totals.groups:
        yield from _group(head, group)
    yield "| | job | operation | result | expected | cost | took |"
    yield "|---|---|---|---|---:|---:|---:|"
    yield ""


def _sentence(head: ReportHead, totals: Totals) -> str:
    counts = [f"{totals.count(state):,} {state.value.replace('_', ' ')}" for state in State if totals.count(state)]
    parts = [f"**{count(totals.jobs, 'job')}**: {', '.join(counts)}." if counts else "**No jobs.**"]
    if totals.costs:
        costs = " + ".join(f"{amount(cost.amount)} {escape.markdown(cost.currency)}" for cost in totals.costs)
        parts.append(f"Cost: {costs}.")
    if totals.comparison is not None:
        parts.append(f"{escape.markdown(totals.comparison.text)}.")
    run = head.run
    if run is not None:
        took = "" if run.ended_at is None else f", {minutes(run.ended_at - run.started_at)}"
        ended = "" if run.exit_code is None else f", exit {run.exit_code}"
        parts.append(f"Run of {to_second(run.started_at)}{took}{ended}.")
    return " ".join(parts)


def _group(head: ReportHead, group: CauseGroup) -> Iterator[str]:
    sign = STATES[group.kind.state]
    yield f"### {sign.symbol} {escape.markdown(group.title)}: {count(group.count, 'job')}"
    yield ""
    for job in group.jobs:
        message = "" if job.problem is None else f": {escape.markdown(job.problem.message)}"
        yield f"* **{escape.markdown(job.id)}** ({escape.markdown(job.place)}){message}"
    if group.hidden:
        yield f"* and {group.hidden:,} more"
    yield ""
    step = next_command(head, group)
    if step is not None:
        yield _code_block(escape.visible(step))
        yield ""
        other = alternatives(group.kind.state)
        if other is not None:
            yield f"{other[0].upper()}{other[1:]}."
            yield ""


def _code_block(line: str) -> str:
    """A line as it is, in a fence longer than any run of backticks in it, so that nothing in it can end the block."""
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{line}\n{fence}"


def _row(job: ReportJob) -> str:
    sign = STATES[job.state]
    cells = (
        f"{sign.symbol} {sign.word}",
        escape.markdown(job.id),
        escape.markdown(job.uses),
        _result(job),
        _money(job.estimate),
        _cost(job),
        "" if job.took_s is None or job.is_cached else minutes(job.took_s),
    )
    return f"| {' | '.join(cells)} |\n"


def _cost(job: ReportJob) -> str:
    units = "" if job.units is None else f"{escape.markdown(job.units)} units"
    return ", ".join(part for part in (_money(job.actual), units) if part)


def _money(value: Money | None) -> str:
    return "" if value is None else f"{amount(value.amount)} {escape.markdown(value.currency)}"


def _result(job: ReportJob) -> str:
    if job.problem is not None:
        return escape.markdown(f"{job.problem.code} {job.problem.message}")
    if job.output is None or job.state is not State.SUCCEEDED:
        return ""
    length = "" if job.output.duration_s is None else f"{job.output.duration_s:.1f} s, "
    return f"{escape.markdown(job.output.path)} ({length}{size(job.output.size_bytes)})"
