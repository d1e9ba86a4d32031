"""Money during a run: what may still be spent, reserved before every submission and never exceeded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from runner.core.ledger import Line, Reserve, changes, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.core.job import Job
    from runner.core.money import Budget, Money
    from runner.core.ports import Move, Store
    from runner.core.spec import JobSpec

_JobKey: TypeAlias = tuple[str, str]
"""Id and fingerprint."""


@dataclass(frozen=True, slots=True)
class Purse:
    """A budget and what counts against it.

    Args:
        budget: The limit.
        by_day: What lines of the ledger come to and what is assumed: by UTC day where the budget is for each, else all under "".
    """

    budget: Budget
    by_day: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def spent(self, day: str) -> Decimal:
        """What counts on a day."""
        return self.by_day[self._counted_as(day)]

    def add(self, line: Line | None, sign: int = 1) -> None:
        """Count a line, or with -1 count it no more. None, or one of unknown amount, is nothing."""
        if line is not None and line.amount is not None:
            self.by_day[self._counted_as(line.day)] += sign * line.amount.amount

    def without(self, lines: Iterable[Line], day: str) -> Decimal:
        """What would count on a day if these lines came to nothing."""
        counted = (line.amount for line in lines if self._counted_as(line.day) == self._counted_as(day))
        return self.spent(day) - sum((amount.amount for amount in counted if amount is not None), Decimal(0))

    def _counted_as(self, day: str) -> str:
        return day if self.budget.per_day else ""


@dataclass(slots=True)
class Treasury:
    """All budgets of a run; a submission must fit into each.

    The state is the ledger; this is its sum, kept up while one process holds the lock, by the very rules that the state writes its lines
    by. Two things count beside it. Money is held for a job from its turn to its intent. And an open task of an earlier run that was
    submitted without a price is assumed to cost what it would cost now, until the ledger knows better; one whose price cannot be told
    now either (by the second, and its job is not among those of the run) counts from the moment that its cost is known.

    No budget is ever exceeded by what is settled and what is reserved for accepted and doubtful jobs, as long as no task costs more than
    was reserved for it. When one does (the provider's word counts, and it may have counted more units or seconds), the difference is
    spent already, and nobody can take it back: what is left shrinks by it, below nothing if need be, and nothing more is submitted.

    Args:
        purses: The budgets; the strictest wins by itself.
        held: Money of jobs whose turn has come and whose intent is not written yet.
        assumed: By job and attempt, what stands for a line of unknown amount.
    """

    purses: Sequence[Purse] = ()
    held: dict[_JobKey, Decimal] = field(default_factory=dict)
    assumed: dict[tuple[_JobKey, int], Line] = field(default_factory=dict)

    @property
    def is_limited(self) -> bool:
        """Whether there is any budget: then nothing of unknown price is submitted."""
        return bool(self.purses)

    @classmethod
    def open(
        cls,
        budgets: Sequence[Budget],
        store: Store,
        *,
        today: str,
        expected: Callable[[Job], Money | None] = lambda _job: None,
    ) -> Treasury:
        """Add up what the state has spent.

        Args:
            budgets: The limits.
            store: The state.
            today: The UTC day, `YYYY-MM-DD`, on which the run begins.
            expected: What an open task would cost by today's prices; None when unknown.
        """
        purses = []
        for budget in budgets:
            charges = store.spent(day=today if budget.per_day else None)
            # A manifest has one currency. What was recorded under another name for it was spent all the same.
            spent = sum((charge.amount for charge in charges), Decimal(0))
            purses.append(Purse(budget, defaultdict(Decimal, {today if budget.per_day else "": spent})))
        treasury = cls(purses)
        if purses:
            for row in store.open_rows():
                treasury._assume(row, expected)
        return treasury

    def reserve(self, spec: JobSpec, money: Money | None, day: str) -> Budget | None:
        """Hold money for a job, in all budgets or in none, until its intent is in the ledger or it is let go.

        Args:
            spec: The job.
            money: The estimate; None (unknown) fits only where there is no budget.
            day: The UTC day, `YYYY-MM-DD`. What is held counts on every day: the intent may be written after midnight.

        Returns:
            None when it is held; else the budget that it does not fit into.
        """
        if money is None:
            return self.purses[0].budget if self.purses else None
        short = self._short(money, day)
        if short is None:
            self.held[spec.id, spec.fingerprint] = money.amount
        return short

    def let_go(self, spec: JobSpec) -> None:
        """Hold nothing for a job any more: its intent is written, or nothing was sent. Harmless when repeated."""
        self.held.pop((spec.id, spec.fingerprint), None)

    def may_fit(self, money: Money | None, day: str, rows: Iterable[Job]) -> bool:
        """Whether money would fit if these open tasks, as they stood when the run began, turned out to cost nothing.

        Args:
            money: The estimate; None (unknown) never fits.
            day: The UTC day, `YYYY-MM-DD`.
            rows: Open tasks that do not end in doubt.
        """
        lines = [line for row in rows if (line := self._counted(row)) is not None]
        return money is not None and self._short(money, day, lines) is None

    def note(self, move: Move) -> None:
        """Take up what a move has done to the ledger.

        Args:
            move: It is committed. A settlement of a line that the ledger does not have does nothing, here as there.
        """
        if not self.purses:
            return
        key, line = (move.before.id, move.before.fingerprint), line_of(move.before)
        for change in changes(move):
            old = line if line is not None and line.attempt == change.attempt else None
            if isinstance(change, Reserve):
                self.held.pop(key, None)
                line = Line(change.attempt, change.amount, change.day)
            elif old is not None:
                line = Line(change.attempt, change.amount, old.day)
            else:
                continue
            self._replace((old, self.assumed.pop((key, change.attempt), None)), line)

    def _assume(self, row: Job, expected: Callable[[Job], Money | None]) -> None:
        line = line_of(row)
        if line is not None and line.amount is None and (money := expected(row)) is not None:
            line = Line(line.attempt, money, line.day)
            self.assumed[(row.id, row.fingerprint), line.attempt] = line
            self._replace((), line)

    def _counted(self, row: Job) -> Line | None:
        return self.assumed.get(((row.id, row.fingerprint), row.attempt)) or line_of(row)

    def _short(self, money: Money, day: str, without: Sequence[Line] = ()) -> Budget | None:
        """The first budget that money does not fit into beside what counts and what is held."""
        wanted = sum(self.held.values(), money.amount)
        budgets = (it.budget for it in self.purses if it.without(without, day) + wanted > it.budget.limit.amount)
        return next(budgets, None)

    def _replace(self, old: Iterable[Line | None], new: Line) -> None:
        for purse in self.purses:
            for line in old:
                purse.add(line, -1)
            purse.add(new)
