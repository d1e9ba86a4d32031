"""Putting a run together: manifest, state, accounts, engine, report; and taking it apart in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from runner.cli.amounts import parse_budget, parse_deadline_s, parse_selection
from runner.cli.bug import tell_bug
from runner.cli.clock import SystemClock
from runner.cli.embedded import sandbox_for
from runner.cli.ending import exit_code, first, stops
from runner.cli.exits import Exit
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
from runner.cli.signals import Signals
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
    from collections.abc import Callable, Mapping

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
        deadline_at: Monotonic seconds when the run has to end; None for no deadline.
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
    deadline_at: float | None
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
        now = datetime.now().astimezone()
        return cls(
            selection=parse_selection(select, exclude),
            deadline_at=None if deadline is None else time.monotonic() + parse_deadline_s(deadline, now),
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
        one = _Run(settings, campaign, store, delivery, prepared, budgets)
        return one.nothing_to_do() if prepared.work == 0 else asyncio.run(one.work())


@dataclass(slots=True)
class _Run:
    """One `callsheet run`, prepared."""

    settings: RunSettings
    campaign: Campaign
    store: StateStore
    delivery: FileDelivery
    prepared: Prepared
    budgets: tuple[Budget, ...]
    signals: Signals = field(default_factory=Signals)
    clock: SystemClock = field(default_factory=SystemClock)

    def nothing_to_do(self) -> int:
        """Everything is done, or waits for the user: say so and leave the report as it is."""
        outcome = Outcome(states=self.prepared.settled)
        code = exit_code(outcome, self.signals.exit)
        folder = report_folder(self.campaign)
        if self.store.last_run() is not None and not (folder / "report.json").exists():
            write_report(self.campaign, self.store, self._head(), folder)
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
        if self.settings.deadline_at is not None:
            left_s = max(0.0, self.settings.deadline_at - self.clock.monotonic())
            deadline = asyncio.get_running_loop().call_later(left_s, run.stop, "deadline")
        try:
            with self.signals.stop(run):
                watcher.notify(self._started(run_id, lanes))
                outcome = await run.execute()
                watcher.notify(
                    RunEnded(at=self.clock.wall(), exit_code=exit_code(outcome, self.signals.exit), spent=outcome.spent)
                )
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
        """Write down how the run ended. What fails here does not keep the rest from being tried."""
        code = exit_code(outcome, self.signals.exit)
        if isinstance(outcome.fatal, CallsheetError):
            tell_error(outcome.fatal)
        elif outcome.fatal is not None:
            tell_bug(outcome.fatal)
        folder = report_folder(self.campaign)
        steps: tuple[Callable[[], None], ...] = (
            lambda: self.store.end_run(run_id, self.clock.wall(), code),
            lambda: write_report(self.campaign, self.store, self._head(), folder),
        )
        for step in steps:
            try:
                step()
            except (CallsheetError, OSError) as error:
                failed = (
                    error
                    if isinstance(error, CallsheetError)
                    else StorageFailed(f"the report could not be written: {error}")
                )
                if outcome.fatal is None:
                    tell_error(failed)
                code = first({code, Exit.STORAGE})
        self._say_summary(self._head(), code, outcome)
        return code

    def _head(self) -> ReportHead:
        run = self.store.last_run()
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
            stops=stops(outcome, totals.count(State.RUNNING) + totals.count(State.DOWNLOADING)),
            color=wants_color(stream),
        )
        (tell if self.settings.quiet else say)(summary.rstrip("\n"))


async def _tick(watcher: Watcher) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        watcher.tick()
