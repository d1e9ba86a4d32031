"""Which delivered jobs have to be made again because what they gave is too old for a job that is going to be submitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.ageing import age_s, margin_s, too_old
from runner.core.job import State
from runner.core.plan import Action, Decision, FileState, decide
from runner.engine.holding import held_against

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.core.job import Job
    from runner.core.plan import Standing
    from runner.core.ports import Store
    from runner.core.spec import Campaign, JobSpec
    from runner.engine.holding import Chosen
    from runner.engine.survey import Scope


@dataclass(slots=True)
class Renewals:
    """Knows who needs young outputs. Nearly always nobody, and then it has read nothing but one row of the state.

    Memory: an entry for each needed job while jobs are to be submitted that need it young.

    Args:
        now: Unix seconds.
    """

    now: float
    _users: dict[str, tuple[float, str]] = field(default_factory=dict)
    """By needed job: the most seconds that its outputs may be used, and the job that says so."""

    @classmethod
    def of(cls, campaign: Campaign, store: Store, scope: Scope, chosen: Chosen) -> Renewals:
        """Look through the manifest for jobs that will be submitted and need young outputs, if any output has grown old.

        Args:
            campaign: The manifest.
            store: The state; read only.
            scope: What the command is about.
            chosen: The jobs that it is about.
        """
        renewals = cls(scope.now)
        if not campaign.ageing:
            return renewals
        least_s = min(campaign.ageing.values())
        if store.has_aged(campaign.ageing.keys(), scope.now - least_s + margin_s(least_s)):
            renewals._look_through(campaign, store, scope, chosen)
        return renewals

    def decide(self, spec: JobSpec, decision: Decision) -> Decision:
        """What to do with a job, given what is decided when nobody needs it young.

        Args:
            spec: The job.
            decision: That decision.

        Returns:
            To make it again, when it is delivered and too old for a job that will be submitted; else the decision as it was.
        """
        reason = self._outgrown(spec, decision.job)
        if reason is None or decision.action not in (Action.UP_TO_DATE, Action.DOWNLOAD):
            return decision
        return Decision(Action.RECREATE, reason, decision.job)

    def _outgrown(self, spec: JobSpec, job: Job | Standing | None) -> str | None:
        if job is None or spec.id not in self._users or job.state not in (State.SUCCEEDED, State.FAILED):
            return None
        most_s, user = self._users[spec.id]
        age = age_s(job, self.now)
        return too_old(age, most_s, user) if age > most_s - margin_s(most_s) else None

    def _look_through(self, campaign: Campaign, store: Store, scope: Scope, chosen: Chosen) -> None:
        """Passes over the manifest until nobody new is needed; more than one only where what is made again needs others in its turn."""
        known, names = -1, set[str]()
        while known < len(self._users):
            known = len(self._users)
            ageing = (spec for spec in campaign.jobs(lambda _: None) if spec.ageing)
            for spec, rows in held_against(campaign, store.standings, ageing):
                names.add(spec.name)
                if chosen.holds(spec, rows) and self._is_submitted(spec, rows, scope):
                    self._need(spec)
            if names.isdisjoint(job_id.partition("/")[0] for job_id in self._users):
                return

    def _is_submitted(self, spec: JobSpec, rows: Sequence[Job | Standing], scope: Scope) -> bool:
        if spec.obstacles:
            return False
        # Whether a file is where it belongs makes no job to be submitted that otherwise is not.
        decision = decide(spec, rows, lambda _: FileState.UNCHANGED, retry_failed=scope.retry_failed)
        return self.decide(spec, decision).action.costs

    def _need(self, spec: JobSpec) -> None:
        for needed, most_s in spec.ageing:
            if needed not in self._users or most_s < self._users[needed][0]:
                self._users[needed] = (most_s, spec.id)
