"""What a state knows to be paid and delivered, as the lock file tells it."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, or_, select, tuple_

from runner.core.job import State
from runner.store.library import PAGE_ROWS
from runner.store.receipts import Receipt
from runner.store.rows import decode_output
from runner.store.schema import EVENTS, JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.store.library import Library

SUPERSEDED_S: Final = 30 * 86_400.0
"""How long a job whose inputs have changed since stands in the lock file: Kling keeps results for 30 days (api-facts 1.1), nobody is known
to keep them longer, and a campaign whose texts change every night would grow without end."""

_FINGERPRINT, _STATE, _DONE_AT = 2, 8, 9
"""Where these stand in a row of `_PAID`. The last is when the result was first seen: a file that is fetched again is no younger for it, and
neither is what the job gave to others."""

_PAID: Final = (
    select(
        JOBS.c.job_id, JOBS.c.seq, JOBS.c.fingerprint, JOBS.c.uses, JOBS.c.operation, JOBS.c.task_id, JOBS.c.output,
        JOBS.c.outputs, JOBS.c.state, func.coalesce(JOBS.c.ready_at, JOBS.c.done_at),
    )
    .where(
        JOBS.c.task_id.is_not(None),
        or_(JOBS.c.state == State.SUCCEEDED.value, and_(JOBS.c.output.is_not(None), JOBS.c.ready_at.is_not(None))),
        tuple_(JOBS.c.job_id, JOBS.c.seq) > tuple_(bindparam("job_id"), bindparam("seq")),
    )
    .order_by(JOBS.c.job_id, JOBS.c.seq)
    .limit(PAGE_ROWS)
)  # fmt: skip
_STORY: Final = select(EVENTS.c.job, EVENTS.c.type, func.max(EVENTS.c.seq)).where(
    EVENTS.c.job.in_(bindparam("jobs", expanding=True))
)
_STORIES: Final = _STORY.group_by(EVENTS.c.job, EVENTS.c.type)


def receipts(library: Library, current: Mapping[str, str], now: float) -> Iterator[Receipt]:
    """What was paid and delivered, ordered by id and fingerprint.

    Of several jobs of one id (its inputs changed, and may come back) the one that the manifest asks for now is told for ever, or else
    the one that was touched last; the others as long as a provider may keep their results. A job whose file is being fetched again
    counts as long as its task is the one that was delivered.

    Args:
        library: Reads the state.
        current: The fingerprint that the manifest asks for, of the ids that may have several jobs.
        now: Unix seconds.
    """
    for job_id, jobs in groupby(_paid(library), key=itemgetter(0)):
        candidates = list(jobs)
        if len(candidates) > 1 or candidates[0][_STATE] != State.SUCCEEDED.value:
            candidates = _still_delivered(candidates, library)
        if candidates:
            kept = [row for row in candidates if row[_FINGERPRINT] == current.get(job_id)] or candidates[-1:]
            kept += [row for row in candidates if row not in kept and row[_DONE_AT] > now - SUPERSEDED_S]
            yield from (_receipt(row) for row in sorted(kept, key=itemgetter(_FINGERPRINT)))


def _still_delivered(candidates: Sequence[Sequence[Any]], library: Library) -> list[Sequence[Any]]:
    """Those whose present task was delivered, the one that was touched last at the end."""
    stories: dict[int, dict[str, int]] = {}
    for job, name, seq in library.fetch(_STORIES, jobs=[row[1] for row in candidates]):
        stories.setdefault(job, {})[name] = seq
    delivered = [row for row in candidates if _is_delivered(row, stories.get(row[1], {}))]
    return sorted(delivered, key=lambda row: _touched(stories.get(row[1], {})))


def _paid(library: Library) -> Iterator[Sequence[Any]]:
    job_id, seq = "", 0
    while page := library.fetch(_PAID, job_id=job_id, seq=seq):
        yield from page
        job_id, seq = page[-1][0], page[-1][1]


def _is_delivered(row: Sequence[Any], story: Mapping[str, int]) -> bool:
    """Whether the row's file is that of its present task: no other attempt has begun since it came."""
    home = max(story.get("Delivered", 0), story.get("Recorded", 0))
    renewed = max((story.get(name, 0) for name in ("Retried", "Renewed", "Resubmitted", "Unpaid")), default=0)
    return bool(row[_STATE] == State.SUCCEEDED.value or home > renewed)


def _touched(story: Mapping[str, int]) -> int:
    """When something happened to the row last; a new id is nothing that happens to what it delivers."""
    return max((seq for name, seq in story.items() if name != "Renamed"), default=0)


def _receipt(row: Sequence[Any]) -> Receipt:
    job_id, _, fingerprint, uses, operation, task_id, output, outputs, _, done_at = row
    return Receipt(
        id=job_id,
        fingerprint=fingerprint,
        uses=uses,
        operation=operation,
        task_id=task_id,
        output=None if output is None else decode_output(output),
        outputs=json.loads(outputs),
        done_at=done_at,
    )
