"""How an account's API has been answering, and what follows: how long to wait, how much to have open, when to stop asking.

Only what this run has sent says how the API is now; and what was on its way together when something happened tells it once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.limits import back_off_s

if TYPE_CHECKING:
    from random import Random

    from runner.core.answers import NotNow
    from runner.core.limits import Concurrency, Spacing
    from runner.engine.worklist import Ticket

DOUBTS_IN_A_ROW = 2
"""So many lost submissions in a row stop an account: a sick gateway must not turn 500 jobs into 500 doubts."""

MOST_NEVER_ARRIVED = 3
"""A job whose submission was lost, and which the API does not have, is sent so often before it is left for the next run; and as many such
losses in a row, of whichever jobs, stop the account."""

LEAST_RETRY_AFTER_S = 1.0
MOST_RETRY_AFTER_S = 900.0
"""A server's `Retry-After` is taken at its word within these bounds (delivery.md section 3)."""

MOST_TRIES_UNSENT = 8
"""With waits of 0.5, 1, 2, 4, 8, 15, 15 s: an API that cannot be reached is given up after about 40 s."""

MOST_TRIES_LIMITED = 5
"""A gateway without an upstream for this model is asked so often before the job is left for the next run."""

MOST_REFUSALS_S = 3600.0
"""An account that says nothing but "not now" for an hour is left for the next run."""


@dataclass(slots=True)
class Health:
    """An API as the answers to this run's submissions show it.

    Args:
        spacing: The account's pace; waits are put into it.
        concurrency: Its slots; refusals lower them, acceptances raise them.
        rng: For jitter.
    """

    spacing: Spacing
    concurrency: Concurrency
    rng: Random
    _lost_in_a_row: int = 0
    _doubts_in_a_row: int = 0
    _unsent: int = 0
    _unsent_at: float = float("-inf")
    _refusals: int = 0
    _refused_at: float = float("-inf")
    _refused_since: float | None = None
    _limited: dict[Ticket, int] = field(default_factory=dict)
    _denied: dict[Ticket, int] = field(default_factory=dict)
    _denials: int = 0
    _denied_at: float = float("-inf")

    def accepted(self, ticket: Ticket, taken: int, now: float) -> None:
        """A submission was accepted: the API is well.

        Args:
            ticket: The job.
            taken: The tasks that the API is known to have, with this one.
            now: Monotonic seconds.
        """
        self._clear(ticket)
        self.concurrency.accepted(taken, now)

    def refused(self, ticket: Ticket) -> None:
        """A submission was refused for its own sake: the API is well."""
        self._clear(ticket)

    def _clear(self, ticket: Ticket) -> None:
        self._doubts_in_a_row = self._unsent = self._refusals = 0
        self._lost_in_a_row = self._denials = 0
        self._refused_since = None
        self._limited.pop(ticket, None)
        self._denied.pop(ticket, None)

    # --- what was lost ------------------------------------------------------------------------------------------------

    def lost(self) -> None:
        """A submission of this run was lost, and is being looked up."""
        self._lost_in_a_row += 1

    @property
    def is_sick(self) -> bool:
        """Whether nothing more should be sent before it is known what became of those that were lost."""
        return self._lost_in_a_row >= DOUBTS_IN_A_ROW

    def doubt(self) -> bool:
        """A submission of this run is in doubt.

        Returns:
            Whether that was one too many in a row.
        """
        self._doubts_in_a_row += 1
        return self._doubts_in_a_row >= DOUBTS_IN_A_ROW

    def denied(self, ticket: Ticket, now: float, *, began: float) -> bool:
        """A submission of this run was lost, and the API does not have it: it may be sent again.

        Args:
            ticket: The job.
            now: Monotonic seconds.
            began: When it was submitted. Those that went together and were lost together are one loss in the row.

        Returns:
            Whether that has happened to this job too often, or too often in a row.
        """
        if began >= self._denied_at:
            self._denials += 1
            self._denied_at = now
        self._denied[ticket] = self._denied.get(ticket, 0) + 1
        return self._denied[ticket] >= MOST_NEVER_ARRIVED or self.has_lost_all

    @property
    def has_lost_all(self) -> bool:
        """Whether so many submissions in a row were lost, and none of them arrived, that further ones would be lost too."""
        return self._denials >= MOST_NEVER_ARRIVED

    # --- what was not taken -------------------------------------------------------------------------------------------

    def unsent(self, now: float, *, began: float) -> float | None:
        """A submission could not be sent.

        Args:
            now: Monotonic seconds.
            began: When it was begun. What was on its way when another failed tells nothing new: a network that is away is one try,
                however many submissions were waiting for it.

        Returns:
            Seconds that the account waits now; None when it has been tried often enough.
        """
        if began < self._unsent_at:
            return self.spacing.wait_s(now)
        self._unsent += 1
        self._unsent_at = now
        if self._unsent >= MOST_TRIES_UNSENT:
            return None
        wait_s = back_off_s(self._unsent, first_s=0.5, most_s=15.0, jitter=self.rng.random())
        self.spacing.pause_until(now + wait_s)
        return wait_s

    def not_now(
        self, ticket: Ticket, answer: NotNow, now: float, *, began: float, taken: int, others: int
    ) -> float | None:
        """The API said "not now" to a submission.

        Args:
            ticket: The job.
            answer: What it said.
            now: Monotonic seconds.
            began: When the submission was begun. What was on its way when another was refused lowers nothing a second time.
            taken: The tasks that the API is known to have.
            others: These and the other submissions that have no verdict yet.

        Returns:
            Seconds that the account waits now; None when it has been tried often enough.
        """
        self._doubts_in_a_row = self._unsent = 0
        if answer.is_limited:
            self._limited[ticket] = self._limited.get(ticket, 0) + 1
            if self._limited[ticket] >= MOST_TRIES_LIMITED:
                del self._limited[ticket]
                return None
        if self._refused_since is None:
            self._refused_since = now
        if not answer.concurrency and self.has_only_refused(now):
            return None
        self._lower(answer, now, began=began, taken=taken, others=others)
        wait_s = self._wait_after_refusal(answer)
        self.spacing.pause_until(now + wait_s)
        return wait_s

    def has_only_refused(self, now: float) -> bool:
        """Whether the API has said nothing but "not now" for so long that further jobs would only be told the same."""
        return self._refused_since is not None and now - self._refused_since > MOST_REFUSALS_S

    def _lower(self, answer: NotNow, now: float, *, began: float, taken: int, others: int) -> None:
        is_news = began >= self._refused_at
        if answer.concurrency and (is_news or taken < self.concurrency.current):
            self.concurrency.too_many(taken, now)
        elif answer.slow_down and is_news and not answer.concurrency:
            self.concurrency.slow_down(others)
        if is_news:
            self._refusals += 1
            self._refused_at = now

    def _wait_after_refusal(self, answer: NotNow) -> float:
        if answer.retry_after_s is not None:
            return min(max(answer.retry_after_s, LEAST_RETRY_AFTER_S), MOST_RETRY_AFTER_S)
        # Waiting for a slot: one of ours ends sooner than the back-off of a rate limit would let us look.
        most_s = 5.0 if answer.concurrency else 60.0
        return back_off_s(self._refusals, first_s=1.0, most_s=most_s, jitter=self.rng.random())
