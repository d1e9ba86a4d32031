"""How long results will last that last as long as what another job has given: known as soon as that one is delivered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from runner.core.giving import has_given
from runner.engine.holding import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.core.job import Job
    from runner.core.plan import Decision
    from runner.core.ports import Store
    from runner.core.spec import JobSpec


def with_lengths(decided: Iterable[tuple[JobSpec, Decision]], store: Store) -> Iterator[tuple[JobSpec, Decision]]:
    """The same jobs, those to be submitted with the length of their results where a delivered job gives it; in order, streamed.

    Args:
        decided: Jobs and what to do with them.
        store: The state; read only.
    """
    remaining = iter(decided)
    while batch := list(islice(remaining, BATCH)):
        known = _known([spec.lasts_as for spec, decision in batch if decision.action.costs and spec.lasts_as], store)
        for spec, decision in batch:
            yield (_with_length(spec, known) if known and decision.action.costs else spec), decision


def _known(givers: Sequence[str], store: Store) -> Mapping[str, Sequence[Job]]:
    """The delivered rows of these jobs, by id."""
    found: defaultdict[str, list[Job]] = defaultdict(list)
    for job_id, rows in (store.rows(list(dict.fromkeys(givers))) if givers else {}).items():
        found[job_id] += (row for row in rows if has_given(row))
    return found


def _with_length(spec: JobSpec, known: Mapping[str, Sequence[Job]]) -> JobSpec:
    # What a job asks for names the fingerprints of those that it needs: an older row of the same id is not what it will last as.
    rows = known.get(spec.lasts_as or "", ())
    found = next((length_s(row) for row in rows if row.fingerprint.encode() in spec.content), None)
    return spec if found is None else replace(spec, duration_s=found)


def length_s(row: Job) -> float | None:
    """How long what a delivered job gave lasts, in seconds; None when unknown."""
    said = row.outputs.get("duration_s")
    if isinstance(said, int | float):
        return float(said)
    return None if row.output is None else row.output.duration_s
