"""Money during a run: what may still be spent, reserved before every submission and never exceeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.money import Budget, Money
    from runner.core.ports import Store


@dataclass(slots=True)
class _Purse:
    budget: Budget
    spent: Decimal

    def has(self, money: Money) -> bool:
        return self.spent + money.amount <= self.budget.limit.amount


@dataclass(slots=True)
class Treasury:
    """All budgets of a run; a submission must fit into each.

    The state is the ledger; this is its sum, kept up while one process holds the lock. What is in doubt stays reserved in full.

    No budget is ever exceeded by what is settled and what is reserved for accepted and doubtful jobs, as long as no task costs more than
    was reserved for it. When one does (the provider's word counts, and it may have counted more units or seconds), the difference is
    spent already, and nobody can take it back: what is left shrinks by it, below nothing if need be, and nothing more is submitted.
    """

    _purses: list[_Purse] = field(default_factory=list)

    @property
    def is_limited(self) -> bool:
        """Whether there is any budget: then nothing of unknown price is submitted."""
        return bool(self._purses)

    @classmethod
    def open(cls, budgets: Sequence[Budget], store: Store, *, today: str) -> Treasury:
        """Add up what the state has spent.

        Args:
            budgets: The limits; the strictest wins by itself.
            store: The state.
            today: The UTC day, `YYYY-MM-DD`, that a budget by day counts.
        """
        purses = []
        for budget in budgets:
            charges = store.spent(day=today if budget.per_day else None)
            # A manifest has one currency. What was recorded under another name for it was spent all the same.
            spent = sum((charge.amount for charge in charges), Decimal(0))
            purses.append(_Purse(budget, spent))
        return cls(purses)

    def reserve(self, money: Money | None) -> Budget | None:
        """Set money aside, in all budgets or in none.

        Args:
            money: The estimate; None (unknown) fits only where there is no budget.

        Returns:
            None when it is reserved; else the budget that it does not fit into.
        """
        if money is None:
            return self._purses[0].budget if self._purses else None
        short = next((purse.budget for purse in self._purses if not purse.has(money)), None)
        if short is None:
            self._add(money.amount)
        return short

    def assume(self, money: Money | None) -> None:
        """Count an open task of an earlier run whose price was not known when it was submitted."""
        if money is not None:
            self._add(money.amount)

    def settle(self, reserved: Money | None, actual: Money | None) -> None:
        """Replace what was reserved (or assumed) by what it really cost."""
        if actual is not None:
            self._add(actual.amount - (reserved.amount if reserved is not None else Decimal(0)))

    def release(self, reserved: Money | None) -> None:
        """Nothing is owed after all."""
        if reserved is not None:
            self._add(-reserved.amount)

    def _add(self, amount: Decimal) -> None:
        for purse in self._purses:
            purse.spent += amount
