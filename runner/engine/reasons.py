"""Why a job is to be made again: what changed, and from which line or row."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from runner.core.changes import ChangeKind, changes
from runner.core.plan import Action
from runner.engine.survey import Surveyed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.core.changes import Asked, Change
    from runner.core.ports import Store
    from runner.core.spec import Campaign, JobSpec

_BATCH: Final = 500
"""Jobs whose earlier inputs are read with one query, as in the survey."""


def explained(
    entries: Iterable[Surveyed], campaign: Campaign, store: Store, *, most: int | None = None
) -> Iterator[Surveyed]:
    """The same jobs, those to be made again with what changed in them.

    Args:
        entries: In any order, streamed.
        campaign: The manifest that they are from.
        store: The state; read only.
        most: So many of each account and operation are explained, where no more are shown; None for all.
    """
    remaining, explained_so_far = iter(entries), Counter[str]()
    while batch := list(islice(remaining, _BATCH)):
        changed = set()
        for entry in batch:
            if _is_changed(entry) and (most is None or explained_so_far[entry.spec.uses] < most):
                explained_so_far[entry.spec.uses] += 1
                changed.add(entry.spec.id)
        before = store.asked(list(changed)) if changed else {}
        yield from (_explained(entry, campaign, before) for entry in batch)


def _is_changed(entry: Surveyed) -> bool:
    """Whether it is made again for what it asks for; one that was delivered as it is asked for is made again for its age."""
    return entry.decision.action is Action.RECREATE and entry.decision.job is None


def _explained(entry: Surveyed, campaign: Campaign, before: Mapping[str, Asked]) -> Surveyed:
    if entry.spec.id not in before:
        return entry
    found = tuple(_placed(change, campaign, entry.spec) for change in changes(entry.spec, before[entry.spec.id]))
    return Surveyed(entry.spec, replace(entry.decision, changes=found))


def _placed(change: Change, campaign: Campaign, spec: JobSpec) -> Change:
    """The change with its place; a needed job that changed has its own entry in the plan."""
    return change if change.kind is ChangeKind.NEED else replace(change, place=campaign.place(spec, change.at))
