"""What to type next for a job that is not done: the table of spec.md section 5, as commands that run as printed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, assert_never

from runner.core.events import Cause
from runner.core.job import State
from runner.report.figures import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.money import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a run was told to keep within: a command that goes on with it does not make more, or for more money, unasked.

    Args:
        chosen: Its options that say which jobs, e.g. `("--select", "tag:nightly", "--retry-failed")`.
        budget: `("--budget", "25.00")`; empty without one.
        plan_again: For a run of a saved plan, the words of the command that makes such a plan anew: the old one is used up. Else empty.
    """

    chosen: tuple[str, ...] = ()
    budget: tuple[str, ...] = ()
    plan_again: tuple[str, ...] = ()


NO_BOUNDS: Final = Bounds()
"""Of a run of everything, and of what is no run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Writes commands for one manifest.

    Args:
        manifest: Its path as the user typed it.
        options: Options that every further command needs too, e.g. `("--sandbox",)` or `("-V", "lang=en")`.
        bounds: Of the run that is gone on with.
    """

    manifest: str
    options: tuple[str, ...] = ()
    bounds: Bounds = NO_BOUNDS

    def go_on(self) -> str:
        """The command that goes on with everything that is open and that the run was about."""
        if self.bounds.plan_again:
            return shlex.join(self.bounds.plan_again)
        return self._write("run", self.manifest, *self.bounds.chosen, *self.bounds.budget)

    def money_needed(self, budget: Budget) -> str:
        """What a run needs that a budget has stopped, in words: without it the command to go on stops at once again.

        Args:
            budget: The strictest.
        """
        limit = f"{amount(budget.limit.amount)} {budget.limit.currency}"
        if self.bounds.budget and Decimal(self.bounds.budget[-1].partition(" ")[0]) == budget.limit.amount:
            return f"with a `--budget` above {limit}: no further job fits into that"
        waiting = "on the next UTC day, or " if budget.per_day else ""
        return f"{waiting}with `budget.max` in {self.manifest} above {limit}: no further job fits into that"

    def retry(self, job_ids: Sequence[str]) -> str:
        """The command that allows another attempt at these jobs; it may cost money again."""
        chosen = [word for job_id in job_ids for word in ("--select", job_id)]
        return self._write("run", self.manifest, *chosen, "--retry-failed", *self.bounds.budget)

    def resubmit(self, job_ids: Sequence[str]) -> str:
        """The command that decides that jobs in doubt are submitted again."""
        return self._write("resolve", self.manifest, *job_ids, "--resubmit")

    def step(self, state: State, cause: Cause | None, job_ids: Sequence[str]) -> str | None:
        """The command that takes jobs of one state and cause further.

        Args:
            state: Where they stand.
            cause: Why they failed; None when they did not, or when nobody knows.
            job_ids: Their ids, at least one.

        Returns:
            A command line; None when nothing is left to do.
        """
        match state:
            case State.SUCCEEDED | State.CANCELLED:
                return None
            case State.IN_DOUBT:
                return self.resubmit(job_ids)
            case State.FAILED:
                return self._step_failed(cause, job_ids)
            case State.PENDING | State.SUBMITTING | State.RUNNING | State.DOWNLOADING | State.SKIPPED:
                return self.go_on()
            case _:
                assert_never(state)

    def _step_failed(self, cause: Cause | None, job_ids: Sequence[str]) -> str:
        match cause:
            case Cause.NOT_ACCEPTED | Cause.FETCH:
                return self.go_on()
            case Cause.REFUSED | Cause.GENERATION | Cause.EXPIRED | None:
                return self.retry(job_ids)
            case _:
                assert_never(cause)

    def _write(self, command: str, *words: str) -> str:
        return shlex.join(["callsheet", command, *words, *self.options])


def alternatives(state: State) -> str | None:
    """What else can be decided about a job that stands here, in words; None when there is no choice."""
    if state is State.IN_DOUBT:
        return "or instead --adopt TASK_ID when the provider shows its task, --abandon to give it up"
    return None
