"""The plan as values and as JSON: what a run would do with each job, why, and what it would cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from runner.core.money import Money
from runner.core.plan import Action
from runner.report import escape
from runner.report.documents import cost_document, head_document, write_document
from runner.report.figures import exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from runner.core.plan import Decision
    from runner.core.spec import JobSpec
    from runner.report.model import ReportHead

KEPT_PER_ACTION: Final = 10
"""Jobs of one account, operation and action that the plan for people remembers; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEntry:
    """What would be done with one job.

    Args:
        id: The job's id.
        uses: `<account>/<operation>`.
        action: What.
        reason: Why, a few words; may hold provider text.
        note: What it is about, e.g. `18 s` or `task 67930a6f…`; "" when there is nothing to say.
        estimate: What making it is expected to cost, whether it is to be made or not; None when unknown.
        at_most: What making it can cost at most; None when unknown.
        actual: What it has cost already; None when unknown.
        units: The same in the provider's units, or None.
        once_unblocked: For a blocked job, what would be done with it if nothing blocked it; None when nothing would be.
    """

    id: str
    uses: str
    action: Action
    reason: str
    note: str = ""
    estimate: Money | None = None
    at_most: Money | None = None
    actual: Money | None = None
    units: str | None = None
    once_unblocked: Action | None = None

    @property
    def is_work(self) -> bool:
        """Whether a run would do something with it, given all that it needs."""
        return (self.once_unblocked or self.action).is_work

    @property
    def costs(self) -> bool:
        """Whether a run would submit it, and so spend, given all that it needs."""
        return (self.once_unblocked or self.action).costs


def plan_entry(
    spec: JobSpec | None,
    decision: Decision,
    *,
    estimate: Money | None,
    at_most: Money | None = None,
    blocked: str | None = None,
) -> PlanEntry:
    """One job of a plan.

    Args:
        spec: What the manifest asks for; None for an orphan.
        decision: What the run would do.
        estimate: What making it costs; it counts only where the action submits.
        at_most: The most that making it costs; the estimate when None.
        blocked: What keeps the run from doing it, although it is work; None when nothing does.

    Returns:
        The entry.

    Raises:
        ValueError: Neither a spec nor a row is there.
    """
    job = decision.job
    if spec is not None:
        job_id, uses = spec.id, spec.uses
    elif job is not None:
        job_id, uses = job.id, job.uses
    else:
        raise ValueError("a plan entry needs a job spec or a row")
    return PlanEntry(
        id=job_id,
        uses=uses,
        action=decision.action if blocked is None else Action.BLOCKED,
        reason=escape.without_queries(decision.reason if blocked is None else blocked),
        note=_note(spec, decision),
        estimate=estimate,
        at_most=at_most if at_most is not None else estimate,
        actual=None if job is None else job.actual,
        units=None if job is None else job.units,
        once_unblocked=None if blocked is None else decision.action,
    )


def _note(spec: JobSpec | None, decision: Decision) -> str:
    job = decision.job
    if job is not None and job.task_id is not None and not decision.action.costs:
        return f"task {job.task_id if len(job.task_id) <= 12 else job.task_id[:11] + '…'}"
    if spec is not None and spec.duration_s is not None:
        return f"{spec.duration_s:g} s"
    return ""


@dataclass(slots=True)
class PlanGroup:
    """The entries of one account and operation.

    Args:
        uses: `<account>/<operation>`.
        counts: How many by action.
        expected: Sum of what is known of the estimates, by action.
        kept: The first entries of each action.
    """

    uses: str
    counts: Counter[Action] = field(default_factory=Counter)
    expected: dict[Action, Decimal] = field(default_factory=dict)
    kept: dict[Action, list[PlanEntry]] = field(default_factory=dict)


@dataclass(slots=True)
class PlanTotals:
    """Counts and sums over all entries given to `add`; memory does not grow with their number unless `keep` is None.

    Args:
        keep: Entries remembered for each account, operation and action; None for all.
        counts: Entries by action.
        work: How many jobs a run would do something with, those included that wait for a credential.
        unknown: How many of the jobs to be made have an unknown price.
        groups: By account and operation.
    """

    keep: int | None = KEPT_PER_ACTION
    counts: Counter[Action] = field(default_factory=Counter)
    work: int = 0
    unknown: int = 0
    groups: dict[str, PlanGroup] = field(default_factory=dict)
    _expected: dict[str, Decimal] = field(default_factory=dict)
    _at_most: dict[str, Decimal] = field(default_factory=dict)
    _blocked: dict[str, Decimal] = field(default_factory=dict)

    def add(self, entry: PlanEntry) -> None:
        """Count one more entry."""
        action = entry.action
        self.counts[action] += 1
        group = self.groups.get(entry.uses)
        if group is None:
            group = self.groups[entry.uses] = PlanGroup(entry.uses)
        group.counts[action] += 1
        kept = group.kept.setdefault(action, [])
        if self.keep is None or len(kept) < self.keep:
            kept.append(entry)
        self.work += entry.is_work
        if entry.costs:
            self._add_cost(entry, group)

    @property
    def jobs(self) -> int:
        """How many entries were added."""
        return self.counts.total()

    @property
    def expected(self) -> list[Money]:
        """What the run is expected to cost as far as it is known, one sum for each currency."""
        return [Money(amount, currency) for currency, amount in sorted(self._expected.items())]

    @property
    def at_most(self) -> list[Money]:
        """The most that it can cost as far as it is known, likewise."""
        return [Money(amount, currency) for currency, amount in sorted(self._at_most.items())]

    @property
    def blocked(self) -> list[Money]:
        """The part of `expected` that blocked jobs would cost, likewise."""
        return [Money(amount, currency) for currency, amount in sorted(self._blocked.items())]

    def _add_cost(self, entry: PlanEntry, group: PlanGroup) -> None:
        if entry.estimate is None:
            self.unknown += 1
            return
        currency, amount = entry.estimate.currency, entry.estimate.amount
        self._expected[currency] = self._expected.get(currency, Decimal(0)) + amount
        if entry.once_unblocked is not None:
            self._blocked[currency] = self._blocked.get(currency, Decimal(0)) + amount
        group.expected[entry.action] = group.expected.get(entry.action, Decimal(0)) + amount
        most = entry.at_most if entry.at_most is not None else entry.estimate
        self._at_most[most.currency] = self._at_most.get(most.currency, Decimal(0)) + most.amount


def entry_document(entry: PlanEntry) -> dict[str, Any]:
    """One entry of `jobs`; `cost.estimate` is what making it would cost, None also where nothing would be made."""
    estimate = entry.estimate if entry.costs else None
    return {
        "id": entry.id,
        "action": entry.action.value,
        "reason": entry.reason,
        "cost": cost_document(estimate, entry.actual, entry.units),
    }


def plan_head_document(head: ReportHead, totals: PlanTotals) -> dict[str, Any]:
    """Everything of `plan --json` but `jobs`.

    A sum is None while one of its jobs has an unknown price, or where currencies differ: an unknown is never shown as less.
    """
    return {
        **head_document(head),
        "totals": {
            **{action.value: totals.counts[action] for action in Action},
            "cost": _one_sum(totals, totals.expected),
            "cost_at_most": _one_sum(totals, totals.at_most),
            "unknown_prices": totals.unknown,
        },
    }


def _one_sum(totals: PlanTotals, sums: list[Money]) -> str | None:
    if totals.unknown or len(sums) != 1:
        return None
    return exact(sums[0].amount)


def write_plan(stream: TextIO, head: ReportHead, entries: Iterable[PlanEntry], totals: PlanTotals) -> None:
    """Write `plan --json`, one job a line, holding one entry at a time.

    Args:
        stream: Text, UTF-8.
        head: What the plan is about.
        entries: In manifest order, orphans after them.
        totals: Sums over the same entries.
    """
    write_document(stream, plan_head_document(head, totals), (entry_document(entry) for entry in entries))
