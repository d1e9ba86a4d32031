"""One account during a run: its queue, its slots, its pace, and whether it still takes submissions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from runner.core.limits import Concurrency, Spacing, back_off_s
from runner.core.money import Money
from runner.core.polling import Durations
from runner.engine.worklist import Queue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal
    from random import Random

    from runner.core.answers import NotNow, Ready
    from runner.core.events import Failure
    from runner.core.ports import Operation, Wire
    from runner.core.spec import Account
    from runner.engine.rounds import Rounds
    from runner.engine.worklist import Ticket

DOUBTS_IN_A_ROW = 2
"""So many lost submissions in a row stop an account: a sick gateway must not turn 500 jobs into 500 doubts."""

LEAST_RETRY_AFTER_S = 1.0
MOST_RETRY_AFTER_S = 900.0
"""A server's `Retry-After` is taken at its word within these bounds (delivery.md section 3)."""

MOST_TRIES_UNSENT = 8
"""With waits of 0.5, 1, 2, 4, 8, 15, 15 s: an API that cannot be reached is given up after about 40 s."""

MOST_TRIES_LIMITED = 5
"""A gateway without an upstream for this model is asked so often before the job is left for the next run."""

MOST_REFUSALS_S = 3600.0
"""An account that says nothing but "not now" for an hour is left for the next run."""

MOST_NEVER_ARRIVED = 3
"""A job whose submission was lost, and which the API does not have, is sent so often before it is left for the next run; and as many such
submissions in a row, of whichever jobs, stop the account."""

MOST_RESUMED_AT_ONCE = 64
"""Paid tasks that are followed at once although they exceed the account's limit (it was lowered, or the state was rebuilt)."""


class Next(Enum):
    """What a lane would start now."""

    RESUME = "resume"
    DOWNLOAD = "download"
    SUBMIT = "submit"


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list of tasks showed.

    Args:
        ids: Task ids by our own ids.
        is_complete: Whether it was read to its end.
    """

    ids: Mapping[str, str]
    is_complete: bool = False


@dataclass(slots=True)
class Lane:
    """An account at work.

    Args:
        account: Its settings.
        wire: Its connection to the API.
        operations: Its operations by full name (`digital-human/avatar`).
        rng: For jitter.
        currency: Of the account's prices; None when there are none.
    """

    account: Account
    wire: Wire
    operations: Mapping[str, Operation]
    rng: Random
    currency: str | None = None
    resume: Queue = field(default_factory=Queue)
    download: Queue = field(default_factory=Queue)
    submit: Queue = field(default_factory=Queue)
    in_flight: int = 0
    """Tasks that hold a slot: submitted and not known to have ended, those in doubt included."""
    doubts: int = 0
    """Of these, the ones in doubt: they hold their slot for the rest of the run, and no event will free it."""
    following: int = 0
    """Jobs of this lane that have an asyncio task, whatever they do."""
    fetching: int = 0
    """Of these, jobs whose result waits to be fetched or is being fetched."""
    watched: int = 0
    """Paid tasks that are followed for their slot alone: they belong to no job of this run."""
    stopped: Failure | None = None
    stopped_operations: dict[str, Failure] = field(default_factory=dict)
    durations: dict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    transfers: asyncio.Semaphore = field(init=False)
    concurrency: Concurrency = field(init=False)
    spacing: Spacing = field(init=False)
    rounds: dict[str, Rounds] = field(default_factory=dict)
    """By operation: who asks for running tasks together, where the API lists them."""
    on_wire: int = 0
    """Of the tasks in flight, the submissions that have no verdict yet."""
    listed: dict[str, Listed] = field(default_factory=dict)
    """By operation: what its list showed before this run submitted anything."""
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while that is being read."""
    looking: int = 0
    """Submissions whose reply was lost, and for which the API is being asked."""
    _lost_in_a_row: int = 0
    _doubts_in_a_row: int = 0
    _unsent: int = 0
    _unsent_at: float = float("-inf")
    _refusals: int = 0
    _refused_at: float = float("-inf")
    _refused_since: float | None = None
    _limited: dict[Ticket, int] = field(default_factory=dict)
    _never_arrived: dict[Ticket, int] = field(default_factory=dict)
    _never_arrived_in_a_row: int = 0

    def __post_init__(self) -> None:
        """Set pace, slots and transfers from the account."""
        self.transfers = asyncio.Semaphore(self.account.limits.downloads)
        self.concurrency = Concurrency(self.account.limits.in_flight)
        self.spacing = Spacing(60.0 / self.account.limits.submits_per_minute)

    def next_start(self, now: float, *, may_submit: bool) -> Next | float | None:
        """What to start: downloads first, polls second, submissions last.

        Args:
            now: Monotonic seconds.
            may_submit: False when the whole run submits nothing more.

        Returns:
            What may start now; or the seconds until a submission may; or None when only an event can change anything.
        """
        if self.download and self.fetching < self._most_fetching():
            return Next.DOWNLOAD
        if self.resume and self.following < max(MOST_RESUMED_AT_ONCE, self.account.limits.in_flight):
            return Next.RESUME
        if not may_submit or self.stopped is not None or not self.submit or self.resume:
            return None
        if self.looking and self._lost_in_a_row >= DOUBTS_IN_A_ROW:
            return None  # a sick gateway: what became of the lost ones is found out first
        if not self._has_slot() or self.fetching >= self._most_fetching():
            return None
        wait_s = self.spacing.wait_s(now)
        return wait_s if wait_s > 0 else Next.SUBMIT

    def _has_slot(self) -> bool:
        """Doubts count against the user's limit, but not against a limit that was lowered: nothing would ever raise that again."""
        return self.in_flight < self.concurrency.ceiling and self.in_flight - self.doubts < self.concurrency.current

    def is_stuck(self) -> bool:
        """Whether submissions wait for slots that only doubts hold."""
        return self.stopped is None and bool(self.submit) and self.in_flight == self.doubts >= self.concurrency.ceiling

    @contextmanager
    def fetches(self) -> Iterator[None]:
        """Counts a result as waiting for its download while the block lasts."""
        self.fetching += 1
        try:
            yield
        finally:
            self.fetching -= 1

    @contextmanager
    def looks(self) -> Iterator[None]:
        """Counts a submission as lost while the API is asked for it."""
        self.looking += 1
        self._lost_in_a_row += 1
        try:
            with self.undecided():
                yield
        finally:
            self.looking -= 1

    @contextmanager
    def undecided(self) -> Iterator[None]:
        """Counts a submission as having no verdict yet."""
        self.on_wire += 1
        try:
            yield
        finally:
            self.on_wire -= 1

    def knows_own_ids(self, operation: str) -> bool:
        """Whether a task of this operation (`<type>/<operation>`) can be looked up by our own id."""
        return self.account.looks_up and self.operations[operation].own_ids is not None

    def _most_fetching(self) -> int:
        """Results that may wait for their download: more would mean buying faster than bringing home."""
        return 2 * self.account.limits.downloads + self.account.limits.in_flight

    # --- money --------------------------------------------------------------------------------------------------------

    def estimate(self, operation: str, duration_s: float | None = None) -> Money | None:
        """What a job of this operation is expected to cost; None when the price is unknown."""
        return self._money(self.account.expected_price(operation, duration_s))

    def cost(self, operation: str, ready: Ready) -> Money | None:
        """What a finished task cost: the provider's word, else the price list with the provider's figures; None when unknown."""
        if ready.actual is not None:
            return ready.actual
        price = self.account.prices.get(operation.partition("/")[2])
        duration_s = ready.outputs.get("duration_s")
        return self._money(price.actual(duration_s, ready.units) if price is not None else None)

    def _money(self, amount: Decimal | None) -> Money | None:
        return Money(amount, self.currency) if amount is not None and self.currency is not None else None

    # --- what answers do to the account -------------------------------------------------------------------------------

    def accepted(self, ticket: Ticket, now: float) -> None:
        """A submission was accepted: the API is well.

        Args:
            ticket: The job; its submission still counts as undecided.
            now: Monotonic seconds.
        """
        self._clear(ticket)
        self.concurrency.accepted(self._taken() + 1, now)

    def refused(self, ticket: Ticket) -> None:
        """A submission was refused for its own sake: the API is well."""
        self._clear(ticket)

    def _clear(self, ticket: Ticket) -> None:
        self._doubts_in_a_row = self._unsent = self._refusals = 0
        self._lost_in_a_row = self._never_arrived_in_a_row = 0
        self._refused_since = None
        self._limited.pop(ticket, None)
        self._never_arrived.pop(ticket, None)

    def doubt(self, *, is_of_this_run: bool) -> bool:
        """A submission was lost; it keeps its slot.

        Args:
            is_of_this_run: False for one that an earlier run left behind: it says nothing about how the API is now.

        Returns:
            Whether that was one too many.
        """
        self.doubts += 1
        self._doubts_in_a_row += is_of_this_run
        return self._doubts_in_a_row >= DOUBTS_IN_A_ROW

    def never_arrived(self, ticket: Ticket) -> bool:
        """A submission was lost, and the API does not have it: it may be sent again.

        Returns:
            Whether that has happened to this job too often, or to too many in a row.
        """
        self._never_arrived_in_a_row += 1
        self._never_arrived[ticket] = self._never_arrived.get(ticket, 0) + 1
        if self._never_arrived[ticket] < MOST_NEVER_ARRIVED and not self.has_lost_all():
            return False
        del self._never_arrived[ticket]
        return True

    def was_lost(self, ticket: Ticket) -> bool:
        """Whether an earlier submission of this job was lost in this run, and did not arrive as far as the API said."""
        return ticket in self._never_arrived

    def has_lost_all(self) -> bool:
        """Whether so many submissions in a row were lost, and none of them arrived, that further ones would be lost too."""
        return self._never_arrived_in_a_row >= MOST_NEVER_ARRIVED

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

    def not_now(self, ticket: Ticket, answer: NotNow, now: float, *, began: float) -> float | None:
        """The API said "not now" to a submission (which still counts as undecided).

        Args:
            ticket: The job.
            answer: What it said.
            now: Monotonic seconds.
            began: When the submission was begun. What was on its way when another was refused lowers nothing a second time.

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
        if answer.concurrency and (began >= self._refused_at or self._taken() < self.concurrency.current):
            self.concurrency.too_many(self._taken(), now)
        if began >= self._refused_at:
            self._refusals += 1
            self._refused_at = now
            self._lower(answer)
        wait_s = self._wait_after_refusal(answer)
        self.spacing.pause_until(now + wait_s)
        return wait_s

    def _taken(self) -> int:
        """Tasks that the API is known to have: what is on the wire has no answer yet."""
        return self.in_flight - self.doubts - self.on_wire

    def has_only_refused(self, now: float) -> bool:
        """Whether the API has said nothing but "not now" for so long that further jobs would only be told the same."""
        return self._refused_since is not None and now - self._refused_since > MOST_REFUSALS_S

    def _lower(self, answer: NotNow) -> None:
        if answer.slow_down and not answer.concurrency:
            self.concurrency.slow_down(self.in_flight - self.doubts - 1)  # without the refused one

    def _wait_after_refusal(self, answer: NotNow) -> float:
        if answer.retry_after_s is not None:
            return min(max(answer.retry_after_s, LEAST_RETRY_AFTER_S), MOST_RETRY_AFTER_S)
        # Waiting for a slot: one of ours ends sooner than the back-off of a rate limit would let us look.
        most_s = 5.0 if answer.concurrency else 60.0
        return back_off_s(self._refusals, first_s=1.0, most_s=most_s, jitter=self.rng.random())
