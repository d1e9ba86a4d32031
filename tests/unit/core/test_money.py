"""Prices: exact, and honest about what is unknown."""

from decimal import Decimal

import pytest

from runner.core.money import Price


@pytest.mark.parametrize(
    ("price", "duration_s", "units", "expected", "actual"),
    [
        (Price(per_job=Decimal("0.20")), None, None, "0.20", "0.20"),
        (Price(per_second=Decimal("0.056")), 9.6, None, "0.5376", "0.5376"),
        (Price(per_second=Decimal("0.056")), None, None, None, None),
        (Price(per_job=Decimal("0.1"), per_second=Decimal("0.2")), 0.1, None, "0.12", "0.12"),
        (Price(per_unit=Decimal("0.14")), None, "4", None, "0.56"),
        (Price(per_unit=Decimal("0.14")), None, None, None, None),
    ],
)
def test_an_amount_is_exact_or_unknown(
    price: Price, duration_s: float | None, units: str | None, expected: str | None, actual: str | None
) -> None:
    """Never a guess, never a binary fraction."""
    assert price.expected(duration_s) == (None if expected is None else Decimal(expected))
    assert price.actual(duration_s, units) == (None if actual is None else Decimal(actual))
