"""Which delivered jobs have to be made again because what they gave is too old, or not to be had, for a job that is going to be submitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

from runner.core import references
from runner.core.ageing import age_s, margin_s, too_old
from runner.core.codes import Code
from runner.core.giving import has_given, is_only_recorded, said_no_more
from runner.core.plan import Action, Decision, FileState, decide
from runner.engine.holding import BATCH, held_against, own_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.core.events import Failure
    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Store
    from runner.core.spec import Campaign, JobSpec
    from runner.engine.holding import Chosen
    from runner.engine.survey import Scope


@dataclass(slots=True)
class Renewals:
    """Knows who needs outputs that are too old or not to be had. Nearly always nobody, and then it has read next to nothing of the state.

    Memory: an entry for each needed job while jobs are to be submitted that need it young, and for each whose outputs are not to be had.

    Args:
        scope: What the command is about.
    """

    scope: Scope
    _young: dict[str, tuple[float, str]] = field(default_factory=dict)
    """By needed job: the most seconds that its outputs may be used, and the job that says so."""
    _missed: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By needed job: an output of it that is not to be had, and a job that uses it."""

    @classmethod
    def of(cls, campaign: Campaign, store: Store, scope: Scope, chosen: Chosen) -> Renewals:
        """Look through the manifest for jobs that will be submitted and need what is too old or not to be had, if the state has any such thing.

        Args:
            campaign: The manifest.
            store: The state; read only.
            scope: What the command is about.
            chosen: The jobs that it is about.
        """
        renewals = cls(scope)
        if renewals._may_be_needed(campaign.ageing, store):
            renewals._look_through(campaign, store, chosen)
        return renewals

    def decide(self, spec: JobSpec, decision: Decision) -> Decision:
        """What to do with a job, given what is decided when nobody needs its outputs.

        Args:
            spec: The job.
            decision: That decision.

        Returns:
            To make it again, when it has given its outputs and a job that will be submitted cannot use them; else the decision as it was.
        """
        if decision.job is None or not has_given(decision.job) or not _may_be_renewed(decision):
            return decision
        reason = self._outgrown(spec.id, decision.job) or self._not_to_be_had(spec.id)
        return decision if reason is None else Decision(Action.RECREATE, reason, decision.job)

    def _may_be_needed(self, ageing: Mapping[str, float], store: Store) -> bool:
        """Ask the state whether anything can be too old or not to be had, before every job is looked at."""
        least_s = min(ageing.values(), default=inf)
        forgotten = [operation for operation, most_s in ageing.items() if most_s < inf]
        if forgotten and store.has_aged(forgotten, self.scope.now - least_s + margin_s(least_s)):
            return True
        unasked = [operation for operation in ageing if not self.scope.traits_of(operation).can_be_asked]
        return bool(unasked and store.has_recorded(unasked)) or bool(ageing and store.has_failed(Code.OUTPUT_GONE))

    def _outgrown(self, job_id: str, job: Job | Standing) -> str | None:
        if job_id not in self._young:
            return None
        most_s, user = self._young[job_id]
        age = age_s(job, self.scope.now)
        return too_old(age, most_s, user) if age > most_s - margin_s(most_s) else None

    def _not_to_be_had(self, job_id: str) -> str | None:
        if job_id not in self._missed:
            return None
        output, user = self._missed[job_id]
        return f"its `{output}` is known no more, and `{user}` needs it"

    def _look_through(self, campaign: Campaign, store: Store, chosen: Chosen) -> None:
        """Passes over the manifest until nobody new is needed; more than one only where what is made again needs others in its turn."""
        known, names = -1, set[str]()
        while known < self._known:
            known = self._known
            users = self._submitted(campaign, store, chosen, names)
            while batch := list(islice(users, BATCH)):
                self._note_ages(spec for spec, _ in batch)
                self._note_missed(batch, store)
            if names.isdisjoint(job_id.partition("/")[0] for job_id in (*self._young, *self._missed)):
                return

    @property
    def _known(self) -> int:
        return len(self._young) + len(self._missed)

    def _submitted(
        self, campaign: Campaign, store: Store, chosen: Chosen, names: set[str]
    ) -> Iterator[tuple[JobSpec, Failure | None]]:
        """The jobs that will be submitted and need others, with why they failed before; `names` takes the names of all that need others."""
        needing = (spec for spec in campaign.jobs(lambda _: None) if spec.needs)
        for spec, rows in held_against(campaign, store.standings, needing):
            names.add(spec.name)
            if chosen.holds(spec, rows) and self._is_submitted(spec, rows):
                row = own_row(spec, rows)
                yield spec, None if row is None else row.failure

    def _is_submitted(self, spec: JobSpec, rows: Sequence[Job | Standing]) -> bool:
        if spec.obstacles:
            return False
        # Whether a file is where it belongs makes no job to be submitted that otherwise is not.
        decision = decide(spec, rows, lambda _: FileState.UNCHANGED, retry_failed=self.scope.retry_failed)
        return self.decide(spec, decision).action.costs

    def _note_ages(self, users: Iterable[JobSpec]) -> None:
        for spec in users:
            for needed, most_s in spec.ageing:
                if needed not in self._young or most_s < self._young[needed][0]:
                    self._young[needed] = (most_s, spec.id)

    def _note_missed(self, users: Sequence[tuple[JobSpec, Failure | None]], store: Store) -> None:
        uses = [(ref, spec, failure) for spec, failure in users for ref in references.find(spec.inputs)]
        rows = store.rows(list(dict.fromkeys(ref.job for ref, _, _ in uses))) if uses else {}
        for ref, spec, failure in uses:
            row = next((row for row in rows.get(ref.job, ()) if row.fingerprint.encode() in spec.content), None)
            if row is None or row.outputs.get(ref.output) is not None or ref.job in self._missed:
                continue
            if is_only_recorded(row) and self._is_gone(row, failure):
                self._missed[ref.job] = (ref.output, spec.id)

    def _is_gone(self, row: Job, failure: Failure | None) -> bool:
        """Whether asking a delivered job's task for outputs that the lock file does not hold leads to nothing."""
        traits = self.scope.traits_of(row.operation)
        kept_s = traits.result_lifetime_s
        is_forgotten = kept_s is not None and age_s(row, self.scope.now) > kept_s
        return not traits.can_be_asked or is_forgotten or said_no_more(failure, row.id)


def _may_be_renewed(decision: Decision) -> bool:
    """Whether nothing else is to be done with a job than to bring its file back, which a new one makes needless."""
    return decision.action in (Action.UP_TO_DATE, Action.DOWNLOAD, Action.BLOCKED)
