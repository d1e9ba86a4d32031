"""From the survey to the plan that people and programmes read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.opening import missing_credentials
from runner.cli.reporting import estimate_of
from runner.cli.screen import say, wants_color
from runner.core.plan import Action, Decision
from runner.engine.pricing import PriceCheck
from runner.engine.survey import Census, Findings, orphans, survey
from runner.media.probe import probe
from runner.report.plan import PlanTotals, plan_entry, write_plan
from runner.report.plan_text import render_plan
from runner.transfer.delivery import FileDelivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.core.spec import Campaign
    from runner.engine.survey import Scope
    from runner.report.model import ReportHead
    from runner.report.plan import PlanEntry
    from runner.store.store import StateStore


def plan_entries(
    campaign: Campaign, store: StateStore, scope: Scope, *, needs_credentials: bool, has_budget: bool
) -> Callable[[], Iterator[PlanEntry]]:
    """The plan's entries in manifest order, orphans after them, as often as they are asked for.

    Args:
        campaign: The manifest.
        store: Its state.
        scope: Which jobs.
        needs_credentials: Whether jobs of an account without a credential are blocked.
        has_budget: Whether a budget is set: then an unknown price is a finding.

    Raises:
        ManifestInvalid: From the iterator, after the last job, when a finding is an error.
    """
    delivery = FileDelivery(Path(campaign.output_dir), probe=probe)
    missing = missing_credentials(campaign) if needs_credentials else {}

    def entries() -> Iterator[PlanEntry]:
        findings, census = Findings(), Census()
        prices = PriceCheck(campaign.accounts, has_budget=has_budget)
        for entry in survey(campaign, store, delivery, scope, findings, census=census):
            spec, action = entry.spec, entry.decision.action
            unpriced = prices.finding(spec) if action.costs else None
            if unpriced is not None:
                findings(unpriced)
            blocked = missing.get(spec.account) if action.is_work else None
            yield plan_entry(spec, entry.decision, estimate=estimate_of(campaign, spec), blocked=blocked)
        findings.raise_if_invalid()
        if scope.selection.is_everything and census.may_miss_orphans(store.count()):
            for row in orphans(campaign, store):
                decision = Decision(Action.ORPHAN, "the manifest does not ask for it any more", row)
                yield plan_entry(None, decision, estimate=None)

    return entries


def print_plan(
    head: ReportHead, entries: Callable[[], Iterator[PlanEntry]], *, as_json: bool, show_all: bool
) -> PlanTotals:
    """Print a plan.

    Returns:
        What was counted.
    """
    totals = PlanTotals(keep=None if show_all and not as_json else PlanTotals().keep)
    for entry in entries():
        totals.add(entry)
    if as_json:
        write_plan(sys.stdout, head, entries(), totals)
    else:
        say(render_plan(head, totals, show_all=show_all, color=wants_color(sys.stdout)).rstrip("\n"))
    return totals
