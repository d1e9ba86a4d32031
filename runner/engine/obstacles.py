"""What keeps jobs from being made, followed along their needs: who waits for a job that will not be made is not made either."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.core.job import State
from runner.core.plan import Action
from runner.engine.needs import EVERY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.core.plan import Decision
    from runner.core.spec import JobSpec
    from runner.engine.survey import Surveyed


@dataclass(slots=True)
class Obstacles:
    """Asked once for each job of a pass, in manifest order; what it learned counts in the next pass too.

    Memory: an entry for each job written by itself that will not be made, and for the blocks of many that somebody needs by id.

    Args:
        missing: Why nothing can be done on an account, by its name.
        is_stale: Whether it learned of an obstacle after a job was asked about that waits for it: another pass tells more.
    """

    missing: Mapping[str, str]
    is_stale: bool = False
    _jobs: dict[str, str] = field(default_factory=dict)
    _blocks: dict[str, str] = field(default_factory=dict)
    _followed: set[str] = field(default_factory=set)
    _free: set[str] = field(default_factory=set)

    def of(self, entry: Surveyed) -> str | None:
        """What keeps a run from doing what was decided for a job, in words; None when nothing does, or there is nothing to do."""
        spec, decision = entry.spec, entry.decision
        found = None
        if decision.action.is_work:
            found = self.missing.get(_account(spec, decision))
            if found is None and decision.action.costs:
                found = next((words for words in map(self._waiting, spec.needs) if words), None)
        is_in_the_way = found is not None or decision.action in (Action.BLOCKED, Action.IN_DOUBT)
        if is_in_the_way and not decision.is_met:
            self._note(spec, _standing(decision))
        return found

    def _note(self, spec: JobSpec, words: str) -> None:
        is_news = spec.name not in self._blocks
        self._blocks.setdefault(spec.name, words)
        if spec.id == spec.name or spec.name in self._followed:
            is_news = is_news or spec.id not in self._jobs
            self._jobs[spec.id] = words
        if is_news and (spec.id in self._free or spec.name + EVERY in self._free):
            self.is_stale = True

    def _waiting(self, need: str) -> str | None:
        name, _, part = need.partition("/")
        if need.endswith(EVERY):
            found, said = self._blocks.get(name), "one of which"
        else:
            found, said = self._jobs.get(need), "which"
            if part and name not in self._followed:
                self._followed.add(name)
                self.is_stale |= name in self._blocks
        if found is None:
            self._free.add(need)
            return None
        return f"waits for `{need.removesuffix(EVERY)}`, {said} {found}"


def _account(spec: JobSpec, decision: Decision) -> str:
    """A paid task is followed on the account that it was submitted on, whichever the manifest names now."""
    return spec.account if decision.job is None or decision.action.costs else decision.job.account


def _standing(decision: Decision) -> str:
    if decision.action is Action.IN_DOUBT:
        return "is in doubt"
    if decision.action is Action.BLOCKED and decision.job is not None:
        if decision.job.state is State.FAILED:
            return "failed"
        if decision.job.state is State.CANCELLED:
            return "was given up"
    return "is blocked"
