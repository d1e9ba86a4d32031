"""Checks a campaign from end to end: one pass over every row of every job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.core.diagnostics import Severity, Unsaid
from runner.manifest.findings import in_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.core.diagnostics import Diagnostic
    from runner.core.spec import JobSpec
    from runner.manifest.campaign import ManifestCampaign

MOST_FINDINGS: Final = 10_000
"""Findings kept of one campaign; a million bad rows are counted, but not held."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a full pass found.

    Args:
        diagnostics: The findings in position order, each once.
        jobs_read: Jobs met, those with findings included.
        not_kept: How many more findings there were.
    """

    diagnostics: tuple[Diagnostic, ...]
    jobs_read: int
    not_kept: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether a run may start: there are warnings at most."""
        return not self.not_kept and all(it.severity is not Severity.ERROR for it in self.diagnostics)


def check(campaign: ManifestCampaign, also: Callable[[JobSpec], Diagnostic | None] = lambda _: None) -> CheckResult:
    """Stream every job of a campaign and collect what is wrong. Offline; memory grows with ids and findings only.

    Args:
        campaign: The manifest.
        also: What else may be wrong with a sound job; None when nothing is.
    """
    kept: list[Diagnostic] = []
    not_kept = 0
    unsaid = Unsaid()

    def keep(finding: Diagnostic) -> None:
        nonlocal not_kept
        if len(kept) < MOST_FINDINGS:
            kept.append(finding)
        else:
            not_kept += 1

    expansion = campaign.expansion(keep)
    for spec in expansion.jobs():
        for obstacle in filter(unsaid, spec.obstacles):
            keep(obstacle)
        finding = also(spec)
        if finding is not None:
            keep(finding)
    return CheckResult(tuple(in_order(kept, campaign.path)), expansion.jobs_read, not_kept)
