"""Sums over the jobs of a report, taken one job at a time: memory does not grow with the number of jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.core.codes import MEANING
from runner.core.events import Cause
from runner.core.job import State
from runner.core.money import Money
from runner.report.comparison import Comparison, nothing
from runner.report.model import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.report.model import ReportJob

SHOWN_PER_CAUSE: Final = 10
"""Jobs listed under one cause; the others are counted."""

_MEANING: Final[Mapping[str, str]] = {code.value: meaning for code, meaning in MEANING.items()}
_ATTENTION: Final = (Shelf.DOUBT, Shelf.FAILED, Shelf.SKIPPED)
_ATTENTION_ORDER: Final = (State.IN_DOUBT, State.FAILED, State.SKIPPED)


class Kind(NamedTuple):
    """What decides how a job is reported, apart from its own words."""

    state: State
    cause: Cause | None
    code: str | None


@dataclass(slots=True)
class CauseGroup:
    """Jobs that are not done for one reason.

    Args:
        kind: State, cause and code that they share.
        count: How many.
        jobs: The first `SHOWN_PER_CAUSE` of them.
    """

    kind: Kind
    count: int = 0
    jobs: list[ReportJob] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Code and meaning, e.g. `P307 the generation was stopped by moderation`."""
        code = self.kind.code or ""
        meaning = _MEANING.get(code, self.kind.state.value.replace("_", " "))
        return f"{code} {meaning}".strip()

    @property
    def hidden(self) -> int:
        """How many are counted but not listed."""
        return self.count - len(self.jobs)


@dataclass(slots=True)
class Totals:
    """Counts and sums over all jobs given to `add`.

    Args:
        run_started_at: Unix seconds when the run began, to tell what it submitted itself; None when no run is reported.
        run_unknown: Jobs of this run that may have cost something that nobody knows.
        kinds: Jobs by state, cause and code.
        shelves: Jobs by shelf.
        submitted: Jobs that the run submitted itself.
        bytes: Size of all delivered files.
        run_files: Files that the run made.
        run_bytes: Their size.
        cheapest_open: The least that a job which waits to be submitted is expected to cost; None without one of known price.
    """

    run_started_at: float | None = None
    kinds: Counter[Kind] = field(default_factory=Counter)
    shelves: Counter[Shelf] = field(default_factory=Counter)
    submitted: int = 0
    bytes: int = 0
    run_files: int = 0
    run_bytes: int = 0
    run_unknown: int = 0
    cheapest_open: Money | None = None
    _unestimated: int = 0
    _run_estimates: dict[str, Decimal] = field(default_factory=dict)
    _compared: dict[str, Comparison] = field(default_factory=dict)
    _costs: dict[str, Decimal] = field(default_factory=dict)
    _run_costs: dict[str, Decimal] = field(default_factory=dict)
    _groups: dict[Kind, CauseGroup] = field(default_factory=dict)

    @classmethod
    def of(cls, jobs: Iterable[ReportJob], *, run_started_at: float | None = None) -> Totals:
        """The totals of these jobs."""
        totals = cls(run_started_at=run_started_at)
        for job in jobs:
            totals.add(job)
        return totals

    def add(self, job: ReportJob) -> None:
        """Count one more job."""
        problem = job.problem
        kind = Kind(job.state, problem.cause if problem else None, problem.code if problem else None)
        self.kinds[kind] += 1
        self.shelves[job.shelf] += 1
        self._add_file(job)
        self._add_cost(job)
        if job.submitted_at is not None and self.run_started_at is not None:
            self.submitted += job.submitted_at >= self.run_started_at
        if job.shelf in _ATTENTION:
            self._add_to_group(kind, job)

    def count(self, state: State) -> int:
        """How many jobs stand in this state, orphans included."""
        return sum(number for kind, number in self.kinds.items() if kind.state is state)

    @property
    def jobs(self) -> int:
        """How many jobs were added, orphans included."""
        return self.shelves.total()

    @property
    def groups(self) -> list[CauseGroup]:
        """Failed, doubtful and skipped jobs of the manifest by cause: what needs a decision first, then the larger group."""
        return sorted(self._groups.values(), key=lambda group: (_ATTENTION_ORDER.index(group.kind.state), -group.count))

    @property
    def costs(self) -> list[Money]:
        """What all jobs cost as far as it is known, one sum for each currency; empty when nothing is known."""
        return _as_money(self._costs)

    @property
    def run_costs(self) -> list[Money]:
        """The same for the jobs that this run worked on; orphans and what was up to date before are left out."""
        return _as_money(self._run_costs)

    def run_cost(self, currency: str) -> Money | None:
        """`run_costs` as one amount.

        Args:
            currency: Of the zero when nothing was bought.

        Returns:
            The amount as far as it is known; None when nothing is known of what was bought, or when currencies differ.
        """
        if len(self.run_costs) == 1:
            return self.run_costs[0]
        return None if self.run_costs or self.run_unknown else Money(Decimal(0), currency)

    @property
    def run_estimate(self) -> Money | None:
        """What the jobs that this run worked on were expected to cost when they were submitted; None when that is unknown for one, or for all."""
        return _as_money(self._run_estimates)[0] if len(self._run_estimates) == 1 and not self._unestimated else None

    @property
    def single_cost(self) -> Money | None:
        """`costs` as one amount; None when nothing is known, or when there are several currencies, which have no sum."""
        return self.costs[0] if len(self.costs) == 1 else None

    @property
    def comparison(self) -> Comparison | None:
        """Estimates and actual costs of the jobs of which both are known; None when there are none, or several currencies."""
        return next(iter(self._compared.values())) if len(self._compared) == 1 else None

    def _compare(self, estimate: Money, actual: Money) -> None:
        if estimate.currency == actual.currency:
            so_far = self._compared.get(actual.currency) or nothing(actual.currency)
            self._compared[actual.currency] = so_far.with_job(estimate, actual)

    def _add_file(self, job: ReportJob) -> None:
        if job.output is None or job.state is not State.SUCCEEDED:
            return
        self.bytes += job.output.size_bytes
        if job.shelf is Shelf.NEW:
            self.run_files += 1
            self.run_bytes += job.output.size_bytes

    def _add_cost(self, job: ReportJob) -> None:
        is_of_run = job.shelf not in (Shelf.CACHED, Shelf.ORPHAN) and not self._was_paid_before(job)
        if is_of_run:
            self._add_estimate(job)
        if job.actual is None:
            self.run_unknown += is_of_run and _may_cost(job)
            return
        if job.estimate is not None:
            self._compare(job.estimate, job.actual)
        sums = [self._costs, self._run_costs] if is_of_run else [self._costs]
        for costs in sums:
            costs[job.actual.currency] = costs.get(job.actual.currency, Decimal(0)) + job.actual.amount

    def _add_estimate(self, job: ReportJob) -> None:
        estimate = job.estimate
        if job.state is State.PENDING and estimate is not None:
            cheapest = self.cheapest_open
            self.cheapest_open = estimate if cheapest is None or estimate.amount < cheapest.amount else cheapest
        if not _may_cost(job):
            return
        if estimate is None:
            self._unestimated += 1
        else:
            so_far = self._run_estimates.get(estimate.currency, Decimal(0))
            self._run_estimates[estimate.currency] = so_far + estimate.amount

    def _was_paid_before(self, job: ReportJob) -> bool:
        """Whether the result was there before the run: it only fetched the file again."""
        return self.run_started_at is not None and job.ready_at is not None and job.ready_at < self.run_started_at

    def _add_to_group(self, kind: Kind, job: ReportJob) -> None:
        group = self._groups.setdefault(kind, CauseGroup(kind))
        group.count += 1
        if len(group.jobs) < SHOWN_PER_CAUSE:
            group.jobs.append(job)


def _may_cost(job: ReportJob) -> bool:
    """Whether a job of unknown cost may have cost something: what was never accepted has not."""
    if job.state in (State.PENDING, State.SKIPPED):
        return False
    cause = job.problem.cause if job.problem is not None else None
    return cause not in (Cause.NOT_ACCEPTED, Cause.REFUSED)


def _as_money(sums: Mapping[str, Decimal]) -> list[Money]:
    return [Money(amount, currency) for currency, amount in sorted(sums.items())]
