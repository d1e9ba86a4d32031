"""Taking over what was paid elsewhere: which tasks at a provider are jobs of a manifest, and how those jobs go on with them.

A task that carries our own id of an attempt (`runner.core.identity`) is that attempt, whichever machine has submitted it. Any other task
is a job's only because a person says so. Only jobs without a task of their own take one, and only a task that is no other job's: what is
paid already is never paid, or delivered, in another's place. A submission whose fate nobody knows may have become a task, so it takes
that task and no other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Final

from runner.core import events
from runner.core.answers import Ended
from runner.core.identity import external_id
from runner.core.job import Job, State, advance
from runner.core.plan import Action
from runner.core.ports import Move
from runner.core.selection import Selection
from runner.engine.aftermath import doubt_of
from runner.engine.submit import new_job, reopening
from runner.engine.survey import select
from runner.engine.worklist import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from runner.core.diagnostics import Diagnostic
    from runner.core.events import Event
    from runner.core.money import Money
    from runner.core.ports import ListedTask, Store, TaskList
    from runner.core.renames import Renames
    from runner.core.spec import Campaign, JobSpec


_MOST_ATTEMPTS: Final = 100

_OPEN: Final = (State.SUBMITTING, State.IN_DOUBT)
"""A submission was sent from here, and nobody knows yet what became of it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A task at a provider that may be a job's.

    Args:
        task_id: The provider's name for it.
        ended: Why it ended without a result; None for one that runs or has its result.
        created_at: When the provider took it, in Unix seconds; None when that is not known.
    """

    task_id: str
    ended: str | None = None
    created_at: float | None = None


class Fate(Enum):
    """What becomes of a task that is a job's."""

    ATTACHED = "attached"
    """The job goes on with it."""
    KNOWN = "known"
    """The job has a task already, this one or another; or it was submitted since, and nobody knows yet what became of that."""
    FAILED = "failed"
    """It has ended without a result, and the job may be submitted."""


@dataclass(frozen=True, slots=True)
class Match:
    """A job and a task that is its own.

    Args:
        spec: What is asked for.
        job: Where it stands; pending and never stored for one that the state does not know.
        offer: The task.
        own_id: Our own id of the attempt that the task is.
        fate: What becomes of it.
        tasks: How many of the offered tasks are attempts at the job.
    """

    spec: JobSpec
    job: Job
    offer: Offer
    own_id: str
    fate: Fate
    tasks: int = 1


def offer_of(task: ListedTask, task_list: TaskList) -> Offer:
    """A listed task as an offer. Whether it has failed does not depend on what was asked for, so nobody need know that."""
    answer = task_list.read_task(task, {})
    return Offer(task.task_id, answer.failure.message if isinstance(answer, Ended) else None, task.created_at)


def takes_task(job: Job) -> bool:
    """Whether a job has no task that was paid for, and may be given one."""
    match job.state:
        case State.PENDING | State.SKIPPED | State.IN_DOUBT:
            return True
        case State.SUBMITTING:  # a stored reply says more: the next run reads it
            return job.reply is None
        case State.FAILED:
            return job.task_id is None
        case _:
            return False


def owners(store: Store, task_ids: Collection[str]) -> dict[str, Job]:
    """The jobs that have some of these tasks already, by task id. One pass over the state.

    Args:
        store: The state; read only.
        task_ids: The tasks.
    """
    rows = store.all_rows() if task_ids else ()
    return {row.task_id: row for row in rows if row.task_id is not None and row.task_id in task_ids}


def job_of(spec: JobSpec, row: Job | None) -> Job:
    """Where a job stands; for one that the state does not know, the pending job that it would begin as."""
    return row if row is not None else new_job(Work(0, spec, Action.CREATE, is_new=True))


def matches(
    campaign: Campaign,
    store: Store,
    account: str,
    offers: Mapping[str, Offer],
    report: Callable[[Diagnostic], None],
) -> Iterator[Match]:
    """The jobs of an account whose tasks are among those offered, in manifest order, streamed.

    Args:
        campaign: The manifest.
        store: The state; read only.
        account: The account that has the tasks.
        offers: Tasks by our own ids. Those that another job has already, perhaps because it once had this one's name, are left out.
        report: Takes findings; a job with an error is left out.
    """
    earlier = _EarlierIds(campaign.moved)
    whose = owners(store, {offer.task_id for offer in offers.values()})
    for selected in select(campaign, store, Selection(), report):
        spec = selected.spec
        if spec.account != account or spec.obstacles:
            continue
        job = job_of(spec, selected.job)
        own_ids = dict.fromkeys(
            own_id
            for job_id in (spec.id, *earlier.of(spec.id))
            for own_id in _attempts(campaign.name, job_id, job, offers)
        )
        found = {own_id: offers[own_id] for own_id in own_ids if not _is_others(whose.get(offers[own_id].task_id), job)}
        if found:
            yield _match(spec, job, found)


def is_own(campaign: Campaign, match: Match, own_id: str) -> bool:
    """Whether one of our own ids is that of an attempt at a match's job, under its name or an earlier one.

    A state that was lost has not counted the attempts, so the first hundred are looked at.
    """
    if own_id in (match.own_id, match.job.external_id):
        return True
    job_ids = (match.spec.id, *_EarlierIds(campaign.moved).of(match.spec.id))
    attempts = range(1, _MOST_ATTEMPTS + 1)
    return any(external_id(campaign.name, it, match.job.fingerprint, n) == own_id for it in job_ids for n in attempts)


def _attempts(manifest: str, job_id: str, job: Job, offers: Mapping[str, Offer]) -> Iterator[str]:
    """Our own ids of the attempts at a job that are among the offers, the latest first.

    Behind the job's own attempt only while tasks are found: a state that was lost has counted fewer than there were. A job that has had a
    result and is made again has its earlier tasks behind it: they are too old, or gone. One that has its result may have been made again
    elsewhere.
    """
    replaced = job.task_id if job.ready_at is not None else None
    renewal = external_id(manifest, job_id, job.fingerprint, job.attempt + 1, replaces=replaced)
    found = [renewal] if replaced is not None and renewal in offers else []
    for attempt in count(job.attempt if job.outputs or job.output is not None else 1):
        own_id = job.external_id if attempt == job.attempt and job.external_id is not None else None
        own_id = own_id or external_id(manifest, job_id, job.fingerprint, attempt)
        if own_id in offers:
            found.append(own_id)
        elif attempt >= job.attempt:
            break
    return reversed(found)


def _is_others(owner: Job | None, job: Job) -> bool:
    return owner is not None and (owner.id, owner.fingerprint) != (job.id, job.fingerprint)


def _match(spec: JobSpec, job: Job, found: Mapping[str, Offer]) -> Match:
    """What becomes of the attempts at a job that were found, by our own ids, the latest first."""
    candidates = [own_id for own_id in found if job.state not in _OPEN or own_id == job.external_id]
    own_id = next((each for each in candidates if found[each].ended is None), [*candidates, *found][0])
    fate = Fate.ATTACHED if found[own_id].ended is None else Fate.FAILED
    is_taken = takes_task(job) and bool(candidates)
    return Match(spec, job, found[own_id], own_id, fate if is_taken else Fate.KNOWN, len(found))


class _EarlierIds:
    """The ids that jobs had before their renames: a task that was submitted under one of them carries its id.

    Args:
        renames: The manifest's.
    """

    def __init__(self, renames: Renames) -> None:
        self._by_new: dict[str, list[str]] = defaultdict(list)
        for entry in renames.entries:
            self._by_new[entry.new].append(entry.old)

    def of(self, job_id: str) -> Iterator[str]:
        """All earlier ids of a job, the latest first; each once."""
        seen, open_ids = {job_id}, [job_id]
        while open_ids and self._by_new:
            now = open_ids.pop(0)
            for old in self._before(now):
                if old not in seen:
                    seen.add(old)
                    open_ids.append(old)
                    yield old

    def _before(self, job_id: str) -> Iterator[str]:
        parts = job_id.split("/")
        for length in range(len(parts), 0, -1):
            rest = parts[length:]
            for old in self._by_new.get("/".join(parts[:length]), ()):
                yield "/".join((old, *rest))


@dataclass(frozen=True, slots=True)
class Word:
    """A person's word that a task is a job's.

    Args:
        who: The person, as `user@host`.
        why: On what grounds.
    """

    who: str
    why: str


def attachment(match: Match, *, at: float, reserved: Money | None, word: Word | None = None) -> Move:
    """How a job goes on with a task.

    Args:
        match: The job and the task; `takes_task` holds for the job.
        at: Unix seconds: now.
        reserved: What the task is expected to cost; None when unknown. A job in doubt has reserved it already.
        word: Who says so; None where the task carries our own id.

    Returns:
        The move to commit: to a running task whose money is reserved, as if this state had submitted it, at the time at which the provider
        took it where that is known. The age of what it gives counts from then.
    """
    after = match.job
    story = tuple(_story(match, at, reserved, word))
    for event in story:
        after = advance(after, event)
    return Move(before=match.job, events=story, after=after)


def _story(match: Match, at: float, reserved: Money | None, word: Word | None) -> Iterator[Event]:
    job, task_id, taken_at = match.job, match.offer.task_id, _taken_at(match, at)
    if job.state not in _OPEN:
        yield from reopening(job, at)
        yield events.SubmitStarted(
            at=taken_at,
            external_id=match.own_id,
            request_sha256="",  # whoever has sent it knows its bytes
            request=None,
            reserved=reserved,
            output_stem=match.spec.output,
        )
    if job.state is State.SUBMITTING and word is not None:
        yield events.SubmitLost(at=at, failure=doubt_of("the run ended before the reply was stored"))
    if job.state in _OPEN and word is not None:
        yield events.Adopted(at=at, who=word.who, why=word.why, task_id=task_id)
    else:
        yield events.TaskFound(at=taken_at, task_id=task_id)


def _taken_at(match: Match, at: float) -> float:
    """When the provider took a task, as far as known: not after now, and not before this state has sent it."""
    taken_at = at if match.offer.created_at is None else min(match.offer.created_at, at)
    sent_at = match.job.submitted_at if match.job.state in _OPEN else None
    return taken_at if sent_at is None else max(taken_at, sent_at)
