"""Exact sums of the ledger's lines; what a move does to a line is `runner.core.ledger`'s."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Final

from runner.core.ports import Charge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DIGITS: Final = 1000
"""Enough for any sum of amounts that people write; a sum that would still be rounded raises `decimal.Inexact`."""


def total(groups: Iterable[tuple[str, str, int]]) -> Sequence[Charge]:
    """Exact sums by currency, in the order of their names.

    Args:
        groups: Currency, amount as a decimal string, and how many lines have it.
    """
    sums: dict[str, Decimal] = {}
    with localcontext(Context(prec=_DIGITS, traps=[Inexact, InvalidOperation])):
        for currency, amount, count in groups:
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(amount) * count
    return [Charge(currency=currency, amount=sums[currency]) for currency in sorted(sums)]
