"""The first pass of every run, and all of `plan`: hold every job of the manifest against the state and decide.

Nothing is sent before the survey has seen every job: a finding in the last row of a CSV stops the run before the first cent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from runner.core.collected import Collected
from runner.core.errors import ManifestInvalid
from runner.core.job import Job, State
from runner.core.plan import Action, Decision, Standing, decide
from runner.core.selection import Selection
from runner.engine.needs import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from runner.core.diagnostics import Diagnostic
    from runner.core.ports import Delivery, Store
    from runner.core.spec import Campaign, JobSpec

Row = TypeVar("Row", bound=Job | Standing)

_BATCH = 500
"""Jobs held against the state with one query; SQLite is no faster with more."""


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
        selection: Chosen jobs; what they need is chosen with them.
        retry_failed: Whether another attempt is allowed at what failed for good.
    """

    selection: Selection = field(default_factory=Selection)
    retry_failed: bool = False


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
        return _own_row(self.spec, self.rows)


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
    wanted = _needed_by_selection(campaign, store, selection)
    for spec, rows in _held_against(campaign, store.rows, campaign.jobs(report), census):
        if _is_selected(spec, rows, selection, wanted):
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
    wanted = _needed_by_selection(campaign, store, scope.selection)
    for spec, rows in _held_against(campaign, store.standings, campaign.jobs(report), census):
        if not _is_selected(spec, rows, scope.selection, wanted):
            continue
        decision = decide(spec, rows, delivery.look, retry_failed=scope.retry_failed)
        if spec.obstacles:
            decision = _without_files(spec, decision)
        if _is_out_of_reach(campaign, decision):
            decision = _out_of_reach(decision)
        yield Surveyed(spec, decision)


def _held_against(
    campaign: Campaign,
    read: Callable[[Sequence[str]], Mapping[str, Sequence[Row]]],
    jobs: Iterator[JobSpec],
    census: Census | None = None,
) -> Iterator[tuple[JobSpec, Sequence[Row]]]:
    """Every job with its rows, as `read` gives them; read in batches."""
    while batch := list(islice(jobs, _BATCH)):
        rows = read([spec.id for spec in batch])
        for asked in batch:
            own = rows.get(asked.id, ())
            spec = _as_paid(asked, own, campaign) if asked.obstacles else asked
            if census is not None:
                census.note(spec, own)
            yield spec, own


def _as_paid(spec: JobSpec, rows: Sequence[Job | Standing], campaign: Campaign) -> JobSpec:
    """A job that lacks a file, with the fingerprint of the task that is paid and open: that is what the job is until its end is seen.

    What it asks for is unknown, so no row has its fingerprint. But a task that was submitted for its id last needs no file any more.
    """
    if rows and rows[-1].state.is_paid_and_open and _is_alike(rows[-1], spec, campaign):
        return replace(spec, fingerprint=rows[-1].fingerprint)
    return spec


def _is_alike(row: Job | Standing, spec: JobSpec, campaign: Campaign) -> bool:
    """Whether a row is of the operation that is asked for, as far as the manifest knows its account."""
    account = campaign.accounts.get(row.account)
    kind, name = spec.operation.split("/")
    return row.uses.partition("/")[2] == name and (account is None or account.type == kind)


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

    for spec, _ in _held_against(campaign, store.standings, lacking()):
        current.add(hash((spec.id, spec.fingerprint)))
    for row in store.all_rows():
        is_open = row.state.is_paid_and_open and hash((row.id, row.fingerprint)) not in current
        if is_open or hash(row.id) not in ids:
            yield row


def _own_row(spec: JobSpec, rows: Sequence[Row]) -> Row | None:
    """The row of this very fingerprint; where a missing file leaves that unknown, the newest one, unless another task is open there."""
    own = next((row for row in rows if row.fingerprint == spec.fingerprint), None)
    if own is None and spec.obstacles and rows and not rows[-1].state.is_paid_and_open:
        return rows[-1]
    return own


def _current_state(spec: JobSpec, rows: Sequence[Job | Standing]) -> State:
    own = _own_row(spec, rows)
    return State.PENDING if own is None else own.state


def _is_selected(spec: JobSpec, rows: Sequence[Job | Standing], selection: Selection, wanted: frozenset[str]) -> bool:
    if selection.is_everything or selection.holds(spec, lambda: _current_state(spec, rows)):
        return True
    return spec.id in wanted or spec.name + EVERY in wanted


def _needed_by_selection(campaign: Campaign, store: Store, selection: Selection) -> frozenset[str]:
    """The needs of the selected jobs, and the needs of those: a closure over the jobs that need anything."""
    if selection.is_everything:
        return frozenset()
    needs: dict[str, tuple[str, tuple[str, ...]]] = {}
    wanted: set[str] = set()
    dependants = (spec for spec in campaign.jobs(lambda _: None) if spec.needs)
    for spec, rows in _held_against(campaign, store.standings, dependants):
        needs[spec.id] = (spec.name, spec.needs)
        if _is_selected(spec, rows, selection, frozenset()):
            wanted.update(spec.needs)
    grown = -1
    while grown != len(wanted):
        grown = len(wanted)
        for job_id, (name, own) in needs.items():
            if job_id in wanted or name + EVERY in wanted:
                wanted.update(own)
    return frozenset(wanted)
