"""From the manifest and its state to the report, the summary and `status`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from runner.cli.amounts import parse_budget
from runner.cli.screen import say, wants_color
from runner.core.codes import Code
from runner.core.events import Cause, Failure
from runner.core.job import State
from runner.core.money import Budget, Money
from runner.core.selection import Selection
from runner.engine.survey import Census, orphans, select
from runner.report import documents, html, json_file, junit, markdown
from runner.report.model import ReportHead, RunHead, report_job
from runner.report.plan import Purse
from runner.report.status_text import render_status
from runner.report.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.core.job import Job
    from runner.core.spec import Campaign, JobSpec
    from runner.report.model import ReportJob
    from runner.store.history import RunRecord
    from runner.store.store import StateStore

_MOST_KEPT: Final = 5_000
"""Jobs of a report that are kept in memory, about 10 MB: the page shows no more either."""

DEFAULT_CURRENCY = "USD"
"""Of prices in a manifest without a budget."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})

_FORMS: Final = (json_file.NAME, junit.NAME, markdown.NAME, html.NAME)

_COARSE_S: Final = 0.02
"""A kernel stamps files with a clock that ticks every 4 or 10 ms: a file may seem that much older than what was written into it."""


def currency_of(campaign: Campaign) -> str:
    """The currency of a manifest's prices."""
    return campaign.budget.limit.currency if campaign.budget is not None else DEFAULT_CURRENCY


def estimate_of(campaign: Campaign, spec: JobSpec) -> Money | None:
    """What making a job is expected to cost; None when unknown."""
    amount = campaign.accounts[spec.account].expected_price(spec.operation, spec.duration_s)
    return None if amount is None else Money(amount, currency_of(campaign))


def most_of(campaign: Campaign, spec: JobSpec) -> Money | None:
    """What making a job can cost at most: by the longest recording that is taken where its length is not known yet; None when unknown."""
    longest_s = next((most_s for job_id, _, most_s in spec.lengths if job_id == spec.lasts_as), None)
    return estimate_of(campaign, spec if spec.duration_s is not None else replace(spec, duration_s=longest_s))


def budgets_of(campaign: Campaign, *typed: str | None) -> tuple[Budget, ...]:
    """All limits of a command: the manifest's, and those typed with `--budget`; the strictest wins.

    Raises:
        click.UsageError: What was typed is no amount, or in another currency.
    """
    own = () if campaign.budget is None else (campaign.budget,)
    return own + tuple(Budget(parse_budget(text, currency_of(campaign))) for text in typed if text is not None)


def tightest(budgets: Sequence[Budget], store: StateStore) -> Purse | None:
    """The budget of which least is left."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    purses = []
    for budget in budgets:
        charges = store.spent(day=today if budget.per_day else None)
        purses.append(Purse(budget, sum((charge.amount for charge in charges), Decimal(0))))
    return min(purses, key=lambda purse: purse.left, default=None)


def make_head(
    campaign: Campaign,
    run: RunRecord | None,
    *,
    options: tuple[str, ...],
    budget: Budget | None = None,
    estimate: Money | None = None,
) -> ReportHead:
    """The head of a report."""
    head = (
        None
        if run is None
        else RunHead(id=run.run_id, started_at=run.started_at, ended_at=run.ended_at, exit_code=run.exit_code)
    )
    return ReportHead(
        name=campaign.name,
        path=campaign.path,
        sha256=campaign.sha256,
        run=head,
        output_dir=Path(os.path.relpath(campaign.output_dir, campaign.folder)).as_posix(),
        budget=budget or campaign.budget,
        estimate=estimate,
        options=options,
    )


def jobs_of(
    campaign: Campaign,
    store: StateStore,
    head: ReportHead,
    selection: Selection | None = None,
    undelivered: Mapping[str, str] = _NONE,
) -> Iterator[ReportJob]:
    """The chosen jobs of the manifest in its order; orphans after them when everything is chosen.

    What succeeded before the head's run began counts as cached; without a run, all that succeeded. `undelivered` is as in `ReportJobs`.
    """
    chosen = selection or Selection()
    since = head.run.started_at if head.run is not None else float("inf")
    census = Census()
    for entry in select(campaign, store, chosen, lambda _: None, census=census):
        job, why = entry.job, undelivered.get(entry.spec.id)
        if job is not None and why is not None:
            job = _as_undelivered(job, why, is_in_reach=job.account in campaign.accounts)
        estimate = _expected(campaign, entry.spec, job)
        is_cached = job is not None and job.state is State.SUCCEEDED and (job.done_at or 0.0) < since
        yield report_job(entry.spec, job, estimate=estimate, manifest=head.path, cached=is_cached, options=head.options)
    if chosen.is_everything and census.may_miss_orphans(store.count()):
        for row in orphans(campaign, store):
            yield _orphan(row, head)


def _expected(campaign: Campaign, spec: JobSpec, job: Job | None) -> Money | None:
    """What a job was expected to cost when it was submitted; before that, what it would be."""
    return job.reserved if job is not None and job.reserved is not None else estimate_of(campaign, spec)


def _as_undelivered(job: Job, why: str, *, is_in_reach: bool) -> Job:
    """A delivered job whose file is gone for good, as a run finds it: it is not to be had again, or not as long as its account is missing."""
    failure = Failure(cause=Cause.FETCH, code=Code.RESULT_UNREACHABLE, message=why)
    if is_in_reach:
        failure = Failure(cause=Cause.EXPIRED, code=Code.RESULT_EXPIRED, message=why)
    return replace(job, state=State.FAILED, output=None, failure=failure)


def _orphan(row: Job, head: ReportHead) -> ReportJob:
    return report_job(None, row, estimate=row.reserved, manifest=head.path, cached=False, options=head.options)


class ReportJobs:
    """All jobs of a report, as often as a writer asks for them: kept while they are few, read anew when they are many.

    Args:
        campaign: The manifest.
        store: Its state; must not change meanwhile.
        head: The report's head.
        selection: Which jobs; None for all, and orphans.
        undelivered: Of jobs that were delivered once, whose file is gone and cannot be fetched: why, by id.
    """

    def __init__(
        self,
        campaign: Campaign,
        store: StateStore,
        head: ReportHead,
        selection: Selection | None = None,
        undelivered: Mapping[str, str] = _NONE,
    ) -> None:
        self.head = head
        self._read = partial(jobs_of, campaign, store, head, selection, undelivered)
        self._kept: list[ReportJob] | None = None

    def __iter__(self) -> Iterator[ReportJob]:
        if self._kept is not None:
            return iter(self._kept)
        jobs = self._read()
        first = list(islice(jobs, _MOST_KEPT + 1))
        if len(first) <= _MOST_KEPT:
            self._kept = first
        return chain(first, jobs)

    def totals(self) -> Totals:
        """Sums over them."""
        return Totals.of(self, run_started_at=self.head.run.started_at if self.head.run is not None else None)


def write_report(campaign: Campaign, jobs: ReportJobs, folder: Path) -> None:
    """Write every form of the report.

    Raises:
        StorageFailed: The folder cannot be written; forms that were not written yet are as they were.
    """
    from runner.media.poster import make_poster  # noqa: PLC0415  a report of nothing needs no decoder

    head, totals = jobs.head, jobs.totals()
    json_file.write_json(folder, head, totals, jobs)
    junit.write_junit(folder, head, totals, jobs)
    summary = markdown.write_markdown(folder, head, totals, jobs)
    html.write_html(folder, head, totals, jobs, outputs=Path(campaign.output_dir), make_poster=make_poster)
    _append_step_summary(summary)


def is_stale(store: StateStore, folder: Path) -> bool:
    """Whether a report is missing a form, tells of an earlier run than the last, or is older than the state's newest event."""
    try:
        written_at = min((folder / name).stat().st_mtime for name in _FORMS)
    except OSError:
        return True
    run, changed_at = store.last_run(), store.last_change_at()
    if run is not None and json_file.told_run(folder) != run.run_id:
        return True
    return changed_at is not None and changed_at > written_at + _COARSE_S


def _append_step_summary(summary: Path) -> None:
    """Continuous integration on GitHub shows what is appended to this file."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with open(target, "a", encoding="utf-8") as file:  # noqa: PTH123  a path that the runner gives
            file.write(summary.read_text(encoding="utf-8"))
    except OSError as error:
        sys.stderr.write(f"callsheet: the step summary could not be written: {error}\n")


def print_status(
    campaign: Campaign, store: StateStore, head: ReportHead, selection: Selection, *, as_json: bool, is_live: bool
) -> None:
    """Print what the state says: for people, or the document of `status --json`; `is_live` while a run is at work."""
    jobs = ReportJobs(campaign, store, head, selection)
    totals = jobs.totals()
    if as_json:
        documents.write_report(sys.stdout, head, totals, jobs)
        return
    for line in render_status(
        head, totals, jobs, purse=tightest(budgets_of(campaign), store), is_live=is_live, color=wants_color(sys.stdout)
    ):
        say(line)
