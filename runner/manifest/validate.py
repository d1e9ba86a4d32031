"""Checks a campaign from end to end: one pass over every row of every job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from runner.core.collected import Collected
from runner.core.diagnostics import Diagnostic, Unsaid
from runner.core.money import Budget
from runner.core.spec import Account, JobSpec
from runner.manifest.findings import in_order

if TYPE_CHECKING:
    from runner.core.collected import Found
    from runner.manifest.campaign import ManifestCampaign
    from runner.manifest.expand import Expansion

JobCheck = Callable[[JobSpec], Diagnostic | None]
"""Says what else is wrong with a job that holds; None when nothing is."""
JobCheckMaker = Callable[[Mapping[str, Account], Budget | None], JobCheck]
"""Makes one from a manifest's accounts and budget."""


def check(campaign: ManifestCampaign, also: JobCheck = lambda _: None) -> Found:
    """Stream every job of a campaign and collect what is wrong. Offline; memory grows with ids and findings only.

    Args:
        campaign: The manifest.
        also: What else may be wrong with a job.
    """
    collected = Collected()
    expansion = campaign.expansion(collected)
    collect(expansion, collected, also)
    return in_order(collected.found(expansion.jobs_read), campaign.path)


def collect(expansion: Expansion, collected: Collected, also: JobCheck) -> None:
    """Go through all jobs of a pass that reports to `collected`; what is in the way of jobs that hold is collected too."""
    unsaid = Unsaid()
    for spec in expansion.jobs():
        for obstacle in filter(unsaid, spec.obstacles):
            collected(obstacle)
        finding = also(spec)
        if finding is not None:
            collected(finding)
