"""From the survey to the plan that people and programmes read."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cli.amounts import parse_selection
from runner.cli.opening import further_options, missing_credentials, open_manifest
from runner.cli.providers import traits_of
from runner.cli.reporting import budgets_of, estimate_of, make_head, most_of, tightest
from runner.cli.saving import check_target, save_plan
from runner.cli.screen import say, tell_unmatched, wants_color
from runner.cli.state import open_state
from runner.core.diagnostics import Unsaid
from runner.core.plan import Action, Decision
from runner.engine.obstacles import Obstacles
from runner.engine.pricing import PriceCheck, is_priced_later
from runner.engine.reasons import explained
from runner.engine.survey import Census, Findings, Scope, orphans, survey
from runner.media.probe import probe
from runner.report.plan import KEPT_PER_ACTION, PlanTotals, plan_entry
from runner.report.plan_document import write_plan
from runner.report.plan_text import render_plan
from runner.report.saved_plan import PlanOptions
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.core.money import Budget
    from runner.core.spec import Campaign
    from runner.engine.survey import Surveyed
    from runner.report.model import ReportHead
    from runner.report.plan import PlanEntry
    from runner.store.store import StateStore


def plan_manifest(manifest: str, **options: Any) -> bool:
    """Print the plan of a manifest, and save it when that is asked for.

    Args:
        manifest: Its path as typed.
        options: Those of the command `plan`.

    Returns:
        Whether there is work to do.

    Raises:
        CallsheetError: The plan could not be made, or not be saved.
    """
    chosen = PlanOptions(**{each.name: options[each.name] for each in fields(PlanOptions)})
    as_json, show_all, target = options["as_json"], options["show_all"], options["target"]
    if target is not None:
        check_target(target, manifest)
    basics: dict[str, Any] = {"sandbox": chosen.sandbox, "allow_files_outside": chosen.allow_files_outside}
    campaign = open_manifest(manifest, variables=chosen.variables, check_urls=options["check_urls"], **basics)
    scope = Scope(
        now=time.time(),
        selection=parse_selection(chosen.select, chosen.exclude),
        retry_failed=chosen.retry_failed,
        traits=traits_of(campaign),
    )
    budgets = budgets_of(campaign, chosen.budget)
    head = make_head(campaign, None, options=further_options(chosen.variables, **basics))
    with open_state(campaign, read_only=True) as store:
        plan = Plan(campaign, store, scope, head, budgets=budgets, needs_credentials=not chosen.sandbox)
        totals = plan.totals(keep=0 if as_json else None if show_all else KEPT_PER_ACTION)
        plan.show(totals, as_json=as_json, show_all=show_all)
        if target is not None:
            save_plan(target, campaign, store, plan, totals=totals, options=chosen)
    tell_unmatched(scope.selection)
    return totals.work > 0


def decisions(
    campaign: Campaign,
    store: StateStore,
    scope: Scope,
    *,
    has_budget: bool,
    census: Census | None = None,
    is_for_run: bool = False,
) -> Iterator[Surveyed]:
    """What a run would do with every chosen job, as it would find it, in manifest order.

    Args:
        campaign: The manifest.
        store: Its state.
        scope: Which jobs.
        has_budget: Whether a budget is set: then an unknown price is a finding.
        census: Counts what passes.
        is_for_run: Whether what blocks a job for want of a file is a finding, as it is for a run.

    Raises:
        ManifestInvalid: After the last job, when a finding is an error.
    """
    delivery = FileDelivery(Path(campaign.output_dir), probe=probe)
    findings, unsaid = Findings(), Unsaid()
    prices = PriceCheck(campaign.accounts, has_budget=has_budget)
    for entry in survey(campaign, store, delivery, scope, findings, census=census):
        for obstacle in filter(unsaid, entry.findings if is_for_run else ()):
            findings(obstacle)
        unpriced = prices.finding(entry.spec) if entry.decision.action.costs else None
        if unpriced is not None:
            findings(unpriced)
        yield entry
    findings.raise_if_invalid()


class Plan:
    """What a run would do, as often as somebody asks.

    Args:
        campaign: The manifest.
        store: Its state; must not change meanwhile.
        scope: Which jobs.
        head: What the plan is about.
        budgets: All limits.
        needs_credentials: Whether jobs of an account without a credential are blocked.
    """

    def __init__(
        self,
        campaign: Campaign,
        store: StateStore,
        scope: Scope,
        head: ReportHead,
        *,
        budgets: Sequence[Budget],
        needs_credentials: bool,
    ) -> None:
        self.head = head
        self.purse = tightest(budgets, store)
        self._campaign = campaign
        self._store = store
        self._scope = scope
        self._has_budget = bool(budgets)
        self._obstacles = Obstacles(missing_credentials(campaign) if needs_credentials else {})

    def entries(self, *, most_explained: int | None = None) -> Iterator[PlanEntry]:
        """The entries in manifest order, orphans after them.

        Args:
            most_explained: Of so many jobs of each account and operation it is said what changed in them; None for all.

        Raises:
            ManifestInvalid: After the last job, when a finding is an error.
        """
        campaign, store, census = self._campaign, self._store, Census()
        surveyed = decisions(campaign, store, self._scope, has_budget=self._has_budget, census=census)
        for entry in explained(surveyed, campaign, store, most=most_explained):
            estimate, blocked = estimate_of(campaign, entry.spec), self._obstacles.of(entry)
            yield plan_entry(
                entry.spec,
                entry.decision,
                head=self.head,
                estimate=estimate,
                at_most=most_of(campaign, entry.spec) if estimate is None else None,
                blocked=blocked,
                moved_from=store.taken_over.renamed.get(entry.spec.id),
                is_priced_later=is_priced_later(campaign.accounts[entry.spec.account], entry.spec),
            )
        if self._scope.selection.is_everything and census.may_miss_orphans(store.count()):
            for row in orphans(campaign, store):
                decision = Decision(Action.ORPHAN, "the manifest does not ask for it any more", row)
                yield plan_entry(None, decision, head=self.head, estimate=None)

    def totals(self, *, keep: int | None = KEPT_PER_ACTION) -> PlanTotals:
        """Counts and sums over all entries.

        Args:
            keep: As for `PlanTotals`.

        Raises:
            ManifestInvalid: A finding is an error.
        """
        while True:
            self._obstacles.is_stale = False
            totals = PlanTotals(keep=keep)
            for entry in self.entries(most_explained=keep):
                totals.add(entry)
            # Nearly always a needed job stands before those that need it, and one pass tells all.
            if not self._obstacles.is_stale:
                return totals

    def show(self, totals: PlanTotals, *, as_json: bool, show_all: bool) -> None:
        """Print it; `totals` kept every entry when `show_all` is True."""
        if as_json:
            write_plan(sys.stdout, self.head, self.entries(), totals, self.purse)
            return
        text = render_plan(
            self.head, totals, self.purse, show_all=show_all, color=wants_color(sys.stdout), cells=_screen_cells()
        )
        say(text.rstrip("\n"))


def _screen_cells() -> int | None:
    """How wide the screen is; None where the plan does not go to a screen."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
