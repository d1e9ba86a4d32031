"""Exact money: decimal amounts with their currency, prices, estimates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount.

    Args:
        amount: Decimal, never rounded by us.
        currency: ISO 4217 code or the user's own word, e.g. `USD`.
    """

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """`1.26 USD`."""
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What an operation costs on an account; None where it is not charged that way.

    Args:
        per_job: For each job.
        per_second: For each second of the result.
        per_unit: For each of the provider's own units.
        expected_units: How many of these a job is expected to take at most; None when nobody knows beforehand.
    """

    per_job: Decimal | None = None
    per_second: Decimal | None = None
    per_unit: Decimal | None = None
    expected_units: Decimal | None = None

    def expected(self, duration_s: float | None) -> Decimal | None:
        """What a job will cost, as far as it is known beforehand.

        Args:
            duration_s: Seconds of the result, or None when unknown.

        Returns:
            The amount, at most what the expected units come to; None when it depends on something unknown.
        """
        units = None if self.expected_units is None else str(self.expected_units)
        return self.actual(duration_s, units)

    def actual(self, duration_s: float | None, units: str | None) -> Decimal | None:
        """What a finished job cost by this price.

        Args:
            duration_s: Seconds of the file, or None when unknown.
            units: Units that the provider reported, or None.

        Returns:
            The amount; None when the price needs a figure that is not there.
        """
        amount = self.per_job or Decimal(0)
        if self.per_second is not None:
            if duration_s is None:
                return None
            amount += self.per_second * Decimal(str(duration_s))
        if self.per_unit is not None:
            if units is None:
                return None
            amount += self.per_unit * Decimal(units)
        return amount


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent.

    Args:
        limit: The most, in its currency.
        per_day: True when the limit is for the UTC day, False when it is for all that this state has ever spent.
    """

    limit: Money
    per_day: bool = False
