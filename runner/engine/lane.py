"""One account during a run: its queue, its slots, its pace, and whether it still takes submissions."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from runner.core.limits import Concurrency, Spacing
from runner.core.money import Money
from runner.core.polling import Durations
from runner.engine.health import Health
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
    unanswering: set[str] = field(default_factory=set)
    """Operations whose look-ups are not answered, while their list is."""
    looking: int = 0
    """Submissions of this run whose reply was lost, and for which the API is being asked."""
    health: Health = field(init=False)
    """How the API has been answering."""

    def __post_init__(self) -> None:
        """Set pace, slots and transfers from the account."""
        self.transfers = asyncio.Semaphore(self.account.limits.downloads)
        self.concurrency = Concurrency(self.account.limits.in_flight)
        self.spacing = Spacing(60.0 / self.account.limits.submits_per_minute)
        self.health = Health(self.spacing, self.concurrency, self.rng)

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
        if self.looking and self.health.is_sick:
            return None  # what became of the lost ones is found out first
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
    def looks(self, *, is_of_this_run: bool) -> Iterator[None]:
        """Counts a submission as lost while the API is asked for it.

        Args:
            is_of_this_run: Whether this run has submitted it; what an earlier run lost says nothing about how the API is now.
        """
        if not is_of_this_run:
            yield
            return
        self.looking += 1
        self.health.lost()
        try:
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

    # --- what answers do ----------------------------------------------------------------------------------------------

    def accepted(self, ticket: Ticket, now: float) -> None:
        """A submission, which still counts as undecided, was accepted."""
        self.health.accepted(ticket, self._taken() + 1, now)

    def not_now(self, ticket: Ticket, answer: NotNow, now: float, *, began: float) -> float | None:
        """The API said "not now" to a submission, which still counts as undecided; see `Health.not_now`."""
        others = self.in_flight - self.doubts - 1
        return self.health.not_now(ticket, answer, now, began=began, taken=self._taken(), others=others)

    def _taken(self) -> int:
        """Tasks that the API is known to have: what is on the wire has no answer yet."""
        return self.in_flight - self.doubts - self.on_wire
