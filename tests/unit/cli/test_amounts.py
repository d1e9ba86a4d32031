"""Amounts, times and selectors as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import click
import pytest

from runner.cli.amounts import parse_budget, parse_deadline_s, parse_selection
from runner.core.money import Money

EVENING = datetime(2026, 11, 20, 22, 30, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("45m", 2700),
        ("2h", 7200),
        ("1.5h", 5400),
        ("0s", 0),
        ("23:00", 1800),
        ("06:30", 8 * 3600),
        ("6:30", 8 * 3600),
        ("22:30", 86_400),
        ("00:00", 5400),
    ],
)
def test_a_deadline_is_a_time_of_day_or_a_duration(text: str, seconds: float) -> None:
    """A time that has passed today is tomorrow's."""
    assert parse_deadline_s(text, EVENING) == seconds


@pytest.mark.parametrize("text", ["", "soon", "24:00", "12:60", "5", "-5m", "2d", "1h30m", "06:30:00", "∞s", "1e3s"])
def test_other_deadlines_are_usage_errors(text: str) -> None:
    """The message shows what was typed and what is possible."""
    with pytest.raises(click.UsageError, match="06:30"):
        parse_deadline_s(text, EVENING)


@pytest.mark.parametrize(("text", "amount"), [("25", "25"), ("25.00", "25.00"), ("0", "0"), ("0.1 USD", "0.1")])
def test_a_budget_is_an_exact_amount(text: str, amount: str) -> None:
    """Never a binary fraction."""
    assert parse_budget(text, "USD") == Money(Decimal(amount), "USD")


@pytest.mark.parametrize("text", ["", "much", "-1", "NaN", "Infinity", "25 EUR", "1,50"])
def test_other_budgets_are_usage_errors(text: str) -> None:
    """Negative, infinite, in another currency, or no number at all."""
    with pytest.raises(click.UsageError, match="--budget"):
        parse_budget(text, "USD")


@pytest.mark.parametrize("text", ["", "tag:a,,tag:b", "state:asleep", "colour:red"])
def test_a_selector_that_means_nothing_is_a_usage_error(text: str) -> None:
    """A typing error must not select everything, or nothing."""
    with pytest.raises(click.UsageError):
        parse_selection([text], [])
