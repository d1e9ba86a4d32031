"""A budget needs prices: what cannot be priced cannot be held against one, so it is a finding before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.diagnostics import Diagnostic
from runner.core.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.job import Job
    from runner.core.money import Price
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
        account = self.accounts[spec.account]
        if account.expected_price(spec.operation, spec.duration_s) is not None or is_priced_later(account, spec):
            return None
        self._found.add(spec.uses)
        return _unpriced(spec, account.prices.get(spec.operation.partition("/")[2]))


def expected_cost(
    accounts: Mapping[str, Account], currency: str, lengths_s: Mapping[tuple[str, str], float], job: Job
) -> Money | None:
    """What an open task would cost by the prices of now.

    Args:
        accounts: The manifest's, by name.
        currency: Of their prices.
        lengths_s: How long results will last, as far as known, by id and fingerprint.
        job: It may be of an account that the manifest no longer has.

    Returns:
        The amount; None when the price is not given, or rests on something unknown.
    """
    account = accounts.get(job.account)
    if account is None:
        return None
    amount = account.expected_price(job.operation, lengths_s.get((job.id, job.fingerprint)))
    return None if amount is None else Money(amount, currency)


def is_priced_later(account: Account, spec: JobSpec) -> bool:
    """Whether a job has no price yet only because a job that it needs tells how long its result will last, and is not delivered yet.

    Such a job is priced when it is submitted; no budget keeps the others from being made meanwhile.
    """
    return spec.lasts_as is not None and account.expected_price(spec.operation, 0.0) is not None


def _unpriced(spec: JobSpec, price: Price | None) -> Diagnostic:
    return Diagnostic(
        code="M601",
        message=f"a budget is set, but what `{spec.uses}` costs is not known",
        span=spec.source,
        job=spec.id,
        notes=(_remedy(spec.uses, price),),
    )


def _remedy(uses: str, price: Price | None) -> str:
    """What to write so that a job has a price beforehand."""
    if price is None:
        return f'say it under `prices:`, for example `{uses}: {{per_job: "0.20"}}`, or run without a budget'
    if price.per_unit is not None and price.expected_units is None:
        return "`per_unit` is known only afterwards: add `expected_units`, how many a job takes at most, or run without a budget"
    return "`per_second` needs the length of the result, which nothing tells here: price it `per_job`, or run without a budget"
