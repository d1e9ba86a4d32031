"""The first pass of every run, and all of `plan`: hold every job of the manifest against the state and decide.

Nothing is sent before the survey has seen every job: a finding in the last row of a CSV stops the run before the first cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from runner.core.collected import Collected
from runner.core.errors import ManifestInvalid
from runner.core.plan import Action, Decision, decide
from runner.core.ports import Traits
from runner.core.selection import Selection
from runner.engine.holding import Chosen, held_against, own_row
from runner.engine.lengths import with_lengths
from runner.engine.renewal import Renewals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runner.core.diagnostics import Diagnostic
    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Delivery, Store
    from runner.core.spec import Campaign, JobSpec


USUAL: Final = Traits()
"""Of an operation of which nothing else is known."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A job of the manifest and what the run would do with it.

    Args:
        spec: What is asked for.
        decision: What to do; its `job` is the row of this fingerprint.
    """

    spec: JobSpec
    decision: Decision

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The files without which a run of this job cannot begin; none where its task is paid already and goes on without them."""
        return () if self.decision.job is not None else self.spec.obstacles


@dataclass(slots=True)
class Findings:
    """Collects what is wrong with a manifest, bounded in memory; counts go on."""

    collected: Collected = field(default_factory=Collected)

    def __call__(self, diagnostic: Diagnostic) -> None:
        """Take one."""
        self.collected(diagnostic)

    def raise_if_invalid(self) -> None:
        """End the command when an error was found.

        Raises:
            ManifestInvalid: With everything found.
        """
        if self.collected.has_errors:
            found = self.collected.found()
            raise ManifestInvalid(found.diagnostics, not_kept=found.not_kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a command is about.

    Args:
        now: Unix seconds: how old outputs are that may be used for a time only.
        selection: Chosen jobs; what they need is chosen with them.
        retry_failed: Whether another attempt is allowed at what failed for good.
        traits: What may be relied on for the operations of the manifest, by `<type>/<operation>`; the usual for those that are not there.
    """

    now: float
    selection: Selection = field(default_factory=Selection)
    retry_failed: bool = False
    traits: Mapping[str, Traits] = field(default_factory=dict)

    def traits_of(self, operation: str) -> Traits:
        """What may be relied on for an operation, `<type>/<operation>`."""
        return self.traits.get(operation, USUAL)


@dataclass(frozen=True, slots=True)
class Selected:
    """A chosen job and its rows.

    Args:
        spec: What is asked for.
        rows: The state's rows of this id, every fingerprint.
    """

    spec: JobSpec
    rows: Sequence[Job]

    @property
    def job(self) -> Job | None:
        """The row that the job is known by."""
        return own_row(self.spec, self.rows)


@dataclass(slots=True)
class Census:
    """Counts the rows that a pass over the manifest meets.

    Nearly always these are all rows of the state, and then nobody need go through manifest and state once more for orphans.

    Args:
        rows: Rows of the manifest's ids, every fingerprint.
        has_stranded: Whether one of them is a paid and open job of other inputs than the manifest's.
        current: The fingerprint that the manifest asks for, of the ids that have or will have several rows.
    """

    rows: int = 0
    has_stranded: bool = False
    current: dict[str, str] = field(default_factory=dict)

    def note(self, spec: JobSpec, rows: Sequence[Job | Standing]) -> None:
        """A job of the manifest, chosen or not, and its rows."""
        self.rows += len(rows)
        if len(rows) > 1 or (rows and rows[0].fingerprint != spec.fingerprint):
            self.has_stranded |= any(row.state.is_paid_and_open and row.fingerprint != spec.fingerprint for row in rows)
            self.current[spec.id] = spec.fingerprint

    def may_miss_orphans(self, known: int) -> bool:
        """Whether `orphans` would find any.

        Args:
            known: How many rows the state has, counted after the pass.
        """
        return self.has_stranded or known != self.rows


def select(
    campaign: Campaign,
    store: Store,
    selection: Selection,
    report: Callable[[Diagnostic], None],
    *,
    census: Census | None = None,
) -> Iterator[Selected]:
    """The chosen jobs with their rows, in manifest order, streamed.

    Args:
        campaign: The manifest.
        store: The state; read only.
        selection: Which jobs; what they need is chosen with them.
        report: Takes findings; a job with an error is left out.
        census: Counts what passes.
    """
    chosen = Chosen.of(selection, campaign, store)
    for spec, rows in held_against(campaign, store.rows, campaign.jobs(report)):
        if census is not None:
            census.note(spec, rows)
        if chosen.holds(spec, rows):
            yield Selected(spec, rows)


def survey(
    campaign: Campaign,
    store: Store,
    delivery: Delivery,
    scope: Scope,
    report: Callable[[Diagnostic], None],
    *,
    census: Census | None = None,
) -> Iterator[Surveyed]:
    """Every chosen job with its decision, in manifest order, streamed.

    Args:
        campaign: The manifest.
        store: The state; read only.
        delivery: Looks at delivered files.
        scope: Which jobs, and whether failed ones may be tried again.
        report: Takes findings; a job with an error is left out.
        census: Counts what passes.
    """
    chosen = Chosen.of(scope.selection, campaign, store)
    renewals = Renewals.of(campaign, store, scope, chosen)

    def decided() -> Iterator[tuple[JobSpec, Decision]]:
        for spec, rows in held_against(campaign, store.standings, campaign.jobs(report)):
            if census is not None:
                census.note(spec, rows)
            if not chosen.holds(spec, rows):
                continue
            can_be_asked = scope.traits_of(spec.operation).can_be_asked
            decision = decide(spec, rows, delivery.look, retry_failed=scope.retry_failed, can_be_asked=can_be_asked)
            if spec.obstacles:
                decision = _without_files(spec, decision)
            decision = renewals.decide(spec, decision)
            if _is_out_of_reach(campaign, decision):
                decision = _out_of_reach(decision)
            yield spec, decision

    for spec, decision in with_lengths(decided(), store):
        yield Surveyed(spec, decision)


def _without_files(spec: JobSpec, decision: Decision) -> Decision:
    """What to do with a job that lacks a file: go on with what is paid, and else nothing."""
    if decision.job is None:
        return Decision(Action.BLOCKED, spec.lacking)
    if decision.action is Action.REATTACH:
        return replace(decision, reason=f"{decision.reason}; {spec.lacking}")
    return decision


def _is_out_of_reach(campaign: Campaign, decision: Decision) -> bool:
    """Whether the job's paid task lies on an account that the manifest does not have: no other account knows it."""
    goes_on = decision.action in (Action.REATTACH, Action.DOWNLOAD)
    return goes_on and decision.job is not None and decision.job.account not in campaign.accounts


def _out_of_reach(decision: Decision) -> Decision:
    assert decision.job is not None
    account = decision.job.account
    reason = f"its task was submitted on account `{account}`, which the manifest does not have; put it back under `providers:`"
    if decision.action is Action.DOWNLOAD:
        reason = f"{decision.reason}; {reason}"
    return Decision(Action.BLOCKED, reason, decision.job)


def orphans(campaign: Campaign, store: Store) -> Iterator[Job]:
    """Rows that the manifest does not ask for (any more), ordered by id.

    These are all rows of ids that it does not have, and of the ids that it has the earlier jobs whose task is paid and not
    brought home: what was paid stays visible.
    """
    ids: set[int] = set()
    current: set[int] = set()

    def lacking() -> Iterator[JobSpec]:
        for spec in campaign.jobs(lambda _: None):
            ids.add(hash(spec.id))
            if spec.obstacles:
                yield spec
            else:
                current.add(hash((spec.id, spec.fingerprint)))

    for spec, _ in held_against(campaign, store.standings, lacking()):
        current.add(hash((spec.id, spec.fingerprint)))
    for row in store.all_rows():
        is_open = row.state.is_paid_and_open and hash((row.id, row.fingerprint)) not in current
        if is_open or hash(row.id) not in ids:
            yield row
