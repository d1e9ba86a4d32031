"""A budget needs prices: what cannot be priced cannot be held against one, so it is a finding before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.spec import Account, JobSpec


@dataclass(slots=True)
class PriceCheck:
    """Finds jobs of unknown price while a budget is set: one finding for each account and operation.

    Args:
        accounts: The manifest's, by name.
        has_budget: Whether a budget is set; without one nothing is found.
    """

    accounts: Mapping[str, Account]
    has_budget: bool
    _found: set[str] = field(default_factory=set)

    def finding(self, spec: JobSpec) -> Diagnostic | None:
        """What is wrong with the price of a job that is to be submitted; None when nothing is, or when it was said already."""
        if not self.has_budget or spec.uses in self._found:
            return None
        if self.accounts[spec.account].expected_price(spec.operation, spec.duration_s) is not None:
            return None
        self._found.add(spec.uses)
        return _unpriced(spec)


def _unpriced(spec: JobSpec) -> Diagnostic:
    return Diagnostic(
        code="M601",
        message=f"a budget is set, but what `{spec.uses}` costs is not known",
        span=spec.source,
        job=spec.id,
        notes=(f'say it under `prices:`, for example `{spec.uses}: {{per_job: "0.20"}}`, or run without a budget',),
    )
