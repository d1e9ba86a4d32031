"""The plan as values: what a run would do with each job, why, and what it would cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from runner.core.job import State
from runner.core.money import Budget, Money
from runner.core.plan import Action
from runner.report import escape
from runner.report.changes_text import changes_text
from runner.report.figures import to_minute
from runner.report.next_step import alternatives

if TYPE_CHECKING:
    from runner.core.changes import Change
    from runner.core.job import Job
    from runner.core.plan import Decision, Standing
    from runner.core.spec import JobSpec
    from runner.report.model import ReportHead

_TASK_CHARS: Final = 12
"""A task id is shown so far: enough to know it by at the provider's console."""

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
        fingerprint: What is asked for; of an orphan, what was.
        output: Path below the output folder, without suffix; None for an orphan, and for a job that delivers no file.
        changes: For what is made again, the inputs that differ, as far as they are known.
        note: What it is about, e.g. `18 s` or `task 67930a6f…`; "" when there is nothing to say.
        estimate: What making it is expected to cost, whether it is to be made or not; None when unknown.
        at_most: What making it can cost at most; None when unknown. It may be known where the estimate is not.
        actual: What it has cost already; None when unknown.
        units: The same in the provider's units, or None.
        once_unblocked: For a blocked job, what would be done with it if nothing blocked it; None when nothing would be.
        moved_from: The id that the state still has it under, and that `moved:` takes it from; None when that is this one.
        priced_after: The job whose result tells how long this one's lasts, where the estimate is unknown only until that is there; or None.
        renews: Whether it is made again although it asks for nothing else: a job that uses its outputs cannot use those that are there.
    """

    id: str
    uses: str
    action: Action
    reason: str
    fingerprint: str
    output: str | None = None
    changes: tuple[Change, ...] = ()
    note: str = ""
    estimate: Money | None = None
    at_most: Money | None = None
    actual: Money | None = None
    units: str | None = None
    once_unblocked: Action | None = None
    moved_from: str | None = None
    priced_after: str | None = None
    renews: bool = False

    @property
    def decided(self) -> Action:
        """What a run does with it once it has the credentials: what a saved plan promises."""
        return self.once_unblocked or self.action

    @property
    def is_work(self) -> bool:
        """Whether a run would do something with it, given all that it needs; to give it its new id is something."""
        return self.decided.is_work or self.moved_from is not None

    @property
    def costs(self) -> bool:
        """Whether a run would submit it, and so spend, given all that it needs."""
        return self.decided.costs


@dataclass(frozen=True, slots=True)
class Purse:
    """A budget and what this state has spent of it.

    Args:
        budget: The limit.
        spent: What was spent, or is reserved for what runs or is in doubt.
    """

    budget: Budget
    spent: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal:
        """What may still be spent; never negative."""
        return max(Decimal(0), self.budget.limit.amount - self.spent)


def plan_entry(
    spec: JobSpec | None,
    decision: Decision,
    *,
    head: ReportHead,
    estimate: Money | None,
    at_most: Money | None = None,
    blocked: str | None = None,
    moved_from: str | None = None,
    is_priced_later: bool = False,
) -> PlanEntry:
    """One job of a plan.

    Args:
        spec: What the manifest asks for; None for an orphan.
        decision: What the run would do.
        head: What the plan is about.
        estimate: What making it costs; it counts only where the action submits.
        at_most: The most that making it costs; the estimate when None.
        blocked: What keeps the run from doing it, although it is work; None when nothing does.
        moved_from: The id that the state still has it under; None when that is the same.
        is_priced_later: Whether the estimate is unknown only until the job that `lasts_as` names is delivered.

    Returns:
        The entry.

    Raises:
        ValueError: Neither a spec nor a row is there.
    """
    job, about = decision.job, spec or decision.job
    if about is None:
        raise ValueError("a plan entry needs a job spec or a row")
    reason = _reason(decision, head) if blocked is None else blocked
    return PlanEntry(
        id=about.id,
        uses=about.uses,
        action=decision.action if blocked is None else Action.BLOCKED,
        reason=reason if moved_from is None else f"moved from `{moved_from}`; {reason}",
        fingerprint=about.fingerprint,
        output=None if spec is None or not spec.delivers_file else spec.output,
        changes=decision.changes,
        note=_note(spec, decision),
        estimate=estimate,
        at_most=at_most if at_most is not None else estimate,
        actual=None if job is None else job.actual,
        units=None if job is None else job.units,
        once_unblocked=None if blocked is None else decision.action,
        moved_from=moved_from,
        priced_after=spec.lasts_as if spec is not None and is_priced_later and decision.action.costs else None,
        renews=blocked is None and decision.action is Action.RECREATE and job is not None,
    )


def _reason(decision: Decision, head: ReportHead) -> str:
    job = decision.job
    if decision.changes:
        return changes_text(decision.changes, head.path)
    if job is not None and decision.action is Action.IN_DOUBT:
        return _doubt(job, decision.reason, head)
    if job is not None and decision.action is Action.ORPHAN and job.state.is_paid_and_open:
        return f"{decision.reason}, but its task may be paid: put the job back, and the next run goes on with it"
    return escape.without_queries(decision.reason)


def _doubt(job: Job | Standing, reason: str, head: ReportHead) -> str:
    when = "" if job.submitted_at is None else f"submitted {to_minute(job.submitted_at)}, "
    command = head.commands.resubmit([job.id])
    return f"{reason}: {when}attempt {job.attempt}; decide: `{command}`, {alternatives(State.IN_DOUBT)}"


def _note(spec: JobSpec | None, decision: Decision) -> str:
    job = decision.job
    if job is not None and job.task_id is not None and not decision.action.costs:
        task = job.task_id if len(job.task_id) <= _TASK_CHARS else f"{job.task_id[: _TASK_CHARS - 1]}…"
        is_open = job.state.is_paid_and_open and job.submitted_at is not None
        return f"task {task}, submitted {to_minute(job.submitted_at or 0)}" if is_open else f"task {task}"
    if spec is not None and spec.duration_s is not None:
        return f"{spec.duration_s:g} s"
    if spec is not None and spec.lasts_as is not None and decision.action.costs:
        return f"as long as `{spec.lasts_as}`"
    return ""


@dataclass(slots=True)
class PlanGroup:
    """The entries of one account and operation.

    Args:
        uses: `<account>/<operation>`.
        counts: How many by action.
        expected: Sum of what is known of the estimates, by action.
        at_most: The most that its jobs can cost, as far as it is known.
        unknown: How many of its jobs to be made have an unknown price.
        unbounded: For how many of these nobody knows what they cost at most, either.
        kept: The first entries of each action.
    """

    uses: str
    counts: Counter[Action] = field(default_factory=Counter)
    expected: dict[Action, Decimal] = field(default_factory=dict)
    at_most: Decimal = Decimal(0)
    unknown: int = 0
    unbounded: int = 0
    kept: dict[Action, list[PlanEntry]] = field(default_factory=dict)


@dataclass(slots=True)
class PlanTotals:
    """Counts and sums over all entries given to `add`; memory does not grow with their number unless `keep` is None.

    Args:
        keep: Entries remembered for each account, operation and action; None for all.
        counts: Entries by action.
        work: How many jobs a run would do something with, those included that wait for a credential.
        waiting: How many blocked jobs a run does something with as soon as nothing blocks them.
        renamed: How many jobs `moved:` gives a new id.
        renewed: How many are made again although they ask for nothing else.
        unknown: How many of the jobs to be made have an unknown price.
        unbounded: For how many of these nobody knows what they cost at most, either.
        priced_later: How many of these have one as soon as the job that tells their length is delivered.
        groups: By account and operation.
    """

    keep: int | None = KEPT_PER_ACTION
    counts: Counter[Action] = field(default_factory=Counter)
    work: int = 0
    waiting: int = 0
    renamed: int = 0
    renewed: int = 0
    unknown: int = 0
    unbounded: int = 0
    priced_later: int = 0
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
        self.waiting += entry.once_unblocked is not None
        self.renamed += entry.moved_from is not None
        self.renewed += entry.renews
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
        self._add_most(entry, group)
        if entry.estimate is None:
            self.unknown += 1
            self.priced_later += entry.priced_after is not None
            group.unknown += 1
            return
        currency, amount = entry.estimate.currency, entry.estimate.amount
        self._expected[currency] = self._expected.get(currency, Decimal(0)) + amount
        if entry.once_unblocked is not None:
            self._blocked[currency] = self._blocked.get(currency, Decimal(0)) + amount
        group.expected[entry.action] = group.expected.get(entry.action, Decimal(0)) + amount

    def _add_most(self, entry: PlanEntry, group: PlanGroup) -> None:
        most = entry.at_most if entry.at_most is not None else entry.estimate
        if most is None:
            self.unbounded += 1
            group.unbounded += 1
            return
        self._at_most[most.currency] = self._at_most.get(most.currency, Decimal(0)) + most.amount
        group.at_most += most.amount
