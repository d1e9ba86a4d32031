"""The end of a run: its record, its report, its summary and its exit code."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.cli.bug import tell_bug
from runner.cli.ending import exit_code, first, stops
from runner.cli.exits import Exit
from runner.cli.opening import report_folder, selection_words
from runner.cli.reporting import ReportJobs, currency_of, is_stale, make_head, write_report
from runner.cli.screen import say, tell, tell_error, wants_color
from runner.core.errors import CallsheetError
from runner.core.job import State
from runner.core.money import Money
from runner.core.notices import RunEnded
from runner.engine.run import Outcome
from runner.report.next_step import Bounds
from runner.report.summary import render_summary
from runner.report.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.cli.running import RunSettings
    from runner.cli.signals import Signals
    from runner.core.money import Budget
    from runner.core.ports import Clock
    from runner.core.selection import Selection
    from runner.core.spec import Campaign
    from runner.engine.prepare import Prepared
    from runner.report.model import ReportHead
    from runner.report.terminal import Watcher
    from runner.store.store import StateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Ends a prepared run.

    Args:
        settings: What the command line said.
        campaign: The manifest.
        store: Its state, open for writing.
        prepared: What was to be done.
        budgets: All limits.
        signals: What was received.
        clock: Time.
    """

    settings: RunSettings
    campaign: Campaign
    store: StateStore
    prepared: Prepared
    budgets: tuple[Budget, ...]
    signals: Signals
    clock: Clock

    def nothing_to_do(self) -> int:
        """Everything is done, or waits for the user: say so. A report that tells the state as it is is left untouched.

        Returns:
            The exit code.

        Raises:
            StorageFailed: The lock file or the report is not up to date and could not be written.
        """
        folder = report_folder(self.campaign)
        self._write_lock_file()
        if self.store.count() and (self.store.taken_over or is_stale(self.store, folder)):
            self.signals.hold_back()
            write_report(self.campaign, self._jobs(self._head()), folder)
        outcome = Outcome(states=self.prepared.settled)
        code = exit_code(outcome, self.signals.exit)
        head = make_head(self.campaign, None, options=self.settings.options)
        # What was made before now was not made by this run.
        totals = Totals.of(self._jobs(head, self.settings.selection), run_started_at=self.clock.wall())
        self._say_summary(head, totals, code, outcome)
        return code

    def close(self, run_id: str, outcome: Outcome, watcher: Watcher) -> int:
        """Write down how the run ended. What fails here does not keep the rest from being tried.

        Returns:
            The exit code.
        """
        code, ended_at = exit_code(outcome, self.signals.exit), self.clock.wall()
        failed = _attempt(lambda: self.store.end_run(run_id, ended_at, code))
        head = self._head()
        selected = self._jobs(head, self.settings.selection)
        totals = selected.totals()
        watcher.notify(RunEnded(at=ended_at, exit_code=code, spent=totals.run_cost(currency_of(self.campaign))))
        watcher.close()
        _tell_fatal(outcome.fatal)
        folder = report_folder(self.campaign)
        everything = selected if self.settings.selection.is_everything else self._jobs(head)
        failed += _attempt(self._write_lock_file)
        failed += _attempt(lambda: write_report(self.campaign, everything, folder))
        if outcome.fatal is None:
            for error in failed:
                tell_error(error)
        code = self._correct(run_id, ended_at, code, has_failed=bool(failed))
        self._say_summary(head, totals, code, outcome)
        return code

    def _write_lock_file(self) -> None:
        self.store.write_lock_file(self.prepared.census.current)

    def _correct(self, run_id: str, ended_at: float, code: Exit, *, has_failed: bool) -> Exit:
        """The final exit code: what failed since, or a signal that came meanwhile, may take precedence; the record says the same."""
        codes = {code} | ({Exit.STORAGE} if has_failed else set())
        final = first(codes if self.signals.exit is None else codes | {self.signals.exit})
        if final is not code:
            _attempt(lambda: self.store.end_run(run_id, ended_at, final))
        return final

    def _head(self) -> ReportHead:
        estimate = None
        if not self.prepared.unpriced:
            estimate = Money(self.prepared.expected, currency_of(self.campaign))
        budget = min(self.budgets, key=lambda each: each.limit.amount) if self.budgets else None
        run = self.store.last_run()
        return make_head(self.campaign, run, options=self.settings.options, budget=budget, estimate=estimate)

    def _jobs(self, head: ReportHead, selection: Selection | None = None) -> ReportJobs:
        return ReportJobs(self.campaign, self.store, head, selection, self.prepared.undelivered)

    def _say_summary(self, head: ReportHead, totals: Totals, code: int, outcome: Outcome) -> None:
        if self.settings.quiet and code == Exit.DONE:
            return
        stream = sys.stderr if self.settings.quiet else sys.stdout
        summary = render_summary(
            replace(head, bounds=_bounds(self.settings)),
            totals,
            exit_code=code,
            outputs=os.path.relpath(self.campaign.output_dir),
            report=os.path.relpath(report_folder(self.campaign) / "index.html"),
            stops=stops(outcome, totals.count(State.RUNNING) + totals.count(State.DOWNLOADING)),
            lacks_money=outcome.stopped_by == "budget",
            color=wants_color(stream),
        )
        (tell if self.settings.quiet else say)(summary.rstrip("\n"))


def _bounds(settings: RunSettings) -> Bounds:
    """What the command line has bound the run to, beside the options that every further command needs."""
    chosen = selection_words(*settings.selection.written) + ["--retry-failed"] * settings.retry_failed
    plan = settings.promise
    budget = settings.budget if plan is None else plan.budget(settings.budget)
    return Bounds(
        chosen=tuple(chosen),
        budget=() if budget is None else ("--budget", budget),
        plan_again=() if plan is None else tuple(plan.again(settings.budget)),
    )


def _attempt(step: Callable[[], None]) -> list[CallsheetError]:
    """Try one step of the end; what ended it, if anything did."""
    try:
        step()
    except CallsheetError as error:
        return [error]
    return []


def _tell_fatal(fatal: BaseException | None) -> None:
    if isinstance(fatal, CallsheetError):
        tell_error(fatal)
    elif fatal is not None:
        tell_bug(fatal)
