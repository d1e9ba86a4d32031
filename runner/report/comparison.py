"""What jobs cost beside what they were expected to cost."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from runner.core.money import Money
from runner.report.figures import amount, count


class Comparison(NamedTuple):
    """Sums over jobs of which both are known: an unknown is never taken for nothing.

    Args:
        jobs: How many.
        estimate: What they were expected to cost when they were submitted.
        actual: What they cost, in the same currency.
    """

    jobs: int
    estimate: Money
    actual: Money

    @property
    def difference(self) -> Money:
        """How much more they cost than expected; below zero when they cost less."""
        return Money(self.actual.amount - self.estimate.amount, self.actual.currency)

    def with_job(self, estimate: Money, actual: Money) -> Comparison:
        """The sums with one more job, in the same currency."""
        return Comparison(self.jobs + 1, _sum(self.estimate, estimate), _sum(self.actual, actual))

    @property
    def text(self) -> str:
        """For people, the currency as it is: `1.20 USD expected, 1.10 paid (-0.10) for 5 jobs`, or `1.20 USD expected and paid for 5 jobs`."""
        difference = self.difference.amount
        expected, jobs = f"{amount(self.estimate.amount)} {self.estimate.currency} expected", count(self.jobs, "job")
        if not difference:
            return f"{expected} and paid for {jobs}"
        sign = "+" if difference > 0 else ""
        return f"{expected}, {amount(self.actual.amount)} paid ({sign}{amount(difference)}) for {jobs}"


def nothing(currency: str) -> Comparison:
    """The sums of no jobs."""
    return Comparison(0, Money(Decimal(0), currency), Money(Decimal(0), currency))


def _sum(one: Money, other: Money) -> Money:
    return Money(one.amount + other.amount, one.currency)
