"""Putting a run together: manifest, state, accounts, engine, report; and taking it apart in good order."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from runner.cli.amounts import parse_deadline_s, parse_selection
from runner.cli.clock import SystemClock
from runner.cli.embedded import sandbox_for
from runner.cli.finishing import Finish
from runner.cli.opening import (
    further_options,
    open_manifest,
    state_folder,
)
from runner.cli.promise import Promise, find_promise
from runner.cli.providers import operations_of, traits_of
from runner.cli.reporting import budgets_of, currency_of
from runner.cli.screen import tell_taken_over, tell_unmatched, wants_color
from runner.cli.signals import Signals
from runner.cli.starting import take_lock
from runner.cli.state import open_state
from runner.cli.wires import make_wires
from runner.core.errors import ManifestInvalid, SettingMissing
from runner.core.ledger import day_of
from runner.core.notices import RunStarted
from runner.engine.context import Context
from runner.engine.journal import Journal
from runner.engine.lane import Lane
from runner.engine.prepare import Prepared, prepare
from runner.engine.pricing import expected_cost
from runner.engine.run import Run
from runner.engine.survey import Scope
from runner.engine.treasury import Treasury
from runner.media.probe import probe
from runner.report.terminal import make_observer
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.job import Job
    from runner.core.money import Budget
    from runner.core.plan import Standing
    from runner.core.selection import Selection
    from runner.core.spec import Campaign
    from runner.engine.run import Outcome
    from runner.providers.http import HttpWire
    from runner.report.terminal import Watcher
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
        promise: The saved plan that is to be carried out; None for a run of a manifest as it is.
        check_urls: Whether the addresses that jobs send are asked first.
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
    promise: Promise | None = None
    check_urls: bool = False

    @classmethod
    def from_options(cls, **options: Any) -> RunSettings:
        """Read click's options.

        Raises:
            click.UsageError: A selector, an amount or a time means nothing, or a saved plan leaves no choice of an option.
            PlanRefused: The saved plan does not hold.
        """
        promise = find_promise(options["manifest"], options)
        if promise is not None:
            options |= promise.options()
        select, exclude = options.pop("select"), options.pop("exclude")
        deadline = options.pop("deadline")
        now = datetime.now().astimezone()
        return cls(
            selection=parse_selection(select, exclude),
            deadline_at=None if deadline is None else time.monotonic() + parse_deadline_s(deadline, now),
            promise=promise,
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
    campaign = _open(settings)
    planned = None if settings.promise is None else settings.promise.plan.options.budget
    budgets = budgets_of(campaign, settings.budget, planned)
    scope = Scope(
        now=time.time(),
        selection=settings.selection,
        retry_failed=settings.retry_failed,
        traits=traits_of(campaign),
    )
    lock = take_lock(
        campaign,
        scope,
        command=f"callsheet run {settings.manifest}",
        has_budget=bool(budgets),
        wait=settings.wait_for_lock,
        deadline_at=settings.deadline_at,
    )
    with lock, open_state(campaign, read_only=False) as store:
        if not settings.quiet:
            tell_taken_over(store.taken_over)
        now = time.time()  # the lock may have been waited for
        return _run_with_state(settings, campaign, store, replace(scope, now=now), budgets)


def _open(settings: RunSettings) -> Campaign:
    """Read the manifest, which has to be the one that a saved plan was made of."""
    try:
        campaign = open_manifest(
            settings.manifest,
            variables=settings.variables,
            allow_files_outside=settings.allow_files_outside,
            sandbox=settings.sandbox,
            check_urls=settings.check_urls,
        )
    except ManifestInvalid as invalid:
        if settings.promise is not None:
            raise settings.promise.broken_by(invalid) from invalid
        raise
    if settings.promise is not None:
        settings.promise.check_manifest(campaign)
    return campaign


def _run_with_state(
    settings: RunSettings, campaign: Campaign, store: StateStore, scope: Scope, budgets: tuple[Budget, ...]
) -> int:
    delivery = FileDelivery(Path(campaign.output_dir), probe=probe)
    folder = state_folder(campaign)
    last = store.last_run()
    prepared = prepare(
        campaign,
        store,
        delivery,
        scope,
        folder=folder,
        has_budget=bool(budgets),
        after_kill=last is not None and last.ended_at is None,
        note=None if settings.promise is None else settings.promise.note,
        can_look_up=partial(_can_look_up, campaign),
    )
    with contextlib.closing(prepared.worklist):
        if settings.promise is not None:
            settings.promise.check(store)
        if not settings.quiet:
            tell_unmatched(settings.selection)
        one = _Run(settings, campaign, store, delivery, prepared, budgets)
        return one.finish.nothing_to_do() if prepared.work == 0 else asyncio.run(one.work())


def _can_look_up(campaign: Campaign, row: Job | Standing) -> bool:
    """Whether the API of a job can be asked for it by our own id."""
    account = campaign.accounts.get(row.account)
    if account is None or not account.looks_up:
        return False
    operation = operations_of(account).get(f"{account.type}/" + row.uses.partition("/")[2])
    return operation is not None and operation.own_ids is not None


@dataclass(slots=True)
class _Run:
    """One `callsheet run`, prepared."""

    settings: RunSettings
    campaign: Campaign
    store: StateStore
    delivery: FileDelivery
    prepared: Prepared
    budgets: tuple[Budget, ...]
    signals: Signals = field(init=False)
    clock: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        """Nothing was received yet."""
        self.signals = Signals(self.settings.manifest)

    @property
    def finish(self) -> Finish:
        """Ends it."""
        return Finish(
            settings=self.settings,
            campaign=self.campaign,
            store=self.store,
            prepared=self.prepared,
            budgets=self.budgets,
            signals=self.signals,
            clock=self.clock,
        )

    async def work(self) -> int:
        """Do what there is to do.

        Returns:
            The exit code.

        Raises:
            SettingMissing: A credential is missing; nothing was sent.
            StorageFailed: Outputs could not be stored; nothing was sent.
        """
        with contextlib.ExitStack() as stack:
            async with sandbox_for(self.campaign):
                lanes = self._lanes()
                sources = self._sources(lanes)
                self.delivery.make_ready()
                run_id = self._record_start()
                watcher = stack.enter_context(contextlib.closing(self._watcher()))
                outcome = await self._execute(run_id, lanes, sources, watcher)
            return self.finish.close(run_id, outcome, watcher)

    def _lanes(self) -> dict[str, Lane]:
        """The accounts with work. What cannot be used of them shows here, before anything is recorded."""
        accounts = list(self.prepared.queues) + [name for name, _ in self.prepared.waiting]
        names = list(dict.fromkeys(accounts))
        return {name: self._lane(name, wire) for name, wire in make_wires(self.campaign, names).items()}

    def _sources(self, lanes: Mapping[str, Lane]) -> dict[str, Lane]:
        """The accounts without work that may be asked for outputs of delivered jobs; nobody has to have a credential for that alone."""
        wires: dict[str, HttpWire] = {}
        for name in sorted((self.prepared.sources - lanes.keys()) & self.campaign.accounts.keys()):
            with contextlib.suppress(SettingMissing):
                wires |= make_wires(self.campaign, [name])
        return {name: self._lane(name, wire) for name, wire in wires.items()}

    def _record_start(self) -> str:
        run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.store.start_run(run_id, self.clock.wall(), self.campaign.sha256, dict(self.settings.variables))
        return run_id

    def _watcher(self) -> Watcher:
        mode = "none" if self.settings.quiet else self.settings.progress
        return make_observer(mode, stream=sys.stderr, color=wants_color(sys.stderr), clock=self.clock)

    async def _execute(
        self, run_id: str, lanes: Mapping[str, Lane], sources: Mapping[str, Lane], watcher: Watcher
    ) -> Outcome:
        run = Run(self._context(watcher), lanes, self.prepared, sources)
        ticking = asyncio.create_task(_tick(watcher))
        deadline = None
        if self.settings.deadline_at is not None:
            left_s = max(0.0, self.settings.deadline_at - self.clock.monotonic())
            deadline = asyncio.get_running_loop().call_later(left_s, run.stop, "deadline")
        try:
            with self.signals.stop(run):
                watcher.notify(self._started(run_id, lanes))
                return await run.execute()
        finally:
            ticking.cancel()
            if deadline is not None:
                deadline.cancel()
            for lane in (*lanes.values(), *sources.values()):
                await lane.wire.close()
            await self.delivery.close()

    def _lane(self, name: str, wire: HttpWire) -> Lane:
        account = self.campaign.accounts[name]
        self.delivery.introduce(name, wire.authorization, wire.secrets)
        return Lane(account, wire, operations_of(account), Random(), currency=currency_of(self.campaign))

    def _context(self, watcher: Watcher) -> Context:
        expected = partial(expected_cost, self.campaign.accounts, currency_of(self.campaign), self.prepared.lengths_s)
        today = day_of(self.clock.wall())
        treasury = Treasury.open(self.budgets, self.store, today=today, expected=expected)
        return Context(
            manifest=self.campaign.name,
            store=self.store,
            delivery=self.delivery,
            clock=self.clock,
            observer=watcher,
            journal=Journal(self.store, watcher, self.clock, treasury),
            limit=self.settings.limit,
            treasury=treasury,
        )

    def _started(self, run_id: str, lanes: Mapping[str, Lane]) -> RunStarted:
        queues = self.prepared.queues
        counts = {name: sum(len(queue) for queue in (q.resume, q.download, q.submit)) for name, q in queues.items()}
        for (name, _), jobs in self.prepared.waiting.items():
            counts[name] = counts.get(name, 0) + len(jobs)
        return RunStarted(
            at=self.clock.wall(),
            run_id=run_id,
            manifest=self.campaign.path,
            total=self.prepared.selected,
            planned={action.value: number for action, number in self.prepared.actions.items()},
            accounts={name: lane.account.limits.in_flight for name, lane in lanes.items()},
            jobs_by_account=counts,
        )


async def _tick(watcher: Watcher) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        watcher.tick()
