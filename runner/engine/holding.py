"""The manifest's jobs held against the state, in batches; and which of them a selection means, with all that these need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from runner.core.job import Job, State
from runner.core.plan import Standing
from runner.engine.needs import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from runner.core.ports import Store
    from runner.core.selection import Selection
    from runner.core.spec import Campaign, JobSpec

Row = TypeVar("Row", bound=Job | Standing)

BATCH = 500
"""Jobs held against the state with one query; SQLite is no faster with more."""


def held_against(
    campaign: Campaign,
    read: Callable[[Sequence[str]], Mapping[str, Sequence[Row]]],
    jobs: Iterable[JobSpec],
) -> Iterator[tuple[JobSpec, Sequence[Row]]]:
    """Every job with its rows, in order, streamed.

    Args:
        campaign: The manifest that the jobs are from.
        read: Gives the rows of many ids: `Store.rows` or `Store.standings`.
        jobs: As the manifest makes them.
    """
    remaining = iter(jobs)
    while batch := list(islice(remaining, BATCH)):
        rows = read([spec.id for spec in batch])
        for asked in batch:
            own = rows.get(asked.id, ())
            yield _as_paid(asked, own, campaign) if asked.obstacles else asked, own


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


def own_row(spec: JobSpec, rows: Sequence[Row]) -> Row | None:
    """The row of this very fingerprint; where a missing file leaves that unknown, the newest one, unless another task is open there."""
    own = next((row for row in rows if row.fingerprint == spec.fingerprint), None)
    if own is None and spec.obstacles and rows and not rows[-1].state.is_paid_and_open:
        return rows[-1]
    return own


@dataclass(frozen=True, slots=True)
class Chosen:
    """The jobs that a selection means, and those that they need.

    Args:
        selection: The selection.
        needed: Needs of the selected jobs and of what these need, as in `JobSpec.needs`.
    """

    selection: Selection
    needed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, selection: Selection, campaign: Campaign, store: Store) -> Chosen:
        """What a selection means in a manifest; a pass over the jobs that need others, unless everything is chosen.

        Args:
            selection: The selection.
            campaign: The manifest.
            store: The state; read only.
        """
        if selection.is_everything:
            return cls(selection)
        return cls(selection, _needed_by(cls(selection), campaign, store))

    def holds(self, spec: JobSpec, rows: Sequence[Job | Standing]) -> bool:
        """Whether a job is among them.

        Args:
            spec: The job.
            rows: Its rows.
        """
        if self.selection.is_everything or self.selection.holds(spec, lambda: _current_state(spec, rows)):
            return True
        return spec.id in self.needed or spec.name + EVERY in self.needed


def _current_state(spec: JobSpec, rows: Sequence[Job | Standing]) -> State:
    own = own_row(spec, rows)
    return State.PENDING if own is None else own.state


def _needed_by(directly: Chosen, campaign: Campaign, store: Store) -> frozenset[str]:
    """The needs of the selected jobs, and the needs of those: a closure over the jobs that need anything."""
    needs: dict[str, tuple[str, tuple[str, ...]]] = {}
    wanted: set[str] = set()
    dependants = (spec for spec in campaign.jobs(lambda _: None) if spec.needs)
    for spec, rows in held_against(campaign, store.standings, dependants):
        needs[spec.id] = (spec.name, spec.needs)
        if directly.holds(spec, rows):
            wanted.update(spec.needs)
    grown = -1
    while grown != len(wanted):
        grown = len(wanted)
        for job_id, (name, own) in needs.items():
            if job_id in wanted or name + EVERY in wanted:
                wanted.update(own)
    return frozenset(wanted)
