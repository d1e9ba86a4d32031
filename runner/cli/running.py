"""Putting a run together: manifest, state, accounts, engine, report; and taking it apart in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from runner.cli import bug
from runner.cli.amounts import parse_budget, parse_deadline_s, parse_selection
from runner.cli.clock import SystemClock
from runner.cli.embedded import sandbox_for
from runner.cli.exits import Exit, of_error
from runner.cli.opening import (
    SANDBOX_TOKEN,
    credentials,
    further_options,
    open_manifest,
    open_state,
    report_folder,
    state_folder,
)
from runner.cli.reporting import currency_of, make_head, totals_of, write_report
from runner.cli.screen import say, tell, tell_error, wants_color
from runner.core.errors import CallsheetError, StorageFailed
from runner.core.job import State
from runner.core.money import Budget, Money
from runner.core.notices import RunEnded, RunStarted
from runner.engine.context import Context
from runner.engine.journal import Journal
from runner.engine.lane import Lane
from runner.engine.prepare import Prepared, prepare
from runner.engine.run import Outcome, Run
from runner.engine.survey import Scope
from runner.engine.treasury import Treasury
from runner.media.probe import probe
from runner.providers.http import HttpWire
from runner.providers.registry import PROVIDERS
from runner.report.summary import render_summary
from runner.report.terminal import Watcher, make_observer
from runner.store.lock import hold_lock
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.core.selection import Selection
    from runner.core.spec import Campaign
    from runner.report.model import ReportHead
    from runner.store.store import StateStore

_TICK_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What the command line of `run` says.

    Args:
        manifest: Path as typed.
        selection: Which jobs.
        variables: Overrides of vars.
        budget: `--budget`, in the manifest's currency; None without one.
        deadline_s: Seconds that the run may take; None for no deadline.
        limit: Submissions at the most; None for no limit.
        progress: How progress is told.
    """

    manifest: str
    selection: Selection
    variables: Mapping[str, str]
    allow_files_outside: bool
    sandbox: bool
    limit: int | None
    budget: str | None
    deadline_s: float | None
    retry_failed: bool
    progress: Literal["auto", "live", "plain", "json", "none"]
    quiet: bool
    wait_for_lock: bool

    @classmethod
    def from_options(cls, **options: Any) -> RunSettings:
        """Read click's options.

        Raises:
            click.UsageError: A selector, an amount or a time means nothing.
        """
        select, exclude = options.pop("select"), options.pop("exclude")
        deadline = options.pop("deadline")
        return cls(
            selection=parse_selection(select, exclude),
            deadline_s=None if deadline is None else parse_deadline_s(deadline, datetime.now().astimezone()),
            **options,
        )

    @property
    def options(self) -> tuple[str, ...]:
        """What every further command for this manifest needs too."""
        return further_options(self.variables, sandbox=self.sandbox, allow_files_outside=self.allow_files_outside)


def run_manifest(settings: RunSettings) -> int:
    """Run a manifest.

    Returns:
        The exit code.

    Raises:
        CallsheetError: The run could not begin, or its state failed.
    """
    campaign = open_manifest(
        settings.manifest,
        variables=settings.variables,
        allow_files_outside=settings.allow_files_outside,
        sandbox=settings.sandbox,
    )
    budgets = [campaign.budget] if campaign.budget is not None else []
    if settings.budget is not None:
        budgets.append(Budget(parse_budget(settings.budget, currency_of(campaign))))
    folder = state_folder(campaign)
    wait_s = None if settings.wait_for_lock else 0
    with (
        hold_lock(folder, command=f"callsheet run {settings.manifest}", wait_s=wait_s),
        open_state(campaign, read_only=False) as store,
    ):
        if store.imported:
            tell(
                f"The state had lost what submissions.jsonl beside it knows: {len(store.imported)} jobs were taken over from there."
            )
        return _run_with_state(settings, campaign, store, folder, tuple(budgets))


def _run_with_state(
    settings: RunSettings, campaign: Campaign, store: StateStore, folder: Path, budgets: tuple[Budget, ...]
) -> int:
    delivery = FileDelivery(Path(campaign.output_dir), probe=probe)
    scope = Scope(selection=settings.selection, retry_failed=settings.retry_failed)
    prepared = prepare(campaign, store, delivery, scope, folder=folder, limit=settings.limit, has_budget=bool(budgets))
    with contextlib.closing(prepared.worklist):
        job = _Job(settings, campaign, store, delivery, prepared, budgets)
        return job.nothing_to_do() if prepared.work == 0 else asyncio.run(job.work())


@dataclass(slots=True)
class _Signals:
    """The first signal ends the run in good order, the second at once."""

    received: signal.Signals | None = None

    @contextlib.contextmanager
    def stop(self, run: Run) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._take, number, run)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                # From here on the state is closed and the report written; a signal now leaves at once.
                loop.remove_signal_handler(number)
                signal.signal(number, self._leave)

    def _take(self, number: signal.Signals, run: Run) -> None:
        if self.received is not None:
            self._leave(self.received, None)
        self.received = signal.Signals(number)
        run.stop("signal")

    def _leave(self, number: int, _frame: object) -> None:
        tell("Left at once. What was on the wire is looked up, or in doubt, in the next run.")
        os._exit(Exit.INTERRUPTED if (self.received or number) == signal.SIGINT else Exit.TERMINATED)


@dataclass(slots=True)
class _Job:
    """One `callsheet run`, prepared."""

    settings: RunSettings
    campaign: Campaign
    store: StateStore
    delivery: FileDelivery
    prepared: Prepared
    budgets: tuple[Budget, ...]
    signals: _Signals = field(default_factory=_Signals)
    clock: SystemClock = field(default_factory=SystemClock)

    def nothing_to_do(self) -> int:
        """Everything is done, or waits for the user: say so and leave the report as it is."""
        outcome = Outcome(states=self.prepared.settled)
        code = self._exit_code(outcome)
        folder = report_folder(self.campaign)
        last = self.store.last_run()
        if last is not None and not (folder / "report.json").exists():
            write_report(self.campaign, self.store, self._head(last.run_id), folder)
        self._say_summary(make_head(self.campaign, None, options=self.settings.options), code, outcome)
        return code

    async def work(self) -> int:
        """Do what there is to do.

        Returns:
            The exit code.

        Raises:
            SettingMissing: Before anything is sent.
        """
        accounts = list(self.prepared.queues) + [name for _, name, _ in self.prepared.waiting]
        names = list(dict.fromkeys(accounts))
        async with sandbox_for(self.campaign):
            tokens = dict.fromkeys(names, SANDBOX_TOKEN) if self.settings.sandbox else credentials(self.campaign, names)
            run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
            self.store.start_run(run_id, self.clock.wall(), self.campaign.sha256, dict(self.settings.variables))
            outcome = await self._execute(run_id, tokens)
        return self._close(run_id, outcome)

    async def _execute(self, run_id: str, tokens: Mapping[str, str]) -> Outcome:
        mode = "none" if self.settings.quiet else self.settings.progress
        watcher = make_observer(mode, stream=sys.stderr, color=wants_color(sys.stderr), clock=self.clock)
        lanes = {name: self._lane(name, token) for name, token in tokens.items()}
        run = Run(self._context(watcher), lanes, self.prepared)
        ticking = asyncio.create_task(_tick(watcher))
        deadline = None
        if self.settings.deadline_s is not None:
            deadline = asyncio.get_running_loop().call_later(self.settings.deadline_s, run.stop, "deadline")
        try:
            with self.signals.stop(run):
                watcher.notify(self._started(run_id, lanes))
                outcome = await run.execute()
                watcher.notify(RunEnded(at=self.clock.wall(), exit_code=self._exit_code(outcome), spent=outcome.spent))
        finally:
            ticking.cancel()
            if deadline is not None:
                deadline.cancel()
            watcher.close()
            for lane in lanes.values():
                await lane.wire.close()
            await self.delivery.close()
        return outcome

    def _lane(self, name: str, token: str) -> Lane:
        account = self.campaign.accounts[name]
        provider = PROVIDERS[account.type]
        operations = {operation.name: operation for operation in provider.operations.values()}
        wire = HttpWire(account, token=token)
        return Lane(account, wire, operations, Random(), currency=currency_of(self.campaign))

    def _context(self, watcher: Watcher) -> Context:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        return Context(
            manifest=self.campaign.name,
            store=self.store,
            delivery=self.delivery,
            clock=self.clock,
            observer=watcher,
            journal=Journal(self.store, watcher, self.clock),
            treasury=Treasury.open(self.budgets, self.store, today=today),
        )

    def _started(self, run_id: str, lanes: Mapping[str, Lane]) -> RunStarted:
        queues = self.prepared.queues
        counts = {name: sum(len(queue) for queue in (q.resume, q.download, q.submit)) for name, q in queues.items()}
        for _, name, _ in self.prepared.waiting:
            counts[name] = counts.get(name, 0) + 1
        return RunStarted(
            at=self.clock.wall(),
            run_id=run_id,
            manifest=self.campaign.path,
            total=self.prepared.selected,
            planned={action.value: number for action, number in self.prepared.actions.items()},
            accounts={name: lane.account.limits.in_flight for name, lane in lanes.items()},
            jobs_by_account=counts,
        )

    # --- the end ------------------------------------------------------------------------------------------------------

    def _close(self, run_id: str, outcome: Outcome) -> int:
        code = self._exit_code(outcome)
        if isinstance(outcome.fatal, StorageFailed):
            tell_error(outcome.fatal)
        elif outcome.fatal is not None:
            bug.tell_bug(outcome.fatal)
        try:
            self.store.end_run(run_id, self.clock.wall(), code)
            head = self._head(run_id)
            write_report(self.campaign, self.store, head, report_folder(self.campaign))
            self._say_summary(head, code, outcome)
        except (CallsheetError, OSError) as error:
            if outcome.fatal is None:
                failed = (
                    error
                    if isinstance(error, CallsheetError)
                    else StorageFailed(f"the report could not be written: {error}")
                )
                tell_error(failed)
                code = min(code, Exit.STORAGE, key=list(Exit).index)
        return code

    def _head(self, run_id: str) -> ReportHead:
        run = self.store.last_run()
        assert run is not None
        assert run.run_id == run_id
        estimate = None
        if not self.prepared.unpriced and self.prepared.expected:
            estimate = Money(self.prepared.expected, currency_of(self.campaign))
        budget = min(self.budgets, key=lambda each: each.limit.amount) if self.budgets else None
        return make_head(self.campaign, run, options=self.settings.options, budget=budget, estimate=estimate)

    def _say_summary(self, head: ReportHead, code: int, outcome: Outcome) -> None:
        if self.settings.quiet and code == Exit.DONE:
            return
        totals = totals_of(self.campaign, self.store, head, self.settings.selection)
        stream = sys.stderr if self.settings.quiet else sys.stdout
        summary = render_summary(
            head,
            totals,
            exit_code=code,
            outputs=os.path.relpath(self.campaign.output_dir),
            report=os.path.relpath(report_folder(self.campaign) / "index.html"),
            stops=_stops(outcome, totals.count(State.RUNNING) + totals.count(State.DOWNLOADING)),
            color=wants_color(stream),
        )
        (tell if self.settings.quiet else say)(summary.rstrip("\n"))

    def _exit_code(self, outcome: Outcome) -> Exit:
        codes = [Exit.DONE]
        if outcome.fatal is not None:
            codes.append(of_error(outcome.fatal))
        if self.signals.received is not None:
            codes.append(Exit.INTERRUPTED if self.signals.received == signal.SIGINT else Exit.TERMINATED)
        if outcome.stopped_by == "space":
            codes.append(Exit.STORAGE)
        if outcome.states[State.IN_DOUBT]:
            codes.append(Exit.IN_DOUBT)
        if outcome.unfinished:
            codes.append(Exit.STOPPED)
        if outcome.states[State.FAILED] or outcome.states[State.SKIPPED]:
            codes.append(Exit.FAILED)
        return min(codes, key=list(Exit).index)


def _stops(outcome: Outcome, paid: int) -> list[str]:
    """Why less was done than planned, in sentences; `paid` tasks run on at the provider or wait to be fetched."""
    sentences = [f"{name} stopped: {failure.code} {failure.message}" for name, failure in outcome.account_stops.items()]
    if outcome.closing_reason:
        sentences.append(f"submissions stopped: {outcome.closing_reason}")
    if outcome.stopped_by in ("deadline", "signal"):
        what = "the deadline came" if outcome.stopped_by == "deadline" else "stopped by a signal"
        sentences.append(
            f"{what}; {paid} tasks are paid already and run on at the provider: the next run goes on with them"
        )
    if outcome.left_running:
        sentences.append(
            f"{outcome.left_running} tasks run longer than `poll.deadline_s`; the next run goes on with them"
        )
    return sentences


async def _tick(watcher: Watcher) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        watcher.tick()
