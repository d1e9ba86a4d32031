"""From the survey to the queues of a run, and everything that stops a run before it begins."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from runner.core.diagnostics import Unsaid
from runner.core.giving import has_given
from runner.core.job import State
from runner.core.plan import Action
from runner.engine.needs import Met, Needs
from runner.engine.pricing import PriceCheck
from runner.engine.survey import Census, Findings, survey
from runner.engine.worklist import Queue, Ticket, Worklist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.core.diagnostics import Diagnostic
    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Delivery, Store
    from runner.core.spec import Campaign, JobSpec
    from runner.engine.survey import Scope, Surveyed


@dataclass(slots=True)
class Queues:
    """An account's work, by kind."""

    resume: Queue = field(default_factory=Queue)
    download: Queue = field(default_factory=Queue)
    submit: Queue = field(default_factory=Queue)


class Giver(NamedTuple):
    """A delivered job whose outputs others may need.

    Args:
        ticket: Its place in the worklist.
        account: The account that has its task.
    """

    ticket: Ticket
    account: str


@dataclass(slots=True)
class Prepared:
    """What a run is going to do.

    Args:
        worklist: The jobs with work.
        needs: Who waits for whom.
        actions: Selected jobs by action.
        settled: Selected jobs that the run does not touch, by state.
        queues: By account.
        waiting: Jobs that need others, in one queue for all of an account that need the same.
        givers: Delivered jobs, by id: those written by themselves, and those that somebody needs by id.
        resumed: (id, fingerprint) of the paid jobs that go on.
        lengths_s: How long the results of open tasks will last, as far as known, by id and fingerprint: only where a budget asks for it.
        work: Jobs with work.
        expected: What the submissions are expected to cost as far as known; an unknown price counts in `unpriced`.
        unpriced: Submissions whose price is unknown.
        census: What the survey met.
        undelivered: Of jobs that were delivered once, whose file is gone and cannot be fetched: why, by id.
    """

    worklist: Worklist
    needs: Needs = field(default_factory=Needs)
    actions: Counter[Action] = field(default_factory=Counter)
    settled: Counter[State] = field(default_factory=Counter)
    queues: dict[str, Queues] = field(default_factory=dict)
    waiting: dict[tuple[str, tuple[str, ...]], Queue] = field(default_factory=dict)
    givers: dict[str, Giver] = field(default_factory=dict)
    resumed: set[tuple[str, str]] = field(default_factory=set)
    lengths_s: dict[tuple[str, str], float] = field(default_factory=dict)
    work: int = 0
    expected: Decimal = Decimal(0)
    unpriced: int = 0
    census: Census = field(default_factory=Census)
    undelivered: dict[str, str] = field(default_factory=dict)

    @property
    def selected(self) -> int:
        """How many jobs the run is about."""
        return sum(self.actions.values())

    @property
    def sources(self) -> set[str]:
        """The accounts that have the tasks of delivered jobs which the work needs."""
        return {self.givers[need].account for _, needs in self.waiting for need in needs if need in self.givers}


def prepare(
    campaign: Campaign,
    store: Store,
    delivery: Delivery,
    scope: Scope,
    *,
    folder: Path,
    has_budget: bool = False,
    after_kill: bool = False,
    note: Callable[[Surveyed], None] | None = None,
    can_look_up: Callable[[Job | Standing], bool] = lambda _row: False,
) -> Prepared:
    """Survey the whole manifest and queue what there is to do.

    Args:
        campaign: The manifest.
        store: The state.
        delivery: Looks at delivered files.
        scope: Which jobs.
        folder: Where the worklist's temporary file lies.
        has_budget: Whether a budget is set: then an unknown price is a finding.
        after_kill: Whether the run before was killed: it may have left traces of a delivery that is done.
        note: Told of every chosen job and its decision, in order; None tells nobody.
        can_look_up: Whether the API of a job in doubt can be asked for it again.

    Returns:
        The prepared run; the caller closes its worklist.

    Raises:
        ManifestInvalid: Something is wrong; nothing was sent.
        StorageFailed: The worklist could not be kept.
    """
    findings, unsaid = Findings(), Unsaid()
    prepared = Prepared(Worklist(folder))
    prices = PriceCheck(campaign.accounts, has_budget=has_budget)
    with ExitStack() as undo:
        undo.callback(prepared.worklist.close)
        for entry in survey(campaign, store, delivery, scope, findings, census=prepared.census):
            for finding in (*filter(unsaid, entry.findings), *_unpriced(prices, entry)):
                findings(finding)
            if entry.decision.action.costs:
                _count_price(prepared, campaign, entry.spec)
            if has_budget:
                _keep_length(prepared, entry)
            if after_kill and entry.decision.action is Action.UP_TO_DATE:
                delivery.tidy(entry.spec.output)
            if note is not None:
                note(entry)
            _queue(prepared, entry, can_look_up)
        findings.raise_if_invalid()
        _learn_of_needed(prepared, lambda: survey(campaign, store, delivery, scope, lambda _: None))
        undo.pop_all()
    return prepared


def _unpriced(prices: PriceCheck, entry: Surveyed) -> tuple[Diagnostic, ...]:
    """What is wrong with the price of a job that would be submitted."""
    finding = prices.finding(entry.spec) if entry.decision.action.costs else None
    return () if finding is None else (finding,)


def _keep_length(prepared: Prepared, entry: Surveyed) -> None:
    """Keep what tells the price of an open task, should it have been submitted without one."""
    spec, job = entry.spec, entry.decision.job
    if job is not None and job.state.is_paid_and_open and spec.duration_s is not None:
        prepared.lengths_s[spec.id, spec.fingerprint] = spec.duration_s


def _queue(prepared: Prepared, entry: Surveyed, can_look_up: Callable[[Job | Standing], bool]) -> None:
    spec, decision = entry.spec, entry.decision
    prepared.actions[decision.action] += 1
    is_asked_again = decision.action is Action.IN_DOUBT and decision.job is not None and can_look_up(decision.job)
    if not decision.action.is_work and not is_asked_again:
        prepared.settled[_settle(prepared, entry)] += 1
        _note(prepared, entry, _met(entry))
        return
    prepared.work += 1
    _note(prepared, entry, _met(entry))
    ticket = prepared.worklist.add(spec, decision.action, is_new=decision.job is None, is_met=decision.is_met)
    # A paid task is followed on the account that it was submitted on, whichever the manifest names now.
    account = decision.job.account if decision.job is not None and not decision.action.costs else spec.account
    queues = prepared.queues.setdefault(account, Queues())
    match decision.action:
        case Action.REATTACH | Action.IN_DOUBT:
            prepared.resumed.add((spec.id, spec.fingerprint))
            queues.resume.append(ticket)
        case Action.DOWNLOAD:
            queues.download.append(ticket)
        case _ if spec.needs:
            prepared.waiting.setdefault((spec.account, spec.needs), Queue()).append(ticket)
        case _:
            queues.submit.append(ticket)


def _settle(prepared: Prepared, entry: Surveyed) -> State:
    """The state that a job ends in which the run does not touch. One whose file is gone for good was delivered, but is not done."""
    decision = entry.decision
    if decision.job is None:
        return State.PENDING
    if decision.action is Action.BLOCKED and decision.job.state is State.SUCCEEDED:
        prepared.undelivered[entry.spec.id] = decision.reason
        return State.FAILED
    return decision.job.state


def _note(prepared: Prepared, entry: Surveyed, met: Met) -> None:
    spec = entry.spec
    prepared.needs.note(spec.id, spec.name, spec.fingerprint, met)
    if spec.id == spec.name:
        _keep(prepared, entry)


def _keep(prepared: Prepared, entry: Surveyed) -> None:
    """Keep what a delivered job asked for: its task may have to be asked for outputs, and its provider needs that to choose among them."""
    job = entry.decision.job
    if job is not None and has_given(job):
        ticket = prepared.worklist.add(entry.spec, entry.decision.action, is_new=False)
        prepared.givers[entry.spec.id] = Giver(ticket, job.account)


def _learn_of_needed(prepared: Prepared, again: Callable[[], Iterator[Surveyed]]) -> None:
    """A second pass, only when a job needs one of many by its id: which of many are needed is known after the first."""
    missing = prepared.needs.unknown(need for _, needs in prepared.waiting for need in needs)
    if not missing:
        return
    for entry in again():
        if entry.spec.id in missing:
            prepared.needs.remember(entry.spec.id, entry.spec.fingerprint, _met(entry))
            _keep(prepared, entry)


def _met(entry: Surveyed) -> Met:
    if entry.decision.is_met:
        return Met.YES
    return Met.OPEN if entry.decision.action.is_work else Met.NO


def _count_price(prepared: Prepared, campaign: Campaign, spec: JobSpec) -> None:
    expected = campaign.accounts[spec.account].expected_price(spec.operation, spec.duration_s)
    if expected is None:
        prepared.unpriced += 1
    else:
        prepared.expected += expected
