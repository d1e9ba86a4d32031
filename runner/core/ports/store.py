"""What the engine asks of the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from decimal import Decimal

    from runner.core.changes import Asked
    from runner.core.events import Event
    from runner.core.job import Job
    from runner.core.plan import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One job's move to commit: the row before, the events in order, and the row after them.

    Args:
        before: The row as it stood; for a new job the pending one that was never stored.
        events: What happened, at least one.
        after: `advance` over all events.
    """

    before: Job
    events: tuple[Event, ...]
    after: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of the money ledger as the store sums it.

    Args:
        currency: Currency.
        amount: Sum of what was settled and, where nothing was settled yet, of what is reserved.
    """

    currency: str
    amount: Decimal


class Store(Protocol):
    """The state of one manifest.

    Obligations: `commit` returns only after COMMIT in WAL mode with `synchronous=FULL`, and for moves that hold `SubmitStarted`,
    `Accepted`, `TaskFound` or `Adopted` also after the witness line is fsynced. A failed commit is never tried again: it raises `StorageFailed`, and
    so does every later one. Reads see all that was committed. Events are append-only.
    """

    async def commit(self, move: Move) -> None:
        """Make a move durable: its events and the current row in one transaction. Moves of many callers share a transaction.

        Raises:
            StorageFailed: The move may not be durable; nothing more may be sent.
        """

    def rows(self, ids: Sequence[str]) -> Mapping[str, Sequence[Job]]:
        """All rows (every fingerprint) of these ids; ids without rows are absent."""

    def standings(self, ids: Sequence[str]) -> Mapping[str, Sequence[Standing]]:
        """What planning needs of `rows`, with the same keys and order, at less than half the cost."""

    def asked(self, ids: Sequence[str]) -> Mapping[str, Asked]:
        """What the newest row of each of these ids was asked for; ids without rows are absent."""

    def has_aged(self, operations: Collection[str], before: float) -> bool:
        """Whether a delivered job of one of these operations was submitted before a time.

        Args:
            operations: `<type>/<operation>` each.
            before: Unix seconds. A job whose submission the state has not seen counts from when its result was.
        """

    def has_recorded(self, operations: Collection[str]) -> bool:
        """Whether a delivered job of one of these operations is known from the lock file alone, which holds no addresses.

        Args:
            operations: `<type>/<operation>` each.
        """

    def has_failed(self, code: str) -> bool:
        """Whether a job has failed with this code."""

    def open_rows(self) -> Iterator[Job]:
        """Rows whose state is submitting, in_doubt, running or downloading, oldest submission first."""

    def all_rows(self) -> Iterator[Job]:
        """Every row, ordered by id, then first insertion."""

    def spent(self, *, day: str | None = None) -> Sequence[Charge]:
        """What was spent or is reserved, by currency.

        Args:
            day: `YYYY-MM-DD` (UTC) of the submissions to count; None for all.
        """

    def durations(self, uses: str, most: int) -> Sequence[float]:
        """Seconds from acceptance to result of the latest `most` jobs with this `uses`, oldest first."""

    def may_have_arrived(self, job_id: str, fingerprint: str) -> bool:
        """Whether an earlier submission of this job, which was sent again since, may have arrived after all.

        That is one which was lost and which the API denied (`NotFound`), or which it turned away without certainty
        (`NotSent.may_have_arrived`).
        """

    def last_submission_at(self, uses: str) -> float | None:
        """Unix seconds of the latest intent with this `uses`; None before the first."""
