"""Exact money: decimal amounts with their currency, prices, estimates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, localcontext
from typing import Final

_MOST_EXPONENT: Final = 30
"""No amount of money has more digits before its point, and no rate needs more behind it."""
_EXACT: Final = Context(
    prec=2 * _MOST_EXPONENT, Emax=_MOST_EXPONENT, Emin=-_MOST_EXPONENT, traps=[Inexact, InvalidOperation, Overflow]
)
"""Raises where a result would be rounded or absurd: what a price is multiplied by comes from a stranger's reply or file."""


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
            The exact amount; None when the price needs a figure that is not there, or one from which no exact amount comes.
        """
        figures = ((self.per_second, duration_s), (self.per_unit, units))
        try:
            with localcontext(_EXACT):
                parts = (rate * _amount_of(said) for rate, said in figures if rate is not None)
                return sum(parts, self.per_job or Decimal(0))
        except DecimalException:
            return None


def _amount_of(said: float | str | None) -> Decimal:
    """A number of seconds or units as it was said.

    Raises:
        DecimalException: It was not said, or is no number that anything can cost by.
    """
    amount = Decimal("NaN") if said is None else Decimal(str(said))
    if not amount.is_finite() or amount < 0:
        raise InvalidOperation
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
