"""Prices: exact, and honest about what is unknown."""

from decimal import Decimal

import pytest

from runner.core.diagnostics import Span
from runner.core.money import Price
from runner.core.spec import Account, CredentialRef, Limits, PollBounds, Timeouts


@pytest.mark.parametrize(
    ("price", "duration_s", "units", "expected", "actual"),
    [
        (Price(per_job=Decimal("0.20")), None, None, "0.20", "0.20"),
        (Price(per_second=Decimal("0.056")), 9.6, None, "0.5376", "0.5376"),
        (Price(per_second=Decimal("0.056")), None, None, None, None),
        (Price(per_job=Decimal("0.1"), per_second=Decimal("0.2")), 0.1, None, "0.12", "0.12"),
        (Price(per_unit=Decimal("0.14")), None, "4", None, "0.56"),
        (Price(per_unit=Decimal("0.14")), None, None, None, None),
        (Price(per_unit=Decimal("0.14"), expected_units=Decimal(4)), None, "5", "0.56", "0.70"),
        (Price(per_unit=Decimal("0.14"), expected_units=Decimal(4)), None, None, "0.56", None),
        (
            Price(per_job=Decimal(1), per_unit=Decimal("0.1"), expected_units=Decimal("0.5")),
            None,
            "0.05",
            "1.05",
            "1.005",
        ),
    ],
)
def test_an_amount_is_exact_or_unknown(
    price: Price, duration_s: float | None, units: str | None, expected: str | None, actual: str | None
) -> None:
    """Never a guess, never a binary fraction."""
    assert price.expected(duration_s) == (None if expected is None else Decimal(expected))
    assert price.actual(duration_s, units) == (None if actual is None else Decimal(actual))


@pytest.mark.parametrize(
    ("duration_s", "units"),
    [
        (1.0, "9e9999999"),
        (1.0, "1e999990"),
        (1.0, "7" * 1_000_000),
        (1.0, "1e-999999"),
        (1.0, "-1"),
        (1.0, "NaN"),
        (1.0, "sNaN"),
        (1.0, "Infinity"),
        (1.0, "many"),
        (1e300, "1"),
        (float("nan"), "1"),
        (float("inf"), "1"),
        (-1.0, "1"),
    ],
    ids=lambda figure: str(figure)[:12],
)
def test_an_absurd_figure_makes_an_amount_unknown(duration_s: float, units: str) -> None:
    """What a stranger says must neither stop a run nor become money."""
    price = Price(per_job=Decimal(1), per_second=Decimal("0.05"), per_unit=Decimal("0.14"))
    assert price.actual(duration_s, units) is None


def test_an_absurd_expectation_is_unknown() -> None:
    """Nor does a price list stop a plan."""
    assert Price(per_unit=Decimal("0.14"), expected_units=Decimal("9e999999")).expected(1.0) is None


@pytest.mark.parametrize(
    ("operation", "duration_s", "expected"),
    [("kling/avatar", 2.0, "0.112"), ("kling/avatar", None, None), ("kling/tts", 2.0, None)],
)
def test_an_account_prices_by_operation(operation: str, duration_s: float | None, expected: str | None) -> None:
    """By the name of the operation without its provider; unknown where the list or the duration says nothing."""
    account = Account(
        name="kling-eu",
        type="kling",
        base_url="https://api.example.com",
        credential=CredentialRef(),
        limits=Limits(in_flight=1),
        poll=PollBounds(),
        timeouts=Timeouts(),
        source=Span("a.yaml", 1, 1),
        prices={"avatar": Price(per_second=Decimal("0.056"))},
    )
    assert account.expected_price(operation, duration_s) == (None if expected is None else Decimal(expected))
