"""Amounts, times and selectors as people type them on a command line."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

import click

from runner.core.money import Money
from runner.core.selection import BadSelector, Selection, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(s|m|h)")
_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_UNIT_S: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_deadline_s(text: str, now: datetime) -> float:
    """Seconds until a deadline.

    Args:
        text: A local time of day such as `06:30`, today or tomorrow, whichever comes next; or a duration such as `90s`, `45m`, `2h`.
        now: The present, with its time zone.

    Raises:
        click.UsageError: It is neither.
    """
    if match := _DURATION.fullmatch(text):
        return float(match[1]) * _UNIT_S[match[2]]
    if match := _TIME.fullmatch(text):
        then = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
        if then <= now:
            then += timedelta(days=1)
        return (then - now).total_seconds()
    raise click.UsageError(
        f"--deadline {text!r}: give a time of day such as 06:30, or a duration such as 90s, 45m or 2h"
    )


def parse_budget(text: str, currency: str) -> Money:
    """An amount of money, with or without its currency behind it.

    Raises:
        click.UsageError: It is no amount, is negative, or is in another currency than the manifest's prices.
    """
    number, _, word = text.partition(" ")
    try:
        amount = Decimal(number)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise click.UsageError(f"--budget {text!r}: give an amount such as 25.00")
    if word and word != currency:
        raise click.UsageError(f"--budget {text!r}: the manifest's prices are in {currency}")
    return Money(amount, currency)


def parse_selection(select: Sequence[str], exclude: Sequence[str]) -> Selection:
    """Selectors.

    Raises:
        click.UsageError: One of them means nothing.
    """
    try:
        return parse(select, exclude)
    except BadSelector as error:
        raise click.UsageError(str(error)) from error
