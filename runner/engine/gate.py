"""What a job has to pass before it is submitted: the run's limit, free space, the budgets; and the end of submissions where one holds for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.core.ledger import day_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.core.job import Job
    from runner.core.money import Budget, Money
    from runner.engine.context import Context
    from runner.engine.lane import Lane
    from runner.engine.space import Space
    from runner.engine.worklist import Work


@dataclass(slots=True)
class Gate:
    """Lets jobs through, and closes submissions of the whole run when nothing under way could make the next one pass.

    Args:
        ctx: The run; its limit and its budgets.
        lanes: Its accounts.
        space: Knows what fits on the disk.
        submitted: Jobs that were let through, each counted once.
        lacks_money: Whether a job, since this was last reset, was held up for money that a watched task may free.
    """

    ctx: Context
    lanes: Mapping[str, Lane]
    space: Space
    submitted: int = 0
    lacks_money: bool = False

    def admits(
        self, work: Work, price: Money | None, *, is_again: bool, is_busy: bool, watched: Collection[Job]
    ) -> bool:
        """Whether a job may be submitted now; then its money is reserved.

        Args:
            work: The job.
            price: What it is expected to cost; None when unknown.
            is_again: Whether it was let through before, and not taken.
            is_busy: Whether any job of the run is under way: it may cost less than is reserved for it, or nothing.
            watched: Open tasks that belong to no job of the run, likewise.
        """
        admitted = self._is_within_limit(is_again=is_again) and self._has_room()
        admitted = admitted and self._has_money(work, price, is_busy=is_busy, watched=watched)
        self.submitted += admitted and not is_again
        return admitted

    def _is_within_limit(self, *, is_again: bool) -> bool:
        limit = self.ctx.limit
        if limit is None or self.submitted < limit or is_again:
            return True
        self.ctx.close_submissions("limit", f"--limit {limit} is reached")
        return False

    def _has_room(self) -> bool:
        if self.space.is_enough(sum(lane.in_flight + lane.fetching for lane in self.lanes.values())):
            return True
        self.ctx.close_submissions("space", self.space.shortage())
        return False

    def _has_money(self, work: Work, price: Money | None, *, is_busy: bool, watched: Collection[Job]) -> bool:
        if price is None and work.spec.lasts_as:
            return True  # its life sends it back, and says why it has no price although what gives its length is done
        day = day_of(self.ctx.clock.wall())
        short = self.ctx.treasury.reserve(work.spec, price, day)
        if short is None:
            return True
        self.lacks_money |= self.ctx.treasury.may_fit(price, day, watched)
        if not is_busy and not self.lacks_money:
            self._close_for(short, price)
        return False

    def _close_for(self, short: Budget, price: Money | None) -> None:
        a_day = " a day" if short.per_day else ""
        wanted = price or "of unknown price"
        self.ctx.close_submissions(
            "budget", f"the next job ({wanted}) does not fit into the budget of {short.limit}{a_day}"
        )
